# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with the package installed and configured as an administrator would do it."""

import hashlib

from machine import Machine, lib

NGINX = """
events {{ }}
http {{
    access_log off;
{upstream}
    server {{
        listen 127.0.0.1:80;
{location}
    }}
}}
"""

CONFIG = """
[account]
acme-server = {url}
ca-file = /etc/acmems/ca.pem
accept-terms-of-service = yes
client-share = 0

[mgmt]
listener = 127.0.0.1:1313
default-verification = http
default-storage = file

[verification "http"]
type = http01
listener = 127.0.0.1:1380

[storage "file"]
type = file
directory = /var/lib/acmems/storage

[auth "web servers"]
ip = 127.0.0.0/8
ip = ::1
domain = *.example.org
domain = *.example.net
"""


class Server(Machine):
    """The package is installed; no unit is enabled."""

    sockets = ("acmems-mgmt.socket", "acmems-http01.socket")

    def __init__(self, directory):
        super().__init__(directory, lib.ROOT)
        try:
            self.install()
        except BaseException:
            self.stop()
            raise

    def install(self, pattern="acmems_*.deb"):
        packages = list((lib.ROOT / "build/deb").glob(pattern))
        assert len(packages) == 1, "run make deb first"
        return self.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--install",
                        f"/mnt/build/deb/{packages[0].name}")

    def configure(self, ca, *changes, more=""):
        """Write the INI file; each change is an (old, new) pair of texts."""
        text = CONFIG.format(url=ca.url)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.path("/etc/acmems/ca.pem").write_bytes(ca.ca_file.read_bytes())
        self.path("/etc/acmems/acmems.ini").write_text(text + more)

    def enable(self, ca, *changes, **more):
        """Write the INI file and enable the sockets: all that an installation needs."""
        self.configure(ca, *changes, **more)
        self.run("systemctl", "enable", "--now", *self.sockets)

    def publish(self, token, name, directory):
        """A challenge of each type, without an order: an http-01 token, a tls-alpn-01 certificate for the name."""
        lib.run("openssl", "req", "-x509", "-nodes", "-newkey", *lib.KEYS["p256"], "-days", "1", "-subj", "/CN=x",
                "-addext", f"subjectAltName=DNS:{name}", "-keyout", directory / "key", "-out", directory / "cert")
        for file, content in {
                f"http-01/{token}": f"{token}.thumbprint",
                f"tls-alpn-01/{hashlib.sha256(name.encode()).hexdigest()}":
                    (directory / "cert").read_text() + (directory / "key").read_text()}.items():
            path = f"/run/acmems/challenges/{file}"
            self.write(path, content)
            self.sh(f"chown acmems:acmems-{file.split('/')[0].replace('-', '')} {path} && chmod 640 {path}")

    def drop_in(self, unit, text, name="test"):
        self.write(f"/etc/systemd/system/{unit}.d/{name}.conf", text)
        self.run("systemctl", "daemon-reload")

    def remove_drop_in(self, unit, name="test"):
        self.path(f"/etc/systemd/system/{unit}.d/{name}.conf").unlink()
        self.run("systemctl", "daemon-reload")

    def start_nginx(self):
        """Start nginx on port 80 with the configuration from the documentation."""
        upstream, location = lib.split_nginx((lib.ROOT / "examples/nginx.conf").read_text())
        self.write("/etc/nginx/nginx.conf", NGINX.format(upstream=upstream, location=location))
        self.run("systemctl", "enable", "--now", "nginx.service")

    def post(self, body, headers=None, port=1313):
        return lib.request(port, "POST", "/sign", body, headers)

    def issue(self, body):
        answer = self.post(body)
        assert answer.status == 200, f"{answer}\n{self.journal('-b', '-n', '60')}"
        return lib.Certificate(answer.body)

    def status_text(self):
        return self.show("acmems-orderd.service", "StatusText")

    def cpu_time(self):
        """The CPU time of PID 1 in s, without its children."""
        fields = self.path("/proc/1/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def wait_for_idle(self, unit):
        lib.wait_for(lambda: self.show(unit, "ActiveState") == "inactive", f"{unit} to end")

# SPDX-License-Identifier: GPL-3.0-or-later
"""acmems-client under systemd: its package, its timer and the sandbox of its service."""

import ssl

from machine import lib

SERVER = """
    server {
        listen 127.0.0.1:8443 ssl;
        ssl_certificate /var/lib/acmems-client/web/live/fullchain.pem;
        ssl_certificate_key /var/lib/acmems-client/web/live/privkey.pem;
    }
}
"""


def served():
    return lib.Certificate(ssl.get_server_certificate(("127.0.0.1", 8443)).encode()).serial


def installed(server):
    return lib.Certificate(server.path("/var/lib/acmems-client/web/live/cert.pem").read_bytes()).serial


def test_renewal_by_the_service(server, record_property):
    """nginx serves the first certificate, and the next one after a run of the service, which reloads it."""
    server.install("acmems-client_*.deb")
    assert server.show("acmems-client.timer", "UnitFileState", "ActiveState") == ["enabled", "active"]
    server.sh('acmems-client new web --server http://127.0.0.1:1313/sign --domain www.example.org --group www-data'
              ' --reload "systemctl reload nginx"')
    config = server.path("/etc/nginx/nginx.conf").read_text().rstrip().removesuffix("}")
    server.write("/etc/nginx/nginx.conf", config + SERVER)
    server.run("systemctl", "restart", "nginx.service")
    former = served()
    assert former == installed(server)

    server.run("systemctl", "start", "acmems-client.service")
    assert installed(server) == former
    server.sh("rm -r /var/lib/acmems/storage/*")
    server.run("systemctl", "start", "acmems-client.service")
    assert installed(server) != former
    lib.wait_for(lambda: served() == installed(server), "nginx to serve the new certificate")
    assert "www.example.org, valid for" in server.journal("-b", "-u", "acmems-client.service")
    assert server.sh("stat -c '%a %G' /var/lib/acmems-client/web/live/privkey.pem").stdout == "640 www-data\n"

    exposure = server.run("systemd-analyze", "security", "acmems-client.service").stdout.splitlines()[-1]
    record_property("exposure of acmems-client.service", exposure.split(":")[1].split()[0])


def test_failure_is_seen(server):
    """A certificate that cannot be renewed makes the unit fail, and the journal says why."""
    server.sh("acmems-client new other --server http://127.0.0.1:1313/sign --domain www.example.com || true")
    server.run("systemctl", "start", "acmems-client.service", check=False)
    assert server.show("acmems-client.service", "ActiveState") == "failed"
    assert "other: the server answered with status 403" in server.journal("-b", "-u", "acmems-client.service")
    assert "failed: the server answered with status 403" in server.run("acmems-client", "status", "other").stdout
    server.run("acmems-client", "remove", "other")

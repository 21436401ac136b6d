# SPDX-License-Identifier: GPL-3.0-or-later
"""From apt install to a running server, in every supported setup."""

import contextlib
import subprocess

from machine import lib

UNITS = ("acmems-mgmt", "acmems-http01", "acmems-orderd", "acmems-tlsalpn01")


def test_installed(fresh):
    """After the installation, no unit is enabled or runs;
    the configuration is valid and permits no client."""
    for unit in UNITS:
        assert fresh.show(f"{unit}.socket", "UnitFileState", "ActiveState") == \
            ["disabled", "inactive"]
    assert fresh.run("acmemsctl", "check").stdout == \
        "/etc/acmems/acmems.ini: ok, 0 auth blocks\n"
    fresh.run("systemctl", "enable", "--now", *fresh.sockets)
    # Enabled along with acmems-mgmt.socket.
    assert fresh.show("acmems-orderd.socket", "UnitFileState") == "enabled"
    lib.wait_for(lambda: fresh.is_active("acmems-orderd.socket"), "the socket of orderd")
    for address in "0.0.0.0:1313", "[::]:1313", "0.0.0.0:1380", "[::]:1380":
        lib.wait_for(lambda at=f" {address} ": at in fresh.run("ss", "-Hltn").stdout, f"the socket at {address}")
    assert fresh.post(b"x").status == 403
    assert lib.request(1380, "GET", "/.well-known/acme-challenge/x", address="::1").status == 404
    # By default this socket has no address, which systemd-analyze reports.
    fresh.drop_in("acmems-tlsalpn01.socket", "[Socket]\nListenStream=127.0.0.1:1443\n")
    files = fresh.run("dpkg", "--listfiles", "acmems").stdout.splitlines()
    for unit in UNITS:
        assert fresh.run("systemd-analyze", "verify", "--generators=yes", "--man=no",
                         f"{unit}.socket", f"{unit}.service").stderr == ""
        for kind in "socket", "service":
            assert f"/usr/share/man/man8/{unit}.{kind}.8.gz" in files


def test_readme(fresh, pebble):
    """From the installed package to a certificate, by the commands of the README."""
    config = lib.documented_block("configure")
    for old, new in (("192.0.2.0/24", "127.0.0.0/8"), (
            "https://acme-staging-v02.api.letsencrypt.org/directory", f"{pebble.url}\nca-file = /etc/acmems/ca.pem")):
        assert old in config
        config = config.replace(old, new)
    fresh.path("/etc/acmems/ca.pem").write_bytes(pebble.ca_file.read_bytes())
    fresh.path("/etc/acmems/acmems.ini").write_text(config)
    fresh.sh(lib.documented_block("start"))
    fresh.start_nginx()
    curl = lib.documented_block("curl").replace("acmems.example.org", "127.0.0.1")
    fresh.sh(f"cd /root\n{lib.documented_block('request')}{curl}")
    certificate = lib.Certificate(fresh.path("/root/domain.pem").read_bytes())
    assert certificate.names == ["example.org", "www.example.org"]
    entry = fresh.run("find", "/var/lib/acmems/storage/staging", "-name", "cert.pem", "-printf", "%m %u:%g\n")
    assert entry.stdout == "640 acmems:acmems\n"
    fresh.run("systemctl", "stop", "acmems-orderd.socket", "acmems-orderd.service")
    fresh.sh(f"cd /root\n{curl}")  # acmems-sign reads the new cache
    readme = (lib.ROOT / "README.md").read_text()
    for command in ("systemctl list-units --failed 'acmems*'",
                    "journalctl -p warning _UID=$(id -u acmems-sign) _UID=$(id -u acmems)"):
        assert f"`{command}`" in readme
        assert fresh.sh(f"{command} --quiet").stdout == ""


def test_broken_configuration_at_boot(fresh, pebble, new_csr):
    """The machine boots, valid listeners work, and the journal has the reason.
    Correcting the file is enough."""
    fresh.start_nginx()
    fresh.enable(pebble, more="nonsense\n")
    fresh.reboot()
    assert fresh.run("systemctl", "is-system-running", check=False).stdout == "running\n"
    answer = fresh.post(new_csr("www.example.org"))
    assert answer.status == 503 and b"configuration is invalid" in answer.body

    def wait_for_status(words):
        lib.wait_for(lambda: words in fresh.show("acmems-mgmt.service", "StatusText"), "the status of acmems-mgmt")
    wait_for_status("has errors, all requests get 503")
    line = len(fresh.path("/etc/acmems/acmems.ini").read_text().splitlines())
    fresh.run("systemctl", "daemon-reload")
    for program in "acmems-generator", "acmems-sign":
        assert f"/etc/acmems/acmems.ini:{line}: error:" in fresh.journal("-b", "-t", program)
    fresh.run("systemctl", "start", "acmems-orderd.service")
    assert "acmemsctl check" in fresh.status_text()
    fresh.configure(pebble)
    fresh.issue(new_csr("www.example.org"))
    lib.wait_for(lambda: fresh.show("acmems-mgmt.service", "StatusText") == "", "the end of the status")
    fresh.configure(pebble, more="nonsense\n")
    fresh.post(b"x")
    wait_for_status("the previous configuration is in use")
    fresh.run("systemctl", "kill", "--signal=HUP", "acmems-orderd.service")
    lib.wait_for(lambda: "the changed configuration has errors" in fresh.status_text(), "the status")


def test_credentials(fresh, pebble, new_csr):
    """The key is not stored in clear text: systemd decrypts it for the unit."""
    fresh.start_nginx()
    fresh.configure(pebble)
    key = "/root/account.pem"
    fresh.run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
              "-out", key)
    fresh.sh(f"systemd-creds encrypt --with-key=host --name=account.pem {key} /etc/acmems/account.cred"
             f" && rm {key} && mv /etc/acmems/acmems.ini /root/secret.ini")
    fresh.drop_in("acmems-orderd.service",
                  "[Service]\nLoadCredentialEncrypted=account.pem:/etc/acmems/account.cred\n"
                  "LoadCredential=acmems.ini:/root/secret.ini\n")
    fresh.drop_in("acmems-mgmt.service",
                  "[Service]\nLoadCredential=acmems.ini:/root/secret.ini\n")
    fresh.drop_in("acmems-mgmt.socket", "[Socket]\nListenStream=127.0.0.1:1313\n")
    fresh.drop_in("acmems-http01.socket", "[Socket]\nListenStream=127.0.0.1:1380\n")
    fresh.run("systemctl", "enable", "--now", *fresh.sockets)
    fresh.issue(new_csr("www.example.org"))
    assert fresh.run("ls", "/var/lib/acmems/account").stdout == "registration.json\n"


def test_other_directories(fresh, pebble, new_csr):
    """The generator opens the sandbox for other directories, also below /home."""
    fresh.start_nginx()
    for directory in "/srv/acme", "/home/acme", "/srv/account":
        fresh.run("install", "-d", "-o", "acmems", "-g", "acmems", "-m", "0750", directory)
    fresh.enable(pebble, ("directory = /var/lib/acmems/storage", "directory = /srv/acme"),
                 ("[account]", "[account]\ndir = /srv/account"), more="""
[storage "home"]
type = file
directory = /home/acme

[auth "home"]
ip = 127.0.0.1
domain = *.home.test
storage = home
""")
    for name, directory in ("www.example.org", "/srv/acme"), ("www.home.test", "/home/acme"):
        csr = new_csr(name)
        serial = fresh.issue(csr).serial
        assert "cert.pem" in fresh.run("find", directory, "-name", "cert.pem").stdout
        fresh.run("systemctl", "stop", "acmems-orderd.socket", "acmems-orderd.service")
        assert fresh.issue(csr).serial == serial  # acmems-sign reads the cache without orderd
        fresh.run("systemctl", "start", "acmems-orderd.socket")
    assert "account.pem" in fresh.run("ls", "/srv/account").stdout


def ip(*argv):
    subprocess.run(["ip", *argv], check=True)


@contextlib.contextmanager
def interface(name):
    ip("link", "add", name, "type", "veth", "peer", "name", "peer0")
    try:
        yield
    finally:
        ip("link", "del", name)


def test_listeners(fresh, pebble):
    """Every kind of address works; a change takes one command."""
    with interface("acme-test0"):
        fresh.configure(
            pebble, ("listener = 127.0.0.1:1313", "listener = [::1]:1313\nlistener = /run/mgmt.sock"),
            more="""
[verification "other"]
type = http01
listener = 127.0.0.1:1380
listener = [fe80::80%acme-test0]:1381
""")
        # The interface comes up after boot; its socket listens nevertheless.
        fresh.run("systemctl", "enable", "--now", *fresh.sockets)
        listening = fresh.run("ss", "-Hltn").stdout
        assert "127.0.0.1:1380" in listening and "fe80::80]" in listening.replace("%acme-test0", "")
        ip("link", "set", "acme-test0", "up")
        ip("addr", "add", "fe80::80/64", "dev", "acme-test0", "nodad")
        answers = [
            fresh.sh("curl -s -o /dev/null -w '%{http_code}' -g " + url).stdout for url in (
                "http://127.0.0.1:1380/.well-known/acme-challenge/x",
                "'http://[fe80::80%25acme-test0]:1381/.well-known/acme-challenge/x'",
                "-d x 'http://[::1]:1313/sign'",
                "-d x --unix-socket /run/mgmt.sock http://x/sign")]
        assert answers == ["404", "404", "415", "403"]  # a unix socket has no address

        fresh.configure(pebble, ("127.0.0.1:1313", "127.0.0.1:1314"))
        fresh.sh(lib.documented_block("install listener change"))
        assert fresh.post(b"x", port=1314).status == 415
        assert not lib.can_connect(1313)


def test_without_ipv6(fresh):
    """Without IPv6, as in many containers, the default listeners still work."""
    subprocess.run(["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"], check=True)
    try:
        fresh.run("systemctl", "enable", "--now", *fresh.sockets)
        assert fresh.post(b"x").status == 403
        assert lib.request(1380, "GET", "/.well-known/acme-challenge/x").status == 404
    finally:
        subprocess.run(["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=0"], check=True)


def test_removed_runtime_directory(fresh, pebble, new_csr):
    """After a restart, every service creates what it needs."""
    fresh.start_nginx()
    fresh.enable(pebble)
    fresh.issue(new_csr("before.example.org"))
    fresh.run("rm", "-r", "/run/acmems")
    # Restart the handler first: its sandbox contains only paths that exist at its start.
    fresh.run("systemctl", "restart", "acmems-http01.socket")
    fresh.run("systemctl", "start", "acmems-http01.service")
    fresh.run("systemctl", "restart", "acmems-orderd.socket", "acmems-mgmt.socket")
    fresh.issue(new_csr("after.example.org"))
    assert fresh.run("stat", "-c", "%a %U:%G", "/run/acmems/challenges/http-01").stdout == \
        "2750 acmems:acmems-http01\n"


def test_check_of_modes_and_directories(fresh, pebble):
    """acmemsctl check finds wrong file modes, as editors leave them, and missing directories."""
    fresh.enable(pebble, more='[storage "far"]\ntype = file\ndirectory = /srv/nowhere\n')
    fresh.run("chmod", "0600", "/etc/acmems/acmems.ini")
    found = fresh.run("acmemsctl", "check").stdout
    assert "acmems.ini: warning: the services cannot read this file: run systemd-tmpfiles" in found
    assert "warning: directory '/srv/nowhere' does not exist: create it with install -d" in found
    for command in ("systemd-tmpfiles --create acmems.conf",
                    "install -d -o acmems -g acmems -m 0750 /srv/nowhere"):
        fresh.sh(command)
    assert "warning" not in fresh.run("acmemsctl", "check").stdout


NAMED = """
[account "far"]
ca-file = /etc/acmems/keys/ca.pem
dir = /srv/account
accept-terms-of-service = yes
eab-kid = kid
eab-hmac-key-file = /etc/acmems/keys/eab
[account "by hand"]
dir = /srv/nothing/yet
eab-kid = kid
eab-hmac-key-file = /etc/acmems/keys/eab
[storage "far"]
type = file
directory = /srv/storage
[verification "dns"]
type = dns01-dnsUpdate
tsig-key-file = /etc/acmems/keys/tsig
"""

GENKEY = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"


def test_check_of_named_files(fresh, pebble):
    """acmemsctl check tests the access of acmems-orderd, although root can read every file."""
    fresh.enable(pebble, more=NAMED)
    fresh.sh("systemd-tmpfiles --create acmems.conf && cd /etc/acmems && umask 077 &&"
             "tsig-keygen k > keys/tsig && echo c2VjcmV0 > keys/eab && cp ca.pem keys/ca.pem &&"
             f"mkdir -p /srv/account /srv/storage && {GENKEY} -out /srv/account/account.pem")
    lines = fresh.path("/etc/acmems/acmems.ini").read_text().splitlines()
    chown = "run chown -hR acmems: '/srv/"
    chmod = "run chown -h acmems: '/etc/acmems/keys/"
    group = "give it the group acmems and mode 0640"

    def denied(what, remedy):
        return f"acmems-orderd cannot {what}: Permission denied: {remedy}"

    def found():
        out = fresh.run("acmemsctl", "check").stdout.splitlines()
        assert out[-1].startswith("/etc/acmems/acmems.ini: ok, ")
        return [(line.split(":")[1], line.split("warning: ")[1]) for line in out[:-1]]

    def expect(*entries):
        got = found()
        assert len(got) == len(entries)
        for (place, what), (number, text) in zip(entries, got):
            assert number == str(lines.index(place) + 1) and text.startswith(what)
    key = ("tsig-key-file = /etc/acmems/keys/tsig",
           denied("read tsig-key-file '/etc/acmems/keys/tsig'", chmod))
    account = [("ca-file = /etc/acmems/keys/ca.pem", denied("read ca-file '/etc/acmems/keys/ca.pem'", group)),
               ("eab-hmac-key-file = /etc/acmems/keys/eab",
                denied("read eab-hmac-key-file '/etc/acmems/keys/eab'", chmod))]
    storage = ("directory = /srv/storage", denied("write to directory '/srv/storage'", chown))
    directory = "dir = /srv/account"
    expect(key, *account,
           (directory, denied("write to the account directory '/srv/account'", chown)), storage)
    fresh.sh("systemd-tmpfiles --create acmems.conf && chown acmems:acmems /srv/account")
    expect((directory, denied("read the account key '/srv/account/account.pem'", chown)), storage)
    fresh.sh("chown -R acmems:acmems /srv/account /srv/storage && chmod 0700 /etc/acmems/keys")
    expect(key, *account)
    fresh.sh("chmod 0710 /etc/acmems/keys")
    expect()
    # acmems-orderd needs both to register the account.
    fresh.sh("rm /etc/acmems/keys/ca.pem /etc/acmems/keys/eab")
    expect(*((place, f"acmems-orderd cannot {what}: No such file or directory") for place, what in (
        ("ca-file = /etc/acmems/keys/ca.pem", "read ca-file '/etc/acmems/keys/ca.pem'"),
        ("eab-hmac-key-file = /etc/acmems/keys/eab", "read eab-hmac-key-file '/etc/acmems/keys/eab'"))))


def test_check_of_key_files(fresh, pebble):
    """acmemsctl check finds key files that acmems-sign can read. Its command makes them right."""
    fresh.enable(pebble, ("accept-terms-of-service = yes\n", "accept-terms-of-service = yes\n"
                          "eab-kid = kid\neab-hmac-key-file = /etc/acmems/eab\n"),
                    more='[verification "dns"]\ntype = dns01-dnsUpdate\ntsig-key-file = /etc/acmems/tsig\n')
    fresh.sh("systemd-tmpfiles --create acmems.conf && cd /etc/acmems && umask 027 &&"
             f"tsig-keygen k >tsig && echo c2VjcmV0 >eab && {GENKEY} -out /run/key && install -m 0644 -o acmems "
             "/run/key /var/lib/acmems/account/account.pem")
    keys = {"tsig-key-file": ("/etc/acmems/tsig", "0640"), "eab-hmac-key-file": ("/etc/acmems/eab", "0640"),
            "the account key": ("/var/lib/acmems/account/account.pem", "0644")}

    def found():
        return [line.partition("warning: ")[2] for line in fresh.run("acmemsctl", "check").stdout.splitlines()
                if "warning: " in line]
    remedies = []
    for (what, (path, mode)), text in zip(keys.items(), found(), strict=True):
        start, _, remedy = text.partition(": run ")
        assert start == f"other services than acmems-orderd can read {what} '{path}', which has mode {mode}"
        remedies.append(remedy)
    for remedy in remedies:
        fresh.sh(remedy)
    assert found() == []
    # A group of the administrator's is fine, one of a handler is not.
    fresh.sh("groupadd keys && chgrp keys /etc/acmems/eab && chgrp acmems-sign /etc/acmems/tsig &&"
             "chmod 0440 /etc/acmems/eab /etc/acmems/tsig")
    assert len(found()) == 1 and "tsig-key-file '/etc/acmems/tsig', which has mode 0440" in found()[0]

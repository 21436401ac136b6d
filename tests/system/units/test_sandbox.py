# SPDX-License-Identifier: GPL-3.0-or-later
"""The table "Who may touch what": a probe tests it from inside each unit, with its settings."""

import re

import pytest

from machine import lib

PROBE = "/mnt/build/tests/system/probe"
YES = "yes"

CONFIG = "read:/etc/acmems/acmems.ini"
CACHE = "list:/var/lib/acmems/storage"
KEY = "read:/var/lib/acmems/account/account.pem"
TSIG = "read:/etc/acmems/keys/tsig.key"
# An earlier installation: the group can read it.
EAB = "read:/etc/acmems/eab.key"
OTHER_KEY = "read:/opt/account/account.pem"
OTHER_TSIG = "read:/opt/tsig.key"
CHALLENGES = "list:/run/acmems/challenges/http-01"
TLS_CHALLENGES = "list:/run/acmems/challenges/tls-alpn-01"
ORDERD = "unix:/run/acmems/orderd.sock"
# The probe cannot find them: nobody can list the directory above.
PUBLISH = ("create:/run/acmems/challenges/http-01", "create:/run/acmems/challenges/tls-alpn-01")
BUS = "unix:/run/dbus/system_bus_socket"
CA = "tcp:{port}"
OTHERS = ("signal:1", "see:1", "ptrace", "memory", "exec:/bin/sh")

# The same table as in ARCHITECTURE.md.
TABLE = {
    "acmems-http01.service": {CHALLENGES},
    "acmems-mgmt.service": {CONFIG, CACHE, ORDERD},
    "acmems-orderd.service": {CONFIG, CACHE, KEY, OTHER_KEY, TSIG, OTHER_TSIG, EAB, CHALLENGES, TLS_CHALLENGES, ORDERD, BUS,
                              CA, *PUBLISH},
    "acmems-tlsalpn01.service": {TLS_CHALLENGES},
}
WRITABLE = {
    "acmems-http01.service": set(),
    "acmems-mgmt.service": set(),
    "acmems-orderd.service": {"/var/lib/acmems", "/opt/account"},
    "acmems-tlsalpn01.service": set(),
}


def instance(unit):
    """acmems-mgmt@.service has the same sandbox as acmems-mgmt.service."""
    return unit.replace(".service", "@probe.service")


def probe(server, unit, questions):
    """The answers of the probe when it runs in place of the unit's program."""
    name = unit.replace("@probe.", "@.")
    server.drop_in(name, f"""[Unit]
Requires=
[Service]
Type=oneshot
Restart=no
RuntimeMaxSec=infinity
WatchdogSec=0
ExecStart=
ExecStart={PROBE} {" ".join(questions)}
ExecPaths={PROBE}
StandardInput=null
StandardOutput=file:/run/probe
""", name="probe")
    try:
        server.run("systemctl", "stop", unit, check=False)
        server.run("rm", "-f", "/run/probe")
        server.run("systemctl", "start", unit)
        lines = server.run("cat", "/run/probe").stdout.splitlines()
        return [line.split(" ", 1) for line in lines]
    finally:
        server.run("systemctl", "stop", unit, check=False)
        server.remove_drop_in(name, name="probe")


KEYS = """
[account "other"]
dir = /opt/account
eab-kid = kid
eab-hmac-key-file = /etc/acmems/eab.key
[verification "dns"]
type = dns01-dnsUpdate
tsig-key-file = /etc/acmems/keys/tsig.key
[verification "other dns"]
type = dns01-dnsUpdate
tsig-key-file = /opt/tsig.key
"""


@pytest.fixture(scope="module")
def used(server, tmp_path_factory):
    """A server that has issued, so that a key and a certificate exist.
    All handlers have a socket. Key files elsewhere have modes that would show them to acmems-sign."""
    server.sh(lib.documented_block("dns key"))
    server.sh("tsig-keygen other >/opt/tsig.key && chmod 0644 /opt/tsig.key &&"
              "(umask 027; echo c2VjcmV0 >/etc/acmems/eab.key) &&"
              "install -d -m 0755 -o acmems /opt/account && touch /opt/account/account.pem")
    assert server.run("stat", "-c", "%a %G", "/etc/acmems/eab.key").stdout == "640 acmems\n"
    ini = server.path("/etc/acmems/acmems.ini")
    ini.write_text(ini.read_text() + KEYS)
    server.drop_in("acmems-tlsalpn01.socket", "[Socket]\nListenStream=127.0.0.1:1443\n")
    server.issue(lib.make_csr(tmp_path_factory.mktemp("csr"), "www.example.org"))
    return server


@pytest.mark.parametrize("unit", [*TABLE, "acmems-http01@probe.service",
                                  "acmems-mgmt@probe.service", "acmems-tlsalpn01@probe.service"])
def test_table(used, pebble, unit):
    base = unit.replace("@probe", "")
    ca = CA.format(port=pebble.port)
    allowed = {question.format(port=pebble.port) for question in TABLE[base]}
    answers = probe(used, unit, [CONFIG, CACHE, KEY, OTHER_KEY, TSIG, OTHER_TSIG, EAB, CHALLENGES, TLS_CHALLENGES,
                                 ORDERD, BUS, ca, *PUBLISH, *OTHERS, "write:/", "create:/tmp", "create:/dev/shm"])
    writable = {what for question, what in answers if question == "writable"}
    found = {question: answer for question, answer in answers
             if question not in ("writable", "write:/")}
    assert len(found) == 21
    assert {question for question, answer in found.items() if answer == YES} == allowed
    roots = WRITABLE[base]
    assert {path for path in writable
            if not any(path == root or path.startswith(root + "/") for root in roots)} == set()
    assert roots <= writable


@pytest.mark.parametrize("unit,limit", [
    ("acmems-http01.service", 1.2), ("acmems-http01@.service", 1.2),
    ("acmems-mgmt.service", 1.2), ("acmems-mgmt@.service", 1.2),
    ("acmems-tlsalpn01.service", 1.2), ("acmems-tlsalpn01@.service", 1.2), ("acmems-orderd.service", 1.8)])
def test_exposure(used, unit, limit, record_property):
    result = used.run("systemd-analyze", "security", "--offline=true",
                      f"--threshold={round(limit * 10)}", f"/lib/systemd/system/{unit}")
    record_property(f"exposure of {unit}",
                    result.stdout.strip().rpartition(": ")[2].split()[0])


def test_connections_are_kept_apart(used, tmp_path):
    """Each connection's process has dropped more rights than the service.
    No other process can read its memory."""
    def filters(pid):
        status = used.run("cat", f"/proc/{pid}/status").stdout
        return int(status.partition("Seccomp_filters:\t")[2].split()[0])

    used.publish("kept", "kept.example.org", tmp_path)
    with lib.Client(1380) as one, lib.Client(1380) as two:
        for client in one, two:
            client.send("GET /.well-known/acme-challenge/kept HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.answer("GET").body == b"kept.thumbprint"
        main = used.show("acmems-http01.service", "MainPID")
        children = lib.wait_for(
            lambda: len(found := used.run("pgrep", "-P", main, check=False).stdout.split()) == 2
            and found, "two connections")
        for child in children:
            assert filters(child) == filters(main) + 1
        for pid in main, *children, used.show("acmems-orderd.service", "MainPID"):
            limits = used.run("cat", f"/proc/{pid}/limits").stdout
            assert re.search(r"^Max core file size +0 +0 ", limits, re.M)
            assert used.run("stat", "-c", "%U", f"/proc/{pid}/mem").stdout == "root\n"


# Connects to acmems-orderd: prints what it says to a refused process, or the error of connect(2).
CALL = """
import socket
sock = socket.socket(socket.AF_UNIX)
sock.settimeout(10)
try:
    sock.connect("/run/acmems/orderd.sock")
    print(sock.recv(4096).decode())
except OSError as error:
    print(type(error).__name__)
"""


def test_other_users_cannot_call_orderd(used, new_csr):
    """The mode of the socket refuses them. Without the mode, acmems-orderd does."""
    def call():
        return used.run("runuser", "-u", "nobody", "--", "/usr/bin/python3", "-c", CALL).stdout

    assert call() == "PermissionError\n"
    used.run("chmod", "0666", "/run/acmems/orderd.sock")
    try:
        assert "org.varlink.service.PermissionDenied" in call()
        used.issue(new_csr("nobody.example.org"))  # acmems-sign is still permitted
        # The sandbox shows this group and those of nobody as the same one.
        used.run("chgrp", "games", "/run/acmems/orderd.sock")
        used.run("systemctl", "restart", "acmems-orderd.service")
        assert "org.varlink.service.PermissionDenied" in call()
    finally:
        used.run("chgrp", "acmems", "/run/acmems/orderd.sock")
        used.run("chmod", "0660", "/run/acmems/orderd.sock")
        used.run("systemctl", "restart", "acmems-orderd.service")

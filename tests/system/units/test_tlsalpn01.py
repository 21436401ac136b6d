# SPDX-License-Identifier: GPL-3.0-or-later
"""tls-alpn-01 as installed: the CA validates at port 443,
where acmems-tlsalpn01.socket listens alone."""

import hashlib
import os
import re
import ssl
import threading
import time

import pytest

from crowd import client_hello
from machine import lib
from test_sandbox import OTHERS, YES, probe
import tls_peers

UNIT = "acmems-tlsalpn01"
CHALLENGES = "/run/acmems/challenges/tls-alpn-01"

TLS = """
[verification "tls"]
type = tls-alpn01
listener = 0.0.0.0:443
{more}

[auth "tls"]
verification = tls
ip = 127.0.0.0/8
domain = *.tls.test
ip-san = 127.0.0.1
"""


def configure(server, pebble, more=""):
    server.configure(pebble, more=TLS.format(more=more))
    server.run("systemctl", "daemon-reload")
    server.run("systemctl", "restart", f"{UNIT}.socket")


@pytest.fixture(scope="module")
def tls(server, pebble):
    configure(server, pebble)
    server.run("systemctl", "enable", f"{UNIT}.socket")
    return server


def connect():
    """A connection as a browser makes it."""
    return tls_peers.connect(443, "www.tls.test", protocols=None)


def test_certificate(tls, new_csr):
    certificate = tls.issue(new_csr("www.tls.test", san="DNS:www.tls.test,IP:127.0.0.1"))
    assert (certificate.names, certificate.addresses) == (["www.tls.test"], ["127.0.0.1"])
    assert tls.is_active(f"{UNIT}.service")
    pid = tls.show(f"{UNIT}.service", "MainPID")
    assert tls.run("ps", "-o", "user=", "-p", pid).stdout.strip() == "acmems-tlsalpn01"
    assert tls.show(f"{UNIT}.service", "StatusErrno") == "0"
    with pytest.raises(ssl.SSLError, match="(?i)no application protocol"):
        connect()


def test_challenge_is_private(tls, new_csr):
    """The challenge contains a private key. Besides orderd, only the handler's user can read it."""
    tls.run("systemctl", "start", f"{UNIT}.service")
    pid = tls.show(f"{UNIT}.service", "MainPID")
    tls.run("kill", "-STOP", pid)
    answers = []
    body = new_csr("held.tls.test")
    thread = threading.Thread(target=lambda: answers.append(tls.post(body)))
    thread.start()
    try:
        find = ("find", CHALLENGES, "-type", "f", "-printf", "%f %m %u:%g\n")
        name = hashlib.sha256(b"held.tls.test").hexdigest()
        lib.wait_for(lambda: tls.run(*find).stdout == f"{name} 640 acmems:acmems-tlsalpn01\n",
                     "the challenge")
        for user, readable in ("acmems-tlsalpn01", True), ("acmems-http01", False), ("nobody", False):
            assert (tls.run("runuser", "-u", user, "--", "cat", f"{CHALLENGES}/{name}",
                            check=False).returncode == 0) == readable
    finally:
        tls.run("kill", "-CONT", pid)
        thread.join(90)
    assert answers[0].status == 200
    assert tls.run(*find).stdout == ""


def test_idle_handler_ends_and_comes_back(tls, new_csr):
    argv = re.search(r"argv\[\]=(.*?) ;", tls.show(f"{UNIT}.service", "ExecStart"))[1]
    tls.drop_in(f"{UNIT}.service", f"[Service]\nExecStart=\nExecStart={argv} --idle-timeout=1\n")
    try:
        tls.run("systemctl", "stop", f"{UNIT}.service")
        for i in range(2):
            tls.issue(new_csr(f"idle{i}.tls.test"))
            tls.wait_for_idle(f"{UNIT}.service")
            assert tls.is_active(f"{UNIT}.socket")
    finally:
        tls.remove_drop_in(f"{UNIT}.service")


def test_killed_repeatedly(tls, new_csr):
    """No start limit disables the socket permanently."""
    for number in range(7):
        tls.run("systemctl", "start", f"{UNIT}.service")
        tls.run("systemctl", "kill", "-s", "KILL", f"{UNIT}.service")
        tls.issue(new_csr(f"killed{number}.tls.test"))
    assert tls.is_active(f"{UNIT}.socket")


def test_challenges_are_removed_by_age(tls):
    """The key of a challenge is removed by age,
    even if acmems-orderd, which would remove it, is gone."""
    tls.sh(f"touch -d '2 days ago' {CHALLENGES}/left-over; touch {CHALLENGES}/of-today")
    tls.run("systemd-tmpfiles", "--clean", "--prefix=/run/acmems")
    assert tls.run("ls", CHALLENGES).stdout == "of-today\n"
    tls.run("rm", f"{CHALLENGES}/of-today")


def test_reboot(tls, new_csr):
    """An enabled socket answers after a reboot."""
    tls.reboot()
    tls.issue(new_csr("reboot.tls.test"))
    assert tls.run("systemctl", "is-system-running", check=False).stdout == "running\n"


def test_one_unit_for_each_connection(tls, new_csr):
    """The drop-in of three lines from acmems.service(8)."""
    tls.sh(lib.documented_block("install accept drop-in").replace("acmems-mgmt", UNIT))
    try:
        accepted = int(tls.show(f"{UNIT}.socket", "NAccepted"))
        tls.issue(new_csr("accept.tls.test"))
        assert int(tls.show(f"{UNIT}.socket", "NAccepted")) > accepted
        lib.wait_for(lambda: not tls.run(
            "systemctl", "list-units", "--all", "--plain", "--no-legend", f"{UNIT}@*").stdout,
            "the removal of the connections' units")
    finally:
        tls.remove_drop_in(f"{UNIT}.socket", name="accept")
        tls.run("systemctl", "restart", f"{UNIT}.socket")


def test_inetd(tls, new_csr):
    line = re.search(r"^127.0.0.1:1443 .*$", lib.documented_block("inetd"), re.M)[0]
    tls.write("/etc/inetd.conf", line.replace("127.0.0.1:1443", "127.0.0.1:443") + "\n")
    tls.run("systemctl", "stop", f"{UNIT}.socket", f"{UNIT}.service")
    tls.run("systemctl", "start", "inetd.service")
    try:
        lib.wait_for(lambda: lib.can_connect(443), "inetd")
        tls.issue(new_csr("inetd.tls.test"))
    finally:
        tls.run("systemctl", "stop", "inetd.service")
        tls.run("systemctl", "start", f"{UNIT}.socket")


def test_connections_are_kept_apart(tls, tmp_path):
    def filters(pid):
        status = tls.run("cat", f"/proc/{pid}/status").stdout
        return int(status.partition("Seccomp_filters:\t")[2].split()[0])

    def children():
        main = tls.show(f"{UNIT}.service", "MainPID")
        return main, set(tls.run("pgrep", "-P", main, check=False).stdout.split())

    tls.publish("kept", "kept.tls.test", tmp_path)
    _, former = children()  # of another test's connection, which is about to end
    with lib.Client(443) as client:
        client.send(client_hello("kept.tls.test"))
        lib.wait_for(lambda: children()[1] - former, "the connection's process")
        main, now = children()
        child, = now - former
        # The second one has denied every connection since the challenge was found.
        assert filters(child) == filters(main) + 2
        assert tls.run("stat", "-c", "%U", f"/proc/{child}/mem").stdout == "root\n"


# ---- passthrough ---------------------------------------------------------------------------

def echo(content):
    """Send the content in pieces, read the echo: a TLS connection cannot be used by two threads."""
    got = b""
    with connect() as tls:
        for start in range(0, len(content), 65536):
            end = min(start + 65536, len(content))
            tls.sendall(content[start:end])
            while len(got) < end:
                part = tls.recv(65536)
                assert part
                got += part
    return got


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    """A server with an address of its own: the sandbox permits only this address."""
    server = tls_peers.EchoServer(tmp_path_factory.mktemp("behind"), "127.0.0.2")
    yield server
    server.stop()


@pytest.fixture
def passed_on(tls, pebble, behind):
    """The setup of the manual page: acmems has port 443 and passes connections on."""
    configure(tls, pebble, f"passthrough = {behind.address}:{behind.port}")
    tls.sh(lib.documented_block("tls passthrough change"))
    yield tls
    configure(tls, pebble)
    tls.run("systemctl", "restart", f"{UNIT}.service")


def test_passthrough(passed_on, new_csr):
    """The handler answers the CA and passes all other connections on."""
    passed_on.issue(new_csr("pass.tls.test"))
    content = os.urandom(5 * 1024 * 1024)
    assert echo(content) == content
    passed_on.issue(new_csr("pass2.tls.test"))


def test_passthrough_with_one_unit_for_each_connection(passed_on, new_csr):
    passed_on.sh(lib.documented_block("install accept drop-in").replace("acmems-mgmt", UNIT))
    try:
        assert passed_on.show(f"{UNIT}@x.service", "RuntimeMaxUSec") == "infinity"
        content = os.urandom(1024 * 1024)
        assert echo(content) == content
        passed_on.issue(new_csr("pass3.tls.test"))
    finally:
        passed_on.remove_drop_in(f"{UNIT}.socket", name="accept")
        passed_on.run("systemctl", "restart", f"{UNIT}.socket")


def test_restart_with_idle_connections(passed_on):
    """A passed-on connection and a silent one: both end, and new connections work."""
    def n_descriptors():
        return len(passed_on.run("ls", f"/proc/{main}/fd").stdout.split())

    with connect() as tls:
        tls.sendall(b"before")
        assert tls.recv(6) == b"before"
        main = passed_on.show(f"{UNIT}.service", "MainPID")
        before = n_descriptors()
    with connect() as tls, lib.Client(443) as silent:
        tls.sendall(b"before")
        assert tls.recv(6) == b"before"
        lib.wait_for(lambda: n_descriptors() > before, "the silent connection")
        started = time.monotonic()
        passed_on.run("systemctl", "restart", f"{UNIT}.service")
        assert time.monotonic() - started < 4
        assert echo(b"again") == b"again"
        assert (tls.recv(1), silent.sock.recv(1)) == (b"", b"")


def test_sandbox_with_passthrough(passed_on, behind):
    """Passthrough opens the network in the sandbox, and nothing else."""
    challenges = f"list:{CHALLENGES}"
    answers = dict(probe(passed_on, f"{UNIT}.service", [
        challenges, "read:/etc/acmems/acmems.ini", "list:/var/lib/acmems/storage",
        "list:/run/acmems/challenges/http-01", "unix:/run/acmems/orderd.sock", *OTHERS]))
    assert {question for question, answer in answers.items() if answer == YES} == {challenges}


@pytest.fixture
def restored(tls, pebble):
    yield tls
    configure(tls, pebble)


@pytest.mark.parametrize("target", ["127.0.0.1:8443", "192.0.2.1:443", "[2001:db8::1]:443"])
def test_exposure_with_passthrough(restored, pebble, target, record_property):
    """The exposure has the same limit as in test_sandbox.py, where passthrough is off."""
    configure(restored, pebble, f"passthrough = {target}")
    for unit in f"{UNIT}.service", f"{UNIT}@1.service":
        assert restored.show(unit, "PrivateNetwork") == "no"
        result = restored.run("systemd-analyze", "security", "--threshold=12", unit)
        record_property(f"exposure of {unit}, passthrough = {target}",
                        result.stdout.strip().rpartition(": ")[2].split()[0])

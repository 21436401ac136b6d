# SPDX-License-Identifier: GPL-3.0-or-later
"""Each way in which a handler gets its connections, with many of them at once."""

import json
import socket
import time

import pytest

import swarm
from machine import lib

MANY = 2000
SOME = 200
CHALLENGE = ("/run/acmems/challenges/http-01/token", "token.thumbprint")

INETD = lib.documented_block("inetd").replace("192.0.2.1:1313", "127.0.0.1:2313").replace(
    "127.0.0.1:1380", "127.0.0.1:2380").replace("127.0.0.1:1443", "127.0.0.1:2443")


@pytest.fixture(scope="module")
def csr(server, tmp_path_factory):
    """A CSR whose certificate is in the cache; a challenge is published, too."""
    body = lib.make_csr(tmp_path_factory.mktemp("csr"), "www.example.org")
    server.issue(body)
    path, content = CHALLENGE
    server.sh(f"printf {content} >{path} && chown acmems:acmems-http01 {path} && chmod 640 {path}")
    return body


def http(method, path, body=b""):
    return (f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


def ask(n, unit, csr, record_property, how):
    """All requests are answered. The rate is recorded."""
    port, request, expected = {
        "acmems-mgmt": (1313, http("POST", "/sign", csr), b"-----BEGIN CERTIFICATE-----"),
        "acmems-http01": (1380, http("GET", "/.well-known/acme-challenge/token"),
                          CHALLENGE[1].encode()),
    }[unit]
    started = time.monotonic()
    answers = swarm.ask(n, socket.AF_INET, ("127.0.0.1", port), request)
    elapsed = time.monotonic() - started
    bad = [answer for answer in answers if not answer.startswith(b"HTTP/1.1 200") or expected not in answer]
    assert not bad, f"{len(bad)} of {n}, after {elapsed:.0f} s: {set(bad)}"
    record_property(f"{unit}, {how}, {n} at once: connections/s", round(n / elapsed))


def cpu_time(server):
    """The CPU time of PID 1, in ms."""
    return int(server.path("/proc/1/schedstat").read_text().split()[0]) / 1e6


@pytest.mark.parametrize("unit", ["acmems-mgmt", "acmems-http01"])
def test_one_process_serves_all(server, csr, record_property, unit):
    """The default: at the limit of processes, the kernel queues further connections."""
    server.run("systemctl", "stop", f"{unit}.service")
    before = cpu_time(server)
    ask(MANY, unit, csr, record_property, "Accept=no")
    record_property(f"{unit}, Accept=no: PID 1's CPU time for a connection, ms",
                    round((cpu_time(server) - before) / MANY, 4))
    assert server.show(f"{unit}.socket", "NAccepted") == "0"


@pytest.mark.parametrize("unit", ["acmems-mgmt", "acmems-http01"])
def test_one_unit_for_each_connection(server, csr, record_property, unit):
    """The drop-in of three lines from acmems.service(8)."""
    server.sh(lib.documented_block("install accept drop-in").replace("acmems-mgmt", unit))
    try:
        accepted = int(server.show(f"{unit}.socket", "NAccepted"))
        before = cpu_time(server)
        ask(SOME, unit, csr, record_property, "Accept=yes")
        record_property(f"{unit}, Accept=yes: PID 1's CPU time for a connection, ms",
                        round((cpu_time(server) - before) / SOME, 4))
        assert int(server.show(f"{unit}.socket", "NAccepted")) - accepted == SOME
        # Units of ended connections are gone; none has failed, none accumulates.
        lib.wait_for(lambda: not server.run(
            "systemctl", "list-units", "--all", "--plain", "--no-legend", f"{unit}@*").stdout,
            "the removal of the connections' units")
    finally:
        server.remove_drop_in(f"{unit}.socket", name="accept")
        server.run("systemctl", "restart", f"{unit}.socket")


def test_orders_socket(server, csr):
    """2,000 handlers can call orderd at once."""
    call = json.dumps({"method": "org.varlink.service.GetInfo"}).encode() + b"\0"
    answers = swarm.ask(MANY, socket.AF_UNIX, str(server.path("/run/acmems/orderd.sock")), call,
                        is_complete=lambda answer: answer.endswith(b"\0"))
    assert all(b"io.acmems.Orders" in answer for answer in answers)


def test_inetd(server, csr):
    """Debian's openbsd-inetd starts the same programs."""
    server.write("/etc/inetd.conf", INETD)
    server.run("systemctl", "start", "inetd.service")
    try:
        lib.wait_for(lambda: lib.can_connect(2380), "inetd")
        answer = server.post(csr, port=2313)
        assert answer.status == 200 and answer.body.startswith(b"-----BEGIN CERTIFICATE-----")
        answer = lib.request(2380, "GET", "/.well-known/acme-challenge/token")
        assert (answer.status, answer.body) == (200, CHALLENGE[1].encode())
    finally:
        server.run("systemctl", "stop", "inetd.service")


def test_without_units(server, csr, new_csr):
    """Started by hand, as acmems.service(8) says: an order goes all the way."""
    script = lib.documented_block("without units").replace("192.0.2.1:1313", "127.0.0.1:1313")
    server.run("systemctl", "stop", "acmems-*")
    server.run("systemd-run", "--unit=without-units", "bash", "-c", f"{script}wait")
    try:
        lib.wait_for(lambda: all(map(lib.can_connect, (1313, 1380, 1443))), "the sockets")
        assert server.post(csr).status == 200
        server.issue(new_csr("by-hand.example.org"))
    finally:
        server.run("systemctl", "stop", "without-units.service")
        server.run("systemd-tmpfiles", "--create")
        server.run("systemctl", "start", *server.sockets)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped units where the machine runs out of something, and while the package is upgraded."""

import contextlib
import dataclasses
import itertools
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from crowd import Crowd, addresses, client_hello, http, tls_is_complete
from csr_pool import make_csrs
from fast_ca import FastCa
from machine import lib
from server import Server

LIMITS = ("client-share = 0", "client-share = 0\norders-per-3h = 0\nduplicate-certificates-per-week = 0")
TLS = '[verification "tls"]\ntype = tls-alpn01\nlistener = 127.0.0.1:443\n'
NAME = "faults.example.org"
UNITS = ("acmems-mgmt.service", "acmems-http01.service", "acmems-tlsalpn01.service")


@dataclasses.dataclass
class Handler:
    """A service, requests to it without an end, and the start of each answer."""

    unit: str
    port: int
    requests: Iterator
    served: bytes = b"HTTP/1.1 200 "
    how: dict = dataclasses.field(default_factory=dict)

    def ask(self, requests, width):
        """The visits of as many clients at a time."""
        return Crowd(("127.0.0.1", self.port), addresses(54, 100), width, **self.how).ask(requests)

    def serves(self, n=1, width=1):
        return self.are_served(self.ask(itertools.islice(self.requests, n), width))

    def are_served(self, visits):
        return all(not visit.error and visit.answer.startswith(self.served) for visit in visits)


def tls(name, served):
    return Handler("acmems-tlsalpn01.service", 443, itertools.repeat(client_hello(name)), served,
                   {"is_complete": tls_is_complete})


def http01(challenge, status):
    request = http("GET", f"/.well-known/acme-challenge/{challenge}")
    return Handler("acmems-http01.service", 1380, itertools.repeat(request), b"HTTP/1.1 %d " % status)


def sign(requests):
    return Handler("acmems-mgmt.service", 1313, requests)


def new_orders():
    while True:
        yield http("POST", "/sign", make_csrs([f"{uuid.uuid4()}.example.org"])[0])


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    ca = FastCa(lib, tmp_path_factory.mktemp("ca"), http_port=1380)
    yield ca
    ca.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory, ca):
    machine = Server(tmp_path_factory.mktemp("faults") / "machine")
    try:
        machine.enable(ca, LIMITS, more=TLS)
        machine.run("systemctl", "enable", "--now", "acmems-tlsalpn01.socket")
        machine.run("systemctl", "start", "acmems-orderd.service")
        yield machine
    finally:
        machine.stop()


@pytest.fixture
def cached(server):
    """A request that the cache answers."""
    [csr] = make_csrs([f"{uuid.uuid4()}.example.org"])
    server.issue(csr)
    return http("POST", "/sign", csr)


def limit(server, unit, **limits):
    """Change limits of the main process while it runs."""
    server.run("prlimit", "--pid", server.show(unit, "MainPID"), *(f"--{name}={n}" for name, n in limits.items()))


def handler_of(unit, server, cached, directory):
    server.publish("faults", NAME, directory)  # orderd removes challenges that no order needs when it starts
    handlers = {handler.unit: handler for handler in (
        sign(itertools.repeat(cached)), http01("faults", 200), tls(NAME, b"\x16\x03\x03"))}
    assert handlers[unit].serves()
    return handlers[unit]


@pytest.fixture(params=UNITS)
def handler(request, server, cached, tmp_path):
    return handler_of(request.param, server, cached, tmp_path)


def journal_says(server, unit, text):
    lib.wait_for(lambda: text in server.journal("-b", "-u", unit), text)


def test_no_process(server, handler):
    """A client that asks while there is no process waits, and is served once there is one."""
    limit(server, handler.unit, nproc="1:8192")
    with ThreadPoolExecutor(1) as pool:
        client = pool.submit(handler.serves)
        try:
            journal_says(server, handler.unit, "Failed to start a process for a connection, will retry")
        finally:
            limit(server, handler.unit, nproc="8192:8192")
        assert client.result()


def test_no_process_until_a_restart(server, handler):
    """A service without processes ends when it must; the next one serves those who wait in the kernel."""
    limit(server, handler.unit, nproc="1:8192")
    server.run("systemctl", "restart", handler.unit)
    assert handler.serves()


@contextlib.contextmanager
def memory_limit(server, unit, spare):
    """Limit the memory of a running service to what it uses and @spare bytes.
    With control groups of version 1, systemd in a container cannot, so it is done from outside."""
    groups = [group for group in server.cgroups if group.relative_to("/sys/fs/cgroup").parts[0] == "memory"]
    if not groups:
        used = int(server.show(unit, "MemoryCurrent"))
        server.run("systemctl", "set-property", "--runtime", unit, f"MemoryMax={used + spare}")
        yield
        server.run("systemctl", "revert", unit)
        return
    own = server.cgroups[0] / "payload" / server.show(unit, "ControlGroup").lstrip("/")
    group = groups[0] / f"limited-{uuid.uuid4()}"
    group.mkdir()
    for pid in (own / "cgroup.procs").read_text().split():
        (group / "cgroup.procs").write_text(pid)
    (group / "memory.limit_in_bytes").write_text(str(spare))
    yield
    (group / "memory.limit_in_bytes").write_text("-1")


@pytest.mark.parametrize("unit", [*UNITS, "acmems-orderd.service"])
def test_no_memory(server, cached, unit, tmp_path):
    """The kernel kills processes of the service. Some clients lose their connection; the next ones are served."""
    handler = handler_of("acmems-mgmt.service" if unit == "acmems-orderd.service" else unit, server, cached, tmp_path)
    if handler.port == 1313:
        handler.requests = new_orders()
    with memory_limit(server, unit, 256 << 10):
        handler.serves(300, 100)
    assert handler.serves(100, 10)


def test_upgrade_under_load(server, cached):
    """No client notices an upgrade to a newer version."""
    server.sh("cd /root && rm -rf newer && dpkg-deb -R /mnt/build/deb/acmems_*.deb newer &&"
              " sed -i 's/^Version: .*/&+newer/' newer/DEBIAN/control && dpkg-deb -b newer newer.deb")
    ended = threading.Event()
    # orderd removes the challenges of others when it starts: these requests are for none.
    handlers = (sign(itertools.repeat(cached)), sign(new_orders()), http01("other", 404),
                tls("other.example.org", b"\x15"))
    with ThreadPoolExecutor(len(handlers)) as pool:
        clients = [pool.submit(handler.ask, itertools.takewhile(lambda _: not ended.is_set(), handler.requests), 2)
                   for handler in handlers]
        try:
            server.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--install", "/root/newer.deb")
            assert server.run("dpkg-query", "-W", "-f", "${Version}", "acmems").stdout.endswith("+newer")
        finally:
            ended.set()
    for handler, client in zip(handlers, clients):
        assert handler.are_served(client.result()), handler.unit

# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped units where the machine runs out of something, and while the package is upgraded."""

import contextlib
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from crowd import Crowd, addresses, http
from csr_pool import make_csrs
from fast_ca import FastCa
from machine import lib
from server import Server

LIMITS = ("client-share = 0", "client-share = 0\norders-per-3h = 0\nduplicate-certificates-per-week = 0")
CHALLENGE = "/.well-known/acme-challenge/faults"
PORTS = {"acmems-mgmt.service": 1313, "acmems-http01.service": 1380}


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    ca = FastCa(lib, tmp_path_factory.mktemp("ca"), http_port=1380)
    yield ca
    ca.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory, ca):
    machine = Server(tmp_path_factory.mktemp("faults") / "machine")
    try:
        machine.enable(ca, LIMITS)
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


def publish(server):
    server.sh("cd /run/acmems/challenges/http-01 && printf faults.thumbprint >faults &&"
              " chown acmems:acmems-http01 faults && chmod 640 faults")


def limit(server, unit, **limits):
    """Change limits of the main process while it runs."""
    server.run("prlimit", "--pid", server.show(unit, "MainPID"), *(f"--{name}={n}" for name, n in limits.items()))


@pytest.fixture(params=PORTS)
def handler(request, server, cached):
    """(unit, port, a request that it answers with 200)"""
    publish(server)
    unit = request.param
    requests = {1313: cached, 1380: http("GET", CHALLENGE)}
    assert lib.request(1380, "GET", CHALLENGE).status == 200
    return unit, PORTS[unit], requests[PORTS[unit]]


def journal_says(server, unit, text):
    lib.wait_for(lambda: text in server.journal("-b", "-u", unit), text)


def ask_during(server, handler, fault, end, text):
    """A client that asks while a resource is short waits, and is served once the shortage has ended."""
    unit, port, request = handler
    fault()
    with lib.Client(port) as client:
        client.send(request)
        journal_says(server, unit, text)
        end()
        assert client.answer("GET").status == 200


def test_no_process(server, handler):
    unit = handler[0]
    ask_during(server, handler, lambda: limit(server, unit, nproc="1:8192"),
               lambda: limit(server, unit, nproc="8192:8192"), "Failed to start a process for a connection, will retry")


def test_no_process_until_a_restart(server, handler):
    """A service without processes ends when it must; the next one serves those who wait in the kernel."""
    unit, port, request = handler
    limit(server, unit, nproc="1:8192")
    server.run("systemctl", "restart", unit)
    assert Crowd(("127.0.0.1", port), ["127.0.0.1"], 1).ask([request])[0].status == 200


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


@pytest.mark.parametrize("unit", [*PORTS, "acmems-orderd.service"])
def test_no_memory(server, cached, unit):
    """The kernel kills processes of the service. Some clients lose their connection; the next ones are served."""
    publish(server)
    assert lib.request(1380, "GET", CHALLENGE).status == 200
    port = PORTS.get(unit, 1313)
    with memory_limit(server, unit, 256 << 10):
        requests = [http("GET", CHALLENGE)] * 300 if port == 1380 else [
            http("POST", "/sign", csr) for csr in make_csrs(f"{uuid.uuid4()}.example.org" for _ in range(100))]
        Crowd(("127.0.0.1", port), addresses(54, 100), 100).ask(requests)
    visits = Crowd(("127.0.0.1", port), addresses(54, 100), 10).ask(requests)
    assert {visit.status for visit in visits} == {200}


def test_upgrade_under_load(server, cached):
    """No client notices an upgrade to a newer version."""
    publish(server)
    server.sh("cd /root && rm -rf newer && dpkg-deb -R /mnt/build/deb/acmems_*.deb newer &&"
              " sed -i 's/^Version: .*/&+newer/' newer/DEBIAN/control && dpkg-deb -b newer newer.deb")
    ended = threading.Event()

    def ask(port, requests):
        def until_ended():
            while not ended.is_set():
                yield next(requests)
        return Crowd(("127.0.0.1", port), addresses(53, 20), 2).ask(until_ended())

    def forever(request):
        while True:
            yield request

    def new():
        while True:
            yield http("POST", "/sign", make_csrs([f"{uuid.uuid4()}.example.org"])[0])

    with ThreadPoolExecutor(3) as pool:
        clients = {"cached": pool.submit(ask, 1313, forever(cached)), "new": pool.submit(ask, 1313, new()),
                   "no challenge": pool.submit(ask, 1380, forever(http("GET", CHALLENGE + "-other")))}
        try:
            server.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--install", "/root/newer.deb")
            assert server.run("dpkg-query", "-W", "-f", "${Version}", "acmems").stdout.endswith("+newer")
        finally:
            ended.set()
    for kind, visits in clients.items():
        assert {visit.status for visit in visits.result()} == {404 if kind == "no challenge" else 200}, kind

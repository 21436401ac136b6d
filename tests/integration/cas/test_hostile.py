# SPDX-License-Identifier: GPL-3.0-or-later
"""A broken or hostile CA: no order is lost or duplicated, and other orders continue."""

import calendar
import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

import fault_proxy as faults
import lib
from ca_proxy import Reset
from fault_proxy import PROBLEM, FaultProxy, Rule, body, headers, members, refuse

SANITIZED = "asan" in lib.BUILD.name
PLAIN_ORDERS = 20
CPU_RATIO_MAX = 2  # CPU time of an order with a fault to one without; a busy loop would use 1 s or more
MEMORY_MAX = (400 if SANITIZED else 48) << 10  # KB; the sanitizer keeps freed memory
AT_ONCE = 16
number = itertools.count()


@pytest.fixture(scope="module")
def proxy(pebble):
    ca = FaultProxy(pebble)
    yield ca
    ca.stop()


@pytest.fixture(scope="module")
def account(tmp_path_factory, proxy, http01_socket):
    return lib.register(tmp_path_factory.mktemp("account"), proxy, http01_socket)


@pytest.fixture(scope="module")
def server(tmp_path_factory, proxy, account, http01_socket):
    """One server for all faults: the effects of one fault would show up in the next tests."""
    acmems = lib.Acmems(tmp_path_factory.mktemp("hostile"), proxy, http01_socket, account)
    yield acmems.start(account="orders-per-3h = 0")
    acmems.stop()


@pytest.fixture
def installation(server, proxy):
    """The session with the CA starts without any data, as after a change of the account."""
    proxy.rules = []
    forget_session(server)
    return server


def restart(server):
    """orderd has no connection and no session. Its CPU time and memory so far are kept."""
    server.spent = getattr(server, "spent", 0) + cpu_time(server.orderd)
    server.peak = max(getattr(server, "peak", 0), memory_peak(server.orderd))
    server.orderd.stop()
    shutil.rmtree(server.directory / "state/session", ignore_errors=True)
    server.start_orderd()
    server.spent -= cpu_time(server.orderd)


def forget_session(server):
    shutil.rmtree(server.directory / "state/session", ignore_errors=True)
    os.utime(server.directory / "account/account.pem")


def unique_name():
    """A name that is new to the CA: it has no valid authorization for it."""
    return f"hostile{next(number)}.example.org"


def record(server, csr):
    return server.directory / f"state/orders/{hashlib.sha384(csr).hexdigest()}.json"


def cpu_time(process):
    """The CPU time of the process so far, in s."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_peak(process):
    """The peak memory use of the process, in KB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+)", status)[1])


class Case(NamedTuple):
    """The status is what the waiting client gets. The next request always gets the certificate."""

    kind: str
    fault: object
    status: int = 200
    times: int = 1


def each(kinds, status, **named):
    """The same faults for several kinds of requests."""
    return {f"{kind}-{name.replace('_', '-')}": Case(kind, fault, status)
            for kind in kinds for name, fault in named.items()}


BUSY = refuse(503, "serverInternal", Retry_After=1)
ELSEWHERE = refuse(302, Location="/elsewhere")
# The CA has the order: the client waits for it.
AFTER = ("authorization", "challenge", "order", "finalize", "certificate")
CASES = {
    **each(["newOrder"], 503, error=refuse(500, Replay_Nonce=faults.NONCE), redirect=ELSEWHERE),
    **each(["newOrder"], 200, half=faults.half, cut=faults.cut, huge=faults.huge),
    **each(AFTER, 200, error=refuse(500), cut=faults.cut, redirect=ELSEWHERE),
    **each(AFTER, 200, lost_before=faults.lost_before, lost_after=faults.lost_after),
    **each(["authorization", "order", "finalize", "certificate"], 200, half=faults.half),
    **each(["order", "certificate"], 200, huge=faults.huge),
}
CASES |= {
    "newOrder-bad-nonces": Case("newOrder", refuse(400, "badNonce"), times=5),
    "newOrder-storm": Case("newOrder", refuse(400, "badNonce"), 503, times=12),
    "newOrder-no-new-nonce": Case("newOrder", refuse(400, "badNonce", Replay_Nonce="!"), times=5),
    "newOrder-moved": Case("newOrder", refuse(404)),
    "newOrder-moved-away": Case("newOrder", refuse(404), 503, times=2),
    "newOrder-no-account": Case("newOrder", refuse(400, "accountDoesNotExist"), 500),
    "newOrder-no-location": Case("newOrder", headers(Location=None), 503),
    "newOrder-type": Case("newOrder", headers(Content_Type="text/html")),
    "newOrder-no-finalize": Case("newOrder", members(finalize=None)),
    "newOrder-unknown-members": Case("newOrder", members(x=[[{}]], notBefore=7)),
    "newOrder-unknown-state": Case("newOrder", members(status="frozen")),
    "newOrder-huge-header": Case("newOrder", faults.huge_header),
    "authorization-unknown-state": Case("authorization", members(status="frozen")),
    "authorization-revoked": Case("authorization", members(status="revoked"), 503),
    "authorization-no-challenges": Case("authorization", members(challenges=None)),
    "authorization-type": Case("authorization", headers(Content_Type="text/html")),
    "order-storm": Case("order", refuse(400, "badNonce"), times=12),
    "order-unknown-state": Case("order", members(status="frozen"), times=2),
    "order-no-state": Case("order", members(status=5)),
    "order-type": Case("order", headers(Content_Type="text/html")),
    "order-type-written-otherwise": Case("order", headers(Content_Type="Application/JSON; x=y")),
    "order-deep": Case("order", body(b'{"a":' * 100_000)),
    "order-back": Case("order", members(status="pending"), times=2),
    "order-back-for-long": Case("order", members(status="pending"), times=8),
    "order-processing": Case("order", members(status="processing"), times=5),
    "newOrder-invalid": Case("newOrder", members(status="invalid"), 421),
    "newOrder-invalid-unauthorized": Case("newOrder", members(status="invalid", error={
        "type": f"{PROBLEM}unauthorized", "detail": "a wrong answer"}), 421),
    "order-without-certificate": Case("order", members(status="valid", certificate=None)),
    "finalize-not-ready": Case("finalize", refuse(403, "orderNotReady")),
    "finalize-not-ready-for-long": Case("finalize", refuse(403, "orderNotReady"), times=3),
    "finalize-unknown-state": Case("finalize", members(status="frozen")),
    "finalize-back-to-pending": Case("finalize", members(status="pending")),
    "finalize-back-to-ready": Case("finalize", members(status="ready")),
    "finalize-storm": Case("finalize", refuse(400, "badNonce"), times=12),
    "finalize-drip": Case("finalize", faults.drip),
    "certificate-json": Case("certificate", body(b"{}")),
    "certificate-garbage": Case("certificate", body(b"\xff", "application/pem-certificate-chain")),
    "certificate-type": Case("certificate", headers(Content_Type="text/html")),
}


@pytest.fixture(scope="module")
def plain_cpu(server, tmp_path_factory):
    """The CPU time of an order without a fault, in s: the measure for the others, on this machine at this time."""
    directory, begin = tmp_path_factory.mktemp("plain"), cpu_time(server.orderd)
    for _ in range(PLAIN_ORDERS):
        server.issue(lib.make_csr(directory, unique_name()))
    return (cpu_time(server.orderd) - begin) / PLAIN_ORDERS


@pytest.fixture(scope="module")
def flights(server, proxy, plain_cpu, tmp_path_factory):
    """Start the orders of all cases at the same time: {key: (name, CSR, rule, future answer)}."""
    directory, flights = tmp_path_factory.mktemp("csr"), {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for key, case in {"stall": Case("order", faults.stall), **CASES}.items():
            name = unique_name()
            csr, rule = lib.make_csr(directory, name), Rule(name, case.kind, case.fault, case.times)
            proxy.rules.append(rule)
            flights[key] = name, csr, rule, pool.submit(server.post, csr)
        yield flights


@pytest.mark.parametrize("key", CASES)
def test_order(server, proxy, flights, key):
    """A fault in one order, while other orders are in progress with other faults."""
    name, csr, rule, answer = flights[key]
    assert answer.result().status == CASES[key].status, answer.result()
    assert rule.hits == rule.times
    # Once orderd knows the order, it does not create another one.
    assert CASES[key].status != 200 or proxy.orders(name) == 1
    server.issue(csr)
    assert proxy.certificates(name) == 1
    assert not record(server, csr).exists()


def test_stalled(server, proxy, flights):
    """An answer without an end is abandoned after 30 s. The other orders continue meanwhile."""
    name, _, rule, answer = flights["stall"]
    assert answer.result().status == 200 and rule.hits == 1 and proxy.certificates(name) == 1


SHARED_CASES = {
    **each(["directory"], 503, error=refuse(500), busy=BUSY, half=faults.half, cut=faults.cut,
           huge=faults.huge, redirect=ELSEWHERE),
    **each(["newNonce"], 503, error=refuse(500), redirect=ELSEWHERE),
    # Whatever the CA was asked for, it gets no new order until the time in its Retry-After.
    **each(["newOrder"], 503, busy=BUSY),
    **each(AFTER, 200, busy=BUSY),
    # Sent twice: the connection was reused, so the request may be repeated.
    **each(["newOrder"], 200, lost_before=faults.lost_before, lost_after=faults.lost_after),
    "directory-type": Case("directory", headers(Content_Type="text/html")),
    "directory-empty": Case("directory", body(b"{}"), 503),
    "directory-not-https": Case("directory", members(newOrder="http://127.0.0.1/"), 503),
    "newNonce-none": Case("newNonce", headers(Replay_Nonce=None), 503),
    "newNonce-nonsense": Case("newNonce", headers(Replay_Nonce="no nonce!"), 503),
    "newNonce-moved": Case("newNonce", refuse(404)),
}


@pytest.mark.parametrize("case", SHARED_CASES.values(), ids=SHARED_CASES.keys())
def test_session(installation, proxy, new_csr, case):
    """Faults in what orders share: current clients get an error, later ones get a certificate."""
    name = unique_name()
    # Queries for the renewal windows of earlier certificates fetch the directory too, perhaps just before the order
    # does: the fault is there before orderd starts, and stays until the client has its answer.
    shared_with_queries = case.kind == "directory"
    csr, rule = new_csr(name), Rule(name, case.kind, case.fault, times=100 if shared_with_queries else 1)
    proxy.rules = [rule]
    if shared_with_queries:
        restart(installation)
    answer = installation.post(csr)
    proxy.rules = []
    assert answer.status == case.status and rule.hits >= 1, answer
    assert rule.hits == 1 or shared_with_queries
    # Until the time in Retry-After, acmems does not ask the CA again.
    lib.wait_for(lambda: installation.post(csr).status == 200, "the certificate")
    assert proxy.certificates(name) == 1


def test_cpu_and_memory(server, flights, plain_cpu):
    """No busy loops, and memory does not grow with the CA's answers."""
    assert all(answer.done() for *_, answer in flights.values())
    used = server.spent + cpu_time(server.orderd) - PLAIN_ORDERS * plain_cpu
    assert used < CPU_RATIO_MAX * plain_cpu * (len(CASES) + 2 * len(SHARED_CASES))
    assert max(server.peak, memory_peak(server.orderd)) < MEMORY_MAX


def test_authorization_never_decided(installation, proxy, new_csr):
    """orderd waits for the authorization until the order expires, and no longer."""
    name, expires = unique_name(), time.gmtime(time.time() + 3)
    proxy.rules = [
        Rule(name, "newOrder", members(expires=time.strftime("%Y-%m-%dT%H:%M:%SZ", expires))),
        Rule(name, "authorization", members(status="processing"), times=100)]
    answer = installation.post(new_csr(name))
    assert answer.status == 503 and b"expired before" in answer.body, answer
    assert time.time() >= calendar.timegm(expires)


VICTIM = {"type": "dns", "value": "victim.example.org"}


@pytest.mark.parametrize("asked, named", [
    ({"identifier": VICTIM}, "victim.example.org"), ({"wildcard": True}, "*."),
    ({"identifier": {"type": "ip", "value": "192.0.2.1"}}, "192.0.2.1"), ({"identifier": None}, "did not send"),
], ids=["another name", "wildcard", "address", "none"])
def test_authorization_for_another_name(installation, proxy, new_csr, asked, named):
    """An answer to a challenge is published for the order's names only."""
    name = unique_name()
    told = Rule(name, "challenge", lambda ask: ask())
    proxy.rules = [Rule(name, "authorization", members(status="pending", **asked)), told]
    answer = installation.post(new_csr(name))
    assert answer.status == 503 and answer.headers["Retry-After"], answer
    assert "which is not a name of this order" in answer.text and named in answer.text, answer
    assert told.hits == 0 and not list(installation.challenges.iterdir())
    assert not list(installation.directory.glob("state/orders/*.json"))


def test_authorization_for_a_name_in_upper_case(installation, proxy, new_csr):
    name = unique_name()
    proxy.rules = [Rule(name, "authorization", members(identifier={"type": "dns", "value": name.upper()}))]
    assert installation.issue(new_csr(name)).names == [name]


def test_authorization_changes_its_name(installation, proxy, new_csr):
    """The CA names another host once the answer for the first one is published."""
    name = unique_name()

    def fault(ask):
        change = members(identifier=VICTIM, status="pending") if rule.hits > 1 else members()
        return change(ask)

    rule = Rule(name, "authorization", fault, times=2)
    proxy.rules = [rule]
    answer = installation.post(new_csr(name))
    assert rule.hits == 2
    assert answer.status == 503 and VICTIM["value"] in answer.text, answer
    assert not list(installation.challenges.iterdir())


def plain_text(connection):
    """A server without TLS."""
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    raise Reset


@pytest.fixture
def stranger(tmp_path):
    """A handshake with an untrusted certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*lib.make_tls_certificate(tmp_path))
    return lambda connection: context.wrap_socket(connection, server_side=True)


@pytest.mark.parametrize("kind", ["plain text", "stranger"])
def test_tls(installation, proxy, new_csr, stranger, kind):
    """An impostor gets no request. The order continues once the CA can be reached."""
    handshake = stranger if kind == "stranger" else plain_text

    def fault(ask):
        proxy.handshakes.append(handshake)
        raise Reset

    name = unique_name()
    csr = new_csr(name)
    # A query for a renewal window may connect before the order does, or may have connected already.
    proxy.handshakes += [handshake] * 100
    restart(installation)
    answer = installation.post(csr)
    proxy.handshakes.clear()
    assert answer.status == 503 and b"SSL" in answer.body
    proxy.rules = [Rule(name, "finalize", fault)]
    installation.issue(csr)
    assert not proxy.handshakes and proxy.certificates(name) == 1


@pytest.mark.parametrize("resource", ["newNonce", "newOrder"])
def test_directory_changes(installation, proxy, new_csr, resource):
    """A URL of the directory no longer exists: orderd fetches the directory again."""
    name = unique_name()
    rule = Rule(name, "directory", members(**{resource: f"{proxy.base}/gone"}))
    proxy.rules = [rule]
    installation.issue(new_csr(name))
    assert rule.hits == 1


def test_storm_after_a_restart(installation, proxy, pebble, new_csr):
    """The CA rejects every nonce for a while. This does not mean that it has lost the order."""
    name, before = unique_name(), pebble.orders()
    csr, rule = new_csr(name), Rule(name, "order", refuse(400, "badNonce"), times=12)
    installation.http01.pause()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(installation.post, csr)
        lib.wait_for(lambda: list(installation.challenges.iterdir()), "the challenge")
        installation.orderd.expect = (-signal.SIGKILL,)
        installation.orderd.popen.kill()
        installation.orderd.wait()
        proxy.rules = [rule]
        installation.start_orderd()
        lib.wait_for(lambda: rule.hits == rule.times, "the storm to pass")
        installation.http01.resume()
        assert answer.result().status == 200
    assert pebble.orders() == before + 1


def test_name_fails_while_orderd_is_down(installation, proxy, pebble, new_csr):
    """Only the failing name is paused, as after any failure; the client gets the reason."""
    alive, dead = unique_name(), unique_name()
    pebble.set_address(dead, "127.0.0.99")
    before, orders = pebble.ca.log.count(" set INVALID "), pebble.orders()
    killed = threading.Event()

    def fault(ask):
        answer = ask()
        if rule.hits == rule.times:  # both challenges have been submitted to the CA
            lib.wait_for(lambda: pebble.ca.log.count(" set INVALID ") > before, "the validation")
            installation.orderd.expect = (-signal.SIGKILL,)
            installation.orderd.popen.kill()
            installation.orderd.wait()
            killed.set()
        return answer

    rule = Rule(alive, "challenge", fault, times=2)
    proxy.rules = [rule]
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(installation.post, new_csr(alive, dead))
        assert killed.wait(lib.DEADLINE)
        installation.start_orderd()
        assert answer.result().status == 421 and f"{dead}: " in answer.result().text
    pauses = [json.loads(path.read_text()) for path in
              installation.directory.glob("state/backoff/*.json")]
    assert [pause["what"] for pause in pauses if pause["what"] in (alive, dead)] == [dead]
    assert "again before the time in Retry-After" in installation.post(new_csr(dead)).text
    assert pebble.orders() == orders + 1
    installation.issue(new_csr(alive))

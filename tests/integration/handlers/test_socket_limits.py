# SPDX-License-Identifier: GPL-3.0-or-later
"""A handler that was taken over calls acmems-orderd: it gets no more memory, connections or time than it may have."""

import base64
import contextlib
import json
import re
import resource
import socket
import subprocess
from pathlib import Path

import pytest

import lib

SANITIZED = "asan" in lib.BUILD.name
MIB = 1 << 20
WAITERS_MAX, USER_MAX, PROCESS_MAX, INCOMING_MAX = 256, 2048, 4, 48 * MIB
ENVELOPE = 8192  # of a call, all but the CSR
BIG = 16 * MIB  # the largest max-size


@pytest.fixture(autouse=True)
def many_descriptors():
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, limits[1]), limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def connect(acmems, stack=None):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(lib.DEADLINE)
    sock.connect(str(acmems.directory / "run/orderd.sock"))
    return stack.enter_context(sock) if stack else sock


def connect_as_others(acmems, n, stack):
    """Sockets that other processes of this user have connected, each as many as it may."""
    mine, others = socket.socketpair(socket.AF_UNIX)
    program = lib.BUILD / "tests/integration/connect-many"
    with mine, subprocess.Popen([program, acmems.directory / "run/orderd.sock", str(n), str(PROCESS_MAX)],
                                stdout=others) as process:
        others.close()
        socks = []
        while fds := socket.recv_fds(mine, 1, PROCESS_MAX)[1]:
            socks += [stack.enter_context(socket.socket(fileno=fd)) for fd in fds]
    for sock in socks:
        sock.settimeout(lib.DEADLINE)
    assert process.returncode == 0 and len(socks) == n
    return socks


def order(csr):
    return call("io.acmems.Orders.Request", auth="loopback", csr=base64.b64encode(csr).decode(), requestId="0123")


def call(method, **parameters):
    return json.dumps({"method": method, "parameters": parameters}).encode() + b"\0"


INFO = call("org.varlink.service.GetInfo")


def answer(sock):
    """The next answer; None at the end of the connection."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while not received.endswith(b"\0"):
            data = sock.recv(65536)
            if not data:
                return None
            received += data
        return json.loads(received[:-1])
    return None


def ask(acmems, frame):
    with connect(acmems) as sock:
        send(sock, frame)  # it may have answered, and closed the connection, before
        return answer(sock)


def is_served(acmems):
    return ask(acmems, INFO)["parameters"]["product"] == "acmems-orderd"


def send(sock, data):
    """Send as much as the peer takes. False: it closed the connection."""
    try:
        sock.sendall(data)
        return True
    except (BrokenPipeError, ConnectionResetError):
        return False


def memory(process):
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s*(\d+)", status)[1]) << 10


@pytest.fixture
def orderd(installation):
    installation.write_config()
    installation.start_orderd()
    return installation


# ---- memory ----------------------------------------------------------------------------------

def test_size_of_a_call(orderd):
    """max-size decides, and a changed one is in force at once."""
    def answer_to(size):
        """A call of this size, with what follows the JSON object. None: the connection ends."""
        with connect(orderd) as sock:
            send(sock, INFO[:-1].ljust(size) + b"\0")
            return answer(sock)

    for max_size in 4096, 100000, 1000:
        orderd.write_config(mgmt=f"max-size = {max_size}")
        limit = (max_size + 2) // 3 * 4 + ENVELOPE
        accepted = answer_to(limit)
        assert accepted and "error" not in accepted
        assert answer_to(limit + 1) is None
    assert orderd.orderd.log.count("Message too long") == 1, "further ones are not logged for a while"


def test_largest_request(installation, new_csr):
    """A body of exactly max-size goes all the way."""
    csr = new_csr("large.example.org")
    body = csr + b"\n" * (100000 - len(csr))
    installation.start(mgmt=f"max-size = {len(body)}")
    installation.issue(body)
    assert installation.post(body + b"\n").status == 413


def test_memory_of_incomplete_calls(installation):
    """40 calls of 20 MiB each, all but their ends: orderd keeps 48 MiB of them, and serves others."""
    installation.write_config(mgmt=f"max-size = {BIG}")
    installation.start_orderd()
    before, piece, peak = memory(installation.orderd), b" " * MIB, 0
    with contextlib.ExitStack() as stack:
        socks = connect_as_others(installation, 40, stack)
        for _ in range(20):
            socks = [sock for sock in socks if send(sock, piece)]
            assert is_served(installation)
            peak = max(peak, memory(installation.orderd))
        assert len(socks) <= INCOMING_MAX // (20 * MIB) + 2
    assert SANITIZED or peak < before + INCOMING_MAX + 16 * MIB
    assert "its calls need the most of the memory" in installation.orderd.log


def test_memory_of_many_small_calls(orderd):
    """2,000 incomplete calls take no more than what was sent."""
    before = memory(orderd.orderd)
    with contextlib.ExitStack() as stack:
        socks = connect_as_others(orderd, 2000, stack)
        for sock in socks:
            sock.sendall(b" " * 2000)
        assert is_served(orderd)
        assert SANITIZED or memory(orderd.orderd) < before + 24 * MIB
        assert not lib.ended(socks)


# ---- connections and time --------------------------------------------------------------------

def test_connections_of_a_user(orderd, new_csr):
    """One user has half of all connections. Root has no more, but no less either."""
    csr = new_csr("busy.example.org")
    with contextlib.ExitStack() as stack:
        # Open calls, which take a place as long as their order.
        socks = connect_as_others(orderd, USER_MAX, stack)
        refused = ask(orderd, order(csr))
        assert refused["error"] == "io.acmems.Orders.OrderFailed"
        assert refused["parameters"]["status"] == 503 and refused["parameters"]["retryAfter"] == 60
        assert not lib.ended(socks)
        socks[0].close()
        lib.wait_for(lambda: "error" not in ask(orderd, INFO), "the place to be free")
    assert orderd.orderd.log.count("the user has as many as it may have") == 1


def test_connections_with_few_descriptors(installation, new_csr):
    """All connections together leave half of the descriptors for files and for the CA."""
    installation.write_config()
    installation.start_orderd(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    installation.start_sign()
    installation.start_http01()
    with contextlib.ExitStack() as stack:
        socks = connect_as_others(installation, 40, stack)
        for sock in socks[16:]:
            assert answer(sock)["parameters"]["status"] == 503
        assert not lib.ended(socks[:16])
        socks[0].close()
        lib.wait_for(lambda: "error" not in ask(installation, INFO), "the place to be free")
        installation.issue(new_csr("few.example.org"))
    log = installation.orderd.log
    assert log.count("the user has as many as it may have") == 1 and "Too many open files" not in log


def test_connections_of_a_process(orderd, new_csr):
    """A handler that was taken over has four connections, and so cannot take those of its user's other processes."""
    csr = new_csr("greedy.example.org")
    with contextlib.ExitStack() as stack:
        socks = [connect(orderd, stack) for _ in range(PROCESS_MAX)]
        refused = ask(orderd, order(csr))
        assert refused["parameters"]["status"] == 503 and not lib.ended(socks)
        other, = connect_as_others(orderd, 1, stack)
        other.sendall(INFO)
        assert "error" not in answer(other)
    assert orderd.orderd.log.count("the process has as many as it may have") == 1


def test_answers_despite_full_memory(installation, new_csr):
    """Incomplete calls of the largest size leave the others room for their answers."""
    csr = new_csr("answered.example.org")
    installation.start(mgmt=f"max-size = {BIG}")
    certificate = installation.issue(csr)
    with contextlib.ExitStack() as stack:
        for sock in connect_as_others(installation, 60, stack):
            send(sock, b" " * MIB)
        assert "its calls need the most of the memory" in installation.orderd.log
        other, = connect_as_others(installation, 1, stack)
        other.sendall(order(csr))
        chain = answer(other)["parameters"]["chain"]
    assert lib.Certificate(chain.encode()).serial == certificate.serial


def test_incomplete_call_ends(orderd, new_csr):
    """A connection without an open call ends after 10 s. One that waits for its order does not."""
    csr = new_csr("patient.example.org")
    with contextlib.ExitStack() as stack:
        waiting, silent, slow = (connect(orderd, stack) for _ in range(3))
        waiting.sendall(order(csr))  # without acmems-http01, the CA cannot validate it at once
        slow.sendall(INFO[:-1])
        assert answer(silent) is None and answer(slow) is None
        with connect(orderd) as other:
            other.sendall(order(csr))
            assert is_served(orderd)


def test_journal_of_damaged_calls(orderd):
    for _ in range(20):
        with connect(orderd) as sock:
            sock.sendall(b"nonsense\0")
            assert answer(sock) is None
    assert orderd.orderd.log.count("closing its connection") == 1


# ---- waiters ---------------------------------------------------------------------------------

def test_waiters_of_one_order(acmems, new_csr):
    """An order has 256 waiters at most. One that leaves makes room at once."""
    csr = new_csr("wanted.example.org")
    acmems.http01.pause()
    try:
        with contextlib.ExitStack() as stack:
            waiters = connect_as_others(acmems, WAITERS_MAX, stack)
            for sock in waiters:
                sock.sendall(order(csr))
            assert is_served(acmems)
            refused = ask(acmems, order(csr))["parameters"]
            assert (refused["status"], refused["retryAfter"]) == (503, 30)
            assert "Too many clients" in refused["reason"]
            client = acmems.post(csr)
            assert (client.status, client.headers["Retry-After"]) == (503, "30")
            assert not lib.ended(waiters)
            waiters.pop().close()
            last = connect(acmems, stack)
            last.sendall(order(csr))
            assert is_served(acmems) and not lib.ended([last])
            acmems.http01.resume()
            assert all("chain" in answer(sock)["parameters"] for sock in [*waiters, last])
    finally:
        acmems.http01.resume()

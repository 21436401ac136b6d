# SPDX-License-Identifier: GPL-3.0-or-later
"""One source of connections takes nothing from the others: the same limits in all three handlers."""

import collections
import contextlib
import re
import resource
import socket
import struct

import pytest

import lib
from test_tlsalpn01 import NAME, alert, challenge_file, hello, make_certificate

FLOODER, OTHER = "127.0.0.2", "127.0.0.1"
SANITIZED = "asan" in lib.BUILD.name
TOKEN = "token"
CHILDREN_MAX, SOURCE_MAX = 8, 2
# So few descriptors that only this many connections can wait: the others are kept for closing and for the rest.
WAITING_MAX, DESCRIPTORS = 16, 32
BUSY = b"Too many connections to this server are open"
# acmems-http01 answers the first request, and waits for the rest of the second one.
TWO_REQUESTS = f"GET /.well-known/acme-challenge/{TOKEN} HTTP/1.1\r\nHost: x\r\n\r\nGET".encode()


class Handler:
    """One of the handlers.

    request: what it answers and ends; begun: a request that keeps its process waiting for the client; slow: the
    beginning of one.
    """

    def __init__(self, kind, directory, *options, descriptors=4096):
        self.directory = directory
        (directory / "challenges").mkdir()
        make = {"http01": self.http01, "sign": self.sign, "tlsalpn01": self.tlsalpn01}[kind]
        program, self.request, self.begun, self.answer = make()
        self.slow = self.request[:20]
        self.busy, self.late = (b"", b"") if kind == "tlsalpn01" else (BUSY, b"HTTP/1.1 408 ")
        self.socket = socket.create_server((OTHER, 0), backlog=256)
        self.process = lib.Process(kind, ["prlimit", f"--nofile={descriptors}", *program, "--idle-timeout", 0,
                                          "--children-max", CHILDREN_MAX, *options], directory, sockets=[self.socket])
        lib.wait_for(lambda: lib.handles_sigterm(self.process.pid), "the handler to start")

    def http01(self):
        (self.directory / "challenges" / TOKEN).write_text("token.thumbprint")
        request = f"GET /.well-known/acme-challenge/{TOKEN} HTTP/1.0\r\n\r\n".encode()
        return ([lib.HTTP01, "--challenges", self.directory / "challenges"], request, TWO_REQUESTS,
                b"token.thumbprint")

    def sign(self):
        config = self.directory / "acmems.ini"
        config.write_text('[auth "all"]\nall = yes\ndomain = *\n')
        body = b"not a CSR"
        head = lib.head(body, Connection="close").encode()
        return [lib.SIGN, "--config", config], head + body, head, b"415"

    def tlsalpn01(self):
        challenges = self.directory / "challenges"
        challenge_file(challenges, NAME).write_text(make_certificate(self.directory, f"DNS:{NAME}"))
        return [lib.TLSALPN01, "--challenges", challenges], hello("other.example.org"), hello(NAME), alert(112)

    def connect(self, source, data=b""):
        sock = socket.create_connection(self.socket.getsockname(), lib.DEADLINE, (source, 0))
        sock.sendall(data)
        return sock

    def flood(self, stack, n, data=None):
        """@n connections of the flooder, which never complete what they begin."""
        return [stack.enter_context(self.connect(FLOODER, self.begun if data is None else data)) for _ in range(n)]

    def ask(self, source):
        with self.connect(source, self.request) as sock:
            return read_all(sock)

    def stop(self):
        self.socket.close()
        self.process.stop()


def read_all(sock):
    """Everything until the end of the connection. A reset is an error."""
    received = b""
    while data := sock.recv(65536):
        received += data
    return received


@pytest.fixture(params=["http01", "sign", "tlsalpn01"])
def start(request, tmp_path):
    with contextlib.ExitStack() as stack:
        def start(*options, **kwargs):
            handler = Handler(request.param, tmp_path, *options, **kwargs)
            stack.callback(handler.stop)
            return handler
        yield start


def test_others_never_notice(start):
    handler = start()
    with contextlib.ExitStack() as stack:
        flood = handler.flood(stack, 60)
        lib.wait_for(lambda: len(handler.process.children()) == SOURCE_MAX, "the flood to be limited")
        assert all(handler.answer in handler.ask(source) for source in (OTHER, "127.0.0.3", OTHER))
        assert not lib.closed(flood)


def test_source_waits_for_its_turn(start):
    handler = start()
    with contextlib.ExitStack() as stack:
        for sock in handler.flood(stack, 40, handler.request):
            assert handler.answer in read_all(sock)
            sock.close()


def test_limit_is_an_option(start):
    handler = start("--source-max", 5)
    with contextlib.ExitStack() as stack:
        handler.flood(stack, 20)
        lib.wait_for(lambda: len(handler.process.children()) == 5, "five processes")
        assert handler.answer in handler.ask(OTHER)
        assert len(handler.process.children()) <= 6


def test_free_place_goes_to_the_source_with_the_fewest(start):
    """Four sources take all places that they can, and wait for more; a fifth takes the last one. The first free place
    is another one's."""
    handler = start()
    with contextlib.ExitStack() as stack:
        flood = [stack.enter_context(handler.connect(f"127.0.1.{source}", handler.begun))
                 for _ in range(SOURCE_MAX + 3) for source in range(4)]
        lib.wait_for(lambda: len(handler.process.children()) == CHILDREN_MAX - 1, "all places but one to be taken")
        flood.append(stack.enter_context(handler.connect("127.0.1.4", handler.begun)))
        lib.wait_for(lambda: len(handler.process.children()) == CHILDREN_MAX, "all places to be taken")
        patient = stack.enter_context(handler.connect(OTHER, handler.request))
        flood[0].close()
        assert handler.answer in read_all(patient)
        assert not lib.closed(flood[CHILDREN_MAX:])


def test_places_are_left_for_sources_that_have_none(start):
    """Four sources, which could have a quarter each, together do not take every place."""
    handler = start()
    with contextlib.ExitStack() as stack:
        flood = [stack.enter_context(handler.connect(f"127.0.1.{source}", handler.begun))
                 for _ in range(SOURCE_MAX + 3) for source in range(4)]
        lib.wait_for(lambda: len(handler.process.children()) == CHILDREN_MAX - 1, "all places but one to be taken")
        assert all(handler.answer in handler.ask(source) for source in (OTHER, "127.0.0.3", OTHER))
        assert not lib.closed(flood)


def test_client_that_leaves_does_not_wait(start):
    """A client that sent something and leaves, in whichever way, leaves its place to others that wait."""
    handler = start(descriptors=DESCRIPTORS)
    with contextlib.ExitStack() as stack:
        flood = handler.flood(stack, SOURCE_MAX)
        lib.wait_for(lambda: len(handler.process.children()) == SOURCE_MAX, "the flood to be limited")
        for resets in 1, 0, 1, 0:
            leavers = handler.flood(stack, WAITING_MAX)
            for sock in leavers:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", resets, 0))
                sock.close()
        assert handler.answer in handler.ask(OTHER)
        assert not lib.closed(flood)
        assert "turned away" not in handler.process.log


def test_turned_away(start):
    """When too many wait, a connection of the greediest source is told so, though it was not read."""
    handler = start(descriptors=DESCRIPTORS)
    with contextlib.ExitStack() as stack:
        flood = handler.flood(stack, SOURCE_MAX + WAITING_MAX)
        lib.wait_for(lambda: len(handler.process.children()) == SOURCE_MAX, "the flood to be limited")
        if handler.busy:
            refused = handler.ask(FLOODER)
            assert refused.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: 10\r\n" in refused
            assert handler.busy in refused
        else:
            with contextlib.suppress(ConnectionResetError):
                assert handler.ask(FLOODER) == b""
        assert not lib.closed(flood)
        others = [stack.enter_context(handler.connect(OTHER, handler.request)) for _ in range(3)]
        assert all(handler.answer in read_all(sock) for sock in others)
        told = f"because too many are open: 1, the last one from {FLOODER}"
        assert handler.process.log.count("turned away") == handler.process.log.count(told) == 1


def test_silent_connections_end_first(start):
    """A connection whose client sends nothing for 2 s ends, whether it is served or waits."""
    handler = start()
    with contextlib.ExitStack() as stack:
        slow = handler.flood(stack, 1)
        silent = handler.flood(stack, 10, b"")
        assert all(read_all(sock) == b"" for sock in silent)
        assert not lib.closed(slow)
        assert handler.answer in handler.ask(FLOODER)


def test_slow_client_has_no_process(start):
    """Clients that do not send a whole request take no place, not even one of their own source, and end in time."""
    handler = start()
    with contextlib.ExitStack() as stack:
        slow = handler.flood(stack, 40, handler.slow)
        assert all(handler.answer in handler.ask(FLOODER) for _ in range(3))
        lib.wait_for(lambda: not handler.process.children(), "the processes of those requests to end")
        slow[0].sendall(handler.request[20:])
        assert handler.answer in read_all(slow[0])
        assert not lib.ended(slow[1:])
        for sock in slow[1:]:
            with contextlib.nullcontext() if handler.late else contextlib.suppress(ConnectionResetError):
                assert read_all(sock).startswith(handler.late)
        told = re.findall(r"did not arrive in time: (\d+), the last one from (\S+)", handler.process.log)
        assert 1 <= len(told) <= 2 and told[0][1] == FLOODER


def test_restart_serves_those_who_wait(start):
    handler = start()
    with contextlib.ExitStack() as stack:
        waiting = handler.flood(stack, 10, handler.request)
        handler.process.popen.terminate()
        # Those that were not accepted yet are for the next process.
        while handler.process.running or lib.ended(waiting):
            for sock in lib.ended(waiting):
                assert handler.answer in read_all(sock)
                sock.close()
                waiting.remove(sock)


def test_ipv6_network_is_one_source(tmp_path):
    """A dual-stack socket: 127.0.0.1 is the same source over IPv4 and mapped into IPv6."""
    sock = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=256)
    challenges = tmp_path / "challenges"
    challenges.mkdir()
    (challenges / TOKEN).write_text("token.thumbprint")
    with sock, socket.create_server((OTHER, 0), backlog=256) as four, contextlib.ExitStack() as stack:
        process = lib.Process("http01", [lib.HTTP01, "--challenges", challenges, "--idle-timeout", 0,
                                         "--children-max", CHILDREN_MAX], tmp_path, sockets=[sock, four])
        stack.callback(process.stop)
        for address in (OTHER, sock.getsockname()[1]), four.getsockname(), (OTHER, sock.getsockname()[1]):
            stack.enter_context(socket.create_connection(address, lib.DEADLINE)).sendall(TWO_REQUESTS)
        lib.wait_for(lambda: len(process.children()) == SOURCE_MAX, "both places to be taken")
        with socket.create_connection(("::1", sock.getsockname()[1]), lib.DEADLINE) as other:
            other.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert b" 404 " in read_all(other)
        assert len(process.children()) <= SOURCE_MAX + 1


def test_unix_sockets_are_one_source(tmp_path):
    path, challenges = str(tmp_path / "s"), tmp_path / "challenges"
    challenges.mkdir()
    (challenges / TOKEN).write_text("token.thumbprint")
    with socket.socket(socket.AF_UNIX) as unix, socket.create_server((OTHER, 0)) as four, \
            contextlib.ExitStack() as stack:
        unix.bind(path)
        unix.listen(64)
        process = lib.Process("http01", [lib.HTTP01, "--challenges", challenges, "--idle-timeout", 0,
                                         "--children-max", CHILDREN_MAX], tmp_path, sockets=[unix, four])
        stack.callback(process.stop)
        for _ in range(20):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(path)
            client.sendall(TWO_REQUESTS)
        lib.wait_for(lambda: len(process.children()) == SOURCE_MAX, "both places to be taken")
        with socket.create_connection(four.getsockname(), lib.DEADLINE) as other:
            other.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert b" 404 " in read_all(other)


@pytest.mark.parametrize("value", ["0", "x", "65537"])
def test_wrong_limit(value):
    result = lib.run(lib.HTTP01, "--source-max", value, check=False)
    assert result.returncode == 1 and f"--source-max: '{value}'" in result.stderr


# ---- orders ----------------------------------------------------------------------------------

@contextlib.contextmanager
def slow_ca(acmems):
    """The CA waits for the challenge of an order."""
    acmems.http01.pause()
    try:
        yield
    finally:
        acmems.http01.resume()


@pytest.fixture
def many_descriptors():
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limits[1]), limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_many_posts_of_one_csr(installation, new_csr, many_descriptors):
    """1,030 clients of one source wait for one certificate. Others get theirs meanwhile."""
    n, places = (60, 32) if SANITIZED else (1030, 1024)
    cached, csr = new_csr("cached.example.org"), new_csr("slow.example.org")
    installation.write_config()
    installation.start_orderd()
    installation.start_sign("--idle-timeout", "0", "--children-max", str(places))
    lib.run("prlimit", f"--pid={installation.sign.pid}", "--nofile=4096")
    installation.start_http01()
    installation.issue(cached)
    with contextlib.ExitStack() as stack:
        with slow_ca(installation):
            clients = []
            for _ in range(n):
                clients.append(stack.enter_context(socket.create_connection(("127.0.0.1", installation.port), 100,
                                                                            (FLOODER, 0))))
                clients[-1].sendall(lib.head(csr, Connection="close").encode() + csr)
            lib.wait_for(lambda: len(installation.sign.children()) == places // 4, "the limit of the source")
            lib.wait_for(lambda: list(installation.challenges.iterdir()), "a challenge file")
            installation.issue(cached)
            assert len(installation.sign.children()) <= places // 4 + 1
        answers = collections.Counter()
        for client in clients:
            answer = read_all(client)
            client.close()
            assert b" 200 " in answer[:20] or b"\r\nRetry-After: " in answer, answer
            answers[answer[9:12]] += 1
    assert answers[b"200"] >= places // 4 and set(answers) <= {b"200", b"503"}


def test_client_that_leaves_frees_its_place(installation, new_csr):
    cached, slow = new_csr("cached.example.org"), new_csr("leaves.example.org")
    installation.write_config()
    installation.start_orderd()
    installation.start_sign("--idle-timeout", "0", "--children-max", "8")
    installation.start_http01()
    installation.issue(cached)
    with slow_ca(installation), contextlib.ExitStack() as stack:
        leaves, stays, waits = (stack.enter_context(socket.create_connection(
            ("127.0.0.1", installation.port), 100, (FLOODER, 0))) for _ in range(3))
        for client, csr in (leaves, slow), (stays, slow), (waits, cached):
            client.sendall(lib.head(csr, Connection="close").encode() + csr)
        lib.wait_for(lambda: list(installation.challenges.iterdir()), "a challenge file")
        assert not lib.ended([waits])
        leaves.close()
        assert b" 200 " in read_all(waits)[:20]
        assert not lib.ended([stays])
        assert installation.sign.log.count("the client disconnected while it waited for the order") == 1

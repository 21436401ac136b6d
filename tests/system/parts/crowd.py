# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that come one after the other, many at a time, from several addresses; each has a connection of its own."""

import dataclasses
import itertools
import resource
import selectors
import socket
import ssl
import time

from swarm import http_is_complete

CONNECT_MAX = 64  # connections that one pass starts, so that none waits for its answer to be read
SILENCE_MAX = 120  # s without any event


def addresses(network, n):
    """@n loopback addresses: 127.NETWORK.0.1 and so on."""
    return [f"127.{network}.{i // 250}.{i % 250 + 1}" for i in range(n)]


def http(method, path, body=b"", host="x"):
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def client_hello(name):
    """The first message of a CA that validates this name by tls-alpn-01."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["acme-tls/1"])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()
    raise AssertionError("a handshake without a server")


def tls_is_complete(answer):
    """Whether the first message of the server has arrived: its ServerHello, or an alert."""
    return len(answer) >= 5 and len(answer) >= 5 + int.from_bytes(answer[3:5], "big")


@dataclasses.dataclass
class Visit:
    """One client: when it connected (monotonic, s), how long it took (s), and its answer or its error."""

    request: bytes
    started: float = 0
    seconds: float = 0
    answer: bytes = b""
    error: object = None

    @property
    def status(self):
        """The HTTP status, or the error."""
        return self.error or int(self.answer.split(b" ", 2)[1])


class Crowd:
    """@address: of the server; @sources: of the clients, in turns; @width: how many clients at a time."""

    def __init__(self, address, sources, width, is_complete=http_is_complete):
        self.address, self.width, self.is_complete = address, width, is_complete
        self.sources = itertools.cycle(sources)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(width + 200, hard)), hard))

    def _connect(self, visit):
        sock = socket.socket()
        # The kernel picks the port at connect(), so that one address can have more connections than ports.
        sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        sock.setblocking(False)
        sock.bind((next(self.sources), 0))
        visit.started = time.monotonic()
        try:
            sock.connect(self.address)
        except BlockingIOError:
            pass
        return sock

    def _step(self, sock, visit, events):
        """Returns whether the visit has ended."""
        try:
            if events & selectors.EVENT_WRITE:
                assert sock.send(visit.request) == len(visit.request)
                return False
            data = sock.recv(65536)
        except OSError as error:
            visit.error = error
            return True
        visit.answer += data
        if self.is_complete(visit.answer):
            return True
        if not data:
            visit.error = EOFError("the connection ended before the answer did")
        return not data

    def _start(self, selector, requests, visits):
        """Start the next clients. Returns whether more can start at once."""
        free = self.width - len(selector.get_map())
        started = list(itertools.islice(requests, min(free, CONNECT_MAX)))
        for request in started:
            visits.append(Visit(request))
            selector.register(self._connect(visits[-1]), selectors.EVENT_WRITE, visits[-1])
        return CONNECT_MAX == len(started) < free

    def ask(self, requests):
        """Send each request once, from a generator that may end when it likes; return the visits in their order."""
        visits, requests = [], iter(requests)
        with selectors.DefaultSelector() as selector:
            while True:
                more = self._start(selector, requests, visits)
                if not selector.get_map():
                    return visits
                ready = selector.select(0 if more else SILENCE_MAX)
                assert ready or more, f"{len(selector.get_map())} clients got no answer for {SILENCE_MAX} s"
                for key, events in ready:
                    if self._step(key.fileobj, key.data, events):
                        key.data.seconds = time.monotonic() - key.data.started
                        selector.unregister(key.fileobj)
                        key.fileobj.close()
                    elif events & selectors.EVENT_WRITE:
                        selector.modify(key.fileobj, selectors.EVENT_READ, key.data)


def percentile(visits, percent):
    """The time in s in which so many of the visits were over."""
    times = sorted(visit.seconds for visit in visits)
    return times[min(len(times) - 1, len(times) * percent // 100)]


def figures(visits):
    """The times of the visits as text."""
    p50, p99, most = (percentile(visits, percent) for percent in (50, 99, 100))
    return f"{len(visits)} answers, p50 {p50:.3f} s, p99 {p99:.3f} s, longest {most:.3f} s"

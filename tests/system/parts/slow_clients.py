# SPDX-License-Identifier: GPL-3.0-or-later
"""Slow clients, in a process of their own: they keep @n connections open from many addresses, and send a byte now and then.

A connection that the server ends is made again. SlowClients starts the process and ends it.
"""

import collections
import contextlib
import itertools
import selectors
import signal
import socket
import sys
import time
from pathlib import Path

from crowd import addresses

INTERVAL = 3  # s between two bytes of a client
HTTP = b"GET /" + b"a" * 4000
TLS = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)


class Slow:
    """The clients of one socket."""

    def __init__(self, port, n, network):
        self.port, self.n = port, n
        self.data = TLS if port == 443 else HTTP
        self.sources = itertools.cycle(addresses(network, 100))
        self.sent = {}  # socket → bytes sent
        self.due = collections.deque()  # (time, socket)

    def fill(self, selector):
        """Connect, but only a part at once: otherwise all connections would end at the same time, too."""
        for _ in range(min(self.n - len(self.sent), max(1, self.n // 50))):
            sock = socket.socket()
            sock.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            sock.bind((next(self.sources), 0))
            sock.settimeout(60)
            sock.connect(("127.0.0.1", self.port))
            sock.setblocking(False)
            selector.register(sock, selectors.EVENT_READ, self)
            self.sent[sock] = 0
            self.due.append((time.monotonic(), sock))

    def drip(self):
        now = time.monotonic()
        while self.due and self.due[0][0] <= now:
            sock = self.due.popleft()[1]
            if sock in self.sent:
                with contextlib.suppress(OSError):
                    sock.send(self.data[self.sent[sock]:][:1])
                self.sent[sock] += 1
                self.due.append((now + INTERVAL, sock))

    def end(self, selector, sock):
        selector.unregister(sock)
        sock.close()
        del self.sent[sock]


def main(n, *ports):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    clients = [Slow(int(port), int(n), 100 + i) for i, port in enumerate(ports)]
    told = False
    with selectors.DefaultSelector() as selector:
        while True:
            for slow in clients:
                slow.fill(selector)
                slow.drip()
            if not told and all(len(slow.sent) > 0.9 * slow.n for slow in clients):
                print("connected", flush=True)
                told = True
            for key, _ in selector.select(0.1):
                key.data.end(selector, key.fileobj)


class SlowClients:
    """@n slow clients at each of the ports, from the time this returns until stop()."""

    def __init__(self, lib, directory, n, *ports):
        self.process = lib.Process("slow-clients", ["prlimit", f"--nofile={n * len(ports) + 100}", "/usr/bin/python3",
                                                    Path(__file__), n, *ports], directory)

        def are_connected():
            assert self.process.running, self.process.log
            return "connected" in self.process.log

        lib.wait_for(are_connected, "the slow clients", 120)

    def stop(self):
        self.process.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])

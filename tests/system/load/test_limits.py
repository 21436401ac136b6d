# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped units under a flood: one source takes nothing from the others, and memory has a limit."""

import contextlib
import resource
import socket

import pytest

from machine import lib

FLOODER = "127.0.0.2"
SLOW = 1000  # connections of the flooder to each socket
SOURCE_MAX = 256
HANDLERS = ("acmems-mgmt.service", "acmems-http01.service")
SERVICES = (*HANDLERS, "acmems-tlsalpn01.service", "acmems-orderd.service")
CHALLENGE = "/.well-known/acme-challenge/limits"
# Requests whose processes wait for the client: for a body, and for the rest of the next request.
BEGUN = {1313: "POST /sign HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
         1380: f"GET {CHALLENGE} HTTP/1.1\r\nHost: x\r\n\r\nGET"}


@pytest.fixture
def many_descriptors():
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, limits[1]), limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def n_children(server, unit):
    pid = server.show(unit, "MainPID")
    return len(server.path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def challenge(server):
    path = server.path("/run/acmems/challenges/http-01/limits")
    server.sh("cd /run/acmems/challenges/http-01 && printf limits.thumbprint >limits &&"
              " chown acmems:acmems-http01 limits && chmod 640 limits")
    return path


@pytest.mark.parametrize("unit", [*SERVICES, "acmems-mgmt@x.service", "acmems-http01@x.service",
                                  "acmems-tlsalpn01@x.service", "acmems.slice"])
def test_memory_has_a_limit(server, unit):
    assert 0 < int(server.show(unit, "MemoryMax")) <= 2 << 30
    assert unit == "acmems.slice" or server.show(unit, "Slice") == "acmems.slice"


def test_flood_from_one_source(server, many_descriptors, new_csr):
    """1,000 slow clients on each socket: the others are served, and the services stay far below their limits."""
    server.issue(new_csr("first.example.org"))  # both services run
    challenge(server)
    with contextlib.ExitStack() as stack:
        for port, begun in BEGUN.items():
            for _ in range(SLOW):
                sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), 60, (FLOODER, 0)))
                sock.sendall(begun.encode())
        lib.wait_for(lambda: all(n_children(server, unit) > SOURCE_MAX // 2 for unit in HANDLERS), "the flood")
        for _ in range(20):
            answer = lib.request(1380, "GET", CHALLENGE)
            assert (answer.status, answer.body) == (200, b"limits.thumbprint")
        server.issue(new_csr("others.example.org"))
        for unit in HANDLERS:
            # Those of the flooder, and few others.
            assert n_children(server, unit) <= SOURCE_MAX + 10
            current, limit = server.show(unit, "MemoryCurrent", "MemoryMax")
            assert not current.isdigit() or int(current) < int(limit) / 2


def test_limit_of_a_source_is_raised(server):
    """The drop-in that acmems.service(8) shows."""
    challenge(server)
    server.sh(lib.documented_block("source limit"))
    try:
        assert "--source-max=1024" in server.show("acmems-http01.service", "ExecStart")
        answer = lib.request(1380, "GET", CHALLENGE)
        assert (answer.status, answer.body) == (200, b"limits.thumbprint")
    finally:
        server.remove_drop_in("acmems-http01.service", name="limits")
        server.run("systemctl", "restart", "acmems-http01.service")

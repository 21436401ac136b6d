# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped units under load: all clients are served. The figures are printed; no test depends on time.

make check runs this at a part of the size, make load (LOAD=full) at the whole.
"""

import os
import time

import pytest
from cryptography import x509

from crowd import Crowd, addresses, client_hello, figures, http, tls_is_complete
from csr_pool import make_csrs
from fast_ca import FastCa
from machine import lib
from server import Server
from slow_clients import SlowClients

FULL = os.environ.get("LOAD") == "full"
SLOW = 1000 if FULL else 100  # clients at each socket
OTHERS = 500 if FULL else 50  # requests at each socket meanwhile
CHALLENGES = 50000 if FULL else 2500
CLIENTS, CSRS = (5000, 500) if FULL else (250, 25)
TLS_NAME = "load.example.org"

LIMITS = ("client-share = 0", "client-share = 0\norders-per-3h = 0\nduplicate-certificates-per-week = 0")
TLS = """
[verification "tls"]
type = tls-alpn01
listener = 127.0.0.1:443
"""


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    """It validates at the handler itself: a web server in front would be the one under load."""
    ca = FastCa(lib, tmp_path_factory.mktemp("ca"), http_port=1380)
    yield ca
    ca.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory, ca):
    machine = Server(tmp_path_factory.mktemp("load") / "machine")
    try:
        machine.enable(ca, LIMITS, more=TLS)
        machine.run("systemctl", "enable", "--now", "acmems-tlsalpn01.socket")
        # When it starts, it removes challenges that no order needs.
        machine.run("systemctl", "start", "acmems-orderd.service")
        machine.publish("load", TLS_NAME, tmp_path_factory.mktemp("challenge"))
        yield machine
    finally:
        machine.stop()


def are_served(visits, expected):
    bad = [visit for visit in visits if visit.error or expected not in visit.answer]
    assert not bad, f"{len(bad)} of {len(visits)}, the first: {bad[0].error} {bad[0].answer[:500]}"


@pytest.fixture
def figure(record_property):
    """Prints a figure, and records it for make check."""
    def tell(name, text):
        print(f"{name}: {text}")
        record_property(name, text)
    return tell


CHALLENGE = http("GET", "/.well-known/acme-challenge/load"), b"load.thumbprint"


def test_slow_clients(server, tmp_path, figure):
    """Slow clients on each socket, from 100 addresses: all others are served."""
    [csr] = make_csrs(["slow.example.org"])
    server.issue(csr)
    hello = {"is_complete": tls_is_complete}
    sockets = {
        "sign": (1313, http("POST", "/sign", csr), b"BEGIN CERTIFICATE", {}),
        "http-01": (1380, *CHALLENGE, {}),
        "tls-alpn-01": (443, client_hello(TLS_NAME), b"\x16\x03\x03", hello),
    }
    with SlowClients(lib, tmp_path, SLOW, 1313, 1380, 443):
        for name, (port, request, expected, how) in sockets.items():
            crowd = Crowd(("127.0.0.1", port), addresses(50, 4), 4, **how)
            visits = crowd.ask([request] * OTHERS)
            are_served(visits, expected)
            figure(f"{name}, beside {SLOW} slow clients on each socket", figures(visits))


def test_challenges(server, figure):
    """Every request for a challenge gets it."""
    started = time.monotonic()
    visits = Crowd(("127.0.0.1", 1380), addresses(51, 16), 200).ask([CHALLENGE[0]] * CHALLENGES)
    are_served(visits, CHALLENGE[1])
    rate = len(visits) / (time.monotonic() - started)
    figure("challenges, 200 at a time", f"{figures(visits)}; {rate:.0f} in a second")


def ask_until_served(requests):
    """All at once; who gets 503 asks again when Retry-After says so. Returns (answers, visits of the first time)."""
    crowd = Crowd(("127.0.0.1", 1313), addresses(52, 500), len(requests))
    first = crowd.ask(requests)
    last = list(first)
    for _ in range(5):
        busy = [i for i, visit in enumerate(last) if not visit.error and visit.status == 503]
        if not busy:
            break
        time.sleep(max(int(last[i].answer.partition(b"Retry-After: ")[2].split()[0]) for i in busy))
        for i, visit in zip(busy, crowd.ask([requests[i] for i in busy])):
            last[i] = visit
    return last, first


def test_many_new_certificates(server, ca, figure):
    """Clients that post all at once, ten of them the same CSR: each gets its certificate, and each CSR is one order."""
    csrs = make_csrs([f"load{i}.example.org" for i in range(CSRS)])
    keys = {csr: x509.load_pem_x509_csr(csr).public_key().public_numbers() for csr in csrs}
    before, started = ca.stats(), time.monotonic()
    bodies = csrs * (CLIENTS // CSRS)
    visits, first = ask_until_served([http("POST", "/sign", body) for body in bodies])
    seconds = time.monotonic() - started
    are_served(visits, b"BEGIN CERTIFICATE")
    for body, visit in zip(bodies, visits):
        certificate = x509.load_pem_x509_certificate(visit.answer.partition(b"\r\n\r\n")[2])
        assert certificate.public_key().public_numbers() == keys[body]
    after = ca.stats()
    assert after["certificates"] - before["certificates"] == CSRS
    at_once = sum(visit.status == 200 for visit in first)
    figure(f"{CLIENTS} clients at once, {CSRS} CSRs", f"{figures(first)}; {at_once} served at once, the others when they"
           f" asked again; {after['orders'] - before['orders']} orders in {seconds:.0f} s")

# SPDX-License-Identifier: GPL-3.0-or-later
"""What orderd asks of the CA, counted there: with a warm session, and with what a restart leaves."""

import json
import os
import signal
import threading
import time

import pytest

import lib
from ca_proxy import CaProxy
from fault_proxy import kind_of

MAX = 8  # requests for a certificate with one name


class CountingCa(CaProxy):
    """Knows what it was asked."""

    def __init__(self, pebble):
        self._asked, self._nonces, self._lock = [], [], threading.Lock()
        super().__init__(pebble)

    def answer(self, request):
        with self._lock:
            self._asked.append(f"{request.method} {kind_of(request.path) or request.path}")
            if request.method == "POST":
                protected = lib.base64url_decode(json.loads(request.body)["protected"])
                self._nonces.append(json.loads(protected)["nonce"])
        return super().answer(request)

    def asked(self):
        """All since the last time."""
        with self._lock:
            asked, self._asked = self._asked, []
            return asked

    def nonces(self):
        with self._lock:
            return list(self._nonces)


@pytest.fixture(scope="module")
def pebble(tmp_path_factory, http01_socket):
    """One that refuses no nonce at random, which would cost a request."""
    ca = lib.Pebble(tmp_path_factory.mktemp("pebble"), http01_socket.getsockname()[1],
                    env={"PEBBLE_WFE_NONCEREJECT": "0"})
    yield ca
    ca.stop()


@pytest.fixture(scope="module")
def ca(pebble):
    proxy = CountingCa(pebble)
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def account(tmp_path_factory, ca, http01_socket):
    return lib.register(tmp_path_factory.mktemp("account"), ca, http01_socket)


@pytest.fixture
def server(tmp_path, ca, account, http01_socket):
    acmems = lib.Acmems(tmp_path, ca, http01_socket, account)
    yield acmems.start()
    acmems.stop()


@pytest.fixture
def warm(server, ca, new_csr):
    """It has ordered before."""
    server.issue(new_csr("first.session.example.org"))
    ca.asked()
    return server


def kept(server):
    [path] = server.directory.glob("state/session/*.json")
    return path


def read(server):
    return json.loads(kept(server).read_text())


def restart(server):
    server.orderd.stop()
    server.start_orderd()


def kill(server):
    server.orderd.expect = (-signal.SIGKILL,)
    server.orderd.popen.kill()
    server.orderd.wait()


# ---- how many requests -----------------------------------------------------------------------

def assert_few(asked):
    """No directory, no nonce, and each step once; the CA may be asked again while it works."""
    assert len(asked) <= MAX, asked
    needed = [f"POST {kind}" for kind in (
        "newOrder", "authorization", "challenge", "authorization", "finalize", "certificate")]
    again = [kind for kind in asked if kind not in ("POST authorization", "POST order")]
    assert again == [kind for kind in needed if kind != "POST authorization"], asked


def test_requests_for_a_certificate(warm, ca, new_csr, record_property):
    warm.issue(new_csr("warm.session.example.org"))
    asked = ca.asked()
    record_property("requests for a certificate, warm session", len(asked))
    assert_few(asked)


def test_requests_after_a_restart(warm, ca, new_csr, record_property):
    restart(warm)
    assert not ca.asked()
    warm.issue(new_csr("restarted.session.example.org"))
    asked = ca.asked()
    record_property("requests for a certificate, after a restart", len(asked))
    assert_few(asked)


def test_requests_for_a_name_that_is_valid_still(pebble, ca, warm, new_csr):
    """The CA needs no challenge then; whether it does so is up to it."""
    name = "valid.session.example.org"
    warm.issue(new_csr(name))
    ca.asked()
    warm.issue(new_csr(name))
    assert len(ca.asked()) <= MAX

# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests that the CA counts: in a warm session, and after a restart."""

import json
import os
import re
import signal
import threading
import time

import pytest

import lib
from fault_proxy import FaultProxy, Rule, kind_of, members, refuse

MAX = 8  # requests for a certificate with one name


class CountingCa(FaultProxy):
    """Records the requests. An answer is delayed until the CA has done the work,
    so that the number of polls does not depend on the load of the machine."""

    done = {"challenge": "set VALID by completed challenge {}",
            "finalize": "Issued certificate serial \\w+ for order {}"}

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

    def forward(self, request):
        answer = super().forward(request)
        if answer.status == 200 and (pattern := self.done.get(kind_of(request.path))):
            pattern = pattern.format(request.path.rpartition("/")[2])
            lib.wait_for(lambda: re.search(pattern, self.pebble.ca.log), pattern)
        return answer

    def asked(self):
        """The requests since the last call."""
        with self._lock:
            asked, self._asked = self._asked, []
            return asked

    def nonces(self):
        with self._lock:
            return list(self._nonces)


@pytest.fixture(scope="module")
def pebble(new_pebble):
    """Pebble without random rejections of nonces, which would cost extra requests."""
    proxy = CountingCa(new_pebble(env={"PEBBLE_WFE_NONCEREJECT": "0"}))
    yield proxy
    proxy.stop()


@pytest.fixture
def ca(pebble):
    pebble.rules = []
    return pebble


@pytest.fixture
def server(installation, ca):
    return installation.start()


@pytest.fixture
def warm(server, ca, new_csr):
    """A server that has already issued a certificate."""
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
    """Each step takes one request; no directory and no nonce is fetched."""
    assert len(asked) <= MAX, asked
    assert asked == [f"POST {kind}" for kind in (
        "newOrder", "authorization", "challenge", "authorization", "finalize", "order",
        "certificate")]


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


NOT_READY = refuse(403, "orderNotReady", **{"Replay-Nonce": "!"})  # with an invalid nonce


@pytest.mark.parametrize("faults", [
    [("finalize", NOT_READY)],
    [("finalize", NOT_READY), ("order", members(status="pending"))],
], ids=["ready", "pending"])
def test_order_not_ready(warm, ca, new_csr, faults):
    """orderd then polls the order, and sends the CSR once the order is ready."""
    name = f"late{len(faults)}.session.example.org"
    ca.rules = [Rule(name, kind, fault) for kind, fault in faults]
    warm.issue(new_csr(name))
    asked = [request for request in ca.asked() if request != "HEAD newNonce"]
    first = asked.index("POST finalize")
    orders = ["POST order"] * len(faults)
    assert asked[first:first + len(orders) + 2] == ["POST finalize", *orders, "POST finalize"], asked
    assert all(rule.hits == 1 for rule in ca.rules)


# ---- saved session data ------------------------------------------------------------------------

def test_no_nonce_is_used_twice(warm, ca, new_csr):
    """No nonce is reused after a restart, or after a crash with the nonces of that restart."""
    before = len(ca.nonces())
    restart(warm)
    assert read(warm)["nonces"]
    warm.issue(new_csr("one.nonce.session.example.org"))
    assert "nonces" not in read(warm)
    kill(warm)
    warm.start_orderd()
    warm.issue(new_csr("two.nonce.session.example.org"))
    nonces = ca.nonces()[before:]
    assert len(nonces) > 10 and len(set(nonces)) == len(nonces)


def test_crash(warm, ca, new_csr):
    """After a crash, the directory is still there."""
    kill(warm)
    warm.start_orderd()
    warm.issue(new_csr("crash.session.example.org"))
    asked = ca.asked()
    assert asked[0] == "HEAD newNonce"
    assert_few(asked[1:])


def stop_and_change(server, **members):
    """Change the file as if it had been written at another time."""
    server.orderd.stop()
    document = {**read(server), **members}
    kept(server).write_text(json.dumps(document))
    server.start_orderd()


def test_old_nonces(warm, ca, new_csr):
    stop_and_change(warm, kept=int(time.time()) - 3700)
    warm.issue(new_csr("old-nonce.session.example.org"))
    assert ca.asked()[:2] == ["HEAD newNonce", "POST newOrder"]


def test_old_directory(warm, ca, new_csr):
    """After a day, orderd fetches the directory again and saves it."""
    stop_and_change(warm, fetched=int(time.time()) - 86500)
    warm.issue(new_csr("old-directory.session.example.org"))
    assert ca.asked()[0] == "GET directory"
    assert time.time() - read(warm)["fetched"] < 60


@pytest.mark.parametrize("changed", [
    {"version": 2}, {"directory": {}}, {"directory": {"newNonce": "http://127.0.0.1/"}},
    {"nonces": ["no nonce!", 7, ""]}, {"nonces": 5}, {"fetched": "now"},
], ids=str)
def test_invalid_file(warm, ca, new_csr, changed):
    """Invalid data stops nothing and is replaced."""
    stop_and_change(warm, **changed)
    warm.issue(new_csr("nonsense.session.example.org"))
    warm.orderd.stop()
    assert read(warm)["version"] == 1 and read(warm)["directory"]["newOrder"] and read(warm)["nonces"]


def test_random_file(warm, ca, new_csr):
    warm.orderd.stop()
    path = kept(warm)
    path.write_bytes(os.urandom(100))
    (path.parent / ".tmp-0123").write_bytes(b"half")
    warm.start_orderd()
    lib.wait_for(lambda: not (path.parent / ".tmp-0123").exists(), "the temporary file removed")
    warm.issue(new_csr("random.session.example.org"))
    assert read(warm)["version"] == 1


def test_directory_not_saved(installation, ca, new_csr):
    """orderd reports the failure once; the only cost is extra requests."""
    (installation.directory / "state").mkdir()
    (installation.directory / "state/session").write_text("in the way")
    installation.start()
    for i in range(2):
        installation.issue(new_csr(f"unkept{i}.session.example.org"))
    installation.orderd.stop()
    assert installation.orderd.log.count("Failed to save the directory or nonces") == 1


def test_moved_directory(warm, ca, new_csr):
    """A URL in the saved directory no longer exists: orderd fetches the directory again."""
    directory = {**read(warm)["directory"], "newOrder": f"{ca.base}/gone"}
    stop_and_change(warm, directory=directory)
    warm.issue(new_csr("moved.session.example.org"))
    assert "GET directory" in ca.asked()
    assert read(warm)["directory"]["newOrder"] != directory["newOrder"]

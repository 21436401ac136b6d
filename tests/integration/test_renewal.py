# SPDX-License-Identifier: GPL-3.0-or-later
"""When certificates are renewed: the CA may say when (RFC 9773), at a CA that does."""

import calendar
import hashlib
import json
import ssl
import time

import pytest

import fault_proxy as faults
import lib
from fault_proxy import FaultProxy, Rule, refuse
from journal import Journal

HOUR = 3600
DAY = 24 * HOUR
ORDERD, SIGN = "acmems-orderd", "acmems-sign"


class Ca(FaultProxy):
    """Notes who asks when to renew."""

    def __init__(self, pebble):
        self.asked = []  # when, of which certificate
        self.directory_lacks = []
        super().__init__(pebble)

    def answer(self, request):
        if "/renewalInfo/" in request.path:
            self.asked.append((time.time(), request.path.rpartition("/")[2]))
        answer = super().answer(request)
        if request.path == "/dir":
            document = json.loads(answer.body)
            for name in self.directory_lacks:
                del document[name]
            answer.body = json.dumps(document).encode()
        return answer


@pytest.fixture(scope="module")
def pebble(tmp_path_factory, http01_socket):
    program = lib.BUILD / "newer-pebble"
    lib.run(lib.ROOT / "tests/newer-pebble", program, timeout=120)
    ca = lib.Pebble(tmp_path_factory.mktemp("pebble"), http01_socket.getsockname()[1],
                    program=program / "usr/bin/pebble")
    yield ca
    ca.stop()


@pytest.fixture(scope="module")
def proxy(pebble):
    ca = Ca(pebble)
    yield ca
    ca.stop()


@pytest.fixture(scope="module")
def account(tmp_path_factory, proxy, http01_socket):
    return lib.register(tmp_path_factory.mktemp("account"), proxy, http01_socket)


@pytest.fixture
def ca(proxy):
    proxy.rules, proxy.asked, proxy.directory_lacks = [], [], []
    return proxy


@pytest.fixture
def installation(tmp_path, ca, account, http01_socket):
    server = lib.Acmems(tmp_path, ca, http01_socket, account)
    yield server
    server.stop()


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "journal")
    yield journal
    journal.stop()


def read_meta(entry):
    file = entry / "meta.json"
    return json.loads(file.read_text()) if file.exists() else {}


def write_meta(entry, **changes):
    """Members that are to differ; None: to be missing. Made where there is none."""
    leaf = ssl.PEM_cert_to_DER_cert(
        (entry / "cert.pem").read_text().partition("-----END")[0] + "-----END CERTIFICATE-----\n")
    meta = {"version": 1, "certificate": hashlib.sha256(leaf).hexdigest(), **read_meta(entry),
            **changes}
    meta = {name: value for name, value in meta.items() if value is not None}
    (entry / "meta.json").write_text(json.dumps(meta))


def window(start, end):
    """s from now"""
    return {"start": lib.rfc3339(start), "end": lib.rfc3339(end)}


def seconds(text):
    """Since 1970."""
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def await_window(entry):
    """Until the CA has said when a new certificate is to be renewed."""
    return lib.wait_for(lambda: read_meta(entry).get("window"), "the CA's window")


def restart_orderd(server):
    server.orderd.stop()
    server.start_orderd()


def events(journal, event, program):
    return [entry for entry in journal.entries(program) if entry.is_event(event)]


# ---- asking the CA ---------------------------------------------------------------------------

def test_asked_after_issuance(acmems, new_csr, ca):
    csr = new_csr("asked.example.org")
    before = time.time()
    answer = acmems.post(csr)
    entry = acmems.cache_entry(csr)
    known = await_window(entry)
    meta = read_meta(entry)
    assert meta["server"] == ca.url and meta["auth"] == "loopback"
    assert before - 1 <= seconds(meta["asked"]) <= time.time()
    # Pebble's: around the last third of the 90 days.
    assert 58 * DAY < seconds(known["start"]) - before < seconds(known["end"]) - before < 62 * DAY
    # Its Retry-After is 6 h.
    assert 6 * HOUR - 10 < seconds(meta["askAt"]) - before < 8 * HOUR
    assert acmems.post(csr).body == answer.body
    assert len(ca.asked) == 1


def test_asked_again_at_the_time_on_disk(acmems, new_csr, ca):
    """Neither at the restart nor never."""
    entries = {}
    for name in "soon.example.org", "later.example.org":
        csr = new_csr(name)
        acmems.issue(csr)
        entries[name] = acmems.cache_entry(csr)
        await_window(entries[name])
    at = {"soon.example.org": lib.rfc3339(4), "later.example.org": lib.rfc3339(HOUR)}
    acmems.orderd.stop()
    ca.asked.clear()
    for name, entry in entries.items():
        write_meta(entry, askAt=at[name])
    acmems.start_orderd()
    lib.wait_for(lambda: ca.asked, "the CA to be asked")
    assert ca.asked[0][0] >= seconds(at["soon.example.org"])
    soon, later = entries.values()
    lib.wait_for(lambda: seconds(read_meta(soon)["askAt"]) > time.time() + HOUR, "the next time")
    assert read_meta(later)["askAt"] == at["later.example.org"] and len(ca.asked) == 1


def test_failing_question_is_asked_again(acmems, new_csr, ca):
    """What was known before stands."""
    csr = new_csr("failing.example.org")
    acmems.issue(csr)
    entry = acmems.cache_entry(csr)
    known = await_window(entry)
    acmems.orderd.stop()
    write_meta(entry, askAt=lib.rfc3339(-5))
    ca.rules = [Rule("", "renewalInfo", refuse(500))]
    acmems.start_orderd()
    meta = lib.wait_for(lambda: ca.rules[0].hits and seconds(read_meta(entry)["askAt"])
                        > time.time() and read_meta(entry), "the next time")
    assert meta["window"] == known
    assert 50 < seconds(meta["askAt"]) - time.time() < 80
    assert acmems.post(csr).status == 200


def test_ca_that_does_not_say_any_more(acmems, new_csr, ca):
    csr = new_csr("silent.example.org")
    acmems.issue(csr)
    entry = acmems.cache_entry(csr)
    await_window(entry)
    acmems.orderd.stop()
    ca.asked.clear()
    ca.directory_lacks = ["renewalInfo"]
    write_meta(entry, askAt=lib.rfc3339(-5))
    acmems.start_orderd()
    lib.wait_for(lambda: "window" not in read_meta(entry), "the window to be forgotten")
    assert not ca.asked and acmems.post(csr).status == 200


def test_window_that_moves_is_told(installation, journal, new_csr, pebble):
    installation.journal = journal
    installation.start()
    csr = new_csr("moved.example.org")
    answer = installation.post(csr)
    entry = installation.cache_entry(csr)
    await_window(entry)
    assert not events(journal, "RENEWAL_WINDOW", ORDERD)  # it is as it is for all
    pebble.set_renewal_info(answer.text, 40 * DAY, 41 * DAY,
                            explanationURL="https://ca.example/incident")
    installation.orderd.stop()
    write_meta(entry, askAt=lib.rfc3339(-5))
    installation.start_orderd()
    told = lib.wait_for(lambda: events(journal, "RENEWAL_WINDOW", ORDERD), "the entry")
    assert len(told) == 1
    assert "https://ca.example/incident" in told[0]["MESSAGE"]
    assert told[0]["ACMEMS_NAME"] == "moved.example.org" and told[0]["ACMEMS_AUTH"] == "loopback"
    assert told[0]["ACMEMS_SERIAL"].upper() == lib.Certificate(answer.body).serial
    assert told[0]["ACMEMS_CSR"] == hashlib.sha384(csr).hexdigest()
    meta = lib.wait_for(lambda: "explanation" in read_meta(entry) and read_meta(entry), "meta.json")
    assert meta["explanation"] == "https://ca.example/incident"
    assert abs(seconds(meta["window"]["start"]) - time.time() - 40 * DAY) < 60

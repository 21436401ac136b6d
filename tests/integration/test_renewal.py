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


# ---- what a client gets ----------------------------------------------------------------------

def put_aged(server, tmp_path, csr, left, **meta):
    """A certificate of 90 days in the cache that has so many seconds left: its PEM."""
    name = lib.run("openssl", "req", "-noout", "-subject", input=csr.decode()).stdout
    name = name.rpartition("=")[2].strip()
    pem = lib.make_certificate(tmp_path, tmp_path / f"csr/{name}.csr", left - 90 * DAY, left)
    write_meta(server.put_entry(csr, pem), **meta)
    return pem


def into_window(server, csr):
    """The certificate in the cache is due for renewal from here on."""
    write_meta(server.cache_entry(csr), window=window(-HOUR, DAY))


def test_window_that_has_begun(acmems, new_csr):
    """Though renew-within is far away still."""
    csr = new_csr("begun.example.org")
    first = acmems.issue(csr)
    into_window(acmems, csr)
    second = acmems.issue(csr)
    assert second.serial != first.serial
    assert acmems.issue(csr).serial == second.serial


def test_window_that_is_to_come(acmems, new_csr, tmp_path):
    """Though renew-within is over since long."""
    csr = new_csr("to-come.example.org")
    pem = put_aged(acmems, tmp_path, csr, DAY, window=window(HOUR, 2 * HOUR))
    assert acmems.issue(csr).serial == lib.Certificate(pem).serial


def test_window_of_another_certificate(acmems, new_csr, tmp_path):
    csr = new_csr("other.example.org")
    pem = put_aged(acmems, tmp_path, csr, DAY, window=window(HOUR, 2 * HOUR),
                   certificate=hashlib.sha256(b"").hexdigest())
    assert acmems.issue(csr).serial != lib.Certificate(pem).serial


def the_old_one(journal):
    """The entry that says that one was handed out."""
    entries = [entry for entry in journal.entries(SIGN) if entry.is_event("REQUEST_OLD")]
    assert len(entries) == 1 and entries[0]["PRIORITY"] == "4"
    assert entries[0]["ACMEMS_DECISION"] == "old" and entries[0]["ACMEMS_STATUS"] == "200"
    assert entries[0]["ACMEMS_NOT_AFTER"] in entries[0]["ACMEMS_REASON"]
    return entries[0]


@pytest.mark.parametrize("fault, reason", [
    (refuse(503, "serverInternal"), "The CA has a fault of its own"),
    (refuse(429, "rateLimited"), "limits the rate"),
    (refuse(403, "unauthorized"), "refuses the server's ACME account"),
    (faults.lost_before, "cannot be reached"),
], ids=["503", "429", "500", "no answer"])
def test_ca_that_cannot_deliver(installation, journal, new_csr, ca, tmp_path, fault, reason):
    """The old one while it lives, then none; a new one as soon as it can be had."""
    installation.journal = journal
    installation.start()
    old, over = new_csr("old.example.org"), new_csr("over.example.org")
    pem = put_aged(installation, tmp_path, old, DAY)
    put_aged(installation, tmp_path, over, -5)
    ca.rules = [Rule(name, "newOrder", fault, times=99)
                for name in ("old.example.org", "over.example.org")]
    answer = installation.post(over)
    assert answer.status >= 429 and reason in answer.text
    lib.run(lib.CTL, "clear", f"--config={installation.config}", "--all")
    answer = installation.post(old)
    assert answer.status == 200 and lib.Certificate(answer.body).serial == lib.Certificate(
        pem).serial
    assert reason in the_old_one(journal)["ACMEMS_REASON"]
    lib.run(lib.CTL, "clear", f"--config={installation.config}", "--all")
    ca.rules = []
    for csr in old, over:
        assert installation.issue(csr).serial != lib.Certificate(pem).serial


def test_name_that_cannot_be_validated(installation, journal, new_csr, pebble, tmp_path):
    installation.journal = journal
    installation.start()
    pebble.set_address("dead.example.org", "127.0.0.99")
    csr = new_csr("dead.example.org")
    pem = put_aged(installation, tmp_path, csr, DAY)
    assert installation.issue(csr).serial == lib.Certificate(pem).serial
    entry = the_old_one(journal)
    assert entry["ACMEMS_PROBLEM"] == "connection" and entry["ACMEMS_NAME"] == "dead.example.org"


def test_orderd_that_is_not_there(installation, journal, new_csr, tmp_path):
    installation.journal = journal
    installation.start()
    csr = new_csr("alone.example.org")
    pem = put_aged(installation, tmp_path, csr, DAY)
    installation.orderd.stop()
    assert installation.issue(csr).serial == lib.Certificate(pem).serial
    assert "cannot be reached" in the_old_one(journal)["ACMEMS_REASON"]


def test_names_that_the_ca_refuses(acmems, new_csr, pebble, tmp_path):
    """That is an answer, and no fault of anybody."""
    csr = new_csr(pebble.blocked)
    put_aged(acmems, tmp_path, csr, DAY)
    assert acmems.post(csr).status == 403


def test_revoked_while_its_successor_is_waited_for(acmems, new_csr, ca):
    csr = new_csr("revoked.example.org")
    serial = acmems.issue(csr).serial
    into_window(acmems, csr)

    def fault(ask):
        lib.run(lib.CTL, "revoke", f"--config={acmems.config}", serial)
        return refuse(503, "serverInternal")(ask)

    ca.rules = [Rule("revoked.example.org", "newOrder", fault)]
    assert acmems.post(csr).status == 503
    assert acmems.issue(csr).serial != serial

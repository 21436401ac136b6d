# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal as an audit trail: its entries, each exactly once, and no secrets."""

import base64
import datetime
import hashlib
import json
import os
import re
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import lib
from ca_proxy import CaProxy
from journal import EVENTS, LEVELS, Journal

SIGN, ORDERD, HTTP01 = "acmems-sign", "acmems-orderd", "acmems-http01"

AUTH = """
[auth "web servers"]
ip = 127.0.0.0/8
domain = *.example.org
domain = {pebble.blocked}
"""

DEBUG = "[logging]\nlevel = debug\n"


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "journal")
    yield journal
    journal.stop()


@pytest.fixture
def audited(installation, journal, pebble):
    installation.journal = journal
    return installation.start(auth=AUTH.format(pebble=pebble))


def one(entries):
    assert len(entries) == 1, entries
    return entries[0]


def the(journal, event, program):
    """The only entry of the event; check the level and the decision that the event defines."""
    entry = one([entry for entry in journal.entries(program) if entry.is_event(event)])
    assert entry["PRIORITY"] == LEVELS[EVENTS[event]["level"]]
    assert entry["ACMEMS_DECISION"] == EVENTS[event]["decision"]
    return entry


def request_id(answer):
    return answer.headers["Request-Id"]


# ---- one entry for each request --------------------------------------------------------------

def test_one_entry_for_each_request(audited, journal, new_csr, pebble):
    pebble.set_address("dead.example.org", "127.0.0.99")
    csr = new_csr("www.example.org")
    cases = [
        ("REQUEST_ISSUED", 200, lambda: audited.post(csr)),
        ("REQUEST_CACHED", 200, lambda: audited.post(csr)),
        ("REQUEST_DENIED", 403, lambda: audited.post(new_csr("www.example.com"))),
        ("REQUEST_FAILED", 403, lambda: audited.post(new_csr(pebble.blocked))),
        ("REQUEST_REFUSED", 415, lambda: audited.post(b"no request")),
        ("REQUEST_REFUSED", 404, lambda: lib.request(audited.port, path="/", body=csr)),
        ("REQUEST_REFUSED", 405, lambda: lib.request(audited.port, method="GET")),
        ("REQUEST_REFUSED", 413, lambda: audited.post(b"x" * 5000)),
        ("REQUEST_FAILED", 421, lambda: audited.post(new_csr("dead.example.org"))),
    ]
    for event, status, ask in cases:
        journal.clear()
        answer = ask()
        assert answer.status == status, answer
        info = journal.entries(level="INFO")
        entry = the(journal, event, SIGN)
        assert entry["ACMEMS_STATUS"] == str(status)
        assert entry["ACMEMS_CLIENT"] == "127.0.0.1"
        assert entry["ACMEMS_REASON"]
        assert status == 200 or entry["ACMEMS_REQUEST_ID"] == request_id(answer)
        if event == "REQUEST_ISSUED":
            info.remove(the(journal, "CERTIFICATE_ISSUED", ORDERD))
        assert info == [entry]


def test_one_entry_for_each_of_many(audited, journal, new_csr):
    requests = [new_csr(f"host{i}.example.org") for i in range(20)]
    with ThreadPoolExecutor(10) as pool:
        assert all(answer.status == 200 for answer in pool.map(audited.post, requests))
    for program, event in {SIGN: "REQUEST_ISSUED", ORDERD: "CERTIFICATE_ISSUED"}.items():
        entries = journal.entries(program, "INFO")
        assert all(entry.is_event(event) for entry in entries)
        assert sorted(entry["ACMEMS_NAME"] for entry in entries) == sorted(
            f"host{i}.example.org" for i in range(20))
    assert not journal.entries(HTTP01, "INFO")


def test_several_requests_on_one_connection(audited, journal):
    """The fields of one request do not leak into the entry of the next."""
    with lib.Client(audited.port) as client:
        for body in b"one", b"other":
            client.send(lib.head(body), body)
            assert client.answer().status == 415
        client.send(lib.head(b"x", path="/"), b"x")
        assert client.answer().status == 404
    entries = journal.entries(SIGN, "INFO")
    assert len({entry["ACMEMS_REQUEST_ID"] for entry in entries}) == 3
    assert [entry["ACMEMS_CSR"] for entry in entries] == [
        hashlib.sha384(b"one").hexdigest(), hashlib.sha384(b"other").hexdigest(), None]


def test_client_gone(audited, journal, new_csr):
    csr = new_csr("www.example.org")
    with lib.Client(audited.port) as client:
        client.send(lib.head(csr), csr[:100])
    lib.wait_for(lambda: journal.entries(SIGN, "INFO"), "the entry")
    assert the(journal, "REQUEST_GONE", SIGN)["ACMEMS_STATUS"] is None
    one(journal.entries(SIGN))


def test_many_refusals(audited, journal, new_csr):
    """The entries of one source are limited; those of others are not. One entry has the number of the rest."""
    with lib.Client(audited.port) as client:
        for _ in range(50):
            client.send(lib.head(b"x"), b"x")
            assert client.answer().status == 415
    assert len(journal.entries(SIGN, "INFO")) == 20
    assert audited.post_from("127.0.0.2", b"x").status == 415
    assert len(journal.entries(SIGN, "INFO")) == 21
    audited.issue(new_csr("www.example.org"))
    assert len(journal.entries(SIGN, "INFO")) == 22, "a success always has an entry"
    audited.sign.stop()
    summed = the(journal, "REFUSALS_SUMMED", SIGN)
    assert summed["ACMEMS_CLIENT"] == "127.0.0.1"
    assert summed["MESSAGE"].endswith(": 30")


def test_many_orders_held_back(installation, journal, new_csr):
    """At a limit, every further request is an order that is held back."""
    installation.journal = journal
    server = installation.start(account="orders-per-3h = 1")
    server.issue(new_csr("www.example.org"))
    csr = new_csr("other.example.org")
    for i in range(30):
        assert server.post(csr + b"\n" * i).status == 429
    held_back = [e for e in journal.entries(ORDERD) if e["MESSAGE"].startswith("No certificate for other.example.org")]
    assert len(held_back) == 20
    server.orderd.stop()
    summed = the(journal, "REFUSALS_SUMMED", ORDERD)
    assert summed["ACMEMS_CLIENT"] == "127.0.0.1" and summed["MESSAGE"].endswith(": 10")


# ---- fields ----------------------------------------------------------------------------------

def assert_about(entry, csr, *names):
    assert sorted(entry.all("ACMEMS_NAME")) == sorted(names)
    assert entry["ACMEMS_CSR"] == hashlib.sha384(csr).hexdigest()
    assert entry["ACMEMS_AUTH"] == "web servers"
    assert entry["ACMEMS_CLIENT"] == "127.0.0.1"
    assert re.fullmatch(r"[0-9a-f]{16}", entry["ACMEMS_REQUEST_ID"])


def test_fields_of_a_certificate(audited, journal, new_csr, pebble):
    names = ["www.example.org", "a.example.org", "b.c.example.org"]
    csr = new_csr(*names)
    answer = audited.post(csr)
    assert audited.post(csr).status == 200
    end = lib.run("openssl", "x509", "-noout", "-enddate", input=answer.text).stdout
    until = datetime.datetime.strptime(end.strip(), "notAfter=%b %d %H:%M:%S %Y GMT")
    issued = the(journal, "CERTIFICATE_ISSUED", ORDERD)
    ordered = the(journal, "REQUEST_ISSUED", SIGN)
    for entry in issued, ordered, the(journal, "REQUEST_CACHED", SIGN):
        assert_about(entry, csr, *names)
        assert entry["ACMEMS_SERIAL"].zfill(40) == lib.Certificate(
            answer.body).serial.lower().zfill(40)
        assert entry["ACMEMS_NOT_AFTER"] == until.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert issued["ACMEMS_ORDER"].startswith(f"https://127.0.0.1:{pebble.port}/")
    assert issued["ACMEMS_REQUEST_ID"] == ordered["ACMEMS_REQUEST_ID"]


def test_fields_of_a_denied_request(audited, journal, new_csr):
    csr = new_csr("www.example.org", "www.example.com")
    assert audited.post(csr).status == 403
    entry = the(journal, "REQUEST_DENIED", SIGN)
    assert entry["ACMEMS_REASON"] == 'auth "web servers": no domain covers www.example.com'
    assert sorted(entry.all("ACMEMS_NAME")) == ["www.example.com", "www.example.org"]
    assert entry["ACMEMS_AUTH"] is None


def test_fields_of_a_failed_order(audited, journal, new_csr, pebble):
    pebble.set_address("dead.example.org", "127.0.0.99")
    csr = new_csr("dead.example.org", "alive.example.org")
    answer = audited.post(csr)
    for entry in (the(journal, "ORDER_FAILED_AT_CA", ORDERD), the(journal, "REQUEST_FAILED", SIGN)):
        assert_about(entry, csr, "dead.example.org", "alive.example.org")
        assert entry["ACMEMS_REQUEST_ID"] == request_id(answer)
        assert entry["ACMEMS_PROBLEM"] == "connection"
        assert entry["ACMEMS_STATUS"] == "421"
        assert "dead.example.org" in entry["ACMEMS_REASON"]
    assert the(journal, "ORDER_FAILED_AT_CA", ORDERD)["ACMEMS_ORDER"].startswith("https://")


def test_all_requests_that_wait_for_an_order(audited, journal, new_csr):
    csr = new_csr("shared.example.org")
    audited.http01.pause()
    path = str(audited.directory / "run/orderd.sock")
    try:
        with ThreadPoolExecutor(3) as pool:
            answers = [pool.submit(audited.post, csr) for _ in range(3)]
            # Connected sockets have the path and the state 3.
            lib.wait_for(lambda: sum(line.split()[5] == "03" and line.endswith(path) for line in
                                     Path("/proc/net/unix").read_text().splitlines()) == 3,
                         "three calls at orderd")
            audited.http01.resume()
            assert all(answer.result().status == 200 for answer in answers)
    finally:
        audited.http01.resume()
    ids = {entry["ACMEMS_REQUEST_ID"] for entry in journal.entries(SIGN, "INFO")}
    assert len(ids) == 3
    entry = the(journal, "CERTIFICATE_ISSUED", ORDERD)
    assert set(entry.all("ACMEMS_REQUEST_ID")) == ids
    assert entry["ACMEMS_CLIENT"] == "127.0.0.1"


def test_every_entry_knows_its_request(installation, journal, new_csr):
    installation.journal = journal
    installation.start(auth=lib.AUTH_ALL + DEBUG)
    installation.issue(new_csr("www.example.org"))
    entries = journal.entries()
    for entry in entries:
        assert entry["ACMEMS_REQUEST_ID"] and entry["ACMEMS_CLIENT"] == "127.0.0.1", entry
    assert {entry["SYSLOG_IDENTIFIER"] for entry in entries} == {SIGN, ORDERD}


def test_names_are_never_cut_off(installation, journal, new_csr):
    installation.journal = journal
    installation.start(mgmt="max-size = 64k", auth='[auth "a"]\nall = yes\ndomain = nothing\n')
    names = ["start.example.org", *(f"{'.'.join([c * 60 for c in 'abc'])}.{i}.example.org"
                                    for i in range(99))]
    assert installation.post(new_csr(*names)).status == 403
    entry = the(journal, "REQUEST_DENIED", SIGN)
    assert sorted(entry.all("ACMEMS_NAME")) == sorted(names)
    assert len(entry.datagram) < 70000


# ---- failures --------------------------------------------------------------------------------

def test_damaged_cache(audited, journal, new_csr):
    csr = new_csr("www.example.org")
    audited.issue(csr)
    (audited.cache_entry(csr) / "cert.pem").write_bytes(b"junk\n")
    audited.issue(csr)
    assert_about(the(journal, "CACHE_DAMAGED", SIGN), csr, "www.example.org")


def test_failing_storage(audited, journal, pebble, new_csr):
    csr = new_csr("www.example.org")
    entry = audited.cache_entry(csr)
    entry.parent.parent.mkdir(parents=True, exist_ok=True)
    entry.parent.symlink_to(entry.parent.name)  # -ELOOP in the middle of the path, for root too
    orders = pebble.orders()
    assert audited.post(csr).status == 500
    assert pebble.orders() == orders  # acmems orders nothing that it cannot store
    assert_about(the(journal, "CERTIFICATE_NOT_STORED", ORDERD), csr, "www.example.org")


def test_orderd_down(audited, journal, new_csr):
    audited.orderd.popen.terminate()
    audited.orderd.wait()
    the(journal, "STOPPING", ORDERD)
    csr = new_csr("www.example.org")
    assert audited.post(csr).status == 503
    assert_about(the(journal, "ORDERD_UNREACHABLE", SIGN), csr, "www.example.org")
    assert the(journal, "REQUEST_FAILED", SIGN)["ACMEMS_STATUS"] == "503"


def test_unreadable_challenge(audited, journal):
    (audited.challenges / "token").mkdir()
    answer = lib.request(audited.http01_socket.getsockname()[1], "GET",
                         "/.well-known/acme-challenge/token")
    assert answer.status == 500
    entry = the(journal, "CHALLENGE_UNREADABLE", HTTP01)
    assert entry["ACMEMS_REQUEST_ID"] == request_id(answer)
    assert entry["ACMEMS_CLIENT"] == "127.0.0.1"
    (audited.challenges / "token").rmdir()


def test_account_missing(tmp_path, pebble, http01_socket, journal, new_csr):
    server = lib.Acmems(tmp_path, pebble, http01_socket)
    server.journal = journal
    try:
        server.start()
        csr = new_csr("www.example.org")
        assert server.post(csr).status == 500
        entry = the(journal, "ACCOUNT_UNUSABLE", ORDERD)
        assert entry["ACMEMS_PROBLEM"] is None
        assert "acme-register" in entry["ACMEMS_REASON"]
        assert entry["ACMEMS_CSR"] == hashlib.sha384(csr).hexdigest()
    finally:
        server.stop()


# Calls acmems-orderd in the working directory; prints the answer.
PEER = """
import socket
sock = socket.socket(socket.AF_UNIX)
sock.connect("orderd.sock")
try:
    sock.sendall(b'{"method": "org.varlink.service.GetInfo"}\\0')
except BrokenPipeError:
    pass  # refused already: the answer is there
print(sock.recv(65536).decode())
"""


@pytest.fixture
def open_socket(installation, journal):
    """The path of orderd's socket: its group is 4242, although its mode permits everyone."""
    installation.journal = journal
    installation.write_config()
    path = installation.directory / "run/orderd.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()
        os.chown(path, -1, 4242)
        path.chmod(0o666)
        orderd = installation.spawn("orderd", [lib.ORDERD, "--config", installation.config],
                                    sockets=[sock])
    installation.wait_for_start(orderd)
    return path


def test_who_may_use_the_socket(open_socket, journal):
    """Only root and the members of the socket's group."""

    def ask(**ids):
        with subprocess.Popen(["/usr/bin/python3", "-c", PEER], stdout=subprocess.PIPE, text=True,
                              cwd=open_socket.parent, **ids) as peer:
            answer = peer.communicate(timeout=lib.DEADLINE)[0]
            answered = "acmems-orderd" in answer
            assert answered or "org.varlink.service.PermissionDenied" in answer
            return peer.pid, answered

    for ids in {}, {"group": 4242}, {"group": 65534, "extra_groups": [4242]}:
        assert ask(user=65534 if ids else 0, **ids)[1], ids
    assert not [entry for entry in journal.entries() if entry.is_event("PEER_REFUSED")]
    pid, answered = ask(user=65534, group=65534, extra_groups=[])
    assert not answered
    entry = the(journal, "PEER_REFUSED", ORDERD)
    assert entry["ACMEMS_PEER_UID"] == "65534" and entry["ACMEMS_PEER_PID"] == str(pid)
    # One entry for all calls within ten seconds.
    assert not ask(user=65534, group=65534, extra_groups=[])[1]
    the(journal, "PEER_REFUSED", ORDERD)


@pytest.mark.usefixtures("open_socket")
def test_handler_without_the_group(installation, journal, new_csr):
    """It does not call again until its deadline: the client has an answer at once."""
    (journal.directory / "socket").chmod(0o666)  # as journald's
    installation.sign = installation.spawn(
        "sign", ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                 "--inh-caps=+dac_override", "--ambient-caps=+dac_override",
                 lib.SIGN, "--config", installation.config], sockets=[installation.socket])
    installation.wait_for_start(installation.sign)
    start = time.monotonic()
    answer = installation.post(new_csr("www.example.org"))
    assert time.monotonic() - start < 10
    assert answer.status == 503 and b"permission denied" in answer.body
    assert "Permission denied" in the(journal, "ORDERD_UNREACHABLE", SIGN)["MESSAGE"]
    assert the(journal, "PEER_REFUSED", ORDERD)["ACMEMS_PEER_UID"] == "65534"


def test_call_that_is_denied(audited, journal, new_csr):
    """The entry about a call names the calling process."""
    call = {"method": "io.acmems.Orders.Request",
            "parameters": {"auth": "web servers", "requestId": "1234",
                           "csr": base64.b64encode(new_csr("www.example.com")).decode()}}
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(audited.directory / "run/orderd.sock"))
        sock.sendall(json.dumps(call).encode() + b"\0")
        assert b'"status":403' in sock.recv(65536)
    entry = the(journal, "CALL_DENIED", ORDERD)
    assert entry["ACMEMS_PEER_UID"] == str(os.getuid())
    assert entry["ACMEMS_PEER_PID"] == str(os.getpid())
    assert entry["ACMEMS_REQUEST_ID"] == "1234"


def test_changes_of_the_configuration(audited, journal, new_csr):
    good = audited.config.read_text()
    audited.config.write_text(good + "\nnonsense\n")
    audited.issue(new_csr("www.example.org"))
    for program in SIGN, ORDERD:
        assert ": error:" in the(journal, "CONFIG_ERROR", program)["MESSAGE"]
        the(journal, "CONFIG_KEPT", program)
    journal.clear()
    audited.config.write_text(good)
    audited.issue(new_csr("again.example.org"))
    for program in SIGN, ORDERD:
        the(journal, "CONFIG_READ", program)


def test_revoked_certificate(audited, journal, new_csr, tmp_path):
    """acmemsctl reports the revocation to its user and to the journal."""
    names = ["www.example.org", "a.example.org"]
    serial = audited.issue(new_csr(*names)).serial.lower()
    journal.clear()
    log = tmp_path / "acmemsctl.log"
    argv, env = journal.wrap([lib.CTL, "revoke", f"--config={audited.config}",
                              "--reason=superseded", serial], log)
    result = lib.run(*argv, env={**lib.ENVIRONMENT, **env})
    assert f"revoked certificate {serial}" in result.stdout and not result.stderr
    entry = the(journal, "CERTIFICATE_REVOKED", "acmemsctl")
    assert entry["ACMEMS_SERIAL"] == serial and entry["ACMEMS_NOT_AFTER"]
    assert sorted(entry.all("ACMEMS_NAME")) == sorted(names)
    assert entry["ACMEMS_REASON"] == "superseded"
    one(journal.entries("acmemsctl"))


def test_program_fails_to_start(installation, journal):
    installation.journal = journal
    installation.write_config()
    process = installation.spawn("orderd", [lib.ORDERD, "--config", installation.config],
                                 sockets=[installation.socket], expect=(1,))
    process.wait()
    the(journal, "START_FAILED", ORDERD)


# ---- nothing secret --------------------------------------------------------------------------

class RecordingCa(CaProxy):
    """Records every nonce."""

    def __init__(self, pebble):
        self.nonces, self.refused = set(), 0
        super().__init__(pebble)

    def answer(self, request):
        answer = self.forward(request)
        if nonce := answer.header("Replay-Nonce"):
            self.nonces.add(nonce)
        self.refused += b"badNonce" in answer.body
        return answer


def key_material(pem):
    """The lines of a key, and its bytes in every form that a message could contain."""
    lines = [line for line in pem.splitlines() if line and not line.startswith(b"-----")]
    der = base64.b64decode(b"".join(lines))
    return [*lines, der.hex().encode(), base64.urlsafe_b64encode(der).rstrip(b"=")]


def assert_secret(journal, secrets):
    entries = journal.entries()
    assert entries
    for secret in secrets:
        assert len(secret) >= 8, secret
        for entry in entries:
            assert secret not in entry.datagram, (secret, entry)


def test_nothing_secret(pebble, tmp_path, http01_socket, journal, new_csr):
    """A run that uses every kind of secret, at the most verbose level."""
    ca, key = RecordingCa(pebble), "correct horse battery staple"
    server = lib.Acmems(tmp_path, ca, http01_socket)
    server.journal = journal
    try:
        # The number of requests until three nonces are rejected is random.
        server.start(account="accept-terms-of-service = yes\n"
                             "duplicate-certificates-per-week = 0",
                     auth=f'[auth "key"]\nhmac_type = sha256\nhmac_key = {key}\ndomain = *\n'
                          + DEBUG)
        secrets = [key.encode()]
        while ca.refused < 3:
            csr = new_csr("www.example.org")
            headers = lib.hmac_header(key, csr)
            server.issue(csr, headers)
            secrets.append(headers["Authentication"].rpartition("=")[2].encode())
        private = (tmp_path / "csr/www.example.org.key").read_bytes()
        for body, headers, status in (
                (private, lib.hmac_header(key, private), 415),
                (csr + private, lib.hmac_header(key, csr + private), 415),
                (csr, lib.hmac_header("another key", csr), 403),
                (csr, {"Authentication": key}, 403),
                (csr, {"Authentication": f"hmac name={key}, hash={key}"}, 403)):
            assert server.post(body, headers).status == status
            secrets += [headers["Authentication"].rpartition("=")[2].encode()]
        config = server.config.read_text()
        server.config.write_text(config.replace("hmac_key =", "hmac_key:"))
        server.issue(csr, lib.hmac_header(key, csr))
        account = (tmp_path / "account/account.pem").read_bytes()
        assert ca.nonces
        assert_secret(journal, [*secrets, *key_material(private), *key_material(account),
                                *(nonce.encode() for nonce in ca.nonces)])
        assert any(entry.is_event("CONFIG_ERROR") for entry in journal.entries())
    finally:
        server.stop()
        ca.stop()


def test_nonces_quoted_by_the_ca(tmp_path, http01_socket, journal, new_csr):
    """A CA that rejects all nonces and quotes them in its errors."""
    ca = lib.FakeCa(tmp_path / "fake")
    server = lib.Acmems(tmp_path, ca, http01_socket)
    server.journal = journal
    try:
        server.start(account="accept-terms-of-service = yes")
        ca.order = (400, {}, {"type": "urn:ietf:params:acme:error:badNonce",
                              "detail": "JWS has an invalid anti-replay nonce: oFvnlFP1wIhRlYS2jTaX"})
        answer = server.post(new_csr("www.example.org"))
        assert answer.status == 503 and b"oFvnlFP1wIhRlYS2jTaX" not in answer.body
        assert the(journal, "ORDER_FAILED_AT_CA", ORDERD)["ACMEMS_PROBLEM"] == "badNonce"
        assert_secret(journal, [b"oFvnlFP1wIhRlYS2jTaX"])
    finally:
        server.stop()
        ca.stop()


# ---- documentation ---------------------------------------------------------------------------

CATALOG = lib.ROOT / "units/acmems.catalog"
PAGE = (lib.ROOT / "man/acmems.journal-fields.7").read_text()
FIELDS = re.findall(r'"(ACMEMS_\w+)"', (lib.ROOT / "libshared/log/log-fields.c").read_text())


def test_catalog_and_page_have_every_event():
    ids = [event["id"] for event in EVENTS.values()]
    header = (lib.ROOT / "libshared/log/log-event.h").read_text()
    assert sorted(EVENTS) == sorted(re.findall(r"^    LOG_EVENT_(\w+),", header, re.M))
    assert len(set(ids)) == len(ids)
    assert sorted(ids) == sorted(re.findall(r"^-- (\w+)$", CATALOG.read_text(), re.M))
    assert sorted(ids) == sorted(re.findall(r"^\.It Li ([0-9a-f]{32})$", PAGE, re.M))
    decisions = {event["decision"] for event in EVENTS.values()} - {None}
    assert decisions == set(re.findall(r"^\.It Li ([a-z]+)$", PAGE, re.M))


def test_page_has_every_field():
    assert FIELDS
    documented = set(re.findall(r"^\.It Ev (\w+)$", PAGE, re.M))
    assert documented == {*FIELDS, "MESSAGE_ID", "SYSLOG_IDENTIFIER"}


def test_catalog_entries(tmp_path):
    """Each entry has a subject, its "Defined-By", existing manual pages, and known fields only."""
    for entry in re.split(r"^-- \w+\n", CATALOG.read_text(), flags=re.M)[1:]:
        head, _, text = entry.partition("\n\n")
        assert re.match(r"Subject: .+\nDefined-By: acmems\n(Documentation: man:.+\n?)+$", head)
        assert len(text.strip()) > 50
        for name, section in re.findall(r"man:(.+)\((\d)\)", head):
            assert (lib.ROOT / f"man/{name}.{section}").exists()
        assert set(re.findall(r"@(\w+)@", entry)) <= {*FIELDS, "MESSAGE"}
    directory = tmp_path / "usr/lib/systemd/catalog"
    directory.mkdir(parents=True)
    (directory / CATALOG.name).write_bytes(CATALOG.read_bytes())
    lib.run("journalctl", "--root", tmp_path, "--update-catalog")
    listed = lib.run("journalctl", "--root", tmp_path, "--list-catalog").stdout
    assert sorted(line.split()[0] for line in listed.splitlines()) == sorted(
        event["id"] for event in EVENTS.values())

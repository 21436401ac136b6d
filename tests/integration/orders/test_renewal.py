# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificate renewal: in the window that the CA suggests (RFC 9773), and ahead of requests."""

import datetime
import hashlib
import itertools
import json
import shutil
import socket
import ssl
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

import lib
from ca_proxy import Answer, CaProxy, Reset

HOUR, DAY = 3600, 86400
BRIEF = 12  # s; without a window, renewal is due after two thirds of it
PROFILES = {name: {"description": name, "validityPeriod": seconds}
            for name, seconds in {"classic": 90 * DAY, "brief": BRIEF}.items()}


class Watched(CaProxy):
    """Pebble behind a proxy that records the requests for renewal windows.

    .gone: the CA is unreachable. .before: {path: action}, run once on a request for the path, which
    then fails. .forgets_replaces: the CA ignores the member of newOrder. .meanwhile: an action, run once during a request for a window. .lacks: members that
    are missing in the directory. .always: (start, end) of the window of every certificate, in s
    from now.
    """

    def __init__(self, pebble):
        self.gone, self.questions, self.before = False, [], {}
        self.meanwhile, self.lacks, self.always = None, [], None
        self.forgets_replaces = False
        super().__init__(pebble)

    def answer(self, request):
        if self.gone:
            raise Reset
        if action := self.before.pop(request.path, None):
            action()
            return Answer(503, {"Replay-Nonce": "bm90IGEgbm9uY2UgdGhhdCB0aGUgQ0Ega25vd3M"}, b"")  # else it is sent again
        if request.method == "GET" and request.path != "/dir":
            self.questions.append(request.path)
            if meanwhile := self.meanwhile:
                self.meanwhile = None
                meanwhile()
            if self.always:
                start, end = map(text_of, self.always)
                return Answer(200, {"Content-Type": "application/json"}, json.dumps(
                    {"suggestedWindow": {"start": start, "end": end}}).encode())
        answer = self.forward(request)
        if request.path == "/order-plz" and self.forgets_replaces:
            answer.body = json.dumps({name: value for name, value in json.loads(answer.body).items()
                                      if name != "replaces"}).encode()
        if request.path == "/dir" and self.lacks:
            document = json.loads(answer.body)
            answer.body = json.dumps({name: value for name, value in document.items()
                                      if name not in self.lacks}).encode()
        return answer


@pytest.fixture(scope="module")
def newer(new_pebble):
    return new_pebble(lib.newer_pebble, profiles=PROFILES)


@pytest.fixture(scope="module")
def pebble(newer):
    proxy = Watched(newer)
    yield proxy
    proxy.stop()


@pytest.fixture
def server(installation, pebble):
    pebble.gone, pebble.lacks, pebble.always, pebble.forgets_replaces = False, [], None, False
    pebble.questions.clear()
    return installation.start(account="profile = classic")


def text_of(seconds):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def set_window(newer, pem, start, end, **more):
    """Set the window of this certificate at the CA; @start, @end: s from now."""
    answer = {"suggestedWindow": {"start": text_of(start), "end": text_of(end)}, **more}
    body = json.dumps({"Certificate": pem, "ARIResponse": json.dumps(answer)}).encode()
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(
            context=ssl.create_default_context(cafile=newer.ca_file)))
    opener.open(f"https://127.0.0.1:{newer.management_port}/set-renewal-info/", body,
                timeout=10).close()


def meta_path(server, csr):
    return server.cache_entry(csr) / "meta.json"


def read_meta(server, csr):
    return json.loads(meta_path(server, csr).read_text())


def fingerprint(pem):
    """The SHA-256 of the leaf certificate."""
    leaf = pem[pem.index("-----BEGIN"):pem.index("-----END") + len("-----END CERTIFICATE-----")]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(leaf)).hexdigest()


def restart_orderd(server):
    server.orderd.stop()
    server.start_orderd()


def ask_now(server, *csrs, **changes):
    """Make the query of these windows due now, and set the given members."""
    server.orderd.stop()
    for csr in csrs:
        path = meta_path(server, csr)
        path.write_text(json.dumps({**json.loads(path.read_text()), "askAt": 1, **changes}))
    server.start_orderd()
    for csr in csrs:
        lib.wait_for(lambda csr=csr: read_meta(server, csr)["askAt"] > 1, "the answer")


def issue_findable(server, csr):
    """Issue a certificate that Pebble can find:
    it fails on a serial number that starts with a zero byte."""
    while len((certificate := server.issue(csr)).serial) < 16:
        (server.cache_entry(csr) / "cert.pem").unlink()
    return certificate


def issue_with_window(server, newer, csr, start, end, **more):
    """Issue a certificate with this window, which orderd has fetched."""
    certificate = issue_findable(server, csr)
    set_window(newer, certificate.pem, start, end, **more)
    ask_now(server, csr)
    return certificate


def replacements(newer):
    return newer.ca.log.count("is a replacement of")


def test_window_is_fetched(server, pebble, newer, new_csr):
    """orderd fetches the window soon after issuance, then several times a day.
    A restart neither skips nor repeats a query."""
    csr = new_csr("www.example.org")
    issue_findable(server, csr)
    lib.wait_for(lambda: "windowStart" in read_meta(server, csr), "the query of the window", deadline=60)
    meta = read_meta(server, csr)
    now = time.time()
    assert now + 55 * DAY < meta["windowStart"] < meta["windowEnd"] < now + 65 * DAY
    assert now + 5 * HOUR < meta["askAt"] < now + 12 * HOUR
    assert len(pebble.questions) == 1
    other = new_csr("other.example.org")
    issue_findable(server, other)
    ask_now(server, other)
    assert len(pebble.questions) == 2 and read_meta(server, csr) == meta
    ask_now(server, csr)
    assert len(pebble.questions) == 3


def test_clock_that_was_wrong(server, newer, new_csr):
    """A query is delayed by half a day at most;
    a later time in the file counts as a first query."""
    # First queries are spread over an hour by the entry's key: the key of this CSR is due at once.
    csr = new_csr("www.example.org")
    csr = next(body for body in (b"%d\n" % i + csr for i in itertools.count())
               if int(hashlib.sha384(body).hexdigest()[:8], 16) % HOUR < 3)
    server.issue(csr)
    server.orderd.stop()
    never = int(time.time()) + 1000 * DAY
    meta_path(server, csr).write_text(json.dumps({**read_meta(server, csr), "askAt": never}))
    server.start_orderd()
    lib.wait_for(lambda: read_meta(server, csr)["askAt"] < never, "the query")


def test_replaced_while_its_window_is_fetched(server, pebble, newer, new_csr):
    """The window of a certificate is not stored for its successor."""
    csr = new_csr("www.example.org")
    old = server.issue(csr)
    serials = []

    def meanwhile():
        meta_path(server, csr).write_text(json.dumps({
            **read_meta(server, csr), "windowStart": 1, "windowEnd": int(time.time()) + HOUR, "askAt": int(time.time()) + HOUR}))
        serials.append(server.issue(csr).serial)

    server.orderd.stop()
    meta_path(server, csr).write_text(json.dumps({**read_meta(server, csr), "askAt": 1}))
    pebble.meanwhile = meanwhile
    server.start_orderd()
    lib.wait_for(lambda: serials, "the next certificate")
    server.issue(new_csr("after.example.org"))  # orderd has the answer by now
    assert serials != [old.serial] and serials == [cached_serial(server, csr)]
    meta, pem = read_meta(server, csr), (server.cache_entry(csr) / "cert.pem").read_text()
    assert meta["certificate"] == fingerprint(pem)
    assert meta["auth"] == "loopback" and meta["server"] == pebble.url


def test_ca_without_windows(server, pebble, newer, new_csr):
    """renew-within applies again."""
    csr = new_csr("www.example.org")
    issue_with_window(server, newer, csr, 10 * DAY, 11 * DAY)
    server.orderd.stop()
    pebble.lacks = ["renewalInfo"]
    shutil.rmtree(server.directory / "state/session")  # the directory that orderd has kept
    meta_path(server, csr).write_text(json.dumps({**read_meta(server, csr), "askAt": 1}))
    pebble.questions.clear()
    server.start_orderd()
    lib.wait_for(lambda: "windowStart" not in read_meta(server, csr), "the removal of the window")
    assert not pebble.questions


def test_inside_the_window(server, newer, new_csr):
    """The next request gets a new certificate; the order tells the CA which one it replaces."""
    csr = new_csr("www.example.org")
    old, before = issue_with_window(server, newer, csr, -HOUR, HOUR), replacements(newer)
    new = server.issue(csr)
    assert new.serial != old.serial and replacements(newer) == before + 1
    assert server.issue(csr).serial == new.serial
    assert "windowStart" not in read_meta(server, csr)


def put_old(server, csr, days, start, end):
    """Put a certificate with this many days left and its window into the cache;
    return its serial."""
    name = lib.run("openssl", "req", "-noout", "-subject", input=csr.decode()).stdout
    file = server.directory / "csr" / f"{name.rpartition('=')[2].strip()}.csr"
    pem = lib.make_certificate(server.directory, file, (days - 90) * DAY, days * DAY)
    server.put_entry(csr, pem)
    now = int(time.time())
    meta_path(server, csr).write_text(json.dumps({
        "version": 1, "certificate": fingerprint(pem.decode()), "windowStart": now + start,
        "windowEnd": now + end}))
    return lib.Certificate(pem).serial


@pytest.mark.parametrize("days, window, cached", [
    (1, (HOUR, 2 * HOUR), True), (60, (-HOUR, HOUR), False),
    (1, (2 * DAY, 3 * DAY), False), (-1, (HOUR, 2 * HOUR), False),
], ids=["late", "early", "after its end", "over"])
def test_window_before_renew_within(server, new_csr, days, window, cached):
    """The CA's window takes precedence over renew-within,
    but not over the end of the certificate."""
    csr = new_csr("www.example.org")
    serial = put_old(server, csr, days, *window)
    assert (server.issue(csr).serial == serial) == cached


def test_prefetch_window_beyond_the_end(ahead, new_csr):
    """An expired certificate is never returned, even if its window is still open."""
    csr = new_csr("www.example.org")
    ahead.orderd.stop()
    serial = put_old(ahead, csr, -1, -3 * DAY, 90 * DAY)
    ahead.start_orderd()
    assert ahead.issue(csr).serial != serial


def test_moved(server, newer, new_csr):
    """The journal reports a changed window, with the URL of the CA's explanation."""
    csr = new_csr("www.example.org")
    certificate = issue_with_window(server, newer, csr, 10 * DAY, 11 * DAY)
    assert "at another time" not in server.orderd.log
    set_window(newer, certificate.pem, -HOUR, HOUR, explanationURL="https://ca.example/why")
    ask_now(server, csr)
    assert "changed the renewal window of the certificate for www.example.org" in server.orderd.log
    assert "see https://ca.example/why" in server.orderd.log


LIMITED = ("profile = classic\norders-per-3h = {}\nclient-share = 0\nrenewal-reserve = 0\n"
           "duplicate-certificates-per-week = {}")


def make_due(server, csr):
    """Open the renewal window of the cached certificate, without a question to the CA."""
    meta_path(server, csr).write_text(json.dumps({
        **read_meta(server, csr), "windowStart": 1, "windowEnd": int(time.time()) + HOUR}))


def counted(server, kind):
    """The number of orders or certificates that count for limits of this kind."""
    return sum(len(ledger["times"]) for path in server.directory.glob("state/budget/*.json")
               if (ledger := json.loads(path.read_text()))["kind"] == kind)


def test_exempt_from_all_limits(server, newer, new_csr):
    """The CA exempts a renewal that it accepts as one from its limits: it counts for none of ours."""
    server.write_config(account=LIMITED.format(100, 100), auth=lib.AUTH_ALL + "orders-per-day = 100\n")
    csr = new_csr("www.example.org")
    certificate = issue_findable(server, csr)
    before = [counted(server, kind) for kind in ("orders", "certificates", "client")]
    assert all(before)
    server.write_config(account=LIMITED.format(1, 1), auth=lib.AUTH_ALL + "orders-per-day = 1\n")
    for _ in range(3):
        make_due(server, csr)
        renewed = server.issue(csr)
        assert renewed.serial != certificate.serial
        certificate = renewed
        if len(certificate.serial) < 16:  # Pebble does not find it: see issue_findable()
            break
    answer = server.post(new_csr("other.example.org"))
    assert answer.status == 429 and "(orders-per-3h = 1)" in answer.text, answer
    assert [counted(server, kind) for kind in ("orders", "certificates", "client")] == before


def test_many_renewals_at_once(server, newer, new_csr):
    """Renewals that are due at the same time do not hold each other back."""
    csrs = [new_csr(f"many{i}.example.org") for i in range(6)]
    certificates = [issue_findable(server, csr) for csr in csrs]
    server.write_config(account=LIMITED.format(1, 1))
    server.orderd.stop()  # else it fetches the windows of new certificates at about this time
    for csr in csrs:
        make_due(server, csr)
    server.start_orderd()
    with ThreadPoolExecutor(len(csrs)) as pool:
        renewed = list(pool.map(server.issue, csrs))
    assert not {c.serial for c in renewed} & {c.serial for c in certificates}


def test_not_exempt(server, pebble, newer, new_csr):
    """The CA ignores that an order is a renewal: then the order counts."""
    csr = new_csr("www.example.org")
    certificate, before = issue_findable(server, csr), counted(server, "orders")
    pebble.forgets_replaces = True
    make_due(server, csr)
    assert server.issue(csr).serial != certificate.serial
    assert counted(server, "orders") == before + 1
    # The CA is not expected to exempt the next one: acmems holds it back.
    certificate = server.issue(csr)
    make_due(server, csr)
    server.write_config(account=LIMITED.format(1, 0))
    assert server.issue(csr).serial == certificate.serial
    assert "(orders-per-3h = 1)" in server.sign.log


def test_refused_as_a_renewal(server, newer, new_csr, tmp_path):
    """An order that must do without "replaces" is one like any other."""
    csr = new_csr("www.example.org")
    issue_findable(server, csr)
    entry = server.cache_entry(csr)
    shutil.copytree(entry, tmp_path / "entry")
    make_due(server, csr)
    server.issue(csr)
    before = counted(server, "orders")
    shutil.copytree(tmp_path / "entry", entry, dirs_exist_ok=True)
    make_due(server, csr)
    kept = server.issue(csr).serial
    assert counted(server, "orders") == before + 1
    shutil.copytree(tmp_path / "entry", entry, dirs_exist_ok=True)
    make_due(server, csr)
    server.write_config(account=LIMITED.format(1, 0))
    previous = server.issue(csr).serial
    assert previous != kept and previous == cached_serial(server, csr)
    assert "(orders-per-3h = 1)" in server.sign.log


def test_replaced_already(server, newer, new_csr, tmp_path):
    """The CA refuses a second replacement of a certificate: acmems orders without "replaces"."""
    csr = new_csr("www.example.org")
    old = issue_with_window(server, newer, csr, -HOUR, HOUR)
    entry = server.cache_entry(csr)
    shutil.copytree(entry, tmp_path / "entry")
    new, before = server.issue(csr), replacements(newer)
    shutil.copytree(tmp_path / "entry", entry, dirs_exist_ok=True)
    newest = server.issue(csr)
    assert len({old.serial, new.serial, newest.serial}) == 3
    assert replacements(newer) == before


def test_ca_is_down(server, pebble, newer, new_csr):
    """While the CA is down, a valid previous certificate is returned, with a warning.
    Once the CA is back, the next request gets a new one."""
    csr = new_csr("www.example.org")
    old = issue_with_window(server, newer, csr, -HOUR, HOUR)
    pebble.gone = True
    for _ in range(2):
        answer = server.post(csr)
        assert (answer.status, lib.Certificate(answer.body).serial) == (200, old.serial)
        assert answer.headers["Warning"].startswith("110 acmems ")
    assert "200, auth \"loopback\": The CA cannot be reached" in server.sign.log
    server.orderd.stop()
    assert server.issue(csr).serial == old.serial
    assert "200, auth \"loopback\": acmems-orderd does not answer" in server.sign.log
    server.start_orderd()
    pebble.gone = False
    answer = server.post(csr)
    assert lib.Certificate(answer.body).serial != old.serial and "Warning" not in answer.headers


def test_ca_is_down_until_expiry(installation, pebble, newer, new_csr):
    server = installation.start(account="profile = brief")
    csr = new_csr("www.example.org")
    old = issue_with_window(server, newer, csr, -HOUR, HOUR)
    pebble.gone = True
    try:
        assert server.issue(csr).serial == old.serial
        lib.wait_for(lambda: lib.run("openssl", "x509", "-noout", "-checkend", "0", input=old.pem,
                                     check=False).returncode == 1, "its expiry", BRIEF + 5)
        assert server.post(csr).status == 503
    finally:
        pebble.gone = False


def test_revoked_during_renewal(server, pebble, newer, new_csr):
    """acmems does not fall back on a revoked certificate."""
    csr = new_csr("www.example.org")
    old = issue_with_window(server, newer, csr, -HOUR, HOUR)
    pebble.before["/order-plz"] = lambda: lib.run(
        lib.CTL, "revoke", f"--config={server.config}", old.serial)
    answer = server.post(csr)
    assert answer.status == 503
    assert server.issue(csr).serial != old.serial


def test_no_longer_permitted(server, newer, new_csr):
    """A request that the policy denies gets no certificate, not even the previous one."""
    csr = new_csr("www.example.org")
    issue_with_window(server, newer, csr, -HOUR, HOUR)
    server.write_config(account="profile = classic", auth=lib.AUTH_ALL.replace("domain = *", "domain = *.example.net"))
    lib.wait_for(lambda: server.post(csr).status == 403, "the new configuration")


def test_foreign_meta(server, newer, new_csr):
    """Metadata of another certificate, or metadata that cannot be read, has no effect."""
    csr = new_csr("www.example.org")
    certificate = issue_with_window(server, newer, csr, -HOUR, HOUR)
    path, text = meta_path(server, csr), meta_path(server, csr).read_text()
    for foreign in (text.replace(json.loads(text)["certificate"], "0" * 64), "{", "[]", "",
                    text.replace('"version": 1', '"version": 2'), "x" * 20000):
        path.write_text(foreign)
        assert server.issue(csr).serial == certificate.serial


@pytest.fixture
def ahead(installation, pebble):
    pebble.gone, pebble.always = False, None
    return installation.start(account="profile = classic", storage="prefetch = yes")


def cached_serial(server, csr):
    return lib.Certificate((server.cache_entry(csr) / "cert.pem").read_bytes()).serial


def test_prefetch(ahead, newer, new_csr):
    """The renewal needs no request; the next request is answered from the cache."""
    csr = new_csr("www.example.org")
    old = issue_findable(ahead, csr)
    before = newer.certificates()
    set_window(newer, old.pem, -2 * HOUR, -HOUR)
    ask_now(ahead, csr)
    lib.wait_for(lambda: cached_serial(ahead, csr) != old.serial, "the renewal")
    ahead.orderd.stop()
    assert ahead.issue(csr).serial == cached_serial(ahead, csr)
    assert newer.certificates() == before + 1


def test_prefetch_does_not_delay_requests(ahead, newer, new_csr):
    """Within the window, a request is answered from the cache:
    orderd will renew the certificate."""
    csr = new_csr("www.example.org")
    old = issue_with_window(ahead, newer, csr, -1, 10 * DAY)
    assert ahead.issue(csr).serial == old.serial


def test_prefetch_is_retried(ahead, pebble, newer, new_csr):
    """A failed renewal is retried later; meanwhile the previous certificate is returned."""
    csr = new_csr("www.example.org")
    old = issue_findable(ahead, csr)
    set_window(newer, old.pem, -2 * HOUR, -HOUR)
    ahead.http01.pause()
    ask_now(ahead, csr)
    lib.wait_for(lambda: list((ahead.directory / "state/orders").glob("*.json")), "the order")
    ahead.orderd.stop()
    ahead.http01.resume()
    ahead.start_orderd()
    lib.wait_for(lambda: cached_serial(ahead, csr) != old.serial, "the renewal")


def test_prefetch_is_joined(ahead, newer, new_csr):
    """A request during the renewal waits for the same order."""
    csr = new_csr("www.example.org")
    old = issue_findable(ahead, csr)
    before = newer.certificates()
    set_window(newer, old.pem, -2 * HOUR, -HOUR)
    ahead.http01.pause()
    ask_now(ahead, csr)
    lib.wait_for(lambda: list((ahead.directory / "state/orders").glob("*.json")), "the order")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ahead.issue, csr)
        ahead.http01.resume()
        assert answer.result().serial != old.serial
    assert newer.certificates() == before + 1


def test_prefetch_forgets(ahead, newer, new_csr):
    """A certificate that was not requested for 100 days is not renewed.
    The other one proves that orderd ran."""
    forgotten, asked = new_csr("forgotten.example.org"), new_csr("asked.example.org")
    failing = new_csr("failing.example.org")  # renewal was due when it was still requested
    serials = {}
    for csr in forgotten, asked, failing:
        certificate = issue_findable(ahead, csr)
        serials[csr] = certificate.serial
        days = 50 if csr == failing else 0
        set_window(newer, certificate.pem, -2 * HOUR - days * DAY, -HOUR - days * DAY)
    ask_now(ahead, forgotten, failing, asked=int(time.time()) - 101 * DAY)
    ask_now(ahead, asked, asked=int(time.time()) - 99 * DAY)
    lib.wait_for(lambda: cached_serial(ahead, asked) != serials[asked], "the renewal")
    for csr in forgotten, failing:
        assert cached_serial(ahead, csr) == serials[csr]
    meta = read_meta(ahead, asked)
    assert time.time() - 100 * DAY < meta["asked"] < time.time() - 98 * DAY


def test_ca_always_suggests_renewal(ahead, pebble, newer, new_csr):
    """A CA suggests immediate renewal for every certificate:
    acmems orders one more now, and the next one later."""
    csr, other = new_csr("www.example.org"), new_csr("other.example.org")
    first = {each: issue_findable(ahead, each).serial for each in (csr, other)}
    before = newer.certificates()
    pebble.always = (-2 * HOUR, -HOUR)
    ahead.orderd.stop()
    for each, ask_at in (csr, 1), (other, int(time.time()) + 14):
        meta_path(ahead, each).write_text(json.dumps({**read_meta(ahead, each), "askAt": ask_at}))
    ahead.start_orderd()
    lib.wait_for(lambda: cached_serial(ahead, csr) != first[csr], "the renewal")
    lib.wait_for(lambda: "windowEnd" in read_meta(ahead, csr), "the window of the next one")
    # By then orderd has checked the new certificate as well.
    lib.wait_for(lambda: cached_serial(ahead, other) != first[other], "the renewal of the other")
    assert newer.certificates() == before + 2


def test_request_is_recorded(ahead, newer, new_csr):
    """A request that the cache answers is recorded, at most once a day."""
    csr = new_csr("www.example.org")
    issue_with_window(ahead, newer, csr, 10 * DAY, 20 * DAY)
    ask_now(ahead, csr, asked=int(time.time()) - 2 * DAY, auth="former")
    ahead.issue(csr)
    lib.wait_for(lambda: read_meta(ahead, csr)["asked"] > time.time() - HOUR, "the record of the request")
    meta = read_meta(ahead, csr)
    assert meta["auth"] == "loopback" and "windowStart" in meta
    written = meta_path(ahead, csr).stat().st_mtime_ns
    ahead.issue(csr)
    ask_now(ahead, new_csr_issued(ahead, new_csr))
    assert meta_path(ahead, csr).stat().st_mtime_ns == written


def test_request_of_a_block_without_permission(installation, pebble, newer, new_csr):
    """A compromised handler cannot use the rights of another block, or a key as a path."""
    narrow = '[auth "narrow"]\nall = yes\ndomain = other.example.org\n'
    server = installation.start(account="profile = classic", storage="prefetch = yes",
                                auth=lib.AUTH_ALL + narrow)
    csr = new_csr("www.example.org")
    server.issue(csr)
    server.orderd.stop()
    path = meta_path(server, csr)
    path.write_text(json.dumps({**read_meta(server, csr), "asked": 1, "askAt": int(time.time()) + HOUR}))
    server.start_orderd()
    before = path.read_text()

    def tell(**parameters):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(server.directory / "run/orderd.sock"))
            call = {"method": "io.acmems.Orders.Asked", "parameters": parameters}
            sock.sendall(json.dumps(call).encode() + b"\0")
            return json.loads(sock.recv(4096).rstrip(b"\0"))

    key = hashlib.sha384(csr).hexdigest()
    for auth, entry, error in [("narrow", key, None), ("unknown", key, None),
                               ("loopback", "0" * 96, None), ("loopback", f"../{key[3:]}", "key")]:
        answer = tell(auth=auth, key=entry)
        assert answer.get("parameters", {}).get("parameter") == error, answer
        assert path.read_text() == before
    assert '"narrow" does not permit' in server.orderd.log
    tell(auth="loopback", key=key)
    assert read_meta(server, csr)["asked"] > time.time() - HOUR


def new_csr_issued(server, new_csr):
    csr = new_csr("after.example.org")
    server.issue(csr)
    return csr


def test_prefetch_of_an_old_cache(ahead, newer, new_csr):
    """An entry without metadata, from another program: any block that permits its names is used."""
    csr = new_csr("www.example.org")
    old = issue_findable(ahead, csr)
    set_window(newer, old.pem, -2 * HOUR, -HOUR)
    ahead.orderd.stop()
    path = meta_path(ahead, csr)
    known = json.loads(path.read_text())
    path.write_text(json.dumps({"version": 1, "certificate": known["certificate"], "askAt": 1}))
    ahead.start_orderd()
    lib.wait_for(lambda: cached_serial(ahead, csr) != old.serial, "the renewal")


def test_prefetch_of_a_compromised_key(ahead, newer, new_csr):
    """An entry that a backup brought back is not renewed."""
    csr = new_csr("www.example.org")
    old = issue_with_window(ahead, newer, csr, 10 * DAY, 11 * DAY)
    entry = ahead.cache_entry(csr)
    kept = {path: path.read_bytes() for path in entry.iterdir()}
    lib.run(lib.CTL, "revoke", f"--config={ahead.config}", old.serial, "--reason=keyCompromise")
    ahead.orderd.stop()
    for path, content in kept.items():
        path.write_bytes(content)
    set_meta = {**read_meta(ahead, csr), "windowStart": 1, "windowEnd": 2}
    meta_path(ahead, csr).write_text(json.dumps(set_meta))
    certificates = newer.certificates()
    ahead.start_orderd()
    lib.wait_for(lambda: "is not renewed ahead of requests: A certificate with this key was revoked"
                 in ahead.orderd.log, "the warning")
    assert cached_serial(ahead, csr) == old.serial and newer.certificates() == certificates


def test_prefetch_without_a_block(ahead, newer, new_csr):
    """If the block is gone or no longer permits the names, nothing is renewed."""
    csr = new_csr("www.example.org")
    old = issue_findable(ahead, csr)
    set_window(newer, old.pem, -2 * HOUR, -HOUR)
    ask_now(ahead, csr, auth="former")
    lib.wait_for(lambda: "is not renewed ahead of requests" in ahead.orderd.log, "the warning")
    assert cached_serial(ahead, csr) == old.serial

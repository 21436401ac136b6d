# SPDX-License-Identifier: GPL-3.0-or-later
"""CAs that are odd but not wrong: acmems takes their answers for what they mean."""

import gzip
import itertools
import json
from pathlib import Path

import pytest

import fault_proxy as faults
import lib
from ca_proxy import Answer
from fault_proxy import PROBLEM, FaultProxy, Rule, headers, members

NONCE = faults.NONCE
number = itertools.count()


@pytest.fixture(scope="module")
def proxy(pebble):
    ca = FaultProxy(pebble)
    yield ca
    ca.stop()


@pytest.fixture(scope="module")
def account(tmp_path_factory, proxy, http01_socket):
    return lib.register(tmp_path_factory.mktemp("account"), proxy, http01_socket)


@pytest.fixture
def fresh(tmp_path, proxy, account, http01_socket):
    """An installation whose acmems-orderd does not run yet, and so has no directory."""
    proxy.rules = []
    server = lib.Acmems(tmp_path, proxy, http01_socket, account)
    yield server
    server.stop()


@pytest.fixture
def installation(fresh):
    return fresh.start(account="orders-per-3h = 0\nduplicate-certificates-per-week = 0")


def unique_name():
    return f"odd{next(number)}.example.org"


def damage(proxy, name, kind, fault, times=1):
    rule = Rule(name, kind, fault, times)
    proxy.rules.append(rule)
    return rule


def raw(change):
    """The body of the answer is changed by this function."""
    def fault(ask):
        answer = ask()
        return Answer(answer.status, answer.headers, change(answer.body))
    return fault


def status(code):
    def fault(ask):
        answer = ask()
        return Answer(code, answer.headers, answer.body)
    return fault


def relative(name):
    """The URL in this header is a path."""
    def fault(ask):
        answer = ask()
        value = answer.header(name)
        path = "/" + value.split("/", 3)[3]
        return headers(**{name: path})(lambda: answer)
    return fault


def error(code, document, type_="application/problem+json", **more):
    """The CA refuses the request."""
    more = {"Content-Type": type_, "Replay-Nonce": NONCE, **{key.replace("_", "-"): value for key, value in more.items()}}
    return lambda ask: Answer(code, more, json.dumps(document).encode())


def compressed(ask):
    """Although no client asked for it."""
    answer = ask()
    return Answer(answer.status, answer.headers | {"Content-Encoding": "gzip"}, gzip.compress(answer.body))


def challenges_without_status(ask):
    answer = ask()
    document = json.loads(answer.body)
    for challenge in document["challenges"]:
        challenge.pop("status", None)
    return Answer(answer.status, answer.headers, json.dumps(document).encode())


BOM = b"\xef\xbb\xbf"
ODD = {
    "newOrder-text": ("newOrder", headers(Content_Type="text/plain")),
    "newOrder-no-type": ("newOrder", headers(Content_Type="")),
    "newOrder-202": ("newOrder", status(202)),
    "newOrder-relative": ("newOrder", relative("Location")),
    "newOrder-bom": ("newOrder", raw(lambda body: BOM + body)),
    "newOrder-gzip": ("newOrder", compressed),
    "newOrder-expires-lower-case": ("newOrder", members(expires="2099-01-01t00:00:00.5z")),
    "newOrder-expires-never": ("newOrder", members(expires="0001-01-01T00:00:00Z")),
    "authorization-201": ("authorization", status(201)),
    "authorization-no-challenge-status": ("authorization", challenges_without_status),
    "challenge-204": ("challenge", status(204)),
    "finalize-201": ("finalize", status(201)),
    "order-202": ("order", status(202)),
    "certificate-text": ("certificate", headers(Content_Type="text/plain")),
    "certificate-gzip": ("certificate", compressed),
    "certificate-bom": ("certificate", raw(lambda body: BOM + body)),
    "certificate-201": ("certificate", status(201)),
}


@pytest.mark.parametrize("kind, fault", ODD.values(), ids=ODD.keys())
def test_odd_answer(installation, proxy, new_csr, kind, fault):
    """It costs nothing: the first request gets the certificate, by one order."""
    name = unique_name()
    rule = damage(proxy, name, kind, fault)
    assert installation.issue(new_csr(name)).names == [name]
    assert rule.hits == 1 and proxy.orders(name) == 1


@pytest.mark.parametrize("type_", ["application/json", "application/problem json", "text/plain", ""])
def test_bad_nonce_of_any_type(installation, proxy, new_csr, type_):
    """RFC 8555 §6.5: the request is repeated with the nonce of the answer."""
    name = unique_name()
    damage(proxy, name, "newOrder", error(400, {"type": PROBLEM + "badNonce"}, type_), times=3)
    installation.issue(new_csr(name))


LIMIT = {"type": PROBLEM + "rateLimited", "detail": "too many"}
ERRORS = {
    "429 as JSON": (error(429, LIMIT, "application/json", Retry_After=77), 429, "rateLimited: too many", "77"),
    "429 as text": (error(429, LIMIT, "text/plain", Retry_After=77), 429, "rateLimited: too many", "77"),
    "429 of a proxy": (error(429, {"message": "slow down"}, "application/json", Retry_After=77), 429, "slow down", "77"),
    "former prefix": (error(403, {"type": "urn:acme:error:rejectedIdentifier", "detail": "no"}), 403,
                      "rejectedIdentifier: no", None),
    "message": (error(403, {"type": PROBLEM + "rejectedIdentifier", "message": "not this one"}), 403,
                "not this one", None),
    "title": (error(403, {"type": PROBLEM + "rejectedIdentifier", "title": "not this one"}), 403,
              "not this one", None),
}


@pytest.mark.parametrize("fault, code, text, retry_after", ERRORS.values(), ids=ERRORS.keys())
def test_error(installation, proxy, new_csr, fault, code, text, retry_after):
    """The client gets the CA's words, and the meaning of the type or of the status."""
    name = unique_name()
    rule = damage(proxy, name, "newOrder", fault)
    answer = installation.post(new_csr(name))
    assert (answer.status, answer.headers["Retry-After"]) == (code, retry_after), answer
    assert text in answer.text and rule.hits == 1, answer


PAGE = b"<html>"
UNEXPECTED = {
    "redirect": ("newOrder", lambda ask: Answer(301, {"Location": "/order-plz/"}, PAGE),
                 "for a new order (HTTP status 301, a redirect to /order-plz/)"),
    "200 without Location": ("newOrder", lambda ask: headers(Location="")(lambda: status(200)(ask)),
                             "for a new order (HTTP status 200, without an https URL in Location)"),
    "page at finalize": ("finalize", lambda ask: Answer(403, {"Content-Type": "text/html"}, PAGE),
                         "to finalize the order (HTTP status 403, text/html)"),
}


@pytest.mark.parametrize("kind, fault, text", UNEXPECTED.values(), ids=UNEXPECTED.keys())
def test_unexpected_answer(installation, proxy, new_csr, kind, fault, text):
    """The fact that decides is named: the step, and what came."""
    name = unique_name()
    damage(proxy, name, kind, fault, times=1000)
    answer = installation.post(new_csr(name))
    assert answer.status == 503 and text in answer.text, answer


def test_malformed_csr(installation, proxy, new_csr):
    """At finalize the only thing that the CA can call malformed is the CSR."""
    name = unique_name()
    damage(proxy, name, "finalize", error(400, {"type": PROBLEM + "malformed", "detail": "no NULL parameter"}))
    answer = installation.post(new_csr(name))
    assert answer.status == 415 and "did not accept this CSR" in answer.text and "no NULL parameter" in answer.text
    assert "bug" not in answer.text and "try one without" not in answer.text


@pytest.mark.parametrize("kind, text", [
    ("malformed", "The CA did not accept this CSR."),
    ("badPublicKey", "The CA does not accept the key of this CSR."),
    ("badSignatureAlgorithm", "The CA does not accept the signature of this CSR."), ("badCSR", "The CA rejected this CSR."),
])
@pytest.mark.parametrize("is_late", [False, True], ids=["at once", "later"])
def test_csr_that_the_ca_refuses(installation, proxy, new_csr, kind, text, is_late):
    """The account key was good enough for the order, and the names were validated before."""
    name, problem = unique_name(), {"type": PROBLEM + kind, "detail": "told by the CA"}
    if is_late:
        damage(proxy, name, "finalize", members(status="processing", certificate=None))
        proxy.rules.append(Rule(name, "order", members(status="invalid", certificate=None, error=problem), 1))
    else:
        damage(proxy, name, "finalize", error(400, problem))
    answer = installation.post(new_csr(name))
    assert answer.status == 415 and answer.text.startswith(text) and "told by the CA" in answer.text, answer


def test_csr_with_other_names(installation, proxy, new_csr):
    """As some CAs say it."""
    name = unique_name()
    damage(proxy, name, "finalize", error(403, {"type": PROBLEM + "unauthorized", "detail": "told by the CA"}))
    answer = installation.post(new_csr(name))
    assert answer.status == 415 and answer.text.startswith("The CA found other names in this CSR"), answer


def test_csr_that_a_profile_refuses(installation, proxy, new_csr):
    """The client learns what is unusual in its CSR, whatever the CA says about it."""
    name = unique_name()
    damage(proxy, name, "finalize", error(400, {"type": PROBLEM + "badCSR", "detail": "no"}))
    answer = installation.post(new_csr(name, extensions=("tlsfeature=status_request",
                                                         "extendedKeyUsage=serverAuth,clientAuth")))
    assert answer.status == 415 and "has must-staple" in answer.text and "client authentication" in answer.text


@pytest.mark.parametrize("kind", ["malformed", "rejectedIdentifier"])
def test_csr_with_too_many_names(installation, proxy, new_csr, kind):
    """Whatever the CA calls it, the client learns how many names are in its CSR."""
    names = [unique_name() for _ in range(26)]
    rule = damage(proxy, names[0], "newOrder", error(400, {"type": PROBLEM + kind, "detail": "not so many"}))
    answer = installation.post(new_csr(*names))
    assert rule.hits == 1 and answer.status in (403, 415), answer
    assert "not so many" in answer.text and "has 26 names" in answer.text, answer


def test_nonces_of_a_restarted_ca(installation, proxy, new_csr):
    """A CA fails on nonces that it has forgotten: one request is repeated, and the other nonces are dropped."""
    for _ in range(3):
        installation.issue(new_csr(unique_name()))  # leaves nonces
    name = unique_name()
    rule = damage(proxy, name, "newOrder", lambda ask: Answer(500, {"Content-Type": "text/html"}, b"<html>"))
    assert installation.issue(new_csr(name)).names == [name]
    assert rule.hits == 1


def test_directory_redirects(fresh, proxy, new_csr):
    """The directory alone may have moved, to an https URL, up to three times."""
    moves = damage(proxy, "", "directory", lambda ask: Answer(302, {"Location": "/dir"}, b""), times=3)
    fresh.start()
    fresh.issue(new_csr(unique_name()))
    assert moves.hits == 3


NO_DIRECTORY = "{{}} does not answer with an ACME directory ({}): check acme-server."


@pytest.mark.parametrize("fault, text", [
    (lambda ask: Answer(302, {"Location": "/dir"}, b""), "The CA's answer cannot be used: it redirects too often, at last to '{}'."),
    (lambda ask: Answer(302, {"Location": "http://127.0.0.1/dir"}, b""),
     "The CA's answer cannot be used: it redirects to 'http://127.0.0.1/dir', which is not an https URL."),
    (headers(Content_Encoding="rot13"),
     "The CA's answer cannot be used: its Content-Encoding is 'rot13', and the body cannot be decoded."),
    (members(newOrder="http://127.0.0.1/order"), NO_DIRECTORY.format("its newOrder is no https URL")),
    (members(newOrder=None), NO_DIRECTORY.format("it lacks newOrder")),
    (lambda ask: Answer(404, {"Content-Type": "text/html"}, b"<html>"),
     NO_DIRECTORY.format("HTTP status 404, text/html")),
    (lambda ask: Answer(200, {"Content-Type": "text/html"}, b"<html>"),
     NO_DIRECTORY.format("HTTP status 200, text/html")),
    (lambda ask: Answer(503, {"Content-Type": "text/html"}, b"<html>"),
     "{} does not answer with an ACME directory (HTTP status 503, text/html)."),
], ids=["for ever", "to http", "encoded", "http URL", "lacks one", "not found", "a page", "overload"])
def test_no_directory(fresh, proxy, new_csr, fault, text):
    """The client and the journal are told why. The CA was reached."""
    damage(proxy, "", "directory", fault, times=1000)
    fresh.start()
    answer = fresh.post(new_csr(unique_name()))
    assert answer.status == 503 and answer.text.startswith(text.format(proxy.url)), answer
    assert text.format(proxy.url) in fresh.orderd.log


@pytest.mark.parametrize("code", [404, 429])
def test_no_nonce(fresh, proxy, new_csr, code):
    damage(proxy, "", "newNonce", lambda ask: Answer(code, {"Retry-After": "88"}, b""), times=1000)
    fresh.start()
    answer = fresh.post(new_csr(unique_name()))
    assert answer.status == 503 and answer.text.startswith("https://"), answer
    assert f"/nonce-plz sent no nonce (HTTP status {code}" in answer.text, answer
    assert answer.headers["Retry-After"] == "88"


@pytest.mark.parametrize("document", [{}, None], ids=["empty object", "no body"])
def test_account_without_a_body(fresh, proxy, new_csr, document):
    """The Location is all that is needed."""
    original = proxy.answer

    def answer(request):
        reply = original(request)
        if request.path == "/sign-me-up" and reply.status in (200, 201):
            return Answer(reply.status, reply.headers, b"" if document is None else b"{}")
        return reply

    proxy.answer = answer
    try:
        for path in (Path(fresh.directory) / "account").glob("*"):
            path.unlink()
        fresh.write_config(account="accept-terms-of-service = yes")
        lib.run(lib.REGISTER, "--gen-key", fresh.config, check=False)
        fresh.start(account="accept-terms-of-service = yes")
        fresh.issue(new_csr(unique_name()))
    finally:
        del proxy.answer


@pytest.mark.parametrize("extra", ["accept", "refuse"])
def test_added_name(fresh, proxy, new_csr, tmp_path, extra):
    """The CA adds a name: the certificate is used, or it is not, but is not ordered again."""
    name = unique_name()
    csr = new_csr(name)
    fresh.start(account=f"extra-names = {extra}")
    chain = with_added_name(tmp_path, csr, [name, f"www.{name}"])
    rule = damage(proxy, name, "certificate", raw(lambda body: chain), times=1000)
    answer = fresh.post(csr)
    if extra == "accept":
        assert answer.status == 200, answer
        assert f"; the CA added www.{name}" in fresh.orderd.log
        assert fresh.post(csr).body == answer.body and rule.hits == 1
    else:
        assert answer.status == 503 and "extra-names = refuse" in answer.text, answer
        again = fresh.post(csr)
        assert again.status == 503 and "extra-names = refuse" in again.text
    assert proxy.orders(name) == 1


def with_added_name(directory, csr, names):
    """A certificate for the key of this CSR with these names, by an issuer of its own."""
    (directory / "csr.pem").write_bytes(csr)
    (directory / "ext").write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in names) + "\n")
    lib.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=An issuer",
            "-keyout", directory / "ca.key", "-out", directory / "ca.pem", "-days", "100")
    lib.run("openssl", "x509", "-req", "-in", directory / "csr.pem", "-CA", directory / "ca.pem", "-CAkey", directory / "ca.key",
            "-set_serial", "4711", "-days", "90", "-extfile", directory / "ext", "-out", directory / "cert.pem")
    return (directory / "cert.pem").read_bytes() + (directory / "ca.pem").read_bytes()

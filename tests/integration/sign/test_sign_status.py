# SPDX-License-Identifier: GPL-3.0-or-later
"""Every status code, by a real request, with a sentence that says what to do."""

import re
import signal
import socket
import time

import pytest

import lib


def assert_refused(answer, status, *words):
    assert answer.status == status, answer
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text.endswith("\n") and len(answer.text) > 20
    for word in words:
        assert word.lower() in answer.text.lower(), answer


def raw(acmems, *parts):
    with lib.Client(acmems.port) as client:
        client.send(*parts)
        return client.answer()


# ---- 400, 404, 405, 408, 411, 413, 431: the HTTP request -------------------------------------

@pytest.mark.parametrize("text", [
    "nonsense\r\n\r\n",
    "POST /sign HTTP/1.1\nHost: a\nContent-Length: 1\n\nx",
    "POST /sign HTTP/1.1\r\nHost : a\r\nContent-Length: 1\r\n\r\nx",
    "POST /sign HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "POST /sign HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nx",
    "POST /sign HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx",
    "POST /sign HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\nx",
    "POST /sign HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
])
def test_bad_request(acmems, text):
    assert_refused(raw(acmems, text), 400)


@pytest.mark.parametrize("path", ["/", "/sign/", "/signs", "/SIGN", "/.well-known/acme-challenge/x"])
def test_not_found(acmems, path):
    assert_refused(lib.request(acmems.port, "POST", path, b"x"), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_method_not_allowed(acmems, method):
    answer = lib.request(acmems.port, method, "/sign")
    assert_refused(answer, 405)
    assert answer.headers["Allow"] == "POST"


def test_head_has_no_body(acmems):
    answer = lib.request(acmems.port, "HEAD", "/sign")
    assert (answer.status, answer.body) == (405, b"")


def test_request_timeout(acmems, new_csr):
    """The whole request must arrive within 10 s, however it is split."""
    csr = new_csr("slow.example.org")
    with lib.Client(acmems.port) as client:
        client.send(lib.head(csr), csr[:100])
        assert_refused(client.answer(), 408)


def test_length_required(acmems):
    assert_refused(raw(acmems, "POST /sign HTTP/1.1\r\nHost: a\r\n\r\n"), 411)
    assert_refused(raw(acmems, "POST /sign HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
                               "1\r\nx\r\n0\r\n\r\n"), 501)
    # RFC 9110 §5.6.1.2: empty members of the list mean nothing. It is read, and is no CSR.
    assert_refused(raw(acmems, "POST /sign HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: , chunked\r\n\r\n"
                               "1\r\nx\r\n0\r\n\r\n"), 415)


def test_chunked(acmems, new_csr):
    """curl and others send a body whose size they do not know in chunks; it has the same limit."""
    csr = new_csr("chunks.example.org")

    def post(body):
        return lib.run("curl", "-sS", "-w", "%{http_code}", "-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue",
                       "--data-binary", "@-", f"http://127.0.0.1:{acmems.port}/sign", input=body.decode()).stdout

    answer = post(csr)
    assert answer.endswith("200") and answer[:-3] == acmems.post(csr).text
    assert post(b"x" * 4097).endswith("413")
    assert post(b"x").endswith("415")


def test_content_too_large(acmems):
    assert_refused(raw(acmems, lib.head(b"x" * 4097)), 413)
    assert acmems.post(b"x" * 4096).status == 415


def test_early_answer_reaches_a_client_that_is_sending(acmems):
    """The client writes the whole request before it reads the answer."""
    body = b"x" * 1_000_000
    with lib.Client(acmems.port) as client:
        client.send(lib.head(body))
        try:
            client.send(body)
        except ConnectionError:
            pytest.fail("the connection was torn down under the client")
        assert client.answer().status == 413


@pytest.mark.parametrize("max_size, allowed", [("16k", 16384), ("1M", 1 << 20), ("100", 100)])
def test_max_size(installation, max_size, allowed):
    installation.start(mgmt=f"max-size = {max_size}")
    assert installation.post(b"x" * allowed).status == 415
    assert_refused(installation.post(b"x" * (allowed + 1)), 413, f"has {allowed + 1} bytes", f"at most {allowed} ")


def test_head_too_large(acmems):
    assert_refused(raw(acmems, lib.head(b"", X_Long="x" * 8192)), 431)


# ---- 415: no valid certificate request ------------------------------------------------------

def test_unsupported_media_type(acmems, new_csr, tmp_path):
    csr = new_csr("bad.example.org")
    key = (tmp_path / "csr/bad.example.org.key").read_bytes()
    lines = csr.splitlines(keepends=True)
    for body in (b"", b"hello", csr + csr, csr[:-30], b"".join(lines[:3] + lines[4:]),
                 csr.replace(b"CERTIFICATE REQUEST", b"CERTIFICATE")):
        assert_refused(acmems.post(body), 415)
    for body in key, csr + key:
        answer = acmems.post(body)
        assert_refused(answer, 415, "private key")
        assert key.splitlines()[1] not in answer.body
        assert key.splitlines()[1].decode() not in acmems.logs()


def test_weak_or_unknown_keys(acmems, tmp_path):
    for key in (["rsa:1024"], ["ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
                ["rsa:2048", "-pkeyopt", "rsa_keygen_pubexp:3"],
                ["rsa:2048", "-pkeyopt", "rsa_keygen_pubexp:17179869185"]):  # 34 bits
        out = tmp_path / "weak.csr"
        lib.run("openssl", "req", "-new", "-nodes", "-newkey", *key, "-subj", "/CN=a.example.org",
                "-addext", "subjectAltName=DNS:a.example.org", "-keyout", tmp_path / "weak.key",
                "-out", out)
        assert_refused(acmems.post(out.read_bytes()), 415, "key")


def test_compressed_point(acmems, tmp_path):
    key, out = tmp_path / "point.key", tmp_path / "point.csr"
    lib.run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    lib.run("openssl", "ec", "-in", key, "-conv_form", "compressed", "-out", key)
    lib.run("openssl", "req", "-new", "-key", key, "-subj", "/CN=a.example.org",
            "-addext", "subjectAltName=DNS:a.example.org", "-out", out)
    assert_refused(acmems.post(out.read_bytes()), 415, "compressed point")


def test_ed25519_is_passed_on(acmems, new_csr):
    """The CA decides whether this key type is acceptable."""
    answer = acmems.post(new_csr("ed25519.example.org", key="ed25519"))
    assert answer.status in (200, 415), answer


def test_too_many_names(installation, new_csr):
    installation.start(mgmt="max-size = 16k")
    answer = installation.post(new_csr(*(f"n{i}.example.org" for i in range(101))))
    assert_refused(answer, 415, "names")


def test_names_in_common_name_alone(acmems, tmp_path):
    """Pebble requires the names in subjectAltName, but reports this only at finalization."""
    out = tmp_path / "cn.csr"
    lib.run("openssl", "req", "-new", "-nodes", "-newkey", "rsa:2048", "-subj",
            "/CN=cn.example.org", "-keyout", tmp_path / "cn.key", "-out", out)
    assert_refused(acmems.post(out.read_bytes()), 415, "subjectAltName")


def test_account_key(acmems, tmp_path):
    """RFC 8555 §11.1: the account key is never used for a certificate."""
    out = tmp_path / "own.csr"
    lib.run("openssl", "req", "-new", "-key", acmems.directory / "account/account.pem", "-subj",
            "/CN=a.example.org", "-addext", "subjectAltName=DNS:a.example.org", "-out", out)
    assert_refused(acmems.post(out.read_bytes()), 415, "account")


# ---- 403: policy -----------------------------------------------------------------------------

AUTH = """
[auth "elsewhere"]
ip = 192.0.2.0/24
domain = *

[auth "key"]
ip = 127.0.0.0/8
hmac_type = sha256
hmac_key = correct horse battery
domain = *.key.example.org

[auth "names"]
ip = 127.0.0.2
domain = *.example.org
domain = plain.example.net
"""


@pytest.fixture
def policy(installation):
    return installation.start(auth=AUTH)


def test_wrong_address(installation, new_csr):
    installation.start(auth='[auth "elsewhere"]\nip = 192.0.2.0/24\ndomain = *\n')
    csr = new_csr("www.example.org")
    assert_refused(installation.post(csr), 403)
    with lib.Client(installation.port) as client:
        client.send(lib.head(csr))  # the policy is checked before the body is read
        answer = client.answer()
    assert_refused(answer, 403)
    assert "elsewhere" not in answer.text
    assert "Authentication" not in answer.text  # no block requires it
    assert 'auth "elsewhere": 127.0.0.1 is not in ip' in installation.sign.log


def test_key(policy, new_csr):
    csr = new_csr("www.key.example.org")
    policy.issue(csr, lib.hmac_header("correct horse battery", csr))
    generic = "is not permitted. The server's journal"
    for headers, said, logged in (
        ({}, "It has no Authentication header", "no Authentication header"),
        (lib.hmac_header("wrong", csr), generic, "does not verify"),
        (lib.hmac_header("correct horse battery", csr + b"\n"), generic, "does not verify"),
        (lib.hmac_header("guess", csr, "sha384"), generic, "uses sha384, not sha256;"),
        (lib.hmac_header("correct horse battery", csr, "sha384"), "uses sha384, and the auth block of this key requires sha256",
         "uses sha384, not sha256, but with the key of this block"),
        (lib.hmac_header("correct horse battery", csr, "sha384", "sha256"), "is malformed", "is malformed"),
        ({"Authentication": "hmac"}, "is malformed", "is malformed"),
        ({"Authentication": "basic eDp5"}, "is malformed", "is malformed"),
        ({"Authentication": "hmac name=sha256, hash=zz"}, "is malformed", "is malformed"),
        ({"Authentication": "hmac name=md5, hash=" + "0" * 32}, "does not support", "unknown digest"),
    ):
        before = len(policy.sign.log)
        answer = policy.post(csr, headers)
        assert_refused(answer, 403, said)
        assert logged in policy.sign.log[before:]
        for value in re.findall(r"(?<=hash=)\w+|md5|eDp5", headers.get("Authentication", "")):
            assert value not in answer.text  # nothing of the header comes back


def test_client_is_judged_before_its_request(policy, new_csr):
    """The HMAC comes before the CSR: a body without a valid one is not decoded, whatever it is."""
    for body in b"hello", new_csr("www.key.example.org"), new_csr("www.key.example.org")[:-30], b"x" * 4096:
        for headers in lib.hmac_header("guess", body), {"Authentication": "hmac name=sha256, hash=" + "0" * 64}:
            answer = policy.post(body, headers)
            assert_refused(answer, 403)
            assert "not permitted" in answer.text
    assert "the HMAC does not verify" in policy.sign.log
    assert "key.example.org" not in policy.sign.log
    body = b"hello"
    assert_refused(policy.post(body, lib.hmac_header("correct horse battery", body)), 415)


TIMED = """
[auth "timed"]
hmac_type = sha256
hmac_key = correct horse battery
hmac-max-age = 600
domain = *.key.example.org
"""


def test_time_of_a_request(installation, new_csr):
    """A request that is too old, or comes from a clock that is wrong, says what time it is here."""
    key, csr = "correct horse battery", new_csr("www.key.example.org")
    server = installation.start(auth=TIMED)
    now = int(time.time())
    server.issue(csr, lib.timed_hmac_header(key, csr, now - 300))
    server.issue(csr, lib.timed_hmac_header(key, csr, now + 300))
    for at, words in ((now - 86400, "seconds behind the clock of this server"),
                      (now + 86400, "seconds ahead of the clock of this server"), (0, "behind")):
        answer = server.post(csr, lib.timed_hmac_header(key, csr, at))
        assert_refused(answer, 403, words)
        shown = int(re.search(r"which shows (\d+) \(", answer.text)[1])
        assert now <= shown <= time.time()
    assert re.search(r'auth "timed": the time of the request is 8640\d s behind this server', server.sign.log)
    old = lib.hmac_header(key, csr)
    later = lib.timed_hmac_header(key, csr, now)["Authentication"].replace(str(now), str(now + 1))
    for headers in old, {"Authentication": later}, lib.timed_hmac_header("guess", csr, now):
        assert_refused(server.post(csr, headers), 403, "not permitted")
    assert "has no time, which hmac-max-age requires" in server.sign.log


def test_time_is_judged_before_the_body(installation, new_csr):
    csr = new_csr("www.key.example.org")
    header = lib.timed_hmac_header("correct horse battery", csr, 1000)
    assert_refused(raw(installation.start(auth=TIMED), lib.head(csr, **header)), 403, "behind the clock")


# ---- 403 and 400: a web page, through a browser in a permitted network -----------------------

@pytest.mark.parametrize("headers", [
    {"Origin": "http://evil.example"}, {"Origin": "null"}, {"origin": ""},
    {"Origin": "http://127.0.0.1:1313"}, {"Sec-Fetch-Site": "none"},
    {"sec-fetch-mode": "no-cors"}, {"SEC-FETCH-DEST": "image"},
], ids=str)
def test_browser(acmems, new_csr, headers):
    """A form or fetch() of any page, and of a page whose name was rebound to this address."""
    csr = new_csr("www.example.org")
    for sent in headers, {**headers, "Content-Type": "text/plain"}:
        assert_refused(acmems.post(csr, sent), 403, "browser", "curl")
    assert "a browser sent it: it has " in acmems.sign.log
    acmems.issue(csr)


def test_browser_is_refused_without_its_body(acmems):
    assert_refused(raw(acmems, lib.head(b"x", Origin="null")), 403, "browser")


SERVER_NAMES = "server-name = ACMEMS.example.org\nserver-name = 127.0.0.1\nserver-name = 2001:db8::1"


def post_to(server, csr, target, host):
    line = "".join(f"{name}: {value}\r\n" for name, value in [("Host", host)] if value is not None)
    version = "HTTP/1.1" if line else "HTTP/1.0"
    return raw(server, f"POST {target} {version}\r\n{line}Content-Length: {len(csr)}\r\n\r\n", csr)


def test_server_name(installation, new_csr):
    """A name that leads to this address by DNS rebinding is not one of them."""
    server, csr = installation.start(mgmt=SERVER_NAMES), new_csr("www.example.org")
    for target, host in (
            ("/sign", "acmems.example.org"), ("/sign", "Acmems.Example.Org.:1313"),
            ("/sign", "127.0.0.1:80"), ("/sign", "[2001:DB8:0::1]:1313"), ("/sign", "[2001:db8::1]"),
            ("http://acmems.example.org:1313/sign", "evil.example"), ("http://[2001:db8::1]/sign", "")):
        answer = post_to(server, csr, target, host)
        assert answer.status == 200, (target, host, answer)
    for target, host in (
            ("/sign", "evil.example"), ("/sign", "evil.example:1313"), ("/sign", ""), ("/sign", None),
            ("/sign", "acmems.example.org.evil.example"), ("/sign", "[::1]:1313"), ("/sign", "[2001:db8::1%25eth0]"),
            ("http://evil.example/sign", "acmems.example.org"),
            ("http://evil.example:1313/sign?http://acmems.example.org", "acmems.example.org")):
        assert_refused(post_to(server, csr, target, host), 403, "server-name")
    assert "server-name does not list the host of the request 'evil.example'" in server.sign.log
    for host in "2001:db8::1", "acmems.example.org, evil.example", "user@acmems.example.org":
        assert_refused(post_to(server, csr, "/sign", host), 400, "Host")


def test_without_server_name(acmems, new_csr):
    csr = new_csr("www.example.org")
    for host in "anything.example", "", None:
        assert post_to(acmems, csr, "/sign", host).status == 200


@pytest.mark.parametrize("lines", [
    "Authentication: {right}\r\nAuthentication: {wrong}", "Authentication: {wrong}\r\nauthentication: {right}",
    "Authentication: {right}\r\nAuthentication: {right}", "Authentication: {right}\r\nAUTHENTICATION:",
])
def test_two_authentications(policy, new_csr, lines):
    """Another program on the way could judge another one."""
    csr = new_csr("www.key.example.org")
    right, wrong = (lib.hmac_header(key, csr)["Authentication"] for key in ("correct horse battery", "guess"))
    head = lib.head(csr).replace("\r\n\r\n", f"\r\n{lines.format(right=right, wrong=wrong)}\r\n\r\n")
    assert_refused(raw(policy, head, csr), 400, "Authentication")


@pytest.mark.parametrize("lines, status", [
    ("Host: a\r\nHost: a", 400), ("Host: a\r\nContent-Length: 2", 400), ("Host: a\r\nContent-Length: 1", 400),
    ("Host: a\r\nContent-Length: 1, 1", 400), ("Host: a\r\nTransfer-Encoding: identity", 400),
    ("Host: a\r\nExpect: 100-continue\r\nExpect: other", 417),
])
def test_other_headers_twice(acmems, lines, status):
    assert_refused(raw(acmems, f"POST /sign HTTP/1.1\r\nContent-Length: 1\r\n{lines}\r\n\r\nx"), status)


# ---- 403: names ------------------------------------------------------------------------------

def test_names(policy, new_csr):
    for names, status in {
        ("www.example.org",): 200,
        ("a.b.c.example.org", "plain.example.net"): 200,
        ("WWW.Example.ORG",): 200,
        ("example.org",): 403,
        ("www.example.net",): 403,
        ("www.example.org", "www.example.com"): 403,
    }.items():
        answer = policy.post_from("127.0.0.2", new_csr(*names))
        assert answer.status == status, (names, answer)


@pytest.mark.parametrize("san", ["DNS:w.example.org,IP:192.0.2.1",
                                 "DNS:w.example.org,email:a@example.org",
                                 "DNS:w.example.org,URI:https://w.example.org/"])
def test_other_kinds_of_names(acmems, new_csr, san):
    assert_refused(acmems.post(new_csr("w.example.org", san=san)), 403)


def test_log_tells_the_administrator(policy, new_csr):
    answer = policy.post_from("127.0.0.2", new_csr("www.example.com"))
    assert_refused(answer, 403)
    assert "www.example.com" in policy.sign.log and '"names"' in policy.sign.log
    assert "example.net" not in answer.text


def test_log_has_the_reason_whatever_the_client_sends(policy, new_csr):
    policy.write_config(auth=AUTH, mgmt="max-size = 64k")
    names = [f"{'x' * 60}.{'y' * 60}.{i}.example.com" for i in range(99)]
    answer = policy.post_from("127.0.0.2", new_csr("www.example.com", *names))
    assert_refused(answer, 403)
    assert "no domain covers www.example.com" in policy.sign.log
    assert_refused(lib.request(policy.port, path="/" + "x" * 8000), 404)
    assert "from 127.0.0.1: 404: " in policy.sign.log


def test_request_id_is_in_answer_and_log(acmems):
    answer = acmems.post(b"nothing")
    found = [word for word in re.findall(r"[0-9a-f]{16}", answer.text) if word in acmems.sign.log]
    assert found, (answer, acmems.sign.log)


def test_rejected_identifier(acmems, new_csr, pebble):
    assert_refused(acmems.post(new_csr(f"www.{pebble.blocked}", pebble.blocked)), 403)


# ---- 421, 429, 500, 503: errors of the CA and of acmems --------------------------------------

def test_validation_failed(acmems, new_csr, pebble):
    """No server answers at the address of one name; the other name is valid."""
    pebble.set_address("dead.example.org", "127.0.0.99")
    answer = acmems.post(new_csr("dead.example.org", "alive.example.org"))
    assert_refused(answer, 421, "dead.example.org")
    assert "alive.example.org" not in answer.text
    assert list(acmems.challenges.iterdir()) == []


def test_rate_limited(faulty, fake_ca, new_csr):
    fake_ca.order = (429, {"Retry-After": 120}, lib.problem("rateLimited"))
    answer = faulty.post(new_csr("limit.example.org"))
    assert_refused(answer, 429, "told by the CA")
    assert 0 < int(answer.headers["Retry-After"]) <= 120


def test_ca_overloaded(faulty, fake_ca, new_csr):
    fake_ca.order = (503, {"Retry-After": 77}, lib.problem("serverInternal"))
    answer = faulty.post(new_csr("busy.example.org"))
    assert_refused(answer, 503)
    assert 0 < int(answer.headers["Retry-After"]) <= 77


@pytest.mark.parametrize("name, http, status", [
    ("badCSR", 400, 415), ("rejectedIdentifier", 403, 403), ("unsupportedIdentifier", 400, 403),
    ("caa", 403, 421), ("dns", 400, 421), ("connection", 400, 421),
])
def test_problem_of_the_ca(faulty, fake_ca, new_csr, name, http, status):
    fake_ca.order = (http, {}, lib.problem(name))
    assert_refused(faulty.post(new_csr("problem.example.org")), status, "told by the CA")


def test_user_agent(faulty, fake_ca, new_csr):
    """RFC 8555 §6.1: a User-Agent in every request."""
    fake_ca.order = (403, {}, lib.problem("unauthorized"))
    faulty.post(new_csr("agent.example.org"))
    assert fake_ca.agents and all("acmems" in (agent or "") for agent in fake_ca.agents)


def use_profile(server, account="", auth=lib.AUTH_ALL):
    server.write_config(account=f"accept-terms-of-service = yes\n{account}", auth=auth)


def test_profile(faulty, fake_ca, new_csr):
    """The profile of the account section, unless the block has its own; by default none."""
    fake_ca.meta = {"profiles": {"classic": "https://ca.example/1", "tlsserver": "…"}}
    fake_ca.order = (403, {}, lib.problem("rejectedIdentifier"))
    wanted = []
    for account, auth, profile in [
            ("", lib.AUTH_ALL, None), ("profile = classic", lib.AUTH_ALL, "classic"),
            ("profile = classic", f"{lib.AUTH_ALL}profile = tlsserver", "tlsserver"),
            ("", f"{lib.AUTH_ALL}profile = tlsserver", "tlsserver")]:
        use_profile(faulty, account, auth)
        assert_refused(faulty.post(new_csr("profile.example.org")), 403)
        wanted.append(profile)
    assert [payload.get("profile") for payload in fake_ca.payloads] == wanted


def test_profile_that_is_not_offered(faulty, fake_ca, new_csr):
    """acmems does not order a profile that the CA does not offer.
    It notices a new profile without a restart."""
    csr = new_csr("profile.example.org")
    use_profile(faulty, "profile = shortlived")
    assert_refused(faulty.post(csr), 500, "'shortlived'", "(none)")
    fake_ca.meta = {"profiles": {"tlsserver": "", "classic": ""}}
    assert_refused(faulty.post(csr), 500, "'shortlived'", "(classic, tlsserver)")
    assert fake_ca.orders == 0
    fake_ca.meta = {"profiles": {"shortlived": ""}}
    fake_ca.order = (400, {}, lib.problem("invalidProfile"))
    assert_refused(faulty.post(csr), 500, "does not accept the profile", "told by the CA")
    assert [payload["profile"] for payload in fake_ca.payloads] == ["shortlived"]


def test_profile_is_checked_without_a_request(faulty, fake_ca):
    """The profile is checked at the start and at each reload."""
    fake_ca.meta = {"profiles": {"classic": ""}}
    use_profile(faulty, "profile = shortlived")
    words = "The CA does not offer profile 'shortlived' of [auth \"loopback\"]; it offers classic"
    faulty.orderd.popen.send_signal(signal.SIGHUP)
    lib.wait_for(lambda: words in faulty.orderd.log, "the warning at a reload")
    faulty.orderd.stop()
    faulty.orderd.log_path.write_text("")
    faulty.start_orderd()
    lib.wait_for(lambda: words in faulty.orderd.log, "the warning at the start")
    assert fake_ca.orders == 0


def test_ca_down(installation, new_csr):
    installation.write_config()
    text = installation.config.read_text().replace(
        installation.ca.url, f"https://127.0.0.1:{lib.free_port()}/dir")
    installation.config.write_text(text)
    installation.start_orderd()
    installation.start_sign("--idle-timeout", "0")
    answer = installation.post(new_csr("down.example.org"))
    assert_refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


def test_ca_with_an_untrusted_certificate(installation, new_csr, tmp_path):
    """TLS to the CA is always verified."""
    (tmp_path / "other").mkdir()
    other, _ = lib.make_tls_certificate(tmp_path / "other")
    installation.write_config()
    text = installation.config.read_text().replace(str(installation.ca.ca_file), str(other))
    installation.config.write_text(text)
    installation.start_orderd()
    installation.start_sign("--idle-timeout", "0")
    assert_refused(installation.post(new_csr("tls.example.org")), 503)
    assert "certificate" in installation.orderd.log.lower()


def test_orderd_down(installation, new_csr):
    installation.write_config()
    installation.start_sign("--idle-timeout", "0")
    answer = installation.post(new_csr("alone.example.org"))
    assert_refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


def test_account_missing(tmp_path, pebble, http01_socket, new_csr):
    server = lib.Acmems(tmp_path, pebble, http01_socket).start()
    try:
        assert_refused(server.post(new_csr("early.example.org")), 500, "acme-register")
    finally:
        server.stop()

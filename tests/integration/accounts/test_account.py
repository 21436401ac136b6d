# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of an account: external account binding, key rollover, new contacts, deactivation."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import stat
import tempfile
import threading
from pathlib import Path

import pytest

import lib
from ca_proxy import CaProxy
from test_sign_register import assert_issues, register

NOBODY = 65534
KID, HMAC_KEY = "kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


@pytest.fixture(scope="module")
def external_pebble(new_pebble):
    """A CA that accepts only accounts with an external account binding."""
    return new_pebble(external_accounts={KID: HMAC_KEY})


@pytest.fixture
def external(tmp_path, external_pebble, http01_socket):
    """An installation without an account."""
    server = lib.Acmems(tmp_path, external_pebble, http01_socket)
    server.write_config()
    yield server
    server.stop()


@pytest.fixture
def server(installation):
    """An installation with an account of its own: these tests must not change the shared one."""
    shutil.rmtree(installation.directory / "account")
    installation.write_config()
    register(installation, "--gen-key", "--register", "--accept-terms-of-service")
    return installation


def registration(server):
    return json.loads((server.directory / "account/registration.json").read_text())


def key(server):
    return (server.directory / "account/account.pem").read_bytes()



def left_over(server):
    return sorted(path.name for path in (server.directory / "account").iterdir()
                  if path.name not in ("account.pem", "registration.json"))


def write_hmac_key(server, text=HMAC_KEY + "\n", encoding="utf-8"):
    path = server.directory / "eab.key"
    path.write_text(text, encoding=encoding)
    return path


# ---- external account binding --------------------------------------------------------------

def test_external_account_is_missing(external, new_csr):
    """orderd and acme-register both name the setting that is missing."""
    result = register(external, "--gen-key", "--register", "--accept-terms-of-service", check=False)
    assert result.returncode == 1
    assert "eab-kid and eab-hmac-key-file in [account]" in result.stderr
    external.write_config(account="accept-terms-of-service = yes")
    external.start_orderd()
    external.start_sign("--idle-timeout", "0")
    answer = external.post(new_csr("www.example.org"))
    assert answer.status == 500 and "eab-kid and eab-hmac-key-file in [account]" in answer.text


@pytest.mark.parametrize("form", [str, lambda text: text + "=" * (-len(text) % 4) + "\r\n"])
def test_external_account_of_the_command_line(external, new_csr, form):
    file = write_hmac_key(external, form(HMAC_KEY))
    register(external, "--gen-key", "--register", "--accept-terms-of-service",
             f"--eab-kid={KID}", f"--eab-hmac-key-file={file}")
    # The binding is needed only once.
    register(external)
    register(external, "--register", "--accept-terms-of-service")
    assert_issues(external, new_csr)


@pytest.mark.parametrize("name", ["eab-hmac-key", "eab-hmac-key-file"])
def test_external_account_of_the_configuration(external, new_csr, name):
    """orderd registers by itself and uses the binding."""
    # Some editors write a byte order mark first.
    value = HMAC_KEY if name == "eab-hmac-key" else write_hmac_key(external, f"\ufeff{HMAC_KEY}\r\n")
    external.write_config(
        account=f"accept-terms-of-service = yes\neab-kid = {KID}\n{name} = {value}")
    assert_issues(external, new_csr)
    assert registration(external)["uri"].startswith(external.ca.url[:-3])
    assert HMAC_KEY not in external.logs()
    register(external)


@pytest.mark.parametrize("kid, text, said", [
    (KID, HMAC_KEY[::-1], "Check eab-kid"), ("kid-2", HMAC_KEY, "Check eab-kid"),
    (KID, "no key", "it is not base64url"), (KID, None, "No such file"),
])
def test_external_account_is_wrong(external, new_csr, kid, text, said):
    file = write_hmac_key(external, text) if text else external.directory / "nothing"
    external.write_config(
        account=f"accept-terms-of-service = yes\neab-kid = {kid}\neab-hmac-key-file = {file}")
    result = register(external, "--gen-key", "--register", check=False)
    assert result.returncode == 1 and said in result.stderr
    external.start_orderd()
    external.start_sign("--idle-timeout", "0")
    answer = external.post(new_csr("www.example.org"))
    assert answer.status == 500 and said in answer.text
    assert not text or text not in external.logs() + result.stdout + result.stderr


def test_external_account_in_utf16(external):
    file = write_hmac_key(external, encoding="utf-16")
    external.write_config(account=f"eab-kid = {KID}\neab-hmac-key-file = {file}")
    result = register(external, "--gen-key", "--register", "--accept-terms-of-service", check=False)
    assert result.returncode == 1 and f"{file}: the file is in UTF-16; save it as UTF-8." in result.stderr


def test_external_account_is_checked(external):
    external.write_config(account=f"eab-kid = {KID}\neab-hmac-key = {HMAC_KEY}")
    assert lib.run(lib.CTL, "check", external.config).returncode == 0
    external.write_config(account=f"eab-kid = {KID}")
    assert "without its key" in lib.run(lib.CTL, "check", external.config, check=False).stdout


# ---- another key ---------------------------------------------------------------------------

@pytest.mark.parametrize("options", [[], ["--key-type=ec384"], ["--private-key-size=2048"]])
def test_rollover(server, new_csr, options):
    before, uri = key(server), registration(server)["uri"]
    result = register(server, "--rollover-key", *options)
    assert result.stdout.endswith("Replace private key ... done\n")
    assert key(server) != before and not left_over(server)
    assert stat.S_IMODE((server.directory / "account/account.pem").stat().st_mode) == 0o600
    register(server)
    assert registration(server)["uri"] == uri
    assert_issues(server, new_csr)
    # The CA no longer accepts the old key.
    (server.directory / "account/account.pem").write_bytes(before)
    assert register(server, check=False).returncode == 1


def test_rollover_with_a_running_orderd(server, new_csr):
    """A pending order continues with the new key, and so does the next order."""
    assert_issues(server, new_csr)
    csr = new_csr("inflight.example.org")
    server.http01.pause()
    with lib.Client(server.port) as client:
        client.send(lib.head(csr), csr)
        lib.wait_for(lambda: list(server.challenges.iterdir()), "the challenge")
        register(server, "--rollover-key")
        server.http01.resume()
        assert client.answer().status == 200, server.logs()
    server.issue(new_csr("next.example.org"))


def kill_rollover(server, step, when):
    return lib.run(lib.REGISTER, "--rollover-key", server.config, check=False,
                   env={**lib.ENVIRONMENT, **lib.preload_kill(step, when)}).returncode


@pytest.mark.parametrize("goes_on", ["acme-register", "orderd", "running orderd"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_rollover_killed_at_every_step(server, new_csr, when, goes_on):
    """A kill before or after the CA gets the new key:
    the next program finds out which key is valid."""
    uri = registration(server)["uri"]
    if goes_on == "running orderd":
        assert_issues(server, new_csr)
    for step in range(1, 10):
        code = kill_rollover(server, step, when)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        if goes_on == "acme-register":
            register(server)
        if goes_on == "orderd":
            if server.orderd:
                server.orderd.stop()
                server.start_orderd()
            else:
                assert_issues(server, new_csr)
        if goes_on != "acme-register":
            server.issue(new_csr(f"step{step}.example.org"))
        assert not left_over(server), f"step {step}"
        register(server)
        assert registration(server)["uri"] == uri
    assert step > 3, "a rollover has more steps"
    if goes_on == "acme-register":
        assert_issues(server, new_csr)
    else:
        assert "Completed the interrupted change of the account key" in server.orderd.log


def test_rollover_without_an_answer(server, new_csr):
    """acme-register keeps both keys until the CA gives a usable answer; here it does not."""
    assert kill_rollover(server, 2, "before") == -signal.SIGKILL
    before = key(server)
    fake = lib.FakeCa(server.directory / "fake")
    try:
        config = server.config.read_text()
        server.config.write_text(config.replace(server.ca.url, fake.url).replace(
            str(server.ca.ca_file), str(fake.ca_file)))
        result = register(server, check=False)
        assert result.returncode == 1 and "at another CA was interrupted" in result.stderr
        registration = server.directory / "account/registration.json"
        content = registration.read_text()
        registration.write_text(content.replace(server.ca.url, fake.url))
        result = register(server, check=False)
        assert result.returncode == 1 and "Both keys are kept" in result.stderr
        registration.write_text(content)
        server.config.write_text(config)
    finally:
        fake.stop()
    assert key(server) == before and "account.new.pem" in left_over(server)
    assert "interrupted key rollover ... done" in register(server).stdout
    assert key(server) != before and not left_over(server)
    assert_issues(server, new_csr)


@pytest.fixture
def faked(tmp_path, http01_socket):
    """An account at a CA whose answers the test defines."""
    fake = lib.FakeCa(tmp_path / "fake")
    server = lib.Acmems(tmp_path, fake, http01_socket)
    server.write_config()
    register(server, "--gen-key", "--register")
    yield server
    server.stop()
    fake.stop()


def problem(name, detail=""):
    return {"type": f"urn:ietf:params:acme:error:{name}", "detail": detail}


def revoke(server, new_csr):
    """Revoke a certificate that the CA does not know."""
    new_csr("revoke.example.org")
    cert = server.directory / "revoke.pem"
    lib.run("openssl", "req", "-x509", "-in", server.directory / "csr/revoke.example.org.csr",
            "-key", server.directory / "csr/revoke.example.org.key", "-days", "1", "-out", cert)
    return lib.run(lib.CTL, "revoke", f"--config={server.config}", cert, check=False)


def test_urls_without_tls(faked, new_csr):
    """A resource at http:// is not used, and the command says so."""
    faked.ca.urls = {name: f"http://127.0.0.1/{name}" for name in ("keyChange", "revokeCert")}
    result = register(faked, "--rollover-key", check=False)
    assert result.returncode == 1 and "no https URL for keyChange in its directory" in result.stdout + result.stderr
    result = revoke(faked, new_csr)
    assert result.returncode == 1 and result.stderr.endswith(
        "The CA does not offer revocation (no https URL for revokeCert in its directory).\n"), result


PAGE = 200, {"Content-Type": "text/html"}, b"<html>Sorry, we are down</html>"


@pytest.mark.parametrize("answer", [PAGE, (500, {"Content-Type": "text/html"}, b"<html>")])
def test_unexpected_answers_name_the_step(faked, new_csr, answer):
    """A page is no success, whatever its status."""
    said = f"The CA sent an unexpected answer to the request {{}} (HTTP status {answer[0]}, text/html). Try again later."
    faked.ca.answers = {"/account/1": answer, "/revoke": answer}
    before = registration(faked)
    for options, step in (([], "for the account"), (["--update-contact"], "to change the contacts of the account"),
                          (["--deactivate"], "to deactivate the account")):
        result = register(faked, *options, check=False)
        assert result.returncode == 1 and said.format(step) in result.stderr, result
    result = revoke(faked, new_csr)
    assert result.returncode == 1 and said.format("to revoke the certificate") in result.stderr, result
    assert registration(faked) == before


GONE = "Status: valid when the CA last confirmed it"


@pytest.mark.parametrize("answer, status", [
    (PAGE, GONE), ((404, {}, {}), GONE), ((500, {}, None), GONE), ((403, {}, problem("unauthorized", "deactivated")), GONE),
    ((200, {}, {"status": "deactivated"}), "Status: deactivated"), ((200, {}, {"status": "valid"}), "Status: valid"),
])
def test_show_when_the_ca_does_not_confirm(faked, answer, status):
    faked.ca.answers = {"/account/1": answer}
    result = register(faked, "--show", check=False)
    assert result.returncode == (status != "Status: valid")
    assert f"\nAccount: {faked.ca.base}account/1\n" in result.stdout and "\nKey thumbprint: " in result.stdout
    assert f"\n{status}\n" in result.stdout, result


def test_show_asks_the_ca_each_time(faked):
    """A deactivated account is still shown, also when the CA does not answer at all."""
    faked.ca.answers = {"/account/1": (200, {}, {"status": "deactivated"})}
    for _ in range(2):
        result = register(faked, "--show", check=False)
        assert result.returncode == 1 and "\nStatus: deactivated\n" in result.stdout
        assert "the account is deactivated; create another one with 'acme-register --gen-key" in result.stderr
    faked.ca.answers = {}
    assert "\nStatus: valid\n" in register(faked, "--show").stdout
    faked.ca.stop()
    result = register(faked, "--show", check=False)
    assert result.returncode == 1 and f"\n{GONE}\n" in result.stdout, result


def test_empty_answer_about_the_account(faked, new_csr):
    """What counts is that the CA accepted the request."""
    faked.ca.answers = {"/account/1": (200, {}, None), "/revoke": (200, {}, None)}
    assert "done" in register(faked).stdout
    assert "The CA revoked" in revoke(faked, new_csr).stdout


def test_refused_rollover(faked):
    """A refused rollover changes nothing."""
    faked.ca.answers = {"/change": (403, {}, problem("unauthorized", "not today")),
                        "/account": (400, {}, problem("accountDoesNotExist"))}
    before = key(faked)
    result = register(faked, "--rollover-key", check=False)
    assert result.returncode == 1 and "not today" in result.stderr
    assert key(faked) == before and not left_over(faked)


def test_rollover_with_a_lost_answer(faked):
    """The rollover's answer is lost: the CA's later answer to the new key decides."""
    faked.ca.answers = {"/change": (500, {}, {}),
                        "/account": (200, {"Location": faked.ca.base + "account/1"},
                                     {"status": "valid"})}
    before = key(faked)
    register(faked, "--rollover-key")
    assert key(faked) != before and not left_over(faked)


def test_new_account_during_a_rollover(server, new_csr):
    """A new account discards the pending key of the previous account."""
    uri = registration(server)["uri"]
    kill_rollover(server, 2, "before")
    register(server, "--gen-key", "--override-existing-key", "--register",
             "--accept-terms-of-service")
    assert registration(server)["uri"] != uri and not left_over(server)
    assert_issues(server, new_csr)


def test_rollover_of_a_credential(server):
    credentials = server.directory / "credentials"
    credentials.mkdir()
    shutil.move(server.directory / "account/account.pem", credentials)
    result = lib.run(lib.REGISTER, "--rollover-key", server.config, check=False,
                     env={**lib.ENVIRONMENT, "CREDENTIALS_DIRECTORY": str(credentials)})
    assert result.returncode == 1 and "credential" in result.stderr
    assert not left_over(server)


# ---- contacts ------------------------------------------------------------------------------

USABLE = "acmems uses RSA keys of 2048 to 8192 bits and EC keys on P-256 or P-384"


@pytest.mark.parametrize("command,why", [
    ("openssl genpkey -algorithm ed25519 -out {}", f"it is an Ed25519 key; {USABLE}"),
    ("openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-521 -out {}",
     f"it is an EC key on P-521; {USABLE}"),
    ("openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:x -out {}",
     "it is encrypted; decrypt it with openssl pkey"),
    ("cp private_key.json {}", "it is a JSON Web Key (JWK); convert it to PEM"),
])
@pytest.mark.parametrize("name", ["account.pem", "account.new.pem"])
def test_key_of_another_kind(server, new_csr, command, why, name):
    """The tools and the answer to the client say what the file is."""
    path = server.directory / "account" / name
    path.unlink(missing_ok=True)
    (server.directory / "private_key.json").write_text('{"kty": "RSA", "n": "AA", "e": "AQAB"}')
    lib.run(*command.format(path).split(), cwd=server.directory)
    path.chmod(0o600)
    tool = lib.run(lib.REGISTER, "--show", server.config, check=False)
    assert tool.returncode == 1
    assert f"cannot use {path}: {why}" in tool.stderr, tool.stderr
    server.start()
    answer = server.post(new_csr("www.example.org"))
    assert answer.status == 500
    assert why in answer.text and name in answer.text, answer.text
    assert why in server.orderd.log


def test_update_contact(server):
    """registration.json keeps the CA's answer; the account stays the same."""
    uri = registration(server)["uri"]
    for addresses in ["a@example.org", "b@example.org"], ["c@example.org"], []:
        register(server, "--update-contact", *(f"--email={a}" for a in addresses))
        register(server)
        kept = registration(server)
        assert kept["body"]["contact"] == [f"mailto:{a}" for a in addresses]
        assert kept["uri"] == uri


@pytest.mark.parametrize("document", [{}, None], ids=["empty object", "no body"])
def test_answer_without_an_account(fresh_fake, document):
    """What counts is the URL. The contacts are those that the CA was given."""
    fresh_fake.ca.answers = {"/account": (201, {"Location": fresh_fake.ca.base + "account/1"}, document),
                             "/account/1": (200, {}, document)}
    result = register(fresh_fake, "--gen-key", "--register", "--email=a@example.org")
    assert "Register ... done" in result.stdout
    for options in [], ["--register"], ["--update-contact", "--email=b@example.org"]:
        kept = registration(fresh_fake)
        assert kept["uri"] == fresh_fake.ca.base + "account/1"
        assert kept["body"]["contact"] == ["mailto:a@example.org"]
        register(fresh_fake, *options)
    assert registration(fresh_fake)["body"]["contact"] == ["mailto:b@example.org"]


@pytest.fixture
def fresh_fake(tmp_path, http01_socket):
    """An installation without an account, at a CA whose answers the test defines."""
    fake = lib.FakeCa(tmp_path / "fake")
    server = lib.Acmems(tmp_path, fake, http01_socket)
    server.write_config()
    yield server
    server.stop()
    fake.stop()


@pytest.mark.parametrize("content, why", [
    (None, "cannot be read: No such file or directory"), ("no certificate\n", "contains no certificate in PEM form"),
])
def test_unusable_ca_file(fresh_fake, new_csr, content, why):
    """Nothing is sent, so the CA is not blamed."""
    path = fresh_fake.ca.ca_file = fresh_fake.directory / "trusted.pem"
    if content:
        path.write_text(content)
    fresh_fake.write_config()
    what = f"The file of trusted CA certificates '{path}' {why}."
    to_do = f"et ca-file in [account] of {fresh_fake.config} to a PEM file with CA certificates"
    assert f"acme-register: {what} S{to_do}" in register(fresh_fake, "--gen-key", "--register", check=False).stderr
    fresh_fake.start()
    answer = fresh_fake.post(new_csr("www.example.org"))
    assert answer.status == 503 and answer.text.startswith(f"{what} The server's administrator must s{to_do}")
    assert what in fresh_fake.orderd.log


def test_unknown_host_of_the_ca(fresh_fake):
    """A label of 64 characters is unknown without a DNS server."""
    fresh_fake.ca.url = f"https://{64 * 'a'}.example.org/dir"
    fresh_fake.write_config()
    said = register(fresh_fake, "--gen-key", "--register", check=False).stderr
    assert "Could not resolve host" in said and ": check acme-server and the DNS resolver of this machine." in said


def http(connection):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def imap(connection):
    connection.sendall(b"* OK ready\r\n")
    connection.recv(4096)


def silence(_):
    pass


class OtherServer:
    """A server that is no CA. @talk serves a connection, in TLS if there is a context."""

    def __init__(self, talk, context=None):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._talk, self._context = talk, context
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with contextlib.suppress(OSError), connection:
                    with self._context.wrap_socket(connection, server_side=True) if self._context else connection as stream:
                        self._talk(stream)

    def stop(self):
        self._socket.close()


UNLESS_DOWN = "unless the CA is down, check acme-server"
PRIVATE = "check acme-server, and set ca-file in [account] if the CA is a private one"


@pytest.mark.parametrize("talk, name, is_trusted, what, advice", [
    (None, None, True, "Failed to connect to 127.0.0.1 port ", f"{UNLESS_DOWN} and the firewall"),
    (http, None, True, "wrong version number", "check acme-server"), (imap, None, True, "", "check acme-server"),
    (silence, None, True, "", "check acme-server"),
    (http, "DNS:other.example.org", True, "target host name '127.0.0.1'", "check acme-server"),
    (http, "IP:127.0.0.1", False, "self-signed certificate", PRIVATE),
    (http, "IP:127.0.0.1", True, "127.0.0.1", "check acme-server"),  # an HTTP server
    (imap, "IP:127.0.0.1", True, "The CA cannot be reached: the server does not speak HTTP", "check acme-server"),
    (silence, "IP:127.0.0.1", True, "", UNLESS_DOWN),
])
def test_acme_server_is_something_else(fresh_fake, talk, name, is_trusted, what, advice):
    context = None
    if name:
        cert = fresh_fake.directory / "other.pem"
        lib.run("openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=other", "-addext", f"subjectAltName={name}",
                "-keyout", cert.with_suffix(".key"), "-out", cert)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, cert.with_suffix(".key"))
        fresh_fake.ca.ca_file = cert if is_trusted else fresh_fake.ca.ca_file
    server = OtherServer(talk, context) if talk else None
    fresh_fake.ca.url = f"https://127.0.0.1:{server.port if server else lib.free_port()}/dir"
    fresh_fake.write_config()
    said = register(fresh_fake, "--gen-key", "--register", check=False).stderr
    if server:
        server.stop()
    assert what in said and f": {advice}" in said and said.rstrip().removesuffix(" Try again later.").endswith(f"{advice}."), said


@pytest.mark.parametrize("status, kind", [(400, "badCSR"), (403, "unauthorized"), (400, "invalidContact")])
def test_ca_that_requires_a_contact(fresh_fake, new_csr, status, kind):
    """Each step says how to set one, with an external account too."""
    hint = "if the CA requires an e-mail address"
    eab = f"eab-kid = {KID}\neab-hmac-key = {HMAC_KEY}\n"
    refusal = status, {}, problem(kind, "told by the CA")
    server = fresh_fake
    server.ca.answers = {"/account": refusal}
    server.write_config(account=eab)
    result = register(server, "--gen-key", "--register", check=False)
    assert result.returncode == 1
    assert "told by the CA" in result.stderr and f"Set contact in [account] {hint}." in result.stderr
    assert "this CSR" not in result.stderr and "Check eab-kid" in result.stderr
    server.write_config(account=eab + "contact = a@example.org")
    assert hint not in register(server, "--register", check=False).stderr

    server.write_config(account=eab)
    server.ca.answers, server.ca.order = {}, refusal
    register(server, "--gen-key", "--override-existing-key", "--register")
    server.start(account=eab)
    answer = server.post(new_csr("www.example.org"))
    assert f"'acme-register --update-contact --email=ADDRESS {server.config}' {hint} in the account." in answer.text
    server.ca.answers = {"/account/1": (200, {}, {})}
    register(server, "--update-contact", "--email=a@example.org")
    answer = server.post(new_csr("mail.example.org"))
    assert "told by the CA" in answer.text and hint not in answer.text, answer.text


# ---- deactivation --------------------------------------------------------------------------

def test_deactivate(server, new_csr):
    assert_issues(server, new_csr)
    result = register(server, "--deactivate")
    assert "Deactivate account ... done" in result.stdout
    assert registration(server)["body"]["status"] == "deactivated"
    answer = server.post(new_csr("late.example.org"))
    assert answer.status == 500
    assert "is deactivated" in answer.text and "--override-existing-key" in answer.text
    for again in ["--deactivate"], ["--register"], ["--rollover-key"], []:
        result = register(server, *again, check=False)
        assert result.returncode == 1 and "the account is deactivated" in result.stderr
    register(server, "--gen-key", "--override-existing-key", "--register",
             "--accept-terms-of-service")
    server.issue(new_csr("again.example.org"))


def test_deactivation_with_a_lost_answer(server):
    """The CA's answer was lost: its later answers tell what to do."""
    kept = (server.directory / "account/registration.json").read_text()
    register(server, "--deactivate")
    (server.directory / "account/registration.json").write_text(kept)
    result = register(server, check=False)
    assert result.returncode == 1 and "--override-existing-key" in result.stderr


@pytest.mark.parametrize("trace", [True, False], ids=["said", "unsaid"])
@pytest.mark.parametrize("meanwhile", ["running", "restarted"])
def test_deactivation_with_a_pending_order(server, new_csr, meanwhile, trace):
    """The pending order fails with the reason; the same request succeeds with a new account."""
    assert_issues(server, new_csr)
    csr = new_csr("inflight.example.org")
    server.http01.pause()
    with lib.Client(server.port) as client:
        client.send(lib.head(csr), csr)
        lib.wait_for(lambda: list(server.challenges.iterdir()), "the challenge")
        if meanwhile == "restarted":
            server.orderd.expect = (-signal.SIGKILL,)
            server.orderd.popen.kill()
            server.orderd.wait()
        else:  # it polls the CA: not between the deactivation there and the note of it here
            server.orderd.pause()
        kept = (server.directory / "account/registration.json").read_text()
        register(server, "--deactivate")
        if not trace:
            (server.directory / "account/registration.json").write_text(kept)
        if meanwhile == "restarted":
            server.start_orderd()
        else:
            server.orderd.resume()
        server.http01.resume()
        answer = client.answer()
    assert answer.status == 500, answer
    assert ("is deactivated" if trace else "refuses the server's ACME account") in answer.text
    assert not list(server.directory.glob("state/orders/*"))
    register(server, "--gen-key", "--override-existing-key", "--register",
             "--accept-terms-of-service")
    server.issue(csr)


@pytest.mark.parametrize("options", [
    ["--rollover-key", "--deactivate"], ["--gen-key", "--rollover-key"], ["--email=a@example.org"],
    ["--eab-kid=x"], ["--eab-hmac-key-file=x"], ["--deactivate", "--accept-terms-of-service"],
    ["--override-existing-key"], ["--key-type=ec256"],
])
def test_wrong_use(server, options):
    assert register(server, *options, check=False).returncode == 2


def test_nothing_to_change(server):
    """Every option that needs an account reports that there is none."""
    shutil.rmtree(server.directory / "account")
    register(server, "--gen-key", check=False)
    for option in "--rollover-key", "--update-contact", "--deactivate":
        result = register(server, option, check=False)
        assert result.returncode == 1 and "not registered yet" in result.stderr


# ---- root acts as the owner of the state --------------------------------------------------------

@pytest.fixture
def theirs(pebble, http01_socket):
    """An installation whose state belongs to another user, and a directory of root beside it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        directory = Path(name)
        directory.chmod(0o755)
        shutil.copy(pebble.ca_file, directory / "ca.pem")
        (directory / "ca.pem").chmod(0o644)
        server = lib.Acmems(directory / "state", pebble, http01_socket)
        server.directory.mkdir(exist_ok=True)
        server.write_config()
        text = server.config.read_text().replace(str(pebble.ca_file), str(directory / "ca.pem"))
        server.config.write_text(text)
        for path in server.directory, *server.directory.rglob("*"):
            os.chown(path, NOBODY, NOBODY)
        (directory / "roots").mkdir()
        yield server
        server.stop()


def test_root_writes_as_the_owner(theirs):
    register(theirs, "--gen-key", "--register", "--accept-terms-of-service")
    for name in "", "account.pem", "registration.json":
        assert (theirs.directory / "account" / name).stat().st_uid == NOBODY
    register(theirs, "--rollover-key")
    assert (theirs.directory / "account/account.pem").stat().st_uid == NOBODY


def test_root_cannot_act_as_the_owner(theirs):
    """A root without CAP_SETUID: the error names the path and the user."""
    register(theirs, "--gen-key", "--register", "--accept-terms-of-service")
    config = f"--config={theirs.config}"
    for command, *arguments in ((lib.REGISTER, theirs.config), (lib.CTL, "pauses", config),
                                (lib.CTL, "clear", "--all", config), (lib.CTL, "revoke", "aa", config)):
        result = lib.run("setpriv", "--bounding-set=-setuid", command, *arguments, check=False)
        path = theirs.directory / ("account" if command == lib.REGISTER else "")
        assert result.returncode == 1
        assert re.search(f"act as user nobody, the owner of '{path}[^']*': Operation not permitted", result.stderr), \
            result.stderr


def test_key_file_that_only_root_can_read(theirs):
    """Its content is needed, whoever the owner of the state is."""
    key_file = theirs.directory.parent / "roots/eab.key"
    key_file.write_text("not base64url\n")
    key_file.chmod(0o600)
    result = register(theirs, "--gen-key", "--register", "--accept-terms-of-service", "--eab-kid=k",
                      f"--eab-hmac-key-file={key_file}", check=False)
    assert result.returncode == 1 and "it is not base64url" in result.stderr


def test_links_do_not_lead_root(theirs):
    """The owner of the state puts links to a directory of root in it."""
    roots = theirs.directory.parent / "roots"
    link = theirs.directory / "account"
    link.symlink_to(roots)
    os.lchown(link, NOBODY, NOBODY)
    result = register(theirs, "--gen-key", "--register", "--accept-terms-of-service", check=False)
    assert result.returncode == 1 and "Permission denied" in result.stderr
    assert list(roots.iterdir()) == []


def test_link_in_place_of_the_key_file(theirs):
    """The owner of its directory cannot have root read another file."""
    secret, link = theirs.directory.parent / "roots/secret", theirs.directory / "eab.key"
    secret.write_text(HMAC_KEY)
    secret.chmod(0o600)
    link.symlink_to(secret)
    os.lchown(link, NOBODY, NOBODY)
    result = register(theirs, "--gen-key", "--register", "--accept-terms-of-service", "--eab-kid=k",
                      f"--eab-hmac-key-file={link}", check=False)
    assert result.returncode == 1 and f"{link}: Permission denied" in result.stderr


# ---- what a CA says, on the terminal of root ----------------------------------------------------

RUDE = "\x1b[2J\x9b31m\r\nacme-register: all is well\n\x07"


class Rude(CaProxy):
    """Adds control characters to everything that people read."""

    def _change(self, value):
        if isinstance(value, dict):
            return {key: member + RUDE if key in ("termsOfService", "status", "detail", "type")
                    and isinstance(member, str) else self._change(member) for key, member in value.items()}
        return [self._change(member) for member in value] if isinstance(value, list) else value

    def answer(self, request):
        answer = self.forward(request)
        if answer.body.startswith(b"{"):
            answer.body = json.dumps(self._change(json.loads(answer.body))).encode()
        return answer


def test_words_of_the_ca_cannot_control_the_terminal(tmp_path, new_pebble, http01_socket):
    # A changed badNonce is not repeated.
    proxy = Rude(new_pebble(env={"PEBBLE_WFE_NONCEREJECT": "0"}))
    server = lib.Acmems(tmp_path, proxy, http01_socket)
    try:
        server.write_config()
        results = [register(server, *options, check=False) for options in (
            ["--gen-key", "--register"], ["--register", "--accept-terms-of-service=other"],
            ["--register", "--accept-terms-of-service"], [], ["--update-contact", "--email=x@invalid..x"])]
    finally:
        server.stop()
        proxy.stop()
    said = [result.stdout + result.stderr for result in results]
    assert "accept the terms of service at" in said[0] and "[2J" in said[0]
    assert "the terms of service of the CA are at" in said[1]
    assert "the account is valid" in said[2]
    for text in said:
        assert all(c == "\n" or c.isprintable() for c in text)
        assert "\nacme-register: all is well" not in text

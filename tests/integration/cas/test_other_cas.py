# SPDX-License-Identifier: GPL-3.0-or-later
"""The same requests to CAs of other makers and ages: Caddy's, which is built from the parts of smallstep's step-ca, and
the newer Pebble, which chooses a profile at random."""

import http.server
import json
import re
import socket
import socketserver
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import lib
from caddy import Caddy

NAMES = ("www.example.org", "example.org", "other.example.org")
UNKNOWN = "unknown.example.org"
HOUR, DAY = 3600, 86400
PROFILES = {name: {"description": name, "validityPeriod": seconds}
            for name, seconds in {"classic": 90 * DAY, "brief": 12 * HOUR}.items()}


def new_caddy(directory):
    ca = Caddy(directory, *NAMES)
    return ca, ca.http01_socket


def new_pebble(directory):
    sock = socket.create_server(("127.0.0.1", 0), backlog=256)
    ca = lib.newer_pebble(directory, sock.getsockname()[1], profiles=PROFILES, env={"PEBBLE_AUTHZREUSE": "0"})
    ca.set_address(UNKNOWN, "127.0.0.99")
    return ca, sock


@pytest.fixture(scope="module", params=["caddy", "pebble"])
def both(request, tmp_path_factory):
    """A CA, and the socket that it connects to."""
    new = {"caddy": new_caddy, "pebble": new_pebble}[request.param]
    ca, sock = new(tmp_path_factory.mktemp(request.param))
    ca.kind = request.param
    yield ca, sock
    ca.stop()
    sock.close()


@pytest.fixture(scope="module")
def pebble(both):
    return both[0]


@pytest.fixture(scope="module")
def http01_socket(both):
    return both[1]


class WrongAnswers:
    """A web server that answers every challenge with another text."""

    def __init__(self, sock):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"Welcome")

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, socketserver.BaseServer):
            daemon_threads = True

            def fileno(self):
                return sock.fileno()

            def get_request(self):
                return sock.accept()[0], "CA"

            def shutdown_request(self, request):
                request.close()

        self.server = Server("CA", Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()


def test_issue(acmems, pebble, new_csr):
    csr = new_csr("www.example.org", "example.org")
    certificate = acmems.issue(csr)
    assert certificate.names == ["example.org", "www.example.org"]
    assert pebble.kind.capitalize() in certificate.issuer
    orders = pebble.orders()
    assert acmems.issue(csr).serial == certificate.serial
    acmems.orderd.stop()
    assert acmems.issue(csr).serial == certificate.serial
    assert pebble.orders() == orders


@pytest.mark.parametrize("key", ["rsa2048", "p384", "ed25519"])
def test_key(acmems, pebble, new_csr, key):
    """The newer Pebble takes no Ed25519, as public CAs."""
    csr = new_csr("other.example.org", key=key)
    if (key, pebble.kind) == ("ed25519", "pebble"):
        answer = acmems.post(csr)
        assert answer.status == 415 and "The CA said: badCSR: CSR signature algorithm Ed25519" in answer.text
    else:
        assert acmems.issue(csr).public_key == lib.csr_public_key(csr)


@pytest.mark.parametrize("prefetch", ["no", "yes"])
def test_renewal(installation, pebble, new_csr, tmp_path, prefetch):
    """The certificates of Caddy, and some of Pebble, are valid for 12 h: the last third of that decides, not
    renew-within."""
    acmems = installation.start(storage=f"prefetch = {prefetch}")
    csr = new_csr("www.example.org")
    first = acmems.issue(csr)
    path = acmems.cache_entry(csr) / "cert.pem"
    assert acmems.issue(csr).serial == first.serial
    acmems.orderd.stop()
    path.write_bytes(lib.make_certificate(tmp_path, tmp_path / "csr/www.example.org.csr", -11 * HOUR, HOUR))
    old = lib.Certificate(path.read_bytes())
    acmems.start_orderd()
    if prefetch == "yes":
        lib.wait_for(lambda: lib.Certificate(path.read_bytes()).serial != old.serial, "the renewal")
        acmems.orderd.stop()
    renewed = acmems.issue(csr)
    assert renewed.serial not in (first.serial, old.serial) and renewed.issuer == first.issuer


def test_many(acmems, new_csr):
    """Orders beside each other, and another CSR for the same names."""
    csrs = [new_csr(*names) for names in (NAMES, NAMES[:2], NAMES[1:], NAMES[::-1], NAMES[:1], NAMES[2:])]
    with ThreadPoolExecutor(len(csrs)) as pool:
        serials = {certificate.serial for certificate in pool.map(acmems.issue, csrs)}
    assert len(serials) == len(csrs)


WRONG = {
    "caddy": "rejectedIdentifier: .* a wrong response to the challenge: check that the requests of the CA for this name "
             "reach acmems",
    "pebble": "key authorization file from the server did not match",
}


def test_wrong_answer(installation, pebble, new_csr):
    """Caddy leaves the authorization pending when the challenge is invalid, and its words do not name the cause."""
    installation.write_config()
    installation.start_orderd()
    installation.start_sign("--idle-timeout", "0")
    csr = new_csr("www.example.org")
    with WrongAnswers(installation.http01_socket):
        answer = installation.post(csr)
    assert answer.status == 421
    assert re.search(f"www.example.org: .*{WRONG[pebble.kind]}", answer.text), answer.text
    lib.run(lib.CTL, "clear", f"--config={installation.config}", "www.example.org")
    installation.start_http01()
    installation.issue(csr)


def test_no_connection(installation, new_csr):
    """Caddy leaves the challenge pending, with the error in it, and tries again only when it is told to."""
    installation.start()
    answer = installation.post(new_csr(UNKNOWN))
    assert answer.status == 421 and f"{UNKNOWN}: connection: " in answer.text


def test_revoke(acmems, new_csr):
    csr, other = new_csr("www.example.org"), new_csr("other.example.org")
    serial, kept = acmems.issue(csr).serial, acmems.issue(other).serial
    result = lib.run(lib.CTL, "revoke", f"--config={acmems.config}", serial, "--reason=superseded")
    assert result.stdout.startswith(f"The CA revoked certificate {serial.lower()}.\n")
    assert acmems.issue(csr).serial != serial and acmems.issue(other).serial == kept


def test_account(installation, pebble, new_csr):
    """Caddy's directory lists keyChange, which that CA does not implement."""
    installation.write_config()
    uri = json.loads((installation.directory / "account/registration.json").read_text())["uri"]
    shown = lib.run(lib.REGISTER, "--show", installation.config).stdout
    assert f"\nAccount: {uri}\n" in shown and "\nStatus: valid\n" in shown
    result = lib.run(lib.REGISTER, "--rollover-key", installation.config, check=False)
    if pebble.kind == "caddy":
        assert result.returncode == 1
        assert re.search("The CA does not implement the request to change the account key. The CA said: .*"
                         r"not implemented\. The account keeps its previous key.", result.stderr)
    else:
        assert result.returncode == 0
    lib.run(lib.REGISTER, "--update-contact", "--email", "new@example.org", installation.config)
    assert "\nContact: mailto:new@example.org\n" in lib.run(lib.REGISTER, "--show", installation.config).stdout
    installation.start()
    installation.issue(new_csr("www.example.org"))

# SPDX-License-Identifier: GPL-3.0-or-later
"""acmems-client and answers that a server should not send: what is installed stays."""

import contextlib
import hashlib
import hmac
import http.server
import socket
import threading
import time

import pytest

import lib
from test_client import Client

KEY = "correct horse battery staple"


class Server(http.server.ThreadingHTTPServer):
    """Answers with the next of .answers: (status, headers, body), or a function of the request."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.port = self.server_address[1]
        self.answers, self.requests = [], []
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def stop(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((dict(self.headers), body))
        answer = self.server.answers.pop(0)
        status, headers, text = answer(body) if callable(answer) else answer
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(text)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def client(tmp_path):
    return Client(tmp_path)


class Issuer:
    """A root and an intermediate CA, made with openssl."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()
        self.make("root", None, "basicConstraints=critical,CA:true")
        self.make("middle", "root", "basicConstraints=critical,CA:true")
        self.make("other", None, "basicConstraints=critical,CA:true")

    def make(self, name, issuer, extension, csr=None, days=90):
        files = self.directory / name
        if csr is None:
            lib.run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                    "-keyout", f"{files}.key", "-out", f"{files}.csr")
        else:
            (self.directory / f"{name}.csr").write_bytes(csr)
        (self.directory / f"{name}.ext").write_text(extension + "\n")
        signer = ["-CA", f"{self.directory / issuer}.pem", "-CAkey", f"{self.directory / issuer}.key", "-CAcreateserial"] if issuer else [
            "-signkey", f"{files}.key"]
        lib.run("openssl", "x509", "-req", "-in", f"{files}.csr", "-out", f"{files}.pem", "-days", str(days), "-extfile", f"{files}.ext", *signer)
        return (self.directory / f"{name}.pem").read_bytes()

    def leaf(self, csr, names=("www.example.org",), days=90, san=None):
        return self.make("leaf", "middle", "subjectAltName=" + (san or ",".join(f"DNS:{name}" for name in names)), csr, days)

    def chain(self, csr, **kwargs):
        return self.leaf(csr, **kwargs) + b"\n" + (self.directory / "middle.pem").read_bytes()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    return Issuer(tmp_path_factory.mktemp("issuer") / "ca")


def good(issuer):
    return lambda csr: (200, {}, issuer.chain(csr))


def other_key(issuer):
    csr = lib.make_csr(issuer.directory / "csr", "www.example.org")
    return lambda _: (200, {}, issuer.chain(csr))


def file(issuer, name):
    return (issuer.directory / name).read_bytes()


BAD = {
    "other key": (other_key, "the certificate has another key than the request"),
    "lacks a name": (lambda ca: lambda csr: (200, {}, ca.chain(csr, names=["w.example.org"])), "the certificate lacks www.example.org"),
    "expired": (lambda ca: lambda csr: (200, {}, ca.chain(csr, days=-1)), "certificate 1 of the chain has expired"),
    "wrong order": (lambda ca: lambda csr: (200, {}, ca.leaf(csr) + file(ca, "root.pem") + file(ca, "middle.pem")),
                    "certificate 2 of the chain did not issue certificate 1"),
    "foreign issuer": (lambda ca: lambda csr: (200, {}, ca.leaf(csr) + file(ca, "other.pem")), "certificate 2 of the chain did not issue certificate 1"),
    "a private key": (lambda ca: lambda csr: (200, {}, ca.chain(csr) + file(ca, "root.key")), "the answer is not a chain of certificates"),
    "a page": (lambda ca: lambda csr: (200, {}, b"<html>\x1b[31mLogin</html>"), "the answer is not a chain of certificates: <html>[31mLogin</html>"),
    "nothing": (lambda ca: lambda csr: (200, {}, b""), "the answer is not a chain of certificates"),
    "half": (lambda ca: lambda csr: (200, {}, ca.chain(csr)[:-40]), "the answer is not a chain of certificates"),
    "a control character in a name": (
        lambda ca: lambda csr: (200, {}, ca.chain(csr, san="DNS:www.example.org,DNS:\x1b[31mred")), "the certificate has other names than"),
    "two names in one": (lambda ca: lambda csr: (200, {}, ca.chain(csr, san="URI:x\\, DNS:www.example.org")),
                         "the certificate has other names than"),
    "twice": (lambda ca: lambda csr: (200, {}, ca.leaf(csr) * 2), "the chain has a certificate twice"),
    "an encrypted block": (lambda ca: lambda csr: (200, {}, ca.leaf(csr).replace(b"-\n", b"-\nProc-Type: 4,ENCRYPTED\n", 1)),
                           "the answer is not a chain of certificates"),
    "too many": (lambda ca: lambda csr: (200, {}, ca.leaf(csr) * 11), "the chain has more than 10 certificates"),
    "too large": (lambda ca: lambda csr: (200, {}, b"x" * 1100000), "no answer from http://"),
    "an error": (lambda ca: (415, {}, b"The CSR is\ndamaged.\n"), "the server answered with status 415: The CSR is damaged."),
    "a redirect": (lambda ca: (302, {"Location": "http://127.0.0.1:1/"}, b""), "the server answered with status 302: no reason"),
}


@pytest.mark.parametrize("answer, text", BAD.values(), ids=BAD)
def test_bad_answer(server, client, issuer, tmp_path, answer, text):
    """The installed certificate stays, nothing is reloaded, and the message names the cause."""
    server.answers = [good(issuer), answer(issuer), good(issuer)]
    client.new(server.port, "--reload", f"echo x >>{tmp_path}/reloads")
    former = client.file()
    result = client.run("renew", check=False)
    assert result.returncode == 1 and f"acmems-client: web: {text}" in result.stderr, result
    assert "\x1b" not in result.stderr
    assert client.file() == former and (tmp_path / "reloads").read_text() == "x\n"
    client.run("renew")
    client.check_live()


def test_no_server(client):
    port = lib.free_port()
    result = client.new(port, check=False)
    assert result.returncode == 1 and f"no answer from http://127.0.0.1:{port}/sign: " in result.stderr


def test_short_retry_after(server, client, issuer):
    """The run waits and asks again."""
    server.answers = [(503, {"Retry-After": "1"}, b"The CA has not completed the order yet.\n"), good(issuer)]
    result = client.new(server.port)
    assert "has not completed the order yet. (asks again in 1 s)" in result.stderr
    client.check_live()


def test_long_retry_after(server, client, issuer):
    """No run asks before that time."""
    server.answers = [(429, {"Retry-After": "7200"}, b"Too many orders.\n"), good(issuer)]
    assert client.new(server.port, check=False).returncode == 1
    result = client.run("renew", check=False)
    assert result.returncode == 1 and len(server.requests) == 1
    assert "the server wants no request for another 7" in result.stderr and "Too many orders." in result.stderr
    (client.state / "web/retry-at").write_text(f"{int(time.time()) - 1}\n")
    client.run("renew")
    client.check_live()


@pytest.mark.parametrize("asked, waits", [("0007200", 7200), ("9999999", 86400), ("99999999999999999999", 86400)])
def test_strange_retry_after(server, client, asked, waits):
    """A day at most, whoever sent it."""
    server.answers = [(503, {"Retry-After": asked}, b"Later.\n")]
    client.new(server.port, check=False)
    assert abs(int((client.state / "web/retry-at").read_text()) - time.time() - waits) < 60
    assert "failed: the server answered with status 503: Later." in client.run("status").stdout


def test_recorded_answer(server, client, issuer):
    """An older certificate for the same request is not installed again."""
    chains = []

    def issue(csr):
        chains.append(issuer.chain(csr))
        return 200, {}, chains[-1]

    def later(csr):
        time.sleep(1.1)  # dates of certificates have seconds
        return issue(csr)

    server.answers = [issue, later, lambda csr: (200, {}, chains[0])]
    client.new(server.port)
    client.run("renew")
    now = client.file()
    result = client.run("renew", check=False)
    assert result.returncode == 1 and "the certificate is older than the installed one" in result.stderr
    assert client.file() == now


def test_damaged_request(server, client, issuer):
    """Half a CSR, as a full disk leaves it, is made again, with the key of the certificate."""
    server.answers = [good(issuer), good(issuer)]
    client.new(server.port)
    csr = client.state / "web/request/request.csr"
    csr.write_bytes(csr.read_bytes()[:200])
    key = client.file("privkey.pem")
    client.run("renew")
    client.check_live()
    assert client.file("privkey.pem") == key


@pytest.mark.parametrize("without", ["wget", "curl"])
@pytest.mark.parametrize("fault", ["cut", "endless"])
def test_broken_transfer(tmp_path, issuer, without, fault):
    """A chain that was cut off is not installed, and an answer without end does not fill the disk."""
    client = Client(tmp_path, without=[without])
    server = Raw(issuer, fault)
    try:
        result = client.new(server.port, check=False)
        assert result.returncode == 1 and not client.live().exists(), result
        assert sum(path.stat().st_size for path in client.state.rglob("*") if path.is_file()) < 1e6
    finally:
        server.stop()


class Raw:
    """Sends the leaf where leaf and issuer were announced, or data without end."""

    def __init__(self, issuer, fault):
        self.issuer, self.fault = issuer, fault
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            connection = self.socket.accept()[0]
            with connection, connection.makefile("rb") as request:
                length = 0
                while (line := request.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                leaf = self.issuer.leaf(request.read(length))
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                if self.fault == "cut":
                    connection.sendall(b"Content-Length: %d\r\n\r\n" % (len(leaf) + 700) + leaf)
                    return
                connection.sendall(b"\r\n")
                for _ in range(4096):  # 256 MiB
                    connection.sendall(b"x" * 65536)

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_text(KEY + "\n")
    return path


def signed(issuer, key=KEY):
    def answer(csr):
        body = issuer.chain(csr)
        return 200, {"Authentication-Info": f"hmac name=sha256, hash={hmac.new(key.encode(), body, 'sha256').hexdigest()}"}, body
    return answer


def test_request_hmac(server, client, issuer, secret):
    server.answers = [signed(issuer)]
    client.new(server.port, "--hmac-key-file", secret)
    headers, csr = server.requests[0]
    sent = dict(part.split("=") for part in headers["Authentication"].removeprefix("hmac ").split(", "))
    assert abs(int(sent["time"]) - time.time()) < 60
    assert sent["hash"] == hmac.new(KEY.encode(), f"{sent['time']}\n".encode() + csr, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("answer, text", [
    (good, "the answer has no Authentication-Info header with an HMAC"),
    (lambda issuer: signed(issuer, "another key"), "the answer does not have the HMAC of this key"),
], ids=["none", "other key"])
def test_answer_hmac(server, client, issuer, secret, answer, text):
    """A certificate that was changed on its way is not installed."""
    server.answers = [answer(issuer)]
    result = client.new(server.port, "--hmac-key-file", secret, check=False)
    assert result.returncode == 1 and text in result.stderr and not client.live().exists()


def test_python_server(server, client, issuer, secret):
    """acme-mgmtserver knows no time, and its answers have no HMAC."""
    server.answers = [good(issuer)]
    client.new(server.port, "--hmac-key-file", secret, "--protocol", "acme-mgmtserver")
    headers, csr = server.requests[0]
    assert headers["Authentication"] == lib.hmac_header(KEY, csr)["Authentication"]
    client.check_live()


@pytest.mark.parametrize("line, text", [
    ("sever = http://x", "unknown key 'sever'"), ("server", "not of the form 'key = value'"), ("mode = 99", "mode is no file mode"),
    ("domain = a.example.org;reboot", "'a.example.org;reboot' is no DNS name"), ("domain = -x", "'-x' is no DNS name"),
    ("key-type = dsa", "key-type is not"), ("key = new", "key is not keep or rotate"), ("reload =", "reload has no value"),
    ("hmac-key-file = /nowhere", "the HMAC key '/nowhere' cannot be read"), ("combined = 1", "combined is not yes or no"),
    ("protocol = acme", "protocol is not"), ("hmac-digest = md5", "hmac-digest is not"),
])
def test_configuration_is_wrong(server, client, line, text):
    client.conf.mkdir()
    (client.conf / "web.conf").write_text(f"# a comment\n\nserver = http://127.0.0.1:{server.port}/sign\n{line}\ndomain = www.example.org\n")
    result = client.run("renew", check=False)
    assert result.returncode == 1 and text in result.stderr and not server.requests
    if "HMAC" not in text:
        assert f"{client.conf}/web.conf:4: " in result.stderr


@pytest.mark.parametrize("arguments, text", [
    ([], "a verb is missing"), (["frob"], "unknown verb 'frob'"), (["new"], "new needs a name"), (["new", "../x"], "cannot be the name of a file"),
    (["new", "web"], "new needs --server"), (["new", "web", "--server", "http://x/sign"], "new needs --domain"),
    (["new", "web", "--server"], "--server needs a value"), (["new", "web", "x"], "unexpected argument 'x'"),
    (["new", "lock"], "cannot be the name"), (["new", "web", "--hmac-key", "x"], "use --hmac-key-file"),
    (["renew", "none"], "there is no certificate 'none'"), (["remove", ".."], "there is no certificate '..'"), (["remove"], "remove needs the name"),
])
def test_usage(client, arguments, text):
    result = client.run(*arguments, check=False)
    assert result.returncode == 2 and text in result.stderr and "Try 'acmems-client --help'." in result.stderr

# SPDX-License-Identifier: GPL-3.0-or-later
"""tls-alpn-01: the handler's answer to any client, certificates from Pebble, and passthrough."""

import contextlib
import hashlib
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

import lib
from tls_peers import EchoServer, connect

NAME = "www.example.org"


def make_certificate(directory, san):
    """A certificate and its key in PEM form, as in a challenge file."""
    cert, key = directory / "challenge.pem", directory / "challenge.key"
    lib.run("openssl", "req", "-x509", "-nodes", "-newkey", *lib.KEYS["p256"], "-days", "1",
            "-subj", "/CN=ACME challenge", "-addext", f"subjectAltName={san}",
            "-keyout", key, "-out", cert)
    return cert.read_text() + key.read_text()


def challenge_file(directory, server_name):
    return directory / hashlib.sha256(server_name.encode()).hexdigest()


class Handler:
    def __init__(self, directory, *options, sock=None):
        self.directory, self.options = directory, options
        self.challenges = directory / "challenges"
        self.challenges.mkdir(exist_ok=True)
        self.socket = sock or socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.socket.getsockname()[1]
        self.start()

    def start(self):
        self.process = lib.Process(
            "tlsalpn01", [lib.TLSALPN01, "--challenges", self.challenges, "--idle-timeout", "0",
                          *self.options], self.directory, sockets=[self.socket])
        lib.wait_for(lambda: lib.handles_sigterm(self.process.pid), "the handler to start")

    def publish(self, san=f"DNS:{NAME}", server_name=NAME):
        challenge_file(self.challenges, server_name).write_text(
            make_certificate(self.directory, san))

    def stop(self):
        self.socket.close()
        self.process.stop()


@pytest.fixture
def handler(tmp_path):
    server = Handler(tmp_path)
    yield server
    server.stop()


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", VERSIONS)
def test_shown(handler, version):
    handler.publish()
    with connect(handler.port, version=version) as tls:
        assert tls.selected_alpn_protocol() == "acme-tls/1"
        assert tls.version() == version.name.replace("_", ".")
        pem = ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))
        assert lib.Certificate(pem.encode()).names == [NAME]
        # The handler closes the connection without sending any data.
        assert tls.recv(1) == b""


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl(handler, version):
    handler.publish()
    out = lib.run("openssl", "s_client", "-connect", f"127.0.0.1:{handler.port}", version,
                  "-servername", NAME, "-alpn", "acme-tls/1", input="").stdout
    assert "ALPN protocol: acme-tls/1" in out
    assert "BEGIN CERTIFICATE" in out
    assert "New, TLSv1" in out and "Reused" not in out


def test_a_name_in_capitals_is_the_same(handler):
    handler.publish()
    connect(handler.port, name="WWW.Example.ORG").close()


@pytest.mark.parametrize("name,protocols,alert", [
    ("other.example.org", ["acme-tls/1"], "unrecognized name"),
    ("example.org", ["acme-tls/1"], "unrecognized name"),
    (None, ["acme-tls/1"], "unrecognized name"),
    (NAME, ["h2", "http/1.1"], "no application protocol"),
    (NAME, ["h2", "acme-tls/1"], "no application protocol"),
    (NAME, ["acme-tls/1", "h2"], "no application protocol"),
    (NAME, None, "no application protocol"),
])
@pytest.mark.parametrize("version", VERSIONS)
def test_refused(handler, name, protocols, alert, version):
    handler.publish()
    with pytest.raises(ssl.SSLError) as error:
        connect(handler.port, name, protocols, version)
    assert alert in str(error.value).lower().replace("_", " ")


def test_old_versions_are_refused(handler):
    handler.publish()
    result = lib.run("openssl", "s_client", "-connect", f"127.0.0.1:{handler.port}", "-tls1_1",
                     "-cipher", "ALL:@SECLEVEL=0", "-servername", NAME, "-alpn", "acme-tls/1",
                     input="", check=False)
    assert result.returncode != 0
    assert "alert protocol version" in result.stderr


def test_gone_with_the_file(handler):
    handler.publish()
    connect(handler.port).close()
    challenge_file(handler.challenges, NAME).unlink()
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        connect(handler.port)


def test_damaged_file(handler):
    challenge_file(handler.challenges, NAME).write_text("-----BEGIN CERTIFICATE-----\n")
    with pytest.raises(ssl.SSLError, match="(?i)internal.error"):
        connect(handler.port)
    assert f"Failed to read the challenge for {NAME}" in handler.process.log


def answer(port, *pieces, pause=None):
    """Send these bytes; return everything that the handler sends until the connection ends."""
    with socket.create_connection(("127.0.0.1", port), lib.DEADLINE) as sock:
        data = b""
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                sock.sendall(piece)
                if pause:
                    pause()
            while part := sock.recv(4096):
                data += part
        return data


def hello(name=NAME, protocols=("acme-tls/1",)):
    """The ClientHello of a client."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(list(protocols))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


def alert(number):
    return bytes([21, 3, 3, 0, 2, 2, number])


@pytest.mark.parametrize("garbage", [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 100, b"\xff" * 70000, b"\x16\x03\x01\0\0",
    b"\x80\x2e\x01\x03\x01", b"SSH-2.0-x\r\n", b"\x16\x03\x01\x40\0\x01\0\x40\0" + b"x" * 20000],
    ids=range(7))
def test_garbage(handler, garbage):
    assert answer(handler.port, garbage) == alert(50)
    handler.publish()
    connect(handler.port).close()


def test_garbage_after_the_hello(handler):
    """Garbage instead of the client's second message."""
    handler.publish()
    data = answer(handler.port, hello(), b"\xff" * 1000)
    assert data[:1] == b"\x16"  # the handshake message that was sent before


@pytest.mark.parametrize("pieces", [1, 7, 100])
def test_in_pieces(handler, pieces):
    """A ClientHello in several segments: the handler passes OpenSSL the complete message."""
    handler.publish()
    data = hello()
    result = []

    def run():
        result.append(answer(handler.port, *(data[i:i + pieces]
                                             for i in range(0, len(data), pieces)), b"\xff" * 10))
    thread = threading.Thread(target=run)
    thread.start()
    thread.join(lib.DEADLINE)
    assert result and result[0][:1] == b"\x16"


def test_slow_client_times_out(handler):
    """The whole ClientHello must arrive within 10 s, however steadily it comes."""
    data, started = hello(), time.monotonic()
    with socket.create_connection(("127.0.0.1", handler.port), lib.DEADLINE) as sock:
        with contextlib.suppress(ConnectionError):
            for byte in data:
                sock.sendall(bytes([byte]))
                sock.settimeout(0.25)
                try:
                    assert sock.recv(1) == b""
                    break
                except TimeoutError:
                    continue
            else:
                pytest.fail("the handler read the whole ClientHello")
    assert 9 < time.monotonic() - started < 15


def test_silent_client_is_closed_before_a_slow_one(handler):
    """Until its first byte, a connection has 2 s; then the ClientHello has 10 s."""
    with contextlib.ExitStack() as stack:
        slow, silent = (stack.enter_context(socket.create_connection(("127.0.0.1", handler.port), lib.DEADLINE))
                        for _ in range(2))
        slow.sendall(hello()[:1])
        assert silent.recv(1) == b""
        slow.setblocking(False)
        with pytest.raises(BlockingIOError):
            slow.recv(1)


def test_wrong_options():
    for value in "www.example.org:443", "127.0.0.1", "/run/x.sock":
        with socket.create_server(("127.0.0.1", 0)) as sock:
            script = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&' + str(sock.fileno())
            result = lib.run("bash", "-c", script, "bash", lib.TLSALPN01, "--passthrough", value,
                             check=False, pass_fds=[sock.fileno()])
        assert result.returncode == 1
        assert f"--passthrough: '{value}' is not ADDRESS:PORT" in result.stderr


@pytest.mark.parametrize("mode", ["inetd", "accept"])
def test_one_connected_socket(tmp_path, mode):
    """A connected socket, as inetd and Accept=yes pass it."""
    challenges = tmp_path / "challenges"
    challenges.mkdir()
    challenge_file(challenges, NAME).write_text(make_certificate(tmp_path, f"DNS:{NAME}"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        result = []

        def client():
            with connect(listener.getsockname()[1]) as tls:
                result.append(tls.selected_alpn_protocol())
        thread = threading.Thread(target=client)
        thread.start()
        sock = listener.accept()[0]
        argv = [str(lib.TLSALPN01), "--challenges", str(challenges)]
        if mode == "inetd":
            process = subprocess.Popen(argv, stdin=sock, stdout=sock, stderr=sock,
                                       env=lib.ENVIRONMENT)
        else:
            script = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&' + str(sock.fileno())
            process = subprocess.Popen(["bash", "-c", script, "bash", *argv],
                                       pass_fds=[sock.fileno()], env=lib.ENVIRONMENT)
        sock.close()
        thread.join(lib.DEADLINE)
        assert result == ["acme-tls/1"]
        assert process.wait(lib.DEADLINE) == 0


# ---- validation by a CA --------------------------------------------------------------------

ALPN = """
[verification "alpn"]
type = tls-alpn01
[auth "loopback"]
ip = 127.0.0.0/8
domain = *
ip-san = 127.0.0.0/8
ip-san = ::1
verification = alpn
"""


class Validated:
    """An installation whose CA validates at the handler."""

    def __init__(self, directory, http01_socket, **pebble):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.socket.getsockname()[1]
        self.ca = lib.Pebble(directory / "pebble", http01_socket.getsockname()[1],
                             **{"tlsPort": self.port, **pebble})
        self.server = lib.Acmems(directory / "server", self.ca, http01_socket,
                                 lib.register(directory / "account", self.ca, http01_socket))
        self.challenges = self.server.directory / "run/challenges/tls-alpn-01"
        self.server.start(auth=ALPN)
        self.handler = None

    def start_handler(self, *sockets):
        self.handler = self.server.spawn(
            "tlsalpn01", [lib.TLSALPN01, "--challenges", self.challenges, "--idle-timeout", "0"],
            sockets=[self.socket, *sockets])
        self.server.wait_for_start(self.handler)

    def files(self):
        return list(self.challenges.iterdir())

    def stop(self):
        self.socket.close()
        self.server.stop()
        self.ca.stop()


@pytest.fixture
def validated(tmp_path, http01_socket):
    bed = Validated(tmp_path, http01_socket)
    yield bed
    bed.stop()


def test_names(validated, new_csr):
    validated.start_handler()
    names = ["a.example.org", "b.example.org", "c.example.org"]
    assert validated.server.issue(new_csr(*names)).names == names
    assert validated.files() == []


def test_addresses(validated, new_csr):
    """For an IP address, the CA sends its reverse DNS name as the server name (RFC 8738)."""
    with socket.create_server(("::1", validated.port), family=socket.AF_INET6) as six:
        validated.start_handler(six)
    certificate = validated.server.issue(
        new_csr("ip.example.org", san="DNS:ip.example.org,IP:127.0.0.1,IP:::1"))
    assert certificate.names == ["ip.example.org"]
    assert certificate.addresses == ["127.0.0.1", "0:0:0:0:0:0:0:1"]
    assert validated.files() == []


def test_a_wildcard_needs_dns(validated, new_csr):
    validated.start_handler()
    answer = validated.server.post(new_csr("*.example.org"))
    assert answer.status == 421 and "dns01-dnsUpdate (for wildcards)" in answer.text


def post_all(server, requests):
    answers = [None] * len(requests)

    def post(i):
        answers[i] = server.post(requests[i])
    threads = [threading.Thread(target=post, args=[i]) for i in range(len(requests))]
    for thread in threads:
        thread.start()
    return threads, answers


def test_orders_with_one_name_in_common(validated, new_csr, tmp_path):
    """A name has one challenge certificate at a time: the challenges of the orders take turns."""
    validated.start_handler()
    requests = [lib.make_csr(tmp_path / str(i), "shared.example.org", f"own{i}.example.org")
                for i in range(4)]
    threads, answers = post_all(validated.server, requests)
    for thread in threads:
        thread.join(90)
    assert [answer.status for answer in answers] == [200] * 4
    assert validated.files() == []


def test_key_exists_as_long_as_the_challenge(validated, new_csr):
    """Without a handler, the CA's validation waits.
    Meanwhile the challenge must be exactly as RFC 8737 defines it."""
    # The kernel accepts the CA's connection, which then waits.
    threads, answers = post_all(validated.server, [new_csr("held.example.org")])
    file = challenge_file(validated.challenges, "held.example.org")
    lib.wait_for(file.exists, "the challenge")
    assert validated.files() == [file]
    assert file.stat().st_mode & 0o777 == 0o640
    text = lib.run("openssl", "x509", "-noout", "-text", "-in", file).stdout
    assert re.search(r"1\.3\.6\.1\.5\.5\.7\.1\.31: critical\n", text)
    assert re.search(r"Subject Alternative Name: *\n *DNS:held.example.org\n", text)
    assert text.count("DNS:") == 1
    assert "ASN1 OID: prime256v1" in text
    lib.run("openssl", "verify", "-ignore_critical", "-CAfile", file, file)
    key = lib.run("openssl", "pkey", "-noout", "-text", "-in", file).stdout
    assert "ASN1 OID: prime256v1" in key
    validated.start_handler()
    threads[0].join(90)
    assert answers[0].status == 200
    assert validated.files() == []


def test_the_ca_refuses(validated, new_csr):
    """Without a handler the order fails and leaves no challenge."""
    validated.socket.close()
    answer = validated.server.post(new_csr("nobody.example.org"))
    assert answer.status == 421
    assert "nobody.example.org" in answer.text
    assert validated.files() == []


def test_orderd_is_killed(validated, new_csr):
    """The next start removes the challenges of a crash that no order needs."""
    threads, answers = post_all(validated.server, [new_csr("crash.example.org")])
    lib.wait_for(challenge_file(validated.challenges, "crash.example.org").exists, "the challenge")
    left = validated.challenges / ("0" * 64)
    left.write_text("left over")
    validated.server.orderd.popen.kill()
    validated.server.orderd.wait()
    validated.server.orderd.expect = (0, -signal.SIGKILL)
    assert len(validated.files()) == 2
    validated.server.start_orderd()
    validated.start_handler()
    threads[0].join(90)
    assert answers[0].status == 200
    lib.wait_for(lambda: validated.files() == [], "the removal of the files")


# ---- passthrough ---------------------------------------------------------------------------

SIZE = 20 * 1024 * 1024
PIECE = os.urandom(64 * 1024)


@pytest.fixture
def behind(tmp_path):
    server = EchoServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def front(tmp_path, behind):
    server = Handler(tmp_path, "--passthrough", f"127.0.0.1:{behind.port}")
    yield server
    server.stop()


def test_passed_on(front, behind):
    """The server behind the handler completes the handshake. All data comes back unchanged."""
    with connect(front.port, protocols=None, ca=behind.cert) as tls:
        for _ in range(SIZE // len(PIECE)):
            tls.sendall(PIECE)
            got = b""
            while len(got) < len(PIECE):
                part = tls.recv(65536)
                assert part
                got += part
            assert got == PIECE
    lib.wait_for(lambda: not front.process.children(), "the connection's process to end")


@pytest.mark.parametrize("protocols", [("h2", "http/1.1"), ("h2", "acme-tls/1")])
def test_other_protocols_are_passed_on(front, behind, protocols):
    with connect(front.port, protocols=protocols, ca=behind.cert) as tls:
        tls.sendall(b"hello")
        assert tls.recv(5) == b"hello"


def test_a_validation_is_not_passed_on(front, behind):
    front.publish()
    with connect(front.port) as tls:
        assert tls.selected_alpn_protocol() == "acme-tls/1"
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        connect(front.port, "other.example.org")


class RawServer:
    """Accepts a connection and shows the exact bytes that arrive."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def accept(self):
        self.socket.settimeout(lib.DEADLINE)
        sock = self.socket.accept()[0]
        sock.settimeout(lib.DEADLINE)
        return sock


@pytest.fixture
def raw(tmp_path):
    server = RawServer()
    handler = Handler(tmp_path, "--passthrough", f"127.0.0.1:{server.port}")
    yield server, handler
    server.socket.close()
    handler.stop()


@pytest.fixture
def passed_on(raw):
    """(handler, client, server side) of a passed-on connection; the client has sent GET."""
    server, handler = raw
    with socket.create_connection(("127.0.0.1", handler.port), lib.DEADLINE) as client:
        client.sendall(b"GET")
        with server.accept() as sock:
            yield handler, client, sock


def read_all(sock):
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\n\r\n", hello(protocols=["h2"]),
                                   b"\x16\x03\x01\x40\0\x01\0\x40\0" + b"x" * 20000],
                         ids=["http", "hello", "long"])
def test_each_end_is_passed_on_by_itself(raw, first):
    """After one side has shut down its direction, the other direction continues."""
    server, handler = raw
    with socket.create_connection(("127.0.0.1", handler.port), lib.DEADLINE) as client:
        client.sendall(first)
        with server.accept() as sock:
            client.sendall(b"and more")
            client.shutdown(socket.SHUT_WR)
            assert read_all(sock) == first + b"and more"
            content = os.urandom(1 << 20)
            thread = threading.Thread(target=lambda: (sock.sendall(content),
                                                      sock.shutdown(socket.SHUT_WR)))
            thread.start()
            assert read_all(client) == content
            thread.join(lib.DEADLINE)
    lib.wait_for(lambda: not handler.process.children(), "the connection's process to end")


def test_both_ways_at_once(passed_on):
    """Both directions carry more than all buffers hold, without a changed byte."""
    _, client, sock = passed_on
    contents = [os.urandom(SIZE) for _ in range(2)]
    received = [None, None]

    def send(end, content):
        end.sendall(content)
        end.shutdown(socket.SHUT_WR)

    def receive(i, end):
        received[i] = read_all(end)
    threads = [threading.Thread(target=target, args=args) for target, args in (
        (send, (client, contents[0])), (send, (sock, contents[1])),
        (receive, (0, sock)), (receive, (1, client)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * lib.DEADLINE)
    assert received[0] == b"GET" + contents[0]
    assert received[1] == contents[1]


def test_the_server_ends_first(passed_on):
    _, client, sock = passed_on
    sock.sendall(b"bye")
    sock.shutdown(socket.SHUT_WR)
    assert read_all(client) == b"bye"
    client.sendall(b" / HTTP/1.1")
    client.shutdown(socket.SHUT_WR)
    assert read_all(sock) == b"GET / HTTP/1.1"


def test_a_broken_connection_ends_the_other(passed_on):
    handler, client, sock = passed_on
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    assert read_all(sock) == b"GET"
    sock.close()
    lib.wait_for(lambda: not handler.process.children(), "the connection's process to end")


def assert_sleeps(handler):
    child, = handler.process.children()

    def cpu():
        fields = open(f"/proc/{child}/stat").read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    before = cpu()
    time.sleep(1)
    assert cpu() - before <= 5


def test_waits_without_spinning(passed_on):
    """With one direction shut down and no data, the process sleeps."""
    handler, client, sock = passed_on
    client.shutdown(socket.SHUT_WR)
    assert read_all(sock) == b"GET"
    assert_sleeps(handler)


def test_waits_without_spinning_before_an_end(passed_on):
    """The server has closed and the client does not read:
    the process sleeps, and no data is lost."""
    handler, client, sock = passed_on
    assert sock.recv(3) == b"GET"
    sock.settimeout(1)
    size = 0
    with contextlib.suppress(TimeoutError):
        while True:
            size += sock.send(PIECE)
    sock.close()
    assert_sleeps(handler)
    assert len(read_all(client)) == size


def test_server_behind_is_down(tmp_path):
    handler = Handler(tmp_path, "--passthrough", f"127.0.0.1:{lib.free_port()}")
    try:
        assert answer(handler.port, hello(protocols=["h2"])) == b""
        assert "could not be forwarded to 127.0.0.1:" in handler.process.log
        handler.publish()
        connect(handler.port).close()
    finally:
        handler.stop()


def test_server_behind_is_down_without_flooding_the_journal(tmp_path):
    """The handler logs one entry per 10 s, with the number of failures since the last one."""
    handler = Handler(tmp_path, "--passthrough", f"127.0.0.1:{lib.free_port()}")
    n, started = 0, time.monotonic()

    def entries():
        nonlocal n
        n += 1
        assert answer(handler.port, hello(protocols=["h2"])) == b""
        return handler.process.log.splitlines()
    try:
        assert len(entries()) == 1
        lib.wait_for(lambda: len(entries()) == 2, "the second entry")
        assert time.monotonic() - started > 9
        refused = "127.0.0.1:[0-9]+{}: Connection refused"
        first, second = handler.process.log.splitlines()
        assert re.search(refused.format(""), first)
        assert re.search(refused.format(rf" \(and {n - 2} more since the last entry\)"), second)
        for _ in range(3):
            assert len(entries()) == 2
    finally:
        handler.stop()
    assert handler.process.log.splitlines()[2].endswith("since the last entry: 3")


@pytest.mark.parametrize("listener,target", [
    ("0.0.0.0", "127.0.0.2"), ("0.0.0.0", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"),
    ("::", "127.0.0.2"), ("::", "[::1]"), ("::", "[::ffff:127.0.0.2]"), ("127.0.0.1", "127.0.0.1")])
def test_loop_is_refused(tmp_path, listener, target):
    """The target is the handler's own listener, at whatever address: the connection would loop."""
    six = ":" in listener
    sock = socket.create_server((listener, 0), backlog=256, dualstack_ipv6=six,
                                family=socket.AF_INET6 if six else socket.AF_INET)
    target = f"{target}:{sock.getsockname()[1]}"
    handler = Handler(tmp_path, "--children-max", "8", "--passthrough", target, sock=sock)
    try:
        assert answer(handler.port, hello(protocols=["h2"])) == b""
        lib.wait_for(lambda: not handler.process.children(), "the processes to end")
        told, = handler.process.log.splitlines()
        assert f"could not be forwarded to {target}: it arrived at this very address" in told
        handler.publish()
        connect(handler.port).close()
    finally:
        handler.stop()


# ---- restart -------------------------------------------------------------------------------

def terminate(handler):
    """Send SIGTERM to the handler;
    return once the process of its connection has received it too."""
    child, = handler.process.children()
    handler.process.popen.terminate()

    def is_pending():
        masks = re.findall(r"^(?:Sig|Shd)Pnd:\t(\w+)$", open(f"/proc/{child}/status").read(), re.M)
        return any(int(mask, 16) & 1 << signal.SIGTERM - 1 for mask in masks)
    lib.wait_for(is_pending, "the signal to the connection's process")


def wait_for_restart(handler, seconds):
    """The handler exits within this time.
    Its successor serves the client that connected meanwhile."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", handler.port), lib.DEADLINE) as waiting:
        waiting.sendall(hello("other.example.org"))
        assert handler.process.wait() == 0
        assert time.monotonic() - started < seconds
        handler.start()
        assert read_all(waiting) == alert(112)


def test_restart_with_a_silent_connection(passed_on):
    handler, client, sock = passed_on
    assert sock.recv(3) == b"GET"
    terminate(handler)
    wait_for_restart(handler, 4)
    assert (read_all(client), read_all(sock)) == (b"", b"")


@pytest.mark.parametrize("said", [b"", hello()[:100]], ids=["nothing", "half a hello"])
def test_restart_with_a_silent_client(handler, said):
    def sockets():
        found = set()
        for descriptor in Path(f"/proc/{handler.process.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                found.add(os.readlink(descriptor))
        return {name for name in found if name.startswith("socket:")}

    before = sockets()
    with socket.create_connection(("127.0.0.1", handler.port), lib.DEADLINE) as client:
        client.sendall(said)
        lib.wait_for(lambda: sockets() - before, "the connection to be accepted")
        handler.process.popen.terminate()
        wait_for_restart(handler, 4)


def test_restart_with_a_stalled_handshake(handler):
    handler.publish()
    with socket.create_connection(("127.0.0.1", handler.port), lib.DEADLINE) as client:
        client.sendall(hello())
        assert client.recv(1) == b"\x16"
        terminate(handler)
        wait_for_restart(handler, 4)


def test_restart_with_a_full_server_behind(tmp_path):
    """The server's queue is full, so the next connection to it is never established."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as stack:
        port = full.getsockname()[1]
        stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        handler = Handler(tmp_path, "--passthrough", f"127.0.0.1:{port}")
        stack.callback(handler.stop)
        client = socket.create_connection(("127.0.0.1", handler.port), lib.DEADLINE)
        stack.enter_context(client).sendall(b"GET")
        lib.wait_for(lambda: lib.run("ss", "-Htn", "state", "syn-sent", f"dport = :{port}").stdout,
                     "the handler to connect")
        terminate(handler)
        wait_for_restart(handler, 4)


def test_restart_completes_a_transfer(passed_on):
    """After SIGTERM, a transfer may continue for a while."""
    handler, client, sock = passed_on
    there, back = os.urandom(SIZE), os.urandom(SIZE)
    terminate(handler)
    for end, other, content in (client, sock, there), (sock, client, back):
        thread = threading.Thread(target=lambda: (end.sendall(content),
                                                  end.shutdown(socket.SHUT_WR)))
        thread.start()
        assert read_all(other) == (b"GET" if end is client else b"") + content
        thread.join(lib.DEADLINE)
    wait_for_restart(handler, 4)


def test_restart_ends_an_endless_transfer(passed_on):
    handler, client, sock = passed_on
    def send():
        with contextlib.suppress(OSError):
            while True:
                client.sendall(PIECE)

    def receive():
        while sock.recv(len(PIECE)):
            pass
    threads = [threading.Thread(target=target) for target in (send, receive)]
    for thread in threads:
        thread.start()
    terminate(handler)
    wait_for_restart(handler, 9)
    for thread in threads:
        thread.join(lib.DEADLINE)


def test_openssl_server_behind(tmp_path):
    """A page of a real server, through the handler."""
    cert, key = lib.make_tls_certificate(tmp_path)
    port = lib.free_port()
    (tmp_path / "page").write_bytes(os.urandom(1 << 20))
    server = lib.Process("s_server", ["openssl", "s_server", "-accept", f"127.0.0.1:{port}",
                                      "-cert", cert, "-key", key, "-WWW", "-quiet"], tmp_path,
                         cwd=tmp_path, expect=(0, -signal.SIGTERM))
    lib.wait_for(lambda: lib.can_connect(port), "openssl s_server")
    handler = Handler(tmp_path, "--passthrough", f"127.0.0.1:{port}")
    try:
        page = lib.run("curl", "--silent", "--fail", "--http1.0", "--cacert", cert,
                       f"https://127.0.0.1:{handler.port}/page", text=False).stdout
        assert page.endswith((tmp_path / "page").read_bytes())
    finally:
        handler.stop()
        server.stop()


def test_connections_cannot_connect_elsewhere(front, behind):
    """The seccomp filters deny new connections before OpenSSL reads any data,
    and after the handler has connected to the server."""
    with connect(front.port, protocols=None, ca=behind.cert) as tls:
        tls.sendall(b"hello")
        assert tls.recv(5) == b"hello"
        child, = front.process.children()
        own, accepting, connection = (
            int(re.search(r"Seccomp_filters:\t(\d+)", Path(f"/proc/{pid}/status").read_text())[1])
            for pid in ("self", front.process.pid, child))
        assert accepting == own + 1
        assert connection == accepting + 2


# ---- behind another server -----------------------------------------------------------------

NGINX = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
events {{ }}
{snippet}
"""

HAPROXY = """
defaults
    timeout connect 5s
    timeout client 10s
    timeout server 10s
{snippet}
"""


def ports(snippet, port, validations, others):
    """An example configuration with the addresses of this test."""
    for old, new in (("listen 443;", f"listen 127.0.0.1:{port};"),
                     ("bind :443", f"bind 127.0.0.1:{port}"),
                     ("listen [::]:443;", f"listen [::1]:{port};"),
                     ("bind [::]:443", f"bind [::1]:{port}"),
                     ("127.0.0.1:1443", f"127.0.0.1:{validations}"),
                     ("127.0.0.1:8443", f"127.0.0.1:{others}")):
        assert old in snippet or old[:4] in ("list", "bind")
        snippet = snippet.replace(old, new)
    return snippet


@pytest.mark.parametrize("example,template,command", [
    ("nginx-stream.conf", NGINX, ["/usr/sbin/nginx", "-e", "stderr", "-c"]),
    ("haproxy-tls.cfg", HAPROXY, ["/usr/sbin/haproxy", "-db", "-f"]),
], ids=["nginx", "haproxy"])
def test_behind(tmp_path, http01_socket, behind, new_csr, example, template, command):
    """The server in front passes the CA's validation to the handler,
    everything else to its server."""
    port = lib.free_port()
    bed = Validated(tmp_path / "bed", http01_socket, tlsPort=port)
    config = tmp_path / example
    config.write_text(template.format(directory=tmp_path, snippet=ports(
        (lib.ROOT / "examples" / example).read_text(), port, bed.port, behind.port)))
    front = lib.Process("front", [*command, config], tmp_path, expect=(0, 143, -signal.SIGTERM))
    try:
        bed.start_handler()
        lib.wait_for(lambda: lib.can_connect(port), "the server in front")
        names = [f"front{i}.example.org" for i in range(3)]
        assert bed.server.issue(new_csr(*names)).names == names
        for address in "127.0.0.1", "::1":
            with connect(port, protocols=["h2", "http/1.1"], ca=behind.cert,
                         address=address) as tls:
                tls.sendall(b"hello")
                assert tls.recv(5) == b"hello"
            with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
                connect(port, "other.example.org", address=address)
    finally:
        front.stop()
        bed.stop()


@pytest.mark.parametrize("marker", ["tls acmems", "tls passthrough"])
def test_documented_configuration(tmp_path, marker):
    config = tmp_path / "acmems.ini"
    config.write_text(lib.documented_block(marker))
    assert lib.run(lib.CTL, "check", config).stdout.startswith(f"{config}: ok")

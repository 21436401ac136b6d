# SPDX-License-Identifier: GPL-3.0-or-later
"""acmems-http01 over real sockets: every response, every way of activation, limits, draining."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

PROGRAM = Path(os.environ["MESON_BUILD_ROOT"]) / "handlers" / "acmems-http01"
PREFIX = "/.well-known/acme-challenge/"
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr_oA"
CONTENT = TOKEN + ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
GET = f"GET {PREFIX}{TOKEN} HTTP/1.1\r\nHost: x\r\n\r\n"
TIMEOUT = 20


class Reply:
    """A response read from the file of a socket; .status is None at the end of the connection."""

    def __init__(self, file, head_only=False):
        line = file.readline().decode()
        self.status = int(line.split()[1]) if line else None
        self.headers = {}
        while line and (line := file.readline().decode().rstrip("\r\n")):
            name, value = line.split(": ", 1)
            assert name.lower() not in self.headers
            self.headers[name.lower()] = value
        size = int(self.headers.get("content-length", 0))
        self.body = b"" if head_only or self.status == 100 else file.read(size)
        if not head_only and self.status != 100:
            assert len(self.body) == size


def listen(address=("127.0.0.1", 0)):
    if isinstance(address, str):
        s = socket.socket(socket.AF_UNIX)
    else:
        s = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    s.bind(address)
    s.listen(128)
    return s


def start(fds, *options, **popen):
    """Start the program with these descriptors as LISTEN_FDS."""
    # Move them to high numbers first: a descriptor may have the number that another one needs.
    high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
    moves = " ".join(f"{3 + i}<&{fd} {fd}<&-" for i, fd in enumerate(high))
    script = f'exec {moves}; export LISTEN_PID=$$ LISTEN_FDS={len(fds)}; exec "$@"'
    try:
        return subprocess.Popen(
            ["bash", "-c", script, "sh", str(PROGRAM), *map(str, options)],
            pass_fds=high, stdin=subprocess.DEVNULL, **popen)
    finally:
        for fd in high:
            os.close(fd)


def finish(process):
    process.terminate()
    assert process.wait(TIMEOUT) == 0


@pytest.fixture(scope="module", autouse=True)
def sanitizers(tmp_path_factory):
    """Sanitizer reports of child processes would be lost otherwise."""
    reports = tmp_path_factory.mktemp("sanitizer")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            options = os.environ.get(name, "")
            patch.setenv(name, f"{options}:log_path={reports}/report".lstrip(":"))
        yield
    assert [path.read_text() for path in reports.iterdir()] == []


@pytest.fixture
def challenges(tmp_path):
    directory = tmp_path / "challenges"
    directory.mkdir()
    (directory / TOKEN).write_text(CONTENT)
    return directory


@pytest.fixture
def server(challenges):
    """The address of a running server."""
    with listen() as s:
        process = start([s.fileno()], "--challenges", challenges)
        yield s.getsockname()
        finish(process)


def connect(address):
    s = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    s.settimeout(TIMEOUT)
    s.connect(address)
    return s


def ask(address, request):
    """Send a request; return the first reply and whether the connection stays open."""
    with connect(address) as s, s.makefile("rb") as file:
        s.sendall(request.encode("latin-1"))
        reply = Reply(file, request.startswith("HEAD"))
        s.settimeout(0.2)
        try:
            rest = file.read(1)
        except TimeoutError:
            return reply, True
        assert rest == b""
        return reply, False


def get(address, path=PREFIX + TOKEN):
    return ask(address, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")[0]


def test_found(server):
    reply, stays = ask(server, GET)
    assert reply.status == 200
    assert reply.body.decode() == CONTENT
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["connection"] == "keep-alive"
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", reply.headers["date"])
    assert stays


def test_head(server):
    reply, stays = ask(server, GET.replace("GET", "HEAD"))
    assert reply.status == 200
    assert reply.headers["content-length"] == str(len(CONTENT))
    assert stays


def test_head_of_an_unknown_token_has_no_body(server):
    with connect(server) as s, s.makefile("rb") as file:
        s.sendall(f"HEAD {PREFIX}x HTTP/1.1\r\nHost: x\r\n\r\n{GET}".encode())
        assert Reply(file, head_only=True).status == 404
        assert Reply(file).status == 200


@pytest.mark.parametrize("target", [
    PREFIX + TOKEN + "?a=b", PREFIX + TOKEN + "?", "http://any.example" + PREFIX + TOKEN,
    "http://any.example:80" + PREFIX + TOKEN + "?q"])
def test_other_targets_of_the_same(server, target):
    assert get(server, target).body.decode() == CONTENT


@pytest.mark.parametrize("target", [
    "/", PREFIX, PREFIX[:-1], PREFIX + "unknown", PREFIX + TOKEN + "/", PREFIX + "../x",
    PREFIX + "..", PREFIX + ".", PREFIX + "%2e%2e", PREFIX + "a" * 128, PREFIX + "a" * 129,
    PREFIX + "a" * 4000, PREFIX + "a%00", PREFIX + "a.b", "/.well-known//acme-challenge/" + TOKEN,
    "*", "http://x"])
def test_not_found(server, target):
    reply = get(server, target)
    assert reply.status == 404
    assert reply.headers["content-type"].startswith("text/plain")
    request_id = reply.headers["request-id"]
    assert re.fullmatch("[0-9a-f]{16}", request_id)
    assert reply.body.decode().endswith(f" (request {request_id})\n")


def test_directory_missing(tmp_path):
    with listen() as s:
        process = start([s.fileno()], "--challenges", tmp_path / "later")
        assert get(s.getsockname()).status == 404
        (tmp_path / "later").mkdir()
        (tmp_path / "later" / TOKEN).write_text(CONTENT)
        assert get(s.getsockname()).status == 200
        finish(process)


def test_symlinks_are_not_followed(server, challenges):
    (challenges / "secret").symlink_to("/etc/passwd")
    assert get(server, PREFIX + "secret").status == 500


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW", "get", "TRACE"])
def test_other_methods(server, method):
    reply, stays = ask(server, GET.replace("GET", method, 1))
    assert reply.status == 405
    assert reply.headers["allow"] == "GET, HEAD"
    assert not stays


def test_connect(server):
    assert ask(server, "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n")[0].status == 404


GOOD = f"GET {PREFIX}{TOKEN} HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize("request_text,status", [
    # request lines
    ("GET /\r\n\r\n", 400),
    ("GET\r\n\r\n", 400),
    ("\r\n\r\n\r\n", 400),
    ("\n" + GET, 400),
    (" " + GET, 400),
    ("G@T / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400),
    ("GET / HTTP/1.10\r\nHost: x\r\n\r\n", 400),
    ("GET / http/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET / HTTP/1,1\r\nHost: x\r\n\r\n", 400),
    ("GET x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET /\xe4 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET /\r HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET /#x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("GET / HTTP/1.1\nHost: x\r\n\r\n", 400),
    ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 400),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("GET / HTTP/2.0\r\n\r\n", 505),
    ("GET / HTTP/0.9\r\n\r\n", 505),
    # header fields
    (GOOD + "a: b\n\r\n", 400),
    (GOOD + "a: b\rc: d\r\n\r\n", 400),
    (GOOD + "a : b\r\n\r\n", 400),
    (GOOD + "a\r\n\r\n", 400),
    (GOOD + ": b\r\n\r\n", 400),
    (GOOD + "a: b\r\n c\r\n\r\n", 400),
    (GOOD + "a: b\0c\r\n\r\n", 400),
    (GOOD + "a: b\x01c\r\n\r\n", 400),
    (GOOD + "a\xe4: b\r\n\r\n", 400),
    (GOOD.replace("Host: x", " Host: x") + "\r\n", 400),
    (GOOD + "Host: y\r\n\r\n", 400),
    (GOOD.replace("Host: x\r\n", "") + "\r\n", 400),
    (GOOD.replace("Host: x", "Host: x, y") + "\r\n", 400),
    (GOOD.replace("Host: x", "Host: user@x") + "\r\n", 400),
    (GOOD.replace("Host: x", "Host: x:port") + "\r\n", 400),
    (GOOD.replace("Host: x", "Host: [x]") + "\r\n", 400),
    (GOOD.replace("Host: x", "Host: 2001:db8::1") + "\r\n", 400),
    (GOOD.replace("GET ", "GET http://x:port") + "\r\n", 400),
    # message framing
    (GOOD + "Content-Length: +0\r\n\r\n", 400),
    (GOOD + "Content-Length: -1\r\n\r\n", 400),
    (GOOD + "Content-Length: 0 0\r\n\r\n", 400),
    (GOOD + "Content-Length: 0,0\r\n\r\n", 400),
    (GOOD + "Content-Length: 0x0\r\n\r\n", 400),
    (GOOD + "Content-Length:\r\n\r\n", 400),
    (GOOD + "Content-Length: 99999999999999999999\r\n\r\n", 400),
    (GOOD + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400),
    (GOOD + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    (GOOD + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", 400),
    (GOOD + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (GOOD + "Transfer-Encoding: gzip\r\n\r\n", 501),
    (GOOD.replace("1.1", "1.0") + "Transfer-Encoding: chunked\r\n\r\n", 400),
    (GOOD + "Content-Length: 1\r\n\r\nx", 413),
    (GOOD + "Expect: miracle\r\n\r\n", 417),
    (GOOD + "a: " + "b" * 9000 + "\r\n\r\n", 431),
    (GOOD + "a: b\r\n" * 101 + "\r\n", 431),
    ("GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: x\r\n\r\n", 431),
    # the path is checked before the method, the method before the headers
    ("POST / HTTP/1.1\r\na : b\r\n\r\n", 404),
    ("GET / HTTP/1.1\r\na: b\n\r\n", 404),
    ("GET / HTTP/1.1\r\na: " + "b" * 9000 + "\r\n\r\n", 404),
    ("BREW / HTTP/1.1\r\n\r\n", 404),
    (GOOD.replace("GET", "PUT") + "a : b\r\n\r\n", 405),
    (GOOD.replace("GET", "PUT") + "a: " + "b" * 9000 + "\r\n\r\n", 405),
])
def test_refused(server, request_text, status):
    reply, stays = ask(server, request_text)
    assert reply.status == status
    assert reply.headers["connection"] == "close"
    assert f"(request {reply.headers['request-id']})" in reply.body.decode()
    assert not stays


@pytest.mark.parametrize("fields", [
    "Content-Length: 0\r\n", "Content-Length:  0 \r\n", "Upgrade: h2c\r\nConnection: Upgrade\r\n",
    "a:\r\nb: \xe4\tx\r\n", "a: b\r\n" * 99, "a: " + "b" * 8000 + "\r\n",
    "Expect: 100-Continue\r\n"])
def test_accepted(server, fields):
    reply, stays = ask(server, GOOD + fields + "\r\n")
    assert reply.status == 200
    assert stays


def test_one_empty_line_in_front_is_ignored(server):
    assert ask(server, "\r\n" + GET)[0].status == 200


@pytest.mark.parametrize("version,connection,stays", [
    ("1.0", "", False), ("1.0", "Connection: keep-alive\r\n", True),
    ("1.1", "", True), ("1.1", "Connection: foo, close\r\n", False), ("1.2", "", True)])
def test_keep_alive(server, version, connection, stays):
    reply, kept = ask(server, f"GET {PREFIX}{TOKEN} HTTP/{version}\r\nHost: x\r\n{connection}\r\n")
    assert reply.status == 200
    assert kept == stays
    assert reply.headers["connection"] == ("keep-alive" if stays else "close")


def test_http10_needs_no_host(server):
    assert ask(server, f"GET {PREFIX}{TOKEN} HTTP/1.0\r\n\r\n")[0].status == 200


def test_pipelining(server):
    with connect(server) as s, s.makefile("rb") as file:
        s.sendall((GET + GET.replace(TOKEN, "other") + "\r\n" + GET).encode())
        assert [Reply(file).status for _ in range(3)] == [200, 404, 200]


def test_byte_by_byte(server):
    with connect(server) as s, s.makefile("rb") as file:
        for byte in GET.encode():
            s.sendall(bytes([byte]))
        assert Reply(file).status == 200


def test_requests_on_one_connection_end(server):
    with connect(server) as s, s.makefile("rb") as file:
        s.sendall(GET.encode() * 120)
        replies = [Reply(file) for _ in range(100)]
        assert {r.status for r in replies} == {200}
        assert replies[98].headers["connection"] == "keep-alive"
        assert replies[99].headers["connection"] == "close"
        assert Reply(file).status is None


@pytest.mark.parametrize("path,status", [("/", 404), (PREFIX + TOKEN, 405)])
def test_early_answer_reaches_a_client_that_is_sending(server, path, status):
    size = 1 << 20
    with connect(server) as s, s.makefile("rb") as file:
        s.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(size // 4096):
            s.sendall(b"x" * 4096)
        assert Reply(file).status == status
        assert Reply(file).status is None


def test_children_limit_only_delays(challenges):
    with listen() as s:
        process = start([s.fileno()], "--challenges", challenges, "--children-max", 3)
        clients = [connect(s.getsockname()) for _ in range(10)]
        files = [c.makefile("rb") for c in clients]
        for client in clients:
            client.sendall(GET.encode())
        for client, file in zip(clients, files):
            assert Reply(file).status == 200
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            assert len(children.split()) <= 3
            file.close()
            client.close()
        finish(process)


def test_several_sockets(challenges, tmp_path):
    path = str(tmp_path / "http01.sock")
    with listen() as a, listen() as b, listen(path) as c:
        process = start([x.fileno() for x in (a, b, c)], "--challenges", challenges)
        for address in (a.getsockname(), b.getsockname(), path, a.getsockname()):
            assert get(address).status == 200
        finish(process)


def test_ipv6(challenges):
    try:
        s = listen(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    with s:
        process = start([s.fileno()], "--challenges", challenges)
        with socket.create_connection(s.getsockname()[:2], TIMEOUT) as c, c.makefile("rb") as file:
            c.sendall(GET.encode())
            assert Reply(file).status == 200
        finish(process)


def test_idle_exit(challenges):
    with listen() as s:
        process = start([s.fileno()], "--challenges", challenges, "--idle-timeout", 1)
        time.sleep(0.6)
        assert get(s.getsockname()).status == 200
        time.sleep(0.6)
        assert process.poll() is None
        assert process.wait(TIMEOUT) == 0


def test_no_idle_exit_while_a_connection_is_open(challenges):
    with listen() as s:
        process = start([s.fileno()], "--challenges", challenges, "--idle-timeout", 1)
        with connect(s.getsockname()):
            time.sleep(1.5)
            assert process.poll() is None
        assert process.wait(TIMEOUT) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_drain(challenges, number):
    with listen() as s:
        process = start([s.fileno()], "--challenges", challenges)
        address = s.getsockname()
        with connect(address) as busy, connect(address) as idle, busy.makefile("rb") as file:
            idle.sendall(GET.encode())
            idle_file = idle.makefile("rb")
            assert Reply(idle_file).status == 200
            busy.sendall(GET[:-2].encode())
            time.sleep(0.2)
            process.send_signal(number)
            assert Reply(idle_file).status is None  # at once: the connection is idle
            time.sleep(0.2)
            process.send_signal(number)  # a second signal changes nothing
            assert process.poll() is None
            busy.sendall(b"\r\n")
            reply = Reply(file)
            assert reply.status == 200
            assert reply.headers["connection"] == "close"
        assert process.wait(TIMEOUT) == 0


def test_connected_socket_as_descriptor_3(challenges):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = start([theirs.fileno()], "--challenges", challenges)
        theirs.close()
        with ours.makefile("rb") as file:
            ours.sendall((GET + GET).encode())
            assert [Reply(file).status for _ in range(2)] == [200, 200]
        ours.shutdown(socket.SHUT_WR)
        assert process.wait(TIMEOUT) == 0


def test_inetd(challenges):
    with listen() as s, connect(s.getsockname()) as client:
        theirs = s.accept()[0]
        process = subprocess.Popen([PROGRAM, "--challenges", challenges],
                                   stdin=theirs, stdout=theirs, stderr=theirs)
        theirs.close()
        client.sendall(GET.replace("Host", "Connection: close\r\nHost").encode())
        received = b""
        while data := client.recv(4096):
            received += data
        assert received.startswith(b"HTTP/1.1 200 OK\r\n")
        assert received.endswith(CONTENT.encode())
        assert process.wait(TIMEOUT) == 0


@pytest.mark.parametrize("how", [[], ["-a"], ["-a", "--inetd"]])
@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="not installed")
def test_systemd_socket_activate(challenges, tmp_path, how):
    path = tmp_path / "socket"
    process = subprocess.Popen(["systemd-socket-activate", "-l", path, *how, PROGRAM,
                                "--challenges", challenges], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + TIMEOUT
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.1)  # between bind() and listen()
        for _ in range(2):
            assert get(str(path)).status == 200
    finally:
        process.terminate()
        process.wait(TIMEOUT)


def refusal(process):
    _, text = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    return text


def test_wrong_descriptors(challenges, tmp_path):
    ours, theirs = socket.socketpair()
    with ours, theirs, listen() as s, socket.socket(type=socket.SOCK_DGRAM) as udp, \
            open(tmp_path / "file", "w") as file:
        cases = [([udp], "not a stream socket"), ([file], "not a socket"),
                 ([s, ours], "listening and connected"), ([ours, theirs], "more than one")]
        for fds, words in cases:
            assert words in refusal(start([x.fileno() for x in fds],
                                          stderr=subprocess.PIPE, text=True))


def test_no_sockets():
    process = subprocess.Popen([PROGRAM], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert "systemd-socket-activate" in refusal(process)


@pytest.mark.parametrize("options", [
    ["--idle-timeout", "x"], ["--idle-timeout", "-1"], ["--children-max", "0"], ["--no"], ["extra"],
    ["--challenges"]])
def test_wrong_options(options):
    process = subprocess.Popen([PROGRAM, *options], stderr=subprocess.PIPE, text=True)
    assert options[0] in refusal(process)


def test_log_lines_carry_the_request_id(challenges, tmp_path):
    log = tmp_path / "log"
    (challenges / TOKEN).unlink()
    (challenges / TOKEN).mkdir()
    with listen() as s, open(log, "w") as file:
        process = start([s.fileno()], "--challenges", challenges, stderr=file)
        assert get(s.getsockname()).status == 500
        finish(process)
    assert re.fullmatch(rf"acmems-http01: request [0-9a-f]{{16}}: Failed to read the challenge for "
                        rf"token {TOKEN} in '{challenges}': .+\n", log.read_text())

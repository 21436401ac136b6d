# SPDX-License-Identifier: GPL-3.0-or-later
"""The client's address behind HAProxy and nginx, and behind the passthrough."""

import contextlib
import re
import signal
import socket
import ssl
import struct

import pytest

import lib

NGINX = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
events {{ }}
{snippet}
"""
NGINX_HTTP = NGINX.replace("{snippet}", """
http {{
    access_log off;
    client_body_temp_path {directory}/nginx-body;
    proxy_temp_path {directory}/nginx-proxy;
    fastcgi_temp_path {directory}/nginx-fastcgi;
    scgi_temp_path {directory}/nginx-scgi;
    uwsgi_temp_path {directory}/nginx-uwsgi;
    server {{
        ssl_certificate {cert};
        ssl_certificate_key {key};
{snippet}
        location / {{ return 200 "client=$remote_addr"; }}
    }}
}}
""")
HAPROXY = """
defaults
    timeout connect 5s
    timeout client 120s
    timeout server 120s
{snippet}
"""
HAPROXY_HTTP = HAPROXY.replace("{snippet}", """
{snippet}
    http-request return status 200 content-type text/plain lf-string client=%[src]
""")
NGINX_COMMAND = ["/usr/sbin/nginx", "-e", "stderr", "-c"]
HAPROXY_COMMAND = ["/usr/sbin/haproxy", "-db", "-f"]

AUTH = """
[auth "known client"]
ip = 127.0.0.2
domain = *
"""
REQUEST = "GET /.well-known/acme-challenge/{token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
TOKEN = "t" * 43
LACKS_HEADER = "does not begin with a PROXY header"


def version_two(source, command=1):
    """A PROXY header of version 2 for a connection of this client."""
    addresses = socket.inet_aton(source) + socket.inet_aton("127.0.0.1") + struct.pack("!HH", 1, 2)
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x20 | command, 0x11, 12) + addresses


def version_one(source):
    return f"PROXY TCP4 {source} 127.0.0.1 1 2\r\n".encode()


def exchange(port, data, source="127.0.0.1", pieces=1):
    """Send these bytes in so many pieces, and receive the answer until its end."""
    with socket.create_connection(("127.0.0.1", port), lib.DEADLINE, (source, 0)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        size = -(-len(data) // pieces)
        for start in range(0, len(data), size):
            sock.sendall(data[start:start + size])
        answer = b""
        while part := sock.recv(65536):
            answer += part
        return answer.decode()


def start_front(directory, config, command):
    path = directory / "front.cfg"
    path.write_text(config)
    return lib.Process("front", [*command, path], directory, expect=(0, 143, -signal.SIGTERM))


# ---- acmems-sign -----------------------------------------------------------------------------

@pytest.fixture
def sign(installation):
    """Connections from 127.0.0.1 are those of a front server."""
    return installation.start(auth=AUTH, mgmt="proxy-protocol = 127.0.0.1")


def post(port, body, header=b"", source="127.0.0.1", pieces=1):
    head = f"POST /sign HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    return exchange(port, header + head.encode() + body, source, pieces)


@pytest.mark.parametrize("example,template,command,marker", [
    ("nginx-sign.conf", NGINX, NGINX_COMMAND, "sign nginx"),
    ("haproxy-sign.cfg", HAPROXY, HAPROXY_COMMAND, "sign haproxy"),
], ids=["nginx", "haproxy"])
def test_sign_behind(sign, new_csr, tmp_path, example, template, command, marker):
    port = lib.free_port()
    snippet = lib.documented_block(marker)
    text = (lib.ROOT / "examples" / example).read_text()
    assert re.sub(r"^#.*\n", "", text, flags=re.M).strip() == snippet.strip()
    for old, new in ((" :1313", f" 127.0.0.1:{port}"), ("listen 1313", f"listen 127.0.0.1:{port}"),
                     ("[::]:1313", f"[::1]:{port}"), ("127.0.0.1:1314", f"127.0.0.1:{sign.port}")):
        snippet = snippet.replace(old, new)
    front = start_front(tmp_path, template.format(directory=tmp_path, snippet=snippet), command)
    try:
        lib.wait_for(lambda: lib.can_connect(port), "the front server")
        assert post(port, new_csr("www.example.org"), source="127.0.0.2").startswith("HTTP/1.1 200 ")
        assert post(port, new_csr("www.example.org"), source="127.0.0.3").startswith("HTTP/1.1 403 ")
    finally:
        front.stop()
    assert "POST /sign from 127.0.0.2: 200" in sign.sign.log
    assert "POST /sign from 127.0.0.3: 403" in sign.sign.log


@pytest.mark.parametrize("header", [version_one, version_two])
@pytest.mark.parametrize("pieces", [1, 50])
def test_header(sign, new_csr, header, pieces):
    body = new_csr("www.example.org")
    assert post(sign.port, body, header("127.0.0.2"), pieces=pieces).startswith("HTTP/1.1 200 ")
    assert post(sign.port, body, header("127.0.0.3"), pieces=pieces).startswith("HTTP/1.1 403 ")


def test_front_server_must_send_it(sign, new_csr):
    answer = post(sign.port, new_csr("www.example.org"))
    assert answer.startswith("HTTP/1.1 400 ") and LACKS_HEADER in answer
    assert f"from 127.0.0.1 {LACKS_HEADER}" in sign.sign.log


def test_others_must_not_send_it(sign, new_csr):
    """No client chooses its address."""
    body = new_csr("www.example.org")
    for header in version_one, version_two:
        answer = post(sign.port, body, header("127.0.0.2"), source="127.0.0.3")
        assert answer.startswith("HTTP/1.1 400 ")
    assert post(sign.port, body, source="127.0.0.2").startswith("HTTP/1.1 200 ")


def test_second_header_is_refused(sign, new_csr):
    answer = post(sign.port, new_csr("www.example.org"),
                  version_one("127.0.0.3") + version_one("127.0.0.2"))
    assert answer.startswith("HTTP/1.1 400 ")


def test_health_check_of_the_front_server(sign, new_csr):
    """LOCAL is a connection of the front server itself: its own address counts."""
    assert exchange(sign.port, version_two("127.0.0.2", command=0) +
                    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith("HTTP/1.1 404 ")
    assert post(sign.port, new_csr("www.example.org"),
                version_two("127.0.0.2", command=0)).startswith("HTTP/1.1 403 ")


# ---- acmems-http01 ---------------------------------------------------------------------------

@pytest.fixture
def http01(installation, http01_socket):
    directory = installation.challenges
    directory.mkdir(parents=True)
    (directory / TOKEN).write_text(f"{TOKEN}.thumbprint")
    process = installation.spawn(
        "http01", [lib.HTTP01, "--challenges", directory, "--proxy-protocol",
                   "127.0.0.1,2001:db8::/32", "--idle-timeout", "0"], sockets=[http01_socket])
    installation.wait_for_start(process)
    return process, http01_socket.getsockname()[1]


def test_http01_behind_haproxy(http01, tmp_path):
    snippet = (lib.ROOT / "examples/haproxy.cfg").read_text()
    port = lib.free_port()
    for old, new in (("bind :80", f"bind 127.0.0.1:{port}"), ("bind [::]:80", f"bind [::1]:{port}"),
                     ("127.0.0.1:1380", f"127.0.0.1:{http01[1]} {lib.documented_block('http01 proxy').strip()}")):
        assert old in snippet
        snippet = snippet.replace(old, new)
    front = start_front(tmp_path, HAPROXY.format(snippet=snippet), HAPROXY_COMMAND)
    try:
        lib.wait_for(lambda: lib.can_connect(port), "the front server")
        assert f"{TOKEN}.thumbprint" in exchange(port, REQUEST.format(token=TOKEN).encode())
    finally:
        front.stop()


def test_http01_header(http01):
    process, port = http01
    request = REQUEST.format(token=TOKEN).encode()
    assert f"{TOKEN}.thumbprint" in exchange(port, version_two("192.0.2.7") + request)
    assert f"{TOKEN}.thumbprint" in exchange(port, request, source="127.0.0.2")
    answer = exchange(port, request)
    assert answer.startswith("HTTP/1.1 400 ") and LACKS_HEADER in answer
    assert f"from 127.0.0.1 {LACKS_HEADER}" in process.log


def test_http01_bad_option():
    result = lib.run(lib.HTTP01, "--proxy-protocol", "127.0.0.1,nowhere", check=False)
    assert result.returncode == 1


# ---- acmems-tlsalpn01 ------------------------------------------------------------------------

@pytest.mark.parametrize("template,command,marker", [
    (NGINX_HTTP, NGINX_COMMAND, "passthrough nginx"),
    (HAPROXY_HTTP, HAPROXY_COMMAND, "passthrough haproxy"),
], ids=["nginx", "haproxy"])
def test_passthrough(installation, tmp_path, template, command, marker):
    cert, key = lib.make_tls_certificate(tmp_path)
    both, port = tmp_path / "both.pem", lib.free_port()
    both.write_text(cert.read_text() + key.read_text())
    snippet = lib.documented_block(marker).replace("127.0.0.1:8443", f"127.0.0.1:{port}")
    snippet = snippet.replace("/etc/haproxy/www.example.org.pem", str(both))
    behind = start_front(tmp_path, template.format(directory=tmp_path, snippet=snippet, cert=cert, key=key),
                         command)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        handler = installation.spawn(
            "tlsalpn01", [lib.TLSALPN01, "--passthrough", f"127.0.0.1:{port}",
                          "--passthrough-proxy-protocol", "yes", "--idle-timeout", "0"], sockets=[sock])
        installation.wait_for_start(handler)
        try:
            lib.wait_for(lambda: lib.can_connect(port), "the server behind")
            for source in "127.0.0.2", "127.0.0.3":
                assert f"client={source}" in get_over_tls(sock.getsockname()[1], cert, source)
        finally:
            behind.stop()


def get_over_tls(port, ca, source):
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = False
    with socket.create_connection(("127.0.0.1", port), lib.DEADLINE, (source, 0)) as sock, \
            context.wrap_socket(sock) as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := tls.recv(65536):
            answer += part
        return answer.decode()


# ---- limits of a source ----------------------------------------------------------------------

def start_limited_sign(installation, _):
    installation.write_config(auth=AUTH.replace("127.0.0.2", "192.0.2.1"), mgmt="proxy-protocol = 127.0.0.1")
    installation.start_sign("--idle-timeout", "0", "--children-max", "8")
    return installation.sign, installation.port, b"POST /sign HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"


def start_limited_http01(installation, sock):
    installation.challenges.mkdir(parents=True)
    (installation.challenges / "token").write_text("token.thumbprint")
    process = installation.spawn("http01", [lib.HTTP01, "--proxy-protocol", "127.0.0.1", "--children-max", "8",
                                            "--idle-timeout", "0", "--challenges", installation.challenges],
                                 sockets=[sock])
    installation.wait_for_start(process)
    return process, sock.getsockname()[1], b"GET /.well-known/acme-challenge/token HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("start", [start_limited_sign, start_limited_http01], ids=["sign", "http01"])
@pytest.mark.parametrize("header", [version_one, version_two])
def test_client_behind_takes_nothing_from_others(installation, http01_socket, start, header):
    """Each client counts for itself, though all connections come from the front server."""
    process, port, begun = start(installation, http01_socket)
    request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with contextlib.ExitStack() as stack:
        def connect(data):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), lib.DEADLINE))
            sock.sendall(data)
            return sock

        flood = [connect(header("192.0.2.1") + begun) for _ in range(30)]
        lib.wait_for(lambda: len(process.children()) == 2, "the limit of the source")
        flood += [connect(header("192.0.2.1")[:10]) for _ in range(5)]
        for client in "192.0.2.2", "192.0.2.3", "192.0.2.2":
            assert exchange(port, header(client) + request, pieces=3).startswith("HTTP/1.1 404 ")
        assert not lib.closed(flood)


# ---- configuration ---------------------------------------------------------------------------

@pytest.mark.parametrize("marker", ["sign proxy", "http01 proxy acmems", "passthrough acmems"])
def test_documented_configuration(tmp_path, marker):
    config = tmp_path / "acmems.ini"
    config.write_text(lib.documented_block(marker))
    assert lib.run(lib.CTL, "check", config).stdout.startswith(f"{config}: ok")

# SPDX-License-Identifier: GPL-3.0-or-later
"""acmems behind nginx on port 80, with the configuration from the documentation."""

import re
import signal
import socket

import pytest

import lib

NGINX = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {directory}/nginx-body;
    proxy_temp_path {directory}/nginx-proxy;
    fastcgi_temp_path {directory}/nginx-fastcgi;
    scgi_temp_path {directory}/nginx-scgi;
    uwsgi_temp_path {directory}/nginx-uwsgi;
{upstream}
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 "the site\\n"; }}
{location}
    }}
}}
"""


@pytest.fixture
def behind_nginx(tmp_path, http01_socket):
    """An installation whose CA validates through nginx."""
    port = lib.free_port()
    ca = lib.Pebble(tmp_path / "pebble", port)
    server = lib.Acmems(tmp_path / "server", ca, http01_socket)
    server.write_config()
    lib.run(lib.REGISTER, "--gen-key", "--register", "--accept-terms-of-service", server.config)
    server.start()
    snippet = (lib.ROOT / "examples/nginx.conf").read_text()
    snippet = snippet.replace("server 127.0.0.1:1380;", "".join(
        f"server 127.0.0.1:{backend};" for backend in (
            start_without_challenges(server), http01_socket.getsockname()[1])))
    upstream, location = lib.split_nginx(snippet)
    config = tmp_path / "nginx.conf"
    config.write_text(NGINX.format(directory=tmp_path, port=port, upstream=upstream,
                                   location=location))
    nginx = lib.Process("nginx", ["/usr/sbin/nginx", "-e", "stderr", "-c", config], tmp_path,
                        expect=(0, -signal.SIGTERM))
    lib.wait_for(lambda: lib.can_connect(port), "nginx")
    yield server, port
    server.stop()
    nginx.stop()
    ca.stop()


def start_without_challenges(server):
    """The acmems-http01 of another machine: after its 404, nginx must try the next server."""
    (server.directory / "empty").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        server.spawn("http01-empty", [lib.HTTP01, "--challenges", server.directory / "empty"],
                     sockets=[sock])
        server.wait_for_start(server.processes[-1])
        return sock.getsockname()[1]


def test_nginx(behind_nginx, new_csr):
    server, port = behind_nginx
    assert server.issue(new_csr("front.example.org", "www.front.example.org")).names == [
        "front.example.org", "www.front.example.org"]
    assert lib.request(port, "GET", "/").text == "the site\n"
    assert lib.request(port, "GET", "/.well-known/acme-challenge/unknown").status == 404


def without_comments(text):
    return re.sub(r"^#.*\n", "", text, flags=re.M).strip()


@pytest.mark.parametrize("block,name", [
    ("nginx", "nginx.conf"), ("http01 nginx", "nginx.conf"), ("http01 apache", "apache.conf"),
    ("http01 haproxy", "haproxy.cfg"), ("tls nginx", "nginx-stream.conf"), ("tls haproxy", "haproxy-tls.cfg"),
])
def test_documentation_prints_the_examples(block, name):
    example = (lib.ROOT / "examples" / name).read_text()
    assert without_comments(example) == without_comments(lib.documented_block(block))


def test_documented_listener(tmp_path):
    config = tmp_path / "acmems.ini"
    config.write_text(lib.documented_block("http01 port 80"))
    assert lib.run(lib.CTL, "check", config).stdout.startswith(f"{config}: ok")

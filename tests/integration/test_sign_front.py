# SPDX-License-Identifier: GPL-3.0-or-later
"""Behind a web server that owns port 80: nginx, with the snippet that the README prints."""

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
    """A CA that comes to nginx."""
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
    """Another machine's acmems-http01: nginx has to ask the next one when it is told 404."""
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


@pytest.mark.parametrize("name", ["nginx.conf", "apache.conf", "haproxy.cfg", "nginx-stream.conf",
                                  "haproxy-tls.cfg"])
def test_readme_prints_the_examples(name):
    example, readme = (
        re.sub("^#.*\n", "", path.read_text(), flags=re.M)
        for path in (lib.ROOT / "examples" / name, lib.ROOT / "README.md"))
    assert example.strip() in readme

# SPDX-License-Identifier: GPL-3.0-or-later
"""What acmems, nginx and Python's http.server read from the bytes of a client."""

import concurrent.futures
import contextlib
import http.server
import io
import re
import signal
import socket
import struct
import subprocess
from dataclasses import dataclass

from http_requests import PREFIX


@dataclass(frozen=True)
class Answer:
    """.read: what the server understood of a request that it accepted."""
    status: str  # "200"; "0.9" without a status line
    read: tuple = ()


def parse_answers(data):
    """The answers to the requests of one connection, without 100 Continue."""
    answers = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        match = re.match(rb"HTTP/1\.[01] (\d{3}) ", head)
        if not match:
            return (*answers, Answer("0.9"))
        fields = dict(re.findall(rb"^([\w-]+): *(.*?)\r?$", head.lower(), re.M))
        size = int(fields.get(b"content-length", 0))
        body = b""
        if data and not data.startswith(b"HTTP/1.1 "):  # else it answers HEAD
            body, data = data[:size], data[size:]
        read = tuple(re.findall(rb"^read-\w+: (.*?)\r?$", head, re.M | re.I)) if match[1] == b"200" else ()
        if match[1] != b"100":
            answers.append(Answer(match[1].decode(), (*read, body) if read else ()))
    return tuple(answers)


def read_by_acmems(program, cases):
    """The raw answers of the handlers' HTTP server to each case."""
    data = b"".join(struct.pack("=II", len(case.data), case.piece) + case.data for case in cases)
    out = subprocess.run([program], input=data, stdout=subprocess.PIPE, check=True, timeout=300).stdout
    answers, at = [], 0
    while at < len(out):
        size, = struct.unpack_from("=I", out, at)
        answers.append(out[at + 4:at + 4 + size])
        at += 4 + size
    return answers


class PythonReader(http.server.BaseHTTPRequestHandler):
    """Python's server, without a socket."""

    protocol_version = "HTTP/1.1"

    def __init__(self, data):  # pylint: disable=super-init-not-called
        self.rfile, self.wfile = io.BytesIO(data), io.BytesIO()
        self.client_address, self.server = ("127.0.0.1", 0), None

    def log_message(self, *_):
        pass

    def answer(self, allowed):
        path = self.path.partition("?")[0]
        if not (path.startswith(PREFIX.decode()) or path == "/sign"):
            self.send_error(404)
        elif self.command not in allowed or (self.command == "POST") != (path == "/sign"):
            self.send_error(405)
        else:
            self.show(path)

    def show(self, path):
        size = self.headers.get("Content-Length", "" if self.command == "POST" else "0")
        if not size:
            self.send_error(411)
            return
        try:
            size = int(size)
        except ValueError:
            size = -1
        if size < 0 or size > 4096:
            self.send_error(413 if size > 0 else 400)
            return
        body = self.rfile.read(size)
        if len(body) < size:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Read-Method", self.command)
        self.send_header("Read-Path", path)
        self.send_header("Read-Host", self.headers.get("Host", "").strip())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):  # pylint: disable=invalid-name
        self.answer(("GET", "HEAD"))

    def do_POST(self):  # pylint: disable=invalid-name
        self.answer(("POST",))

    do_HEAD = do_GET
    do_PUT = do_DELETE = do_OPTIONS = do_TRACE = do_POST


def read_by_python(cases):
    answers = []
    for case in cases:
        reader = PythonReader(case.data)
        try:
            reader.handle()
            answers.append(reader.wfile.getvalue())
        except (ValueError, UnicodeError):  # it has no answer to these
            answers.append(b"")
    return answers


NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log crit;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    scgi_temp_path {directory}/scgi;
    uwsgi_temp_path {directory}/uwsgi;
    client_max_body_size 4096;
    default_type text/plain;
    server {{
        listen unix:{directory}/nginx.sock;
        add_header Read-Method $request_method;
        add_header Read-Path $uri;
        add_header Read-Host $host;
        location / {{ return 404; }}
        location /.well-known/acme-challenge/ {{
            if ($request_method !~ ^(GET|HEAD)$) {{ return 405; }}
            return 200 "";
        }}
        location = /sign {{
            if ($request_method != POST) {{ return 405; }}
            return 200 "";
        }}
    }}
}}
"""


@contextlib.contextmanager
def nginx(lib, directory):
    """The path of the socket of an nginx with the same resources."""
    config = directory / "nginx.conf"
    config.write_text(NGINX.format(directory=directory))
    process = lib.Process("nginx", ["/usr/sbin/nginx", "-e", "stderr", "-c", config], directory,
                          expect=(0, -signal.SIGTERM))
    path = directory / "nginx.sock"
    lib.wait_for(path.exists, "nginx")
    yield path
    process.stop()


def read_by_nginx(path, cases):
    def read(case):
        received = b""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(60)
            sock.connect(str(path))
            with contextlib.suppress(ConnectionError):
                for at in range(0, len(case.data), case.piece):
                    sock.sendall(case.data[at:at + case.piece])
                sock.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                while data := sock.recv(65536):
                    received += data
        return received

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        return list(pool.map(read, cases))

# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy between orderd and Pebble that can inspect and change every request and answer.

Pebble builds its URLs from the Host header, so every URL in its answers points at the proxy.
"""

import http.client
import http.server
import socket
import ssl
import struct
import threading
from dataclasses import dataclass


class Reset(Exception):
    """Reset the connection instead of answering."""


@dataclass
class Request:
    method: str
    path: str
    headers: dict
    body: bytes


@dataclass
class Answer:
    status: int
    headers: dict
    body: object  # bytes, or an iterable of bytes that may be slow

    def header(self, name):
        return next((value for key, value in self.headers.items()
                     if key.lower() == name.lower()), None)


class CaProxy:
    """Forward every request to Pebble. Subclasses override answer() to change the result."""

    def __init__(self, pebble):
        self.pebble, self.ca_file = pebble, pebble.ca_file
        self._upstream = ssl.create_default_context(cafile=pebble.ca_file)
        self._local = threading.local()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(pebble.ca_file, pebble.directory / "tls.key")
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.handle_error = lambda *_: None  # clients may disconnect at any time
        self.base = f"https://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.base}/dir"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _handler(self):
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                # Not in the listener: there, one slow handshake would block all other connections.
                self.request = proxy.secure(self.request)
                super().setup()

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    self.write(proxy.answer(Request(self.command, self.path, dict(self.headers),
                                                    body)))
                except Reset:
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                               struct.pack("ii", 1, 0))
                    socket.socket(fileno=self.connection.detach()).close()
                    self.wfile, self.close_connection = open("/dev/null", "wb"), True

            def write(self, answer):
                whole = isinstance(answer.body, bytes)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, str(value))
                if self.command == "HEAD":
                    self.end_headers()
                    return
                self.send_header(*("Content-Length", str(len(answer.body))) if whole
                                 else ("Connection", "close"))
                self.end_headers()
                for part in [answer.body] if whole else answer.body:
                    self.wfile.write(part)

            do_GET = do_HEAD = do_POST = answer

            def log_message(self, *_):
                pass

        return Handler

    def secure(self, connection):
        return self._tls.wrap_socket(connection, server_side=True)

    def forward(self, request):
        """Send the request to Pebble and return its answer."""
        if not hasattr(self._local, "connection"):  # one per connection of orderd
            self._local.connection = http.client.HTTPSConnection(
                "127.0.0.1", self.pebble.port, timeout=30, context=self._upstream)
        connection = self._local.connection
        connection.request(request.method, request.path, request.body or None, request.headers)
        answer = connection.getresponse()
        skipped = ("content-length", "transfer-encoding", "connection")
        headers = {name: value for name, value in answer.headers.items()
                   if name.lower() not in skipped}
        return Answer(answer.status, headers, answer.read())

    def answer(self, request):
        return self.forward(request)

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

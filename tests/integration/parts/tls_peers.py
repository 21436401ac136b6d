# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ends of a passed-on TLS connection: a client, and the server behind the handler."""

import contextlib
import socket
import ssl
import threading

import lib


def connect(port, name="www.example.org", protocols=("acme-tls/1",), version=None, ca=None,
            address="127.0.0.1"):
    """Complete a TLS handshake as a client.

    @ca: the only trust anchor; None: accept every certificate
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    if protocols:
        context.set_alpn_protocols(list(protocols))
    if ca:
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_REQUIRED
    sock = socket.create_connection((address, port), lib.DEADLINE)
    try:
        return context.wrap_socket(sock, server_hostname=name)
    except BaseException:
        sock.close()
        raise


class EchoServer:
    """Echoes the received data and closes the TLS connection properly."""

    def __init__(self, directory, address="127.0.0.1"):
        self.cert, key = lib.make_tls_certificate(directory)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.cert, key)
        self.socket = socket.create_server((address, 0), backlog=64)
        self.address, self.port = self.socket.getsockname()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock = self.socket.accept()[0]
                threading.Thread(target=self.serve, args=[sock], daemon=True).start()

    def serve(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError), self.context.wrap_socket(sock, server_side=True) as tls:
            while data := tls.recv(65536):
                tls.sendall(data)

    def stop(self):
        self.socket.close()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clients at the same time: all of them connect before the first one reads its answer."""

import resource
import selectors
import socket

SILENCE_MAX = 60  # s without any event


class Client:
    """One client: its answer so far, and its error."""

    def __init__(self, family, address):
        self.socket = socket.socket(family)
        self.socket.setblocking(False)
        self.answer, self.error = b"", None
        try:
            self.socket.connect(address)
        except BlockingIOError:
            pass


def wait(clients, event, act, leave=lambda client: None):
    """Wait until act(client), called on the event, has returned true once for each client;
    leave(client) follows at once."""
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, event, client)
        while selector.get_map():
            ready = selector.select(SILENCE_MAX)
            assert ready, f"{len(selector.get_map())} of {len(clients)} clients are still waiting"
            for key, _ in ready:
                if act(key.data):
                    selector.unregister(key.fileobj)
                    leave(key.data)


def send(client, request):
    error = client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if not error:
        assert client.socket.send(request) == len(request)
    client.error = error or None
    return True


def receive(client, is_complete):
    try:
        data = client.socket.recv(65536)
    except OSError as error:
        client.error = error
        return True
    client.answer += data
    if not data and not is_complete(client.answer):
        client.error = "the connection ended before the answer did"
    return not data or is_complete(client.answer)


def http_is_complete(answer):
    head, end, body = answer.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
    return bool(end) and len(body) == int(length)


def ask(n, family, address, request, is_complete=http_is_complete):
    """Send the same request from @n clients at the same time; return the answers.
    A connection that is reset or ends early is an error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, n + 100), hard))
    clients = [Client(family, address) for _ in range(n)]
    try:
        wait(clients, selectors.EVENT_WRITE, lambda client: send(client, request))
        wait(clients, selectors.EVENT_READ, lambda client: receive(client, is_complete),
             lambda client: client.socket.close())
    finally:
        for client in clients:
            client.socket.close()
    errors = [client.error for client in clients if client.error]
    assert not errors, f"{len(errors)} of {n}: {errors[0]}"
    return [client.answer for client in clients]

# SPDX-License-Identifier: GPL-3.0-or-later
"""No order is lost or duplicated when orderd is killed, restarted, or cannot write its state."""

import base64
import contextlib
import hashlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import lib

SANITIZED = "asan" in lib.BUILD.name  # several times slower
KILLS, KILLS_A_ROUND = (60, 10) if SANITIZED else (300, 40)
CLIENTS = 40


class Server:
    """An installation whose orderd comes and goes. Its socket stays open, as under systemd."""

    def __init__(self, installation, sock):
        self.installation, self.socket = installation, sock

    def __getattr__(self, name):
        return getattr(self.installation, name)

    def spawn_orderd(self, **kwargs):
        self.installation.orderd = self.spawn(
            "orderd", [lib.ORDERD, "--config", self.config], sockets=[self.socket], **kwargs)
        return self.orderd

    def start_orderd(self, env=None):
        with lib.Readiness() as readiness:
            readiness.wait(self.spawn_orderd(env={**readiness.environment, **(env or {})}))


@pytest.fixture
def server(installation):
    """An installation without orderd."""
    installation.write_config()
    installation.start_sign("--idle-timeout", "0")
    installation.start_http01()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(installation.directory / "run/orderd.sock"))
        sock.listen(256)
        yield Server(installation, sock)


def left_over(server):
    """The order records and incomplete files on disk."""
    return [path for path in [*server.directory.glob("state/orders/*"),
                              *server.directory.glob("**/.tmp-*")]]


def records(server):
    return [json.loads(path.read_text()) for path in server.directory.glob("state/orders/*.json")]


@contextlib.contextmanager
def posted(server, body):
    """A client that waits for its answer during the block."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(server.post, body)


def start_orderd_to_be_killed(server, step, when):
    """Start orderd without waiting for it: it may be killed during its start."""
    return server.spawn_orderd(env=lib.preload_kill(step, when), expect=(0, -signal.SIGKILL))


@pytest.mark.parametrize("storage", ["file", "none"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_every_step(server, pebble, new_csr, when, storage):
    """Kill orderd at each step of an order that changes files on disk, until no step is left."""
    if storage == "none":
        server.write_config(storage='[storage "none"]\ntype = none\n',
                            auth=lib.AUTH_ALL + "storage = none\n")
    for step in range(1, 30):
        body, before = new_csr(f"step{step}.example.org"), pebble.certificates()
        orderd = start_orderd_to_be_killed(server, step, when)
        with posted(server, body) as answer:
            lib.wait_for(lambda: not orderd.running or answer.done() and not left_over(server),
                         "the kill, or the end of the order")
            killed = not orderd.running
            if killed:
                orderd.wait()
                server.start_orderd()
            assert answer.result(60).status == 200, f"step {step}: {answer.result()}"
        server.orderd.stop()
        # If orderd is killed between the answer and the removal of the record, the certificate
        # waits for the next request.
        waits = storage == "file" or list(server.directory.glob("state/orders/*"))
        if waits or left_over(server):
            server.start_orderd()
            if waits:
                server.issue(body)
            lib.wait_for(lambda: not left_over(server), "the end of the order")
            server.orderd.stop()
        assert pebble.certificates() == before + 1, f"step {step}"
        assert not left_over(server), f"step {step}"
        if orderd.popen.returncode != -signal.SIGKILL:
            break
    assert step > 5, "an order has more steps"


def test_killed_at_random(server, pebble, new_csr):
    """40 clients, half of them with shared CSRs:
    each gets a certificate, and the CA issues one per CSR."""
    server.write_config(account="orders-per-3h = 0")
    before, n_requests, n_kills = pebble.certificates(), 0, 0
    rng = random.Random(8555)
    server.start_orderd()
    round_number = took = 0
    while n_kills < KILLS:
        round_number += 1
        own = [new_csr(f"own{round_number}x{i}.example.org") for i in range(CLIENTS // 2)]
        shared = [new_csr(f"shared{round_number}x{i}.example.org") for i in range(CLIENTS // 10)]
        bodies = own + [shared[i % len(shared)] for i in range(CLIENTS - len(own))]
        n_requests += len(own) + len(shared)
        with ThreadPoolExecutor(CLIENTS) as pool:
            answers = [pool.submit(server.post, body) for body in bodies]
            last = n_kills + KILLS_A_ROUND
            while not all(answer.done() for answer in answers) and n_kills < last:
                # The kill comes at a random moment of the start or of the work after it.
                time.sleep(rng.uniform(0, 0.12 + took))
                server.orderd.expect = (-signal.SIGKILL, 0)
                server.orderd.popen.kill()
                server.orderd.wait()
                n_kills += 1
                started = time.monotonic()
                server.start_orderd()
                took = time.monotonic() - started
            for body, answer in zip(bodies, answers):
                assert answer.result().status == 200, answer.result()
                assert lib.Certificate(answer.result().body).public_key == lib.csr_public_key(body)
    lib.wait_for(lambda: not records(server), "all orders to end")
    assert pebble.certificates() - before == n_requests
    server.orderd.expect = (0,)
    server.orderd.stop()
    server.start_orderd()
    lib.wait_for(lambda: not left_over(server), "the removal of incomplete files")


def test_incomplete_file_in_the_cache(server, new_csr):
    """An incomplete file from a crash is removed, even if no request uses its entry."""
    server.start_orderd()
    body = new_csr("half.example.org")
    serial = server.issue(body).serial
    server.orderd.stop()
    (server.cache_entry(body) / ".tmp-0123").write_bytes(b"half")
    server.start_orderd()
    lib.wait_for(lambda: not left_over(server), "the removal of the file")
    assert server.issue(body).serial == serial


def test_certificate_waits_for_its_request(server, pebble, new_csr):
    """With storage none too: if the client is gone, the certificate waits for the next request."""
    server.write_config(storage='[storage "none"]\ntype = none\n',
                        auth=lib.AUTH_ALL + "storage = none\n")
    server.start_orderd()
    body = new_csr("nobody.example.org")
    server.http01.pause()
    with lib.Client(server.port) as client:
        client.send(lib.head(body), body)
        lib.wait_for(lambda: list(server.challenges.iterdir()), "the challenge")
    for pid in server.sign.children():
        os.kill(pid, signal.SIGKILL)  # the process that waits for the answer
    server.http01.resume()
    lib.wait_for(lambda: [r for r in records(server) if r["stage"] == "issued"],
                 "the certificate on disk")
    server.orderd.stop()
    server.start_orderd()
    before = pebble.certificates()
    certificate = server.issue(body)
    assert certificate.names == ["nobody.example.org"] and pebble.certificates() == before
    lib.wait_for(lambda: not left_over(server), "the removal of the record after the answer")


def test_order_unknown_to_the_ca(server, pebble, new_csr):
    """An order that the CA no longer knows starts again."""
    body = new_csr("forgotten.example.org")
    record = make_record(server, pebble, body, order=pebble.url[:-3] + "my-order/nothing")
    server.start_orderd()
    server.issue(body)
    assert not record.exists()


def test_expired_order(server, pebble, new_csr):
    """An order that can no longer be queried at the CA ends with a reason."""
    pebble.ca.pause()
    try:
        body = new_csr("late.example.org")
        record = make_record(server, pebble, body, expires=int(time.time()) - 1,
                             order="https://127.0.0.1:1/order")
        server.start_orderd()
        lib.wait_for(lambda: not record.exists(), "the removal of the record")
        assert "No certificate for late.example.org: " in server.orderd.log
    finally:
        pebble.ca.resume()


def make_record(server, pebble, body, **members):
    """Write a record as an earlier orderd left it."""
    path = server.directory / f"state/orders/{hashlib.sha384(body).hexdigest()}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({
        "version": 1, "stage": "placed", "created": int(time.time()), "issued": 0,
        "expires": int(time.time()) + 3600, "server": pebble.url, "auth": "loopback",
        "requestId": "0123456789abcdef", "csr": base64.b64encode(body).decode(),
        "order": pebble.url, "finalize": pebble.url, **members}))
    return path


@pytest.mark.parametrize("content", ["", "{", '{"version": 2}', "[]", '{"version": 1}'])
def test_invalid_record(server, new_csr, content):
    """An invalid record is reported and does not affect other orders."""
    path = server.directory / "state/orders" / ("0" * 96 + ".json")
    path.parent.mkdir(parents=True)
    path.write_text(content)
    server.start_orderd()
    lib.wait_for(lambda: f"Failed to resume order {'0' * 96}" in server.orderd.log, "the message")
    assert path.exists() == ("2" in content)  # acmems must not remove the record of a newer version
    server.issue(new_csr("www.example.org"))


def test_orders_that_cannot_be_listed(server, new_csr):
    """An order may still need its challenge: challenges stay until orderd can read its orders."""
    orders = server.directory / "state/orders"
    orders.mkdir(parents=True)
    challenges = [server.challenges / "token", server.challenges.parent / "tls-alpn-01" / ("0" * 64)]
    for path in challenges:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("token.thumbprint")
    server.start_orderd(env=lib.preload_fail_readdir(orders))
    lib.wait_for(lambda: re.search(f"'{orders.parent}.*: Input/output error", server.orderd.log),
                 "the message")
    # The end of an order removes other challenges if no further order is in progress.
    server.issue(new_csr("listed.example.org"))
    server.orderd.stop()
    assert all(path.exists() for path in challenges), server.orderd.log
    server.start_orderd()
    lib.wait_for(lambda: not any(path.exists() for path in challenges), "the challenges to be removed")


def test_order_that_cannot_be_read(server, pebble, new_csr):
    """Challenges stay until orderd can read the order that may need them. A reload tries again."""
    body = new_csr("unread.example.org")
    record = make_record(server, pebble, body, order=pebble.url[:-3] + "my-order/nothing")
    content = record.read_text()
    record.write_text('{"version": 2}')
    challenge = server.challenges / "token"
    challenge.parent.mkdir(parents=True, exist_ok=True)
    challenge.write_text("token.thumbprint")
    server.start_orderd()
    server.issue(new_csr("read.example.org"))
    server.orderd.popen.send_signal(signal.SIGHUP)
    failed = f"Failed to resume order {record.stem}: "
    lib.wait_for(lambda: server.orderd.log.count(failed) == 2, "the second attempt")
    assert challenge.exists() and record.exists(), server.orderd.log
    record.write_text(content)
    server.orderd.popen.send_signal(signal.SIGHUP)
    lib.wait_for(lambda: not challenge.exists() and not record.exists(), "the end of the order")
    assert "Resuming the order for unread.example.org" in server.orderd.log
    assert server.orderd.log.count(failed) == 2
    assert (server.cache_entry(body) / "cert.pem").exists()


def test_challenges_that_cannot_be_removed(server, new_csr):
    """orderd tries again after each order, and logs the error once."""
    directory = server.challenges.parent / "tls-alpn-01"
    directory.mkdir(parents=True)
    (directory / ("0" * 64)).write_text("token.thumbprint")
    server.start_orderd(env=lib.preload_fail_readdir(directory))
    for name in "one", "two":
        server.issue(new_csr(f"{name}.example.org"))
    assert (directory / ("0" * 64)).exists()
    failed = "Failed to remove the challenge files of earlier orders: Input/output error"
    assert server.orderd.log.count(failed) == 1, server.orderd.log
    moved = directory.rename(directory.with_name("moved"))  # there it can be listed
    server.issue(new_csr("three.example.org"))
    lib.wait_for(lambda: not list(moved.iterdir()), "the challenge to be removed")
    assert server.orderd.log.count(failed) == 1


@pytest.fixture
def state(server):
    """A small file system for the state directory, with orderd running on it."""
    server.start_orderd()
    directory = server.directory / "state"
    directory.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", directory], check=True)
    yield directory
    subprocess.run(["umount", directory], check=True)


def remount(directory, how):
    subprocess.run(["mount", "-o", f"remount,{how}", directory], check=True)


def test_state_directory_not_writable(server, state, pebble, new_csr):
    """Without a writable state directory, acmems orders nothing;
    once fixed, it needs no restart."""
    filler = state / "filler"
    with contextlib.suppress(OSError), open(filler, "wb") as file:
        while True:
            file.write(b"x" * 4096)
            file.flush()
    orders = pebble.orders()
    body = new_csr("full.example.org")
    answer = server.post(body)
    assert answer.status == 500 and b"state directory" in answer.body
    assert "No space left on device" in server.orderd.log
    assert pebble.orders() == orders
    filler.unlink()
    server.issue(body)
    remount(state, "ro")
    assert server.post(new_csr("read-only.example.org")).status == 500
    assert "Read-only file system" in server.orderd.log
    remount(state, "rw")
    server.issue(new_csr("read-write.example.org"))


def test_state_lost_during_an_order(server, state, pebble, new_csr):
    """The disk fails after the CA accepted the order:
    the client gets an error, the order completes later."""
    body, orders = new_csr("mid.example.org"), pebble.orders()
    server.http01.pause()
    with posted(server, body) as answer:
        lib.wait_for(lambda: list(server.challenges.iterdir()), "the challenge")
        remount(state, "ro")
        server.http01.resume()
        assert answer.result(60).status == 500
    remount(state, "rw")
    server.issue(body)
    assert pebble.orders() == orders + 1

# SPDX-License-Identifier: GPL-3.0-or-later
"""How handlers start and end, and what clients see meanwhile."""

import contextlib
import os
import signal
import socket
import time

import pytest

import lib


# ---- started by systemd, by inetd ------------------------------------------------------------

@pytest.fixture
def backend(installation):
    """An installation without a sign handler."""
    installation.write_config()
    installation.start_orderd()
    installation.start_http01()
    return installation


def assert_serves(port, new_csr):
    for name in "one", "two":
        answer = lib.request(port, body=new_csr(f"{name}.inetd.example.org"))
        assert answer.status == 200, answer
        lib.Certificate(answer.body)


@pytest.mark.parametrize("options", [["-a", "--inetd"], ["-a"], []])
def test_socket_activate(backend, new_csr, options):
    port = lib.free_port()
    backend.spawn("socket-activate", [
        "systemd-socket-activate", "-l", f"127.0.0.1:{port}", *options,
        *(f"-E{key}={value}" for key, value in lib.ENVIRONMENT.items() if "SAN_OPTIONS" in key),
        lib.SIGN, "--config", backend.config], expect=(0, -signal.SIGTERM))
    lib.wait_for(lambda: "Listening on" in backend.processes[-1].log, "systemd-socket-activate")
    assert_serves(port, new_csr)


def test_classic_inetd(backend, new_csr, tmp_path):
    port = lib.free_port()
    conf = tmp_path / "inetd.conf"
    conf.write_text(f"127.0.0.1:{port} stream tcp nowait.1000 root {lib.SIGN} acmems-sign"
                    f" --config {backend.config}\n")
    backend.spawn("inetd", ["/usr/sbin/inetd", "-i", "-E", conf], expect=(0, -signal.SIGTERM))
    lib.wait_for(lambda: lib.can_connect(port), "inetd")
    assert_serves(port, new_csr)


def test_listens_on_several_sockets(backend, new_csr, tmp_path):
    path = str(tmp_path / "sign.sock")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as six, \
            socket.socket(socket.AF_UNIX) as unix:
        unix.bind(path)
        unix.listen()
        backend.write_config(auth='[auth "all"]\nall = yes\ndomain = *\n')
        backend.spawn("sign", [lib.SIGN, "--config", backend.config],
                      sockets=[backend.socket, six, unix])
        csr = new_csr("sockets.example.org")
        assert backend.post(csr).status == 200
        assert lib.request(six.getsockname()[1], body=csr, address="::1").status == 200
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(lib.head(csr).encode() + csr)
            assert b" 200 " in client.recv(100)


@pytest.mark.parametrize("program", ["SIGN", "ORDERD", "HTTP01"])
def test_refuses_descriptors_of_another_kind(installation, program, tmp_path):
    installation.write_config()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        options = [] if program == "HTTP01" else ["--config", installation.config]
        process = lib.Process(program, [getattr(lib, program), *options], tmp_path,
                              sockets=[datagram], expect=(1,))
        process.wait()
        process.stop()
        assert process.log


def test_idle_exit(backend, new_csr):
    """An idle handler exits; its socket stays open and queues new connections."""
    backend.start_sign("--idle-timeout", "1")
    assert backend.post(new_csr("idle.example.org")).status == 200
    assert backend.sign.wait() == 0
    with lib.Client(backend.port) as client:
        csr = new_csr("queued.example.org")
        client.send(lib.head(csr), csr)
        backend.start_sign("--idle-timeout", "0")
        assert client.answer().status == 200


# ---- ended -----------------------------------------------------------------------------------

@contextlib.contextmanager
def order_in_flight(acmems, csr):
    """Yield (client, finish) once the CA has the order; finish() lets its validation go on."""
    orders = acmems.ca.orders()
    acmems.http01.pause()
    try:
        with lib.Client(acmems.port) as client:
            client.send(lib.head(csr), csr)
            lib.wait_for(lambda: acmems.ca.orders() > orders, "an order at the CA")
            lib.wait_for(lambda: list(acmems.challenges.iterdir()), "a challenge file")
            yield client, acmems.http01.resume
    finally:
        acmems.http01.resume()


def test_sigterm_during_the_body(acmems, new_csr):
    csr = new_csr("term.example.org")
    with lib.Client(acmems.port) as client:
        client.send(lib.head(csr), csr[:50])
        lib.wait_for(acmems.sign.children, "the connection's process")
        acmems.sign.popen.terminate()
        lib.wait_for(lambda: not_accepting(acmems), "the handler to drain")
        client.send(csr[50:])
        assert client.answer().status == 200
    assert acmems.sign.wait() == 0


def not_accepting(acmems):
    """A draining handler no longer polls its listening socket."""
    fds = f"/proc/{acmems.sign.pid}/fd"
    return not acmems.sign.running or not any(
        is_listening(acmems, os.path.join(fds, fd)) for fd in os.listdir(fds))


def is_listening(acmems, path):
    with contextlib.suppress(OSError):
        return os.stat(path).st_ino == os.fstat(acmems.socket.fileno()).st_ino
    return False


def test_sigterm_during_an_order(acmems, new_csr):
    with order_in_flight(acmems, new_csr("slow.example.org")) as (client, finish):
        acmems.sign.popen.terminate()
        finish()
        assert client.answer().status == 200
    assert acmems.sign.wait() == 0


def test_sigterm_ends_idle_connections(acmems):
    with lib.Client(acmems.port) as client:
        client.send(lib.head(b"x"), b"x")
        assert client.answer().status == 415
        acmems.sign.popen.terminate()
        assert acmems.sign.wait(5) == 0


def test_client_gone(acmems, new_csr, pebble):
    """The order continues; a repeated request gets the certificate."""
    csr = new_csr("gone.example.org")
    with order_in_flight(acmems, csr) as (client, finish):
        client.sock.close()
        finish()
        lib.wait_for((acmems.cache_entry(csr) / "cert.pem").exists, "the certificate in the cache")
    orders = pebble.orders()
    assert acmems.post(csr).status == 200
    assert pebble.orders() == orders


def test_orderd_comes_back(acmems, new_csr):
    """A handler that loses orderd during a request repeats it at the next orderd."""
    csr = new_csr("back.example.org")
    with order_in_flight(acmems, csr) as (client, finish):
        acmems.orderd.expect = (-signal.SIGKILL,)
        acmems.orderd.popen.kill()
        acmems.orderd.wait()
        finish()
        acmems.start_orderd()
        assert client.answer().status == 200


def test_sigterm_of_orderd_during_an_order(acmems, new_csr):
    """orderd exits once the pending order has ended and its answer was sent."""
    with order_in_flight(acmems, new_csr("last.example.org")) as (client, finish):
        acmems.orderd.popen.terminate()
        lib.wait_for(lambda: "Stopping after" in acmems.orderd.log, "orderd to drain")
        finish()
        assert client.answer().status == 200
    assert acmems.orderd.wait() == 0


def test_slow_order_does_not_block_others(acmems, new_csr):
    """A cached certificate is returned while the CA processes another order."""
    cached = new_csr("cached.example.org")
    acmems.issue(cached)
    with order_in_flight(acmems, new_csr("waiting.example.org")) as (client, finish):
        started = time.monotonic()
        acmems.issue(cached)
        assert time.monotonic() - started < 2
        finish()
        assert client.answer().status == 200


# ---- configuration ---------------------------------------------------------------------------

def test_reload(acmems, new_csr):
    csr = new_csr("www.example.org")
    acmems.issue(csr)
    acmems.write_config(auth='[auth "other"]\nall = yes\ndomain = *.example.net\n')
    assert acmems.post(csr).status == 403
    acmems.issue(new_csr("www.example.net"))  # orderd has reloaded too


def test_broken_config_keeps_the_old_one(acmems, new_csr):
    acmems.issue(new_csr("first.example.org"))  # both programs have read the valid file
    acmems.config.write_text(acmems.config.read_text() + "\nnonsense\n")
    line = len(acmems.config.read_text().splitlines())
    acmems.issue(new_csr("www.example.org"))
    assert f"acmems.ini:{line}: error:" in acmems.sign.log


def test_unusable_key_keeps_the_old_config(acmems, new_csr, tmp_path):
    """A key file is part of the configuration, even if acmems-sign does not read it."""
    def reload(words):
        acmems.orderd.popen.send_signal(signal.SIGHUP)
        lib.wait_for(lambda: words in acmems.orderd.log, words)

    key = tmp_path / "tsig.key"
    key.write_text("junk")
    acmems.issue(new_csr("first.example.org"))
    dns = f'[verification "dns"]\ntype = dns01-dnsUpdate\ntsig-key-file = {key}\n'
    acmems.write_config(storage=dns)
    reload("acmems keeps the previous one")
    line = acmems.config.read_text().splitlines().index(f"tsig-key-file = {key}") + 1
    reason = f"acmems.ini:{line}: error: tsig-key-file = '{key}' cannot be used"
    assert acmems.orderd.log.count(reason) == 1
    acmems.issue(new_csr("www.example.org"))
    key.write_text(lib.run("tsig-keygen", "-a", "hmac-sha256", "acmems").stdout)
    reload("Read the changed configuration")
    acmems.issue(new_csr("last.example.org"))
    key.write_text("junk")
    acmems.orderd.popen.send_signal(signal.SIGHUP)
    lib.wait_for(lambda: acmems.orderd.log.count(reason) == 2, "the reason once more")
    acmems.issue(new_csr("after.example.org"))


def test_directory_of_further_files(acmems, new_csr):
    acmems.write_config(auth="")
    csr = new_csr("more.example.org")
    assert acmems.post(csr).status == 403
    acmems.config.with_suffix(".d").mkdir()
    (acmems.config.with_suffix(".d") / "10-more.ini").write_text(lib.AUTH_ALL)
    acmems.issue(csr)


def test_broken_config_starts_nothing(installation, tmp_path):
    installation.write_config(auth='[auth "open"]\ndomain = *\n')
    process = lib.Process("orderd", [lib.ORDERD, "--config", installation.config], tmp_path,
                          expect=(1,))
    process.wait()
    process.stop()
    assert "acmems.ini:" in process.log and ": error:" in process.log


def test_broken_config_is_waited_for(installation, tmp_path, new_csr):
    """A program that a connection started does not exit: systemd would restart it forever."""
    installation.write_config(auth='[auth "open"]\ndomain = *\n')
    installation.start_sign()
    path = installation.directory / "run/orderd.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()
        orderd = installation.spawn("orderd", [lib.ORDERD, "--config", installation.config],
                                    sockets=[sock])
        installation.wait_for_start(orderd)
    csr = new_csr("www.example.org")
    answer = installation.post(csr)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "60")
    assert b"acmemsctl check" in answer.body
    for process in (installation.sign, orderd):
        assert process.log.count(": error:") == 1  # repeated checks report it once
    installation.write_config()
    installation.start_http01()
    installation.issue(csr)


def test_check_of_a_config(installation):
    installation.write_config()
    lib.run(lib.CTL, "check", installation.config)
    installation.write_config(auth='[auth "open"]\ndomain = *\n')
    result = lib.run(lib.CTL, "check", installation.config, check=False)
    assert result.returncode == 1
    assert "acmems.ini:" in result.stdout + result.stderr


def test_config_of_examples(tmp_path):
    lib.run(lib.CTL, "check", lib.ROOT / "examples/acmems.ini")

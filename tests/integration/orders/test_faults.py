# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine that fails in other ways than in test_durable: the client is told, and acmems continues once the fault ends."""

import contextlib
import os
import resource
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import lib

DAY = 86400
WHERE = {"state": "failed to write its state directory", "cache": "failed to write its certificate storage",
         "run": "failed to answer the challenge"}


def check(acmems, pebble, csr, where, error):
    """A client is told what failed, and the journal why."""
    certificates = pebble.certificates()
    answer = acmems.post(csr)
    assert answer.status == 500 and WHERE[where] in answer.text and "journal says why" in answer.text
    assert error in acmems.orderd.log
    assert pebble.certificates() == certificates


@pytest.mark.parametrize("where", WHERE)
def test_disk_with_errors(installation, pebble, new_csr, where):
    switch, directory = installation.directory / "fail", installation.directory / where
    directory.mkdir(exist_ok=True)
    installation.write_config()
    installation.start_orderd(env={**lib.preload("fail-io"), "FAIL_IO": str(switch),
                                   "FAIL_DIRECTORY": str(directory.resolve())})
    installation.start_sign("--idle-timeout", "0")
    installation.start_http01()
    first = new_csr(f"before-{where}.example.org")
    serial = installation.issue(first).serial
    switch.touch()
    csr = new_csr(f"during-{where}.example.org")
    check(installation, pebble, csr, where, "Input/output error")
    assert installation.issue(first).serial == serial
    switch.unlink()
    installation.issue(csr)


@pytest.fixture(params=["cache", "run"])
def mounted(request, installation):
    """The certificate cache, or the directory of challenges, on a file system of its own."""
    directory = installation.directory / request.param
    target = installation.challenges if request.param == "run" else directory
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", target], check=True)
    yield target, request.param
    subprocess.run(["umount", "--lazy", target], check=True)


def test_file_system_full(mounted, installation, pebble, new_csr):
    directory, where = mounted
    installation.start()
    filler = directory / "filler"
    with contextlib.suppress(OSError), open(filler, "wb") as file:
        while True:
            file.write(b"x" * 4096)
            file.flush()
    csr = new_csr(f"full-{where}.example.org")
    check(installation, pebble, csr, where, "No space left on device")
    filler.unlink()
    installation.issue(csr)


def test_file_system_read_only(mounted, installation, pebble, new_csr):
    directory, where = mounted
    installation.start()
    subprocess.run(["mount", "-o", "remount,ro", directory], check=True)
    csr = new_csr(f"read-only-{where}.example.org")
    check(installation, pebble, csr, where, "Read-only file system")
    if where == "cache":  # the usual cause: the sandbox has the directories of the start
        assert "systemctl restart acmems-orderd" in installation.logs()
    subprocess.run(["mount", "-o", "remount,rw", directory], check=True)
    installation.issue(csr)


@pytest.fixture
def clock(installation):
    """A file: the seconds by which orderd's clock is ahead."""
    installation.write_config(account="client-share = 0\n")
    file = installation.directory / "clock"
    installation.start_orderd(env={**lib.preload("fail-io"), "CLOCK_OFF": str(file)})
    installation.start_sign("--idle-timeout", "0")
    installation.start_http01()
    return file


@pytest.mark.parametrize("off", [DAY, -DAY])
def test_clock(installation, clock, new_csr, off):
    """A day ahead or back, later than the CA's orders expire: certificates are issued and found again, also afterwards."""
    csrs = [new_csr(f"{name}.example.org") for name in ("before", "during", "after")]
    serials = [installation.issue(csrs[0]).serial]
    clock.write_text(str(off))
    assert installation.issue(csrs[0]).serial == serials[0]
    serials.append(installation.issue(csrs[1]).serial)
    clock.unlink()
    serials.append(installation.issue(csrs[2]).serial)
    assert [installation.issue(csr).serial for csr in csrs] == serials


def test_pause_of_a_wrong_clock(installation, clock, pebble, new_csr):
    """A pause that began while the clock was a day ahead ends when the clock is right again."""
    clock.write_text(str(DAY))
    csr, good = (new_csr(f"pause{i}.example.org") for i in range(2))
    pebble.set_address("pause0.example.org", "127.0.0.9")  # no server
    first, again = installation.post(csr), installation.post(csr)
    assert (first.status, again.status) == (421, 421) and "does not contact the CA again" in again.text
    assert "'acmemsctl clear " in again.text
    pebble.set_address("pause0.example.org", "127.0.0.1")
    clock.unlink()
    installation.issue(csr)
    installation.issue(good)


# ---- descriptors -----------------------------------------------------------------------------

SHORTAGE = "Too many open files"


def limit_descriptors(process, n):
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (n, 8192))


def limit_for_one_more(process):
    """The limit of descriptors with which it can open one more."""
    used = [int(path.name) for path in Path(f"/proc/{process.pid}/fd").iterdir()]
    return next(n for n in range(4096) if n - sum(fd < n for fd in used) == 1)


def cpu_time(process):
    times = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def crowded(installation):
    """acmems-sign has places for 4 clients, and descriptors for few more."""
    installation.write_config()
    installation.start_orderd()
    installation.start_http01()
    installation.sign = installation.spawn(
        "sign", ["prlimit", "--nofile=24:8192", lib.SIGN, "--config", installation.config, "--children-max=4",
                 "--idle-timeout=0"], sockets=[installation.socket])
    installation.wait_for_start(installation.sign)
    return installation


def connect_from(acmems, source, stack):
    return stack.enter_context(socket.create_connection(("127.0.0.1", acmems.port), lib.DEADLINE, (source, 0)))


def read_all(sock):
    return b"".join(iter(lambda: sock.recv(4096), b""))


def test_more_clients_than_descriptors(crowded, new_csr):
    """Those without a place get 503; another source is served before them."""
    csr = new_csr("crowd.example.org")
    serial = crowded.issue(csr).serial
    with contextlib.ExitStack() as stack:
        idle = [connect_from(crowded, "127.0.0.2", stack) for _ in range(60)]
        other = crowded.post_from("127.0.0.3", csr)
        assert other.status == 200 and lib.Certificate(other.body).serial == serial
        answers = [read_all(sock) for sock in idle]
        assert sum(answer.startswith(b"HTTP/1.1 503 ") for answer in answers) > 40
    assert crowded.issue(csr).serial == serial
    assert crowded.sign.log.count(SHORTAGE) <= 1
    assert crowded.sign.log.count("turned away") <= 3


def test_limit_below_the_sockets(crowded, new_csr):
    """The limit is lowered below what acmems-sign has open: it neither ends nor spins, and forgets no client."""
    csr = new_csr("lowered.example.org")
    serial = crowded.issue(csr).serial
    limit_descriptors(crowded.sign, 2)
    before = cpu_time(crowded.sign)
    with contextlib.ExitStack() as stack:
        clients = [connect_from(crowded, "127.0.0.2", stack) for _ in range(8)]
        for sock in clients:
            sock.sendall(lib.head(csr, Connection="close").encode() + csr)
        with pytest.raises(TimeoutError):
            clients[0].settimeout(2)
            clients[0].recv(1)
        assert cpu_time(crowded.sign) < before + 0.5
        limit_descriptors(crowded.sign, 1024)
        for sock in clients:
            sock.settimeout(lib.DEADLINE)
            assert read_all(sock).startswith(b"HTTP/1.1 200 ")
    assert crowded.issue(csr).serial == serial
    assert crowded.sign.log.count(SHORTAGE) == 1 and crowded.sign.log.count("Failed to wait for connections") <= 1


def test_orderd_without_descriptors(installation, new_csr):
    """New connections to its socket wait until acmems-orderd has descriptors again."""
    installation.start()
    installation.issue(new_csr("before.example.org"))
    csrs = [new_csr(f"short{i}.example.org") for i in range(10)]
    limit_descriptors(installation.orderd, 3)
    before = cpu_time(installation.orderd)
    with ThreadPoolExecutor(10) as pool:
        answers = [pool.submit(installation.post, csr) for csr in csrs]
        lib.wait_for(lambda: SHORTAGE in installation.orderd.log, "the shortage")
        time.sleep(3)  # it would be told again
        assert not any(answer.done() for answer in answers) and cpu_time(installation.orderd) < before + 0.5
        limit_descriptors(installation.orderd, 8192)
        assert [answer.result().status for answer in answers] == 10 * [200]
    assert installation.orderd.log.count(SHORTAGE) == 1


def test_orderd_with_one_descriptor(installation, new_csr):
    """A call is accepted, but then no file can be opened: the client is told."""
    installation.start()
    installation.issue(new_csr("before.example.org"))
    csr = new_csr("one.example.org")
    limit_descriptors(installation.orderd, limit_for_one_more(installation.orderd))
    answer = installation.post(csr)
    assert answer.status == 500 and "journal says why" in answer.text and SHORTAGE in installation.orderd.log
    limit_descriptors(installation.orderd, 8192)
    installation.issue(csr)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine that fails in other ways than in test_durable: the client is told, and acmems continues once the fault ends."""

import contextlib
import subprocess

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
    pebble.set_address("pause0.example.org", "127.0.0.1")
    clock.unlink()
    installation.issue(csr)
    installation.issue(good)

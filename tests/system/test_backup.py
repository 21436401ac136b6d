# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of the state directory, at whatever moment it is made, is a backup."""

import concurrent.futures
import shutil
import threading

from machine import lib
from server import Server

N = 100


def back_up(server, stop, archive):
    """Over and over, each copy over the one before; how many there were."""
    n = 0
    while not stop.is_set():
        # 1: a file changed or went while it was read; those that were there all the time are whole.
        result = server.run("tar", "-C", "/var/lib", "-cf", "/root/new.tar", "acmems", check=False)
        assert result.returncode in (0, 1), result.stderr
        shutil.copy(server.path("/root/new.tar"), archive)
        n += 1
    return n


def test_backup_during_issuance(tmp_path, pebble):
    archive = tmp_path / "last.tar"
    requests = [lib.make_csr(tmp_path / "csr", f"www{number}.example.org", key="p256")
                for number in range(N)]
    first = Server(tmp_path / "first")
    try:
        first.start_nginx()
        first.enable(pebble)
        stop = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(11) as pool:
            backups = pool.submit(back_up, first, stop, archive)
            issued = pool.map(first.issue, requests[:N])
            certificates = dict(zip(requests, issued))
            stop.set()
            assert backups.result() > 1
        account = first.path("/var/lib/acmems/account/registration.json").read_text()
    finally:
        first.stop()

    second = Server(tmp_path / "second")
    try:
        second.start_nginx()
        shutil.copy(archive, second.path("/root/last.tar"))
        second.run("tar", "-C", "/var/lib", "-xf", "/root/last.tar")
        second.enable(pebble)
        assert second.path("/var/lib/acmems/account/registration.json").read_text() == account

        def is_kept(body):
            entry = lib.cache_path(second.path("/var/lib/acmems/storage"), body)
            return (entry / "cert.pem").exists()

        kept = [body for body in requests if is_kept(body)]
        assert kept, "the last archive has certificates"
        orders = pebble.orders()
        for body in kept:
            assert second.issue(body).serial == certificates[body].serial
        assert pebble.orders() == orders  # nothing was asked for twice
        for body in [body for body in requests if body not in kept][:10]:
            second.issue(body)
        second.issue(lib.make_csr(tmp_path / "csr", "new.example.org"))
    finally:
        second.stop()

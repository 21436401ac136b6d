# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of the state directory is a valid backup, whenever it is made."""

import concurrent.futures
import shutil
import threading

from machine import lib
from server import Server

N = 100
IN_FLIGHT = 10
ARCHIVE = "acmems-backup.tar.gz"


class Once:
    """An event that is set from the second call of is_set() on."""

    looks = 0

    def is_set(self):
        self.looks += 1
        return self.looks > 1


def back_up(server, stop, archive):
    """Make backups in a loop, each one over the previous one; return their number."""
    n = 0
    while not stop.is_set():
        server.sh(f"cd /root && {lib.documented_block('install backup')}")
        shutil.copy(server.path(f"/root/{ARCHIVE}"), archive)
        n += 1
    return n


def post_all(server, bodies, pool):
    return [pool.submit(server.post, body) for body in bodies]


def test_backup_during_issuance(tmp_path, pebble):
    """Issued certificates are served from the backup; pending orders are completed from it."""
    archive, before = tmp_path / ARCHIVE, pebble.certificates()
    requests = [lib.make_csr(tmp_path / "csr", f"www{number}.example.org") for number in range(N)]
    issued, in_flight = requests[:-IN_FLIGHT], requests[-IN_FLIGHT:]
    first = Server(tmp_path / "first")
    try:
        first.start_nginx()
        first.enable(pebble)
        stop = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(IN_FLIGHT + 1) as pool:
            backups = pool.submit(back_up, first, stop, archive)
            certificates = dict(zip(issued, pool.map(first.issue, issued)))
            pebble.ca.pause()
            cut_off = post_all(first, in_flight, pool)
            lib.wait_for(lambda: f"{IN_FLIGHT} orders in progress" in first.status_text(), "orders")
            stop.set()
            assert backups.result() > 1
            assert back_up(first, Once(), archive) == 1  # the final one
            account = first.path("/var/lib/acmems/account/registration.json").read_text()
            first.stop()
            for answer in cut_off:
                answer.exception()
    finally:
        pebble.ca.resume()
        first.stop()

    second = Server(tmp_path / "second")
    try:
        second.start_nginx()
        shutil.copy(archive, second.path(f"/root/{ARCHIVE}"))
        second.sh(f"cd /root && {lib.documented_block('install restore')}")
        assert second.path("/var/lib/acmems/account/registration.json").read_text() == account
        for body in issued:
            assert second.issue(body).serial == certificates[body].serial
        for body in in_flight:
            second.issue(body)
        assert pebble.certificates() == before + N  # one per request
        second.issue(lib.make_csr(tmp_path / "csr", "new.example.org"))
    finally:
        second.stop()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Many orders at the same time, more than Pebble can have."""

from concurrent.futures import ThreadPoolExecutor

import pytest

import lib
from csr_pool import make_csrs
from fast_ca import FastCa


@pytest.fixture
def fast(tmp_path, http01_socket):
    ca = FastCa(lib, tmp_path / "ca", http_port=http01_socket.getsockname()[1])
    acmems = lib.Acmems(tmp_path / "acmems", ca, http01_socket)
    acmems.start(account="accept-terms-of-service = yes\norders-per-3h = 0\n")
    yield acmems
    acmems.stop()
    ca.stop()


def test_slow_ca(fast):
    """The requests to the CA that wait for others are not late yet: 40 s pass until the last new order is answered,
    8 s of them after it was sent."""
    csrs = make_csrs(f"slow{i}.example.org" for i in range(80))
    fast.issue(csrs.pop())
    fast.ca.set(delay=8)
    with ThreadPoolExecutor(len(csrs)) as pool:
        answers = list(pool.map(lambda csr: fast.post(csr, timeout=150), csrs))
    assert not [answer for answer in answers if answer.status != 200]
    stats = fast.ca.stats()
    assert stats["orders"] == stats["certificates"] == len(csrs) + 1

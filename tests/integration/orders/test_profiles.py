# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificate profiles, with a CA that offers them."""

import datetime

import pytest

import lib

DAY = 86400
PROFILES = {name: {"description": name, "validityPeriod": days * DAY}
            for name, days in {"classic": 90, "shortlived": 6}.items()}


@pytest.fixture(scope="module")
def pebble(new_pebble):
    return new_pebble(lib.newer_pebble, profiles=PROFILES)


def lifetime(pem):
    """The lifetime in days, rounded."""
    lines = lib.run("openssl", "x509", "-noout", "-dates", input=pem).stdout.splitlines()
    start, end = (datetime.datetime.strptime(line.partition("=")[2], "%b %d %H:%M:%S %Y %Z")
                  for line in lines)
    return round((end - start).total_seconds() / DAY)


def test_of_account_and_of_block(installation, new_csr):
    installation.start(account="profile = shortlived")
    assert lifetime(installation.post(new_csr("account.example.org")).text) == 6
    installation.write_config(account="profile = shortlived",
                              auth=f"{lib.AUTH_ALL}profile = classic\n")
    assert lifetime(installation.post(new_csr("block.example.org")).text) == 90


def test_none_requested(installation, pebble, new_csr):
    """The CA chooses a profile at random for each order. A brief certificate, too, stays in the cache."""
    installation.start(storage="prefetch = yes")
    issued = {}
    for i in range(40):
        csr = new_csr(f"random{i}.example.org")
        issued[csr] = installation.post(csr).text
        if {lifetime(pem) for pem in issued.values()} == {6, 90}:
            break
    assert {lifetime(pem) for pem in issued.values()} == {6, 90}
    installation.orderd.stop()
    orders = pebble.orders()
    installation.start_orderd()
    assert {csr: installation.post(csr).text for csr in issued} == issued
    assert pebble.orders() == orders


def test_not_offered(installation, new_csr, pebble):
    orders = pebble.orders()
    installation.start(account="profile = tlsserver")
    lib.wait_for(lambda: "does not offer profile 'tlsserver'" in installation.orderd.log,
                 "the warning")
    answer = installation.post(new_csr("www.example.org"))
    assert answer.status == 500 and "(classic, shortlived)" in answer.text
    assert pebble.orders() == orders

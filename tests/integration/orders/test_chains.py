# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice between the certificate chains that a CA offers."""

import re

import pytest

import lib

ROOTS = 3


@pytest.fixture(scope="module")
def pebble(new_pebble):
    """Several roots, each with an intermediate certificate of its own."""
    return new_pebble(env={"PEBBLE_ALTERNATE_ROOTS": str(ROOTS - 1), "PEBBLE_CHAIN_LENGTH": "2"})


def common_name(pem, what):
    text = lib.run("openssl", "x509", "-noout", f"-{what}", input=pem).stdout
    return re.search(r"CN\s*=\s*(.*)", text)[1]


def top_issuer(chain):
    blocks = chain.split("\n\n")
    assert len(blocks) == 3
    return common_name(blocks[-1], "issuer")


@pytest.mark.parametrize("number", range(ROOTS))
def test_preferred(installation, new_csr, pebble, number):
    name = common_name(pebble.root(number).decode(), "subject")
    acmems = installation.start(account=f"preferred-chain = {name}")
    csr = new_csr("preferred.example.org")
    answer = acmems.post(csr)
    assert answer.status == 200 and top_issuer(answer.text) == name
    assert (acmems.cache_entry(csr) / "cert.pem").read_text() == answer.text
    assert "no chain" not in acmems.orderd.log


def test_default(installation, new_csr, pebble):
    """acmems uses the default chain without preferred-chain, or if no chain has that root."""
    default = common_name(pebble.root(0).decode(), "subject")
    acmems = installation.start()
    assert top_issuer(acmems.post(new_csr("default.example.org")).text) == default
    acmems.write_config(account="preferred-chain = Nobody's Root")
    answer = acmems.post(new_csr("fallback.example.org"))
    assert answer.status == 200 and top_issuer(answer.text) == default
    assert "whose topmost issuer is 'Nobody's Root'" in acmems.orderd.log

# SPDX-License-Identifier: GPL-3.0-or-later
"""dns-account-01: several accounts, each with a TXT record of its own for a name."""

import base64
import hashlib
import json
import re

import pytest

import lib
from dns_bed import KEY, wait_until_clean
# Fixtures:
from dns_bed import account, lookups, primary, resolver, start, www

LABEL = f"{KEY}\nlabel = account"


@pytest.fixture(scope="module")
def pebble(new_pebble, resolver):
    """A CA that offers the challenge."""
    return new_pebble(lib.newer_pebble, resolver=resolver.where, env={"PEBBLE_AUTHZREUSE": "0"})


def label_of(acmems):
    """The label, as draft-ietf-acme-dns-account-label defines it."""
    uri = json.loads((acmems.directory / "account/registration.json").read_text())["uri"]
    return "_" + base64.b32encode(hashlib.sha256(uri.encode()).digest()[:10]).decode().lower()


def test_of_the_account(start, primary, new_csr, www):
    acmems = start(LABEL)
    owner = f"{label_of(acmems)}._acme-challenge.{www}"
    assert acmems.issue(new_csr(www, f"*.{www}")).names == [f"*.{www}", www]
    wait_until_clean(acmems, primary, owner)
    shown = lib.run(lib.REGISTER, "--show", acmems.config).stdout
    assert f"dns-account-01: {label_of(acmems)}._acme-challenge.NAME\n" in shown
    assert re.search("validationmethods=.*dns-account-01", shown)


def test_alias(start, primary, new_csr):
    acmems = start(LABEL)
    acmems.issue(new_csr("labelled.example.org"))
    wait_until_clean(acmems, primary, f"{label_of(acmems)}.validation.example.net")


def test_without_the_label(start, primary, new_csr, www):
    """The same CA still takes dns-01."""
    acmems = start(KEY)
    acmems.issue(new_csr(www))
    wait_until_clean(acmems, primary, f"_acme-challenge.{www}")

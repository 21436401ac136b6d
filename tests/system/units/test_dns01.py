# SPDX-License-Identifier: GPL-3.0-or-later
"""The dns-01 setup of acmems.ini(5): Debian's named, and acmems-orderd in its sandbox."""

import re

import pytest

from machine import lib

ZONE = """$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
"""


@pytest.fixture
def pebble(tmp_path):
    """Pebble, with the machine's named as its resolver."""
    ca = lib.Pebble(tmp_path / "pebble", 80, resolver="127.0.0.1:53")
    yield ca
    ca.stop()


@pytest.fixture
def with_named(fresh, pebble):
    fresh.sh(lib.documented_block("dns key"))
    assert fresh.run("stat", "-c", "%a %U:%G", "/etc/acmems/keys/tsig.key").stdout == \
        "400 acmems:root\n"
    fresh.write("/var/lib/bind/example.org", ZONE)
    fresh.run("chown", "bind:bind", "/var/lib/bind/example.org")
    fresh.write("/etc/bind/named.conf.local", fresh.path("/etc/acmems/keys/tsig.key").read_text() +
                lib.documented_block("dns named"))
    fresh.run("systemctl", "start", "named.service")
    config = lib.documented_block("dns acmems")
    for old, new in ("192.0.2.53", "127.0.0.1"), ("198.51.100.10", "127.0.0.0/8"):
        assert old in config
        config = config.replace(old, new)
    fresh.enable(pebble, ("domain = *.example.org\n", ""), more=config)
    return fresh


def test_wildcard(with_named, new_csr):
    fresh = with_named
    names = ["*.example.org", "example.org"]
    assert fresh.issue(new_csr(*names)).names == names
    lib.wait_for(lambda: not list(fresh.path("/var/lib/acmems/dns").glob("*.json")),
                 "the removal of the record")
    answer = fresh.run("dig", "@127.0.0.1", "_acme-challenge.example.org", "TXT").stdout
    assert re.search("status: (NXDOMAIN|NOERROR)", answer)
    assert "ANSWER: 0" in answer


def test_key_behind_the_sandbox(with_named, new_csr):
    """Without the documented command, acmems keeps the previous configuration."""
    with_named.issue(new_csr("*.example.org"))
    ini = with_named.path("/etc/acmems/acmems.ini")
    with_named.sh("cp -p /etc/acmems/keys/tsig.key /home/tsig.key")
    ini.write_text(ini.read_text().replace("/etc/acmems/keys/tsig.key", "/home/tsig.key"))
    with_named.run("systemctl", "daemon-reload")
    # The check before a reload already runs in the new sandbox.
    with_named.run("systemctl", "reload", "acmems-orderd.service")
    with_named.issue(new_csr("*.first.example.org"))
    entries = with_named.journal("-u", "acmems-orderd.service", "-b")
    assert "tsig-key-file = '/home/tsig.key' cannot be used" in entries
    assert "acmems keeps the previous one" in entries
    with_named.sh(lib.documented_block("dns key elsewhere"))
    with_named.run("rm", "/etc/acmems/keys/tsig.key")
    with_named.issue(new_csr("*.second.example.org"))
    assert "/home/tsig.key" in with_named.show("acmems-orderd.service", "BindReadOnlyPaths")

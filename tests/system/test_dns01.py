# SPDX-License-Identifier: GPL-3.0-or-later
"""dns-01 as the README has it: Debian's named, and acmems-orderd in its sandbox."""

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
    """Its resolver is the machine's named."""
    ca = lib.Pebble(tmp_path / "pebble", 80, resolver="127.0.0.1:53")
    yield ca
    ca.stop()


def test_wildcard(fresh, pebble, new_csr):
    fresh.sh(lib.readme_block("dns key"))
    assert fresh.run("stat", "-c", "%a %U:%G", "/etc/acmems/tsig.key").stdout == \
        "640 root:acmems\n"
    fresh.write("/var/lib/bind/example.org", ZONE)
    fresh.run("chown", "bind:bind", "/var/lib/bind/example.org")
    fresh.write("/etc/bind/named.conf.local", fresh.path("/etc/acmems/tsig.key").read_text() +
                lib.readme_block("dns named"))
    fresh.run("systemctl", "start", "named.service")
    config = lib.readme_block("dns acmems")
    for old, new in ("192.0.2.53", "127.0.0.1"), ("198.51.100.10", "127.0.0.0/8"):
        assert old in config
        config = config.replace(old, new)
    fresh.enable(pebble, ("domain = *.example.org\n", ""), more=config)
    fresh.run("systemctl", "daemon-reload")

    names = ["*.example.org", "example.org"]
    assert fresh.issue(new_csr(*names)).names == names
    lib.wait_for(lambda: not list(fresh.path("/var/lib/acmems/dns").glob("*.json")),
                 "the record to go")
    answer = fresh.run("dig", "@127.0.0.1", "_acme-challenge.example.org", "TXT").stdout
    assert re.search("status: (NXDOMAIN|NOERROR)", answer)
    assert "ANSWER: 0" in answer

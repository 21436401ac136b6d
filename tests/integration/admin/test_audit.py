# SPDX-License-Identifier: GPL-3.0-or-later
"""The journalctl queries of acmems.journal-fields(7), in a real journal."""

import http.client
import re

import pytest

import lib
from journal import RealJournal


def post(acmems, body, source="127.0.0.1"):
    connection = http.client.HTTPConnection("127.0.0.1", acmems.port, timeout=60,
                                            source_address=(source, 0))
    try:
        connection.request("POST", "/sign", body)
        return lib.Answer(connection.getresponse())
    finally:
        connection.close()


@pytest.fixture
def journal(tmp_path):
    journal = RealJournal(tmp_path)
    yield journal
    journal.stop()


# Here all programs run as root, and in no unit. tests/system/admin/test_audit.py has the users and units. (_COMM= would not do:
# journald looks it up, and the process of a connection may have ended by then.)
SIGN, ORDERD = "SYSLOG_IDENTIFIER=acmems-sign", "SYSLOG_IDENTIFIER=acmems-orderd"
BY_PROGRAM = [("_UID=$(id -u acmems-sign)", SIGN), ("_UID=$(id -u acmems)", ORDERD),
              ("_SYSTEMD_UNIT=acmems-orderd.service", ORDERD)]


def query(journal, marker, *changes, **env):
    """Run the documented command with these changes made to it; return its output."""
    command = lib.documented_block(f"audit {marker}")
    for old, new in BY_PROGRAM:
        command = command.replace(old, new)
    assert SIGN in command or ORDERD in command
    for old, new in changes:
        assert old in command
        command = command.replace(old, new)
    return journal.query(command, **env)


def messages(text):
    """(program, text) of each line in journalctl's default output."""
    return re.findall(r"^\w{3} \d\d [\d:]{8} \S+ (acmems-\w+)\[\d+\]: (.*)", text, re.M)


def test_queries(journal, installation, new_csr, pebble):
    pebble.set_address("dead.example.org", "127.0.0.99")
    installation.journal = journal
    acmems = installation.start(auth="""
[auth "web"]
ip = 127.0.0.0/8
domain = *.example.org
""")
    csr = new_csr("www.example.org", "a.example.org")
    assert [post(acmems, csr).status for _ in range(2)] == [200, 200]
    assert post(acmems, new_csr("www2.example.org"), "127.0.0.7").status == 200
    assert post(acmems, new_csr("dead.example.org")).status == 421
    denied = post(acmems, new_csr("www.example.org", "www.example.com"))
    assert denied.status == 403

    found = messages(query(journal, "name"))
    assert [(program, re.sub(r"^.*? from ", "", text)) for program, text in found] == [
        ("acmems-sign", f'127.0.0.1: 200, auth "web": {how}; names www.example.org a.example.org')
        for how in ("ordered", "from the cache")]

    # The query is for yesterday; the entries of this test are from today.
    found = messages(query(journal, "denied", ("today", "tomorrow"), ("yesterday", "today")))
    assert len(found) == 1 and "no domain covers www.example.com" in found[0][1]

    text = query(journal, "failed")
    found = messages(text)
    assert len(found) == 1 and found[0][0] == "acmems-orderd"
    assert found[0][1].startswith("No certificate for dead.example.org: ")
    assert "Subject: The CA did not issue a certificate" in text
    assert "The order for dead.example.org (the first" in text  # the field's value

    assert query(journal, "problems").split() == ["1", "connection"]

    identity = denied.headers["Request-Id"]
    assert messages(query(journal, "request", ID=identity)) == messages(
        query(journal, "denied", ("today", "tomorrow"), ("yesterday", "today")))

    found = messages(query(journal, "client", ("192.0.2.7", "127.0.0.7")))
    assert sorted(program for program, _ in found) == ["acmems-orderd", "acmems-sign"]
    assert all("www2.example.org" in text for _, text in found)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The queries of acmems.journal-fields(7) on a machine with the package installed."""

import base64
import json
import re

import pytest

from machine import lib

KEY = "a long random text that nobody may read"

POLICY = f"""
[logging]
level = debug

[auth "key"]
ip = 127.0.0.0/8
hmac_type = sha256
hmac_key = {KEY}
domain = *.example.com
"""


@pytest.fixture(scope="module")
def story(server, pebble, tmp_path_factory):
    """One request of each kind: {name: answer}."""
    server.configure(pebble, more=POLICY)
    directory = tmp_path_factory.mktemp("csr")
    pebble.set_address("dead.example.org", "127.0.0.99")
    www, dead = (lib.make_csr(directory, name) for name in ("www.example.org", "dead.example.org"))
    keyed = lib.make_csr(directory, "www.example.com")
    private = (directory / "www.example.com.key").read_text()
    right, wrong = (lib.hmac_header(key, keyed) for key in (KEY, "another key"))
    answers = {
        "issued": server.post(www),
        "cached": server.post(www),
        "denied": server.post(lib.make_csr(directory, "www.example.edu")),
        "failed": server.post(dead),
        "keyed": server.post(keyed, right),
        "wrong key": server.post(keyed, wrong),
        "private key": server.post(private.encode()),
    }
    assert {name: answer.status for name, answer in answers.items()} == {
        "issued": 200, "cached": 200, "denied": 403, "failed": 421, "keyed": 200,
        "wrong key": 403, "private key": 415}
    answers["secrets"] = [
        KEY, right["Authentication"][-64:], *pem_lines(private), *pem_lines(
            server.path("/var/lib/acmems/account/account.pem").read_text())]
    return answers


def pem_lines(pem):
    return [line for line in pem.splitlines() if not line.startswith("-----")]


def ask(server, marker, *changes, env=None):
    """The journal entries that the documented command finds."""
    command = lib.documented_block(f"audit {marker}")
    for old, new in changes:
        assert old in command
        command = command.replace(old, new)
    entries = server.sh(command.replace("journalctl", "journalctl --no-pager -b -o json", 1),
                        env=env).stdout
    return [json.loads(line) for line in entries.splitlines()]


def request_id(answer):
    return answer.headers["Request-Id"]


def test_who_got_a_certificate_for_a_name(server, story):
    entries = ask(server, "name")
    assert [entry["ACMEMS_DECISION"] for entry in entries] == ["issued", "cached"]
    certificate = lib.Certificate(story["issued"].body)
    for entry in entries:
        assert entry["ACMEMS_SERIAL"].lower() == certificate.serial.lower()
        assert entry["ACMEMS_CLIENT"] == "127.0.0.1"
        assert entry["ACMEMS_AUTH"] == "web servers"


def test_what_was_denied(server, story):
    # The machine was not running yesterday: query from one day ago until tomorrow.
    entries = ask(server, "denied", ("until today", "until tomorrow"), ("yesterday", "-1day"))
    assert [entry["ACMEMS_REQUEST_ID"] for entry in entries] == [
        request_id(story[name]) for name in ("denied", "wrong key")]
    assert "www.example.edu" in entries[0]["ACMEMS_REASON"]


def test_what_failed_at_the_ca(server, story):
    entries = ask(server, "failed")
    assert [(entry["ACMEMS_NAME"], entry["ACMEMS_REQUEST_ID"]) for entry in entries] == [
        ("dead.example.org", request_id(story["failed"]))]
    assert entries[0]["ACMEMS_PROBLEM"] == "connection"
    assert entries[0]["ACMEMS_ORDER"].startswith("https://127.0.0.1:")
    # The text that -x adds comes from the package's catalog.
    text = server.sh(lib.documented_block("audit failed")).stdout
    assert "Subject: The CA did not issue a certificate" in text
    assert "The order for dead.example.org (the first" in text


def test_all_of_one_request(server, story):
    entries = ask(server, "request", env={"ID": request_id(story["failed"])})
    programs = {entry["SYSLOG_IDENTIFIER"] for entry in entries}
    assert programs == {"acmems-sign", "acmems-orderd"}
    assert len([entry for entry in entries if entry["PRIORITY"] == "6"]) == 1


def test_everything_of_one_client(server, story):
    entries = ask(server, "client", ("192.0.2.7", "127.0.0.1"))
    told = {request_id(story[name]) for name in ("denied", "failed", "wrong key", "private key")}
    assert told <= {entry["ACMEMS_REQUEST_ID"] for entry in entries}
    decisions = [entry["ACMEMS_DECISION"] for entry in entries
                 if entry["SYSLOG_IDENTIFIER"] == "acmems-sign" and entry["PRIORITY"] == "6"]
    assert decisions == ["issued", "cached", "denied", "failed", "issued", "denied", "refused"]


@pytest.mark.parametrize("decision", ["issued", "denied", "failed"])
def test_forged_entries_are_not_found(server, story, decision):
    """Any local user can write entries with these fields. No documented query finds them."""
    told = request_id(story["failed"])
    fields = {"MESSAGE": f"forged {decision}", "PRIORITY": 4, "SYSLOG_IDENTIFIER": "acmems-sign",
              "MESSAGE_ID": "9c7d48ec9dce45628cc7e841b04e934b", "ACMEMS_DECISION": decision,
              "ACMEMS_NAME": "www.example.org", "ACMEMS_CLIENT": "127.0.0.1", "ACMEMS_REQUEST_ID": told,
              "ACMEMS_PROBLEM": "forged", "_UID": 0, "_SYSTEMD_UNIT": "acmems-orderd.service"}
    lines = "".join(f"{key}={value}\n" for key, value in fields.items())
    server.sh(f"runuser -u nobody -- logger --journald <<'END'\n{lines}END\njournalctl --sync")
    assert server.run("journalctl", "-q", "-b", f"MESSAGE=forged {decision}").stdout
    commands = [lib.documented_block(name) for name in (
        "audit name", "audit denied", "audit failed", "audit request", "audit client", "audit problems",
        "service journal")]
    commands.append(re.search("`(journalctl -p warning .*?)`", (lib.ROOT / "README.md").read_text())[1])
    for command in commands:
        command = command.replace("192.0.2.7", "127.0.0.1").replace("--since yesterday --until today", "")
        assert "forged" not in server.sh(command.replace("journalctl", "journalctl -q -b", 1),
                                         env={"ID": told}).stdout


def test_nothing_secret(server, story):
    """At level debug, no field of any program contains a secret."""
    journal = server.run("journalctl", "--no-pager", "-b", "-o", "export").stdout
    assert "ACMEMS_REQUEST_ID" in journal
    for secret in story["secrets"]:
        assert secret not in journal
        assert base64.b64encode(secret.encode()).decode().rstrip("=") not in journal
    assert "PRIVATE KEY--" not in journal


def test_fields_have_the_unit(server, story):
    """journald adds the unit of the sender itself: a program cannot forge it."""
    for unit, program in ("acmems-mgmt", "acmems-sign"), ("acmems-orderd", "acmems-orderd"):
        found = server.run("journalctl", "-b", "-q", "-o", "json", "-u", f"{unit}.service",
                           f"SYSLOG_IDENTIFIER={program}").stdout.splitlines()
        assert found and all(json.loads(line).get("_SYSTEMD_UNIT") == f"{unit}.service"
                             for line in found)

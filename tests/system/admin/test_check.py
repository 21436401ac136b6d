# SPDX-License-Identifier: GPL-3.0-or-later
"""acmemsctl check on a machine: each warning names a command, and the command is all that is needed."""

import re

import pytest

from machine import lib


def warnings(server):
    return [line.partition("warning: ")[2]
            for line in server.run("acmemsctl", "check").stdout.splitlines() if "warning: " in line]


def find(server, words):
    found = [text for text in warnings(server) if words in text]
    assert len(found) == 1, warnings(server)
    return found[0]


def follow(server, words):
    """Run the command of the warning with these words, which must be gone after that."""
    server.sh(find(server, words).partition(": run ")[2])
    assert not [text for text in warnings(server) if words in text]


def test_to_do_list_of_a_new_installation(fresh, pebble, new_csr):
    """An account and open sockets are missing at first."""
    fresh.start_nginx()
    fresh.configure(pebble, ("accept-terms-of-service = yes\n", ""))
    assert len(warnings(fresh)) == 3
    fresh.run("systemctl", "start", "acmems-orderd.service")
    lib.wait_for(lambda: fresh.status_text().startswith(f"no account at {pebble.url}: run acme-register; 0 orders"),
                 "the status")
    follow(fresh, f"there is no account at {pebble.url}")
    follow(fresh, "no process listens at 127.0.0.1:1313")
    follow(fresh, "no process listens at 127.0.0.1:1380")
    assert warnings(fresh) == []
    lib.wait_for(lambda: fresh.status_text().startswith("0 orders"), "the status")
    fresh.issue(new_csr("first.example.org"))
    fresh.reboot()
    assert warnings(fresh) == []


def test_account_key_of_another_kind(fresh, pebble):
    """orderd's status leads to the check, and the check says what the key is."""
    key = "/var/lib/acmems/account/account.pem"
    fresh.configure(pebble)
    fresh.sh("install -d -m 0700 -o acmems -g acmems /var/lib/acmems/account && "
             f"openssl genpkey -algorithm ed25519 | install -m 0600 -o acmems -g acmems /dev/stdin {key}")
    fresh.run("systemctl", "start", "acmems-orderd.service")
    lib.wait_for(lambda: fresh.status_text().startswith(
        f"unusable account key at {pebble.url}: run acmemsctl check; 0 orders"), "the status")
    find(fresh, f"the account key '{key}' cannot be used: it is an Ed25519 key; acmems uses RSA")


def test_missing_ca_file(fresh, pebble):
    fresh.configure(pebble, ("ca-file = /etc/acmems/ca.pem", "ca-file = /etc/acmems/other.pem"))
    lines = fresh.path("/etc/acmems/acmems.ini").read_text().splitlines()
    line = lines.index("ca-file = /etc/acmems/other.pem") + 1
    assert f"acmems.ini:{line}: warning: acmems-orderd cannot read ca-file '/etc/acmems/other.pem': No such file" \
        in fresh.run("acmemsctl", "check").stdout


def assert_closed_and_opened(server, csr, address):
    """The answer to the client names the command that opens this address, and the one that ends the pause."""
    answer = server.post(csr)
    assert answer.status == 421
    command = re.search(rf"no process of the server listens at {re.escape(address)}: run (systemctl [^)]*) there", answer.text)
    assert command, answer.text
    server.sh(command[1])
    again = server.post(csr)
    assert again.status == 421
    server.sh(re.search("'(acmemsctl clear [^']*)'", again.text)[1])
    server.issue(csr)
    return answer.text


@pytest.mark.parametrize("kind, port", [("http01", 80), ("tls-alpn01", 443)])
def test_validation_at_a_closed_port(fresh, pebble, new_csr, kind, port):
    """The CA connects to acmems itself, at a socket that the administrator forgot."""
    fresh.configure(pebble, ("type = http01\nlistener = 127.0.0.1:1380", f"type = {kind}\nlistener = 127.0.0.1:{port}"))
    fresh.run("systemctl", "enable", "--now", "acmems-mgmt.socket")
    assert_closed_and_opened(fresh, new_csr("closed.example.org"), f"127.0.0.1:{port}")


def test_directory_outside_of_the_running_sandbox(server, pebble, new_csr):
    """The sandboxes have the directories of the start. Without the command, requests fail."""
    server.issue(new_csr("before.example.org"))
    server.sh("install -d -o acmems -g acmems -m 0750 /srv/cache")
    server.configure(pebble, ("/var/lib/acmems/storage", "/srv/cache"))
    csr = new_csr("outside.example.org")
    assert server.post(csr).status == 500
    assert "Read-only file system. After a change of the directory, run systemctl daemon-reload && " \
        "systemctl restart acmems-orderd" in server.journal("-b", "_UID=0", "+", "_SYSTEMD_UNIT=acmems-orderd.service")
    follow(server, "the sandbox of the running acmems-orderd does not have directory '/srv/cache'")
    server.issue(csr)


def test_directory_outside_of_the_running_sandbox_of_the_handler(server, pebble, new_csr):
    """acmems-sign has a /run of its own."""
    server.issue(new_csr("handler.example.org"))
    server.sh("install -d -o acmems -g acmems -m 0750 /run/cache")
    server.configure(pebble, ("/var/lib/acmems/storage", "/run/cache"))
    follow(server, "the sandbox of the running acmems-sign does not have directory '/run/cache'")


def test_changed_listener(server, pebble, new_csr):
    """systemd keeps the previous addresses until the socket is restarted. A reload says so, too."""
    server.configure(pebble, ("127.0.0.1:1313", "127.0.0.1:1414"))
    find(server, "no process listens at 127.0.0.1:1414")
    server.run("systemctl", "reload", "acmems-orderd.service")
    assert "no process listens at 127.0.0.1:1414" in server.journal("-b", "-u", "acmems-orderd.service")
    follow(server, "no process listens at 127.0.0.1:1414")
    assert lib.Certificate(server.post(new_csr("moved.example.org"), port=1414).body)
    server.configure(pebble)
    follow(server, "no process listens at 127.0.0.1:1313")


def test_validation_without_the_handler(server, new_csr):
    """nginx says 502. acmems knows why."""
    server.run("systemctl", "stop", "acmems-http01.socket", "acmems-http01.service")
    assert "502" in assert_closed_and_opened(server, new_csr("closed.example.org"), "127.0.0.1:1380")

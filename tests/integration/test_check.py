# SPDX-License-Identifier: GPL-3.0-or-later
"""acmemsctl check: what it finds in a configuration that the programs accept."""

import lib
import pytest

UNREACHABLE = "because [mgmt] listens on loopback only"


def check(path, text):
    path.write_text(text)
    return lib.run(lib.CTL, "check", path).stdout


@pytest.mark.parametrize("mgmt, ip, is_unreachable", [
    ("", "192.0.2.0/24", True),  # the default listeners
    ("listener = 127.0.0.1:1313\nlistener = /run/acmems/sign.sock\n", "2001:db8::/32", True),
    ("listener = 127.0.0.1:1313\nlistener = 192.0.2.1:1313\n", "192.0.2.0/24", False),
    ("listener =\n", "192.0.2.0/24", False),  # another program has the socket
    ("proxy-protocol = 127.0.0.1\n", "192.0.2.0/24", False),  # a front server tells the client's address
    ("", "127.0.0.0/8", False),
    ("", "127.0.0.2", False),
    ("", "::1", False),
    ("", "0.0.0.0/0", False),
    ("", "192.0.2.0/24\nip = ::1", False),
])
def test_loopback_listeners(tmp_path, mgmt, ip, is_unreachable):
    """New users write an auth block for their network and leave the listeners as they are."""
    output = check(tmp_path / "acmems.ini",
                   f'[mgmt]\n{mgmt}[auth "mail"]\nip = {ip}\ndomain = mail.example.org\n')
    line = mgmt.count("\n") + 2
    assert (f'acmems.ini:{line}: warning: no client can match [auth "mail"], {UNREACHABLE}' in output) == is_unreachable
    assert output.endswith("ok, 1 auth block, 1 warning\n" if is_unreachable else "ok, 1 auth block\n")


@pytest.mark.parametrize("ca_file, why", [
    ("{}/missing.pem", "No such file or directory"), ("{}/acmems.ini/ca.pem", "Not a directory"), ("{}/ca.pem", None),
])
def test_missing_ca_file(tmp_path, ca_file, why):
    """It is named wherever the configuration and the file are."""
    (tmp_path / "ca.pem").write_text("")
    path = ca_file.format(tmp_path)
    output = check(tmp_path / "acmems.ini", f"[account]\nacme-server = https://ca.example.org/\nca-file = {path}\n")
    assert (f"acmems.ini:3: warning: ca-file '{path}' cannot be read: {why}\n" in output) == bool(why), output


def test_loopback_listeners_with_hmac(tmp_path):
    """A front server on this machine passes the HMAC on: only addresses are lost."""
    assert "warning" not in check(
        tmp_path / "acmems.ini",
        '[auth "mail"]\nhmac_type = sha256\nhmac_key = 0123456789abcdef\ndomain = mail.example.org\n')

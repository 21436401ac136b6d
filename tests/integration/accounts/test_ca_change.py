# SPDX-License-Identifier: GPL-3.0-or-later
"""acme-server is changed, as from a test CA to the real one: what belongs to the former CA stays there."""

import json
import shutil

import pytest

import lib
from test_accounts import account_block


@pytest.fixture(scope="module")
def real(new_pebble):
    """The CA that acme-server names later."""
    return new_pebble()


@pytest.fixture
def moved(installation, real, new_csr):
    """An installation whose certificate is from Pebble, and whose acme-server is another CA by now."""
    installation.start()
    installation.csr = new_csr("www.example.org")
    installation.first = installation.issue(installation.csr)
    shutil.copy(installation.config, installation.directory / "former.ini")
    installation.former, installation.ca = installation.ca, real
    installation.write_config()
    return installation


def register(server, *options):
    return lib.run(lib.REGISTER, *options, server.config, check=False)


def registration(server):
    return json.loads((server.directory / "account/registration.json").read_text())


def test_from_the_test_ca_to_the_real_one(moved, real):
    """The answer and acme-register name both CAs and the command; after it, the same request gets a certificate of the
    new CA, with the same key and contacts."""
    former = registration(moved)
    answer = moved.post(moved.csr)
    assert answer.status == 500
    for words in (former["uri"], f"acme-server is now {real.url}",
                  f"acme-register --register --accept-terms-of-service {moved.config}"):
        assert words in answer.text, answer
    result = register(moved)
    assert result.returncode == 1 and former["uri"] in result.stderr and real.url in result.stderr
    assert "register the key there with 'acme-register --register --accept-terms-of-service " in result.stderr
    assert registration(moved) == former
    result = register(moved, "--register")
    assert result.returncode == 1 and "Register ... not yet\nYou need to accept" in result.stdout
    result = register(moved, "--register", "--accept-terms-of-service")
    assert result.returncode == 0, result
    assert registration(moved)["server"] == real.url
    assert registration(moved)["body"]["key"] == former["body"]["key"]
    assert registration(moved)["body"]["contact"] == former["body"]["contact"]
    second = moved.issue(moved.csr)
    assert second.issuer != moved.first.issuer
    assert moved.issue(moved.csr).serial == second.serial


def test_certificate_that_nobody_waited_for(installation, real, new_csr):
    """An order whose client has left keeps its certificate, but not for the time after the change."""
    options = {"auth": '[storage "none"]\ntype = none\n' + lib.AUTH_ALL + "storage = none\n",
               "account": "accept-terms-of-service = yes"}
    installation.start(**options)
    csr, orders = new_csr("left.example.org"), installation.directory / "state/orders"
    with lib.Client(installation.port) as client:
        client.send(lib.head(csr), csr)
        lib.wait_for(lambda: list(orders.glob("*.json")), "the order")
    lib.wait_for(lambda: any('"chain"' in path.read_text() for path in orders.glob("*.json")), "the certificate")
    installation.ca = real
    installation.write_config(**options)
    assert register(installation, "--register").returncode == 0
    before = real.orders()
    installation.issue(csr)
    assert real.orders() == before + 1


def test_and_back(moved, real):
    """The account that the key has at the former CA is found again, without any command."""
    assert register(moved, "--register", "--accept-terms-of-service").returncode == 0
    moved.issue(moved.csr)
    moved.ca = moved.former
    moved.write_config()
    assert moved.issue(moved.csr).issuer == moved.first.issuer
    assert registration(moved)["server"] == moved.former.url


def test_registration_of_the_python_server(moved, real):
    """It does not say its CA. The host of the account does."""
    lib.run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
            moved.directory / "account/account.pem")
    path = moved.directory / "account/registration.json"
    former = {**registration(moved), "uri": "https://ca.example.org/account/1"}
    del former["server"]
    path.write_text(json.dumps(former))
    answer = moved.post(moved.csr)
    assert answer.status == 500 and "its account is https://ca.example.org/account/1" in answer.text


def test_revoking_a_certificate_of_the_former_ca(moved, real):
    """It is not sent to a CA that did not issue it."""
    assert register(moved, "--register", "--accept-terms-of-service").returncode == 0
    serial = moved.first.serial
    argv = lib.CTL, "revoke", serial
    answer = lib.run(*argv, f"--config={moved.config}", check=False)
    assert answer.returncode == 1 and f"{moved.former.url}: this CA issued the certificate" in answer.stderr
    answer = lib.run(*argv, f"--config={moved.directory / 'former.ini'}", check=False)
    assert answer.returncode == 1 and "Register one there with 'acme-register " in answer.stderr
    assert real.url.rpartition("/")[0] in answer.stderr
    directory = moved.directory / "former"
    directory.mkdir()
    shutil.copy(moved.directory / "account/account.pem", directory)
    moved.write_config(auth=account_block("former", moved.former, dir=directory) + lib.AUTH_ALL)
    assert register(moved, "--account=former", "--register").returncode == 0
    answer = lib.run(*argv, f"--config={moved.config}")
    assert f"The CA revoked certificate {serial.lower()}" in answer.stdout
    assert json.loads(moved.former.manage(f"cert-status-by-serial/{serial.lower()}"))["Status"] == "Revoked"

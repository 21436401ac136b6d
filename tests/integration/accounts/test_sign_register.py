# SPDX-License-Identifier: GPL-3.0-or-later
"""acme-register, and existing accounts."""

import base64
import json
import re
import shutil
import socket
import stat

import pytest

import lib

TERMS = "data:text/plain,Do%20what%20thou%20wilt"  # the terms of service of Pebble


@pytest.fixture
def fresh(tmp_path, pebble, http01_socket):
    """An installation without an account."""
    server = lib.Acmems(tmp_path, pebble, http01_socket)
    server.write_config()
    yield server
    server.stop()


def register(server, *options, check=True):
    return lib.run(lib.REGISTER, *options, server.config, check=check)


def assert_issues(server, new_csr):
    server.start_orderd()
    server.start_sign("--idle-timeout", "0")
    server.start_http01()
    server.issue(new_csr("registered.example.org"))


@pytest.mark.parametrize("by", ["orderd", "acme-register"])
def test_contact_of_the_configuration(fresh, new_csr, by):
    fresh.write_config(account="contact = one@example.org\ncontact = two@example.org\naccept-terms-of-service = yes")
    if by == "orderd":
        assert_issues(fresh, new_csr)
    else:
        register(fresh, "--gen-key", "--register")
    registration = json.loads((fresh.directory / "account/registration.json").read_text())
    assert registration["body"]["contact"] == ["mailto:one@example.org", "mailto:two@example.org"]


def test_show(fresh):
    """The account, and the CAA record that an administrator copies into the zone."""
    register(fresh, "--gen-key", "--register", "--email=one@example.org", "--accept-terms-of-service")
    shown = register(fresh, "--show").stdout
    uri = json.loads((fresh.directory / "account/registration.json").read_text())["uri"]
    for line in (f"CA: {fresh.ca.url}", f"Account: {uri}", "Status: valid", "Contact: mailto:one@example.org",
                 f'CAA record: NAME. CAA 0 issue "CA; accounturi={uri}; validationmethods=http-01"'):
        assert f"\n{line}\n" in shown, shown
    assert re.search(r"^Key thumbprint: [\w-]{43}$", shown, re.M)


def test_show_the_names_of_the_ca(fresh, fake_ca):
    fake_ca.meta = {"caaIdentities": ["ca.example", "ca.example.net"]}
    fresh.ca = fake_ca
    fresh.write_config()
    register(fresh, "--gen-key", "--register")
    assert re.findall(r'issue "([\w.]+);', register(fresh, "--show").stdout) == ["ca.example", "ca.example.net"]


def test_two_steps(fresh, new_csr):
    first = register(fresh, "--gen-key", "--register", "--email", "test@example.org", check=False)
    assert first.returncode != 0
    assert first.stdout == f"""\
Generate private key ... done
Initialize ACME client ... done
Register ... not yet
You need to accept the terms of service at {TERMS}
To accept them, run 'acme-register --register --accept-terms-of-service {fresh.config}'
"""
    second = register(fresh, f"--accept-terms-of-service={TERMS}")
    assert second.stdout == f"""\
Load private key ... done
Initialize ACME client ... done
Refreshing current registration ... not yet
You need to accept the terms of service at {TERMS}
Accepting ToS at {TERMS} ... done
"""
    registration = json.loads((fresh.directory / "account/registration.json").read_text())
    assert registration["body"]["contact"] == ["mailto:test@example.org"]
    for again in [f"--accept-terms-of-service={TERMS}"], ["--register"], []:
        register(fresh, *again)  # all is done already, and nothing fails
    assert_issues(fresh, new_csr)


def named_commands(result):
    return re.findall(r"'acme-register ([^']*)'", result.stdout + result.stderr)


def run_named(result):
    """Do what the only command of the output says."""
    commands = named_commands(result)
    assert len(commands) == 1, result
    return lib.run(lib.REGISTER, *commands[0].split())


@pytest.mark.parametrize("account", ["", "b"])
def test_commands_can_be_run_as_they_are(fresh, account):
    """Each one acts on the account that the message is about, and leaves nothing to do."""
    text = fresh.config.read_text()
    blocks = "".join(text.partition("[account]\n")[2].partition("\n[")[0].replace("account", f"account-{name}")
                     .join([f'\n[account "{name}"]\n', "\n"]) for name in "ab")
    fresh.config.write_text(text + blocks)
    options = [f"--account={account}"] if account else []
    directory = fresh.directory / (f"account-{account}" if account else "account")
    run_named(register(fresh, "--show", *options, check=False))
    for first in ["--deactivate"], []:
        result = register(fresh, *options, *first, check=False)
    assert result.returncode == 1
    run_named(result)
    (directory / "registration.json").unlink()
    run_named(register(fresh, "--rollover-key", *options, check=False))
    (directory / "registration.json").unlink()
    run_named(register(fresh, "--register", *options, check=False))
    assert sorted(path.name for path in fresh.directory.glob("account*")) == [directory.name]
    (directory / "registration.json").unlink()
    result = lib.run(lib.CTL, "revoke", f"--config={fresh.config}", *(options or ["--account="]), fresh.ca.ca_file, check=False)
    run_named(result)


def test_command_repeats_the_external_account(fresh):
    result = register(fresh, "--gen-key", "--register", "--eab-kid=k", "--eab-hmac-key-file=/etc/key", check=False)
    assert named_commands(result) == \
        [f"--register --accept-terms-of-service --eab-kid=k --eab-hmac-key-file=/etc/key {fresh.config}"]


def test_one_step(fresh, new_csr):
    register(fresh, "--gen-key", "--register", "--accept-terms-of-service")
    directory = fresh.directory / "account"
    assert stat.S_IMODE((directory / "account.pem").stat().st_mode) == 0o600
    text = (directory / "registration.json").read_text()
    registration = json.loads(text)
    assert text.strip() == json.dumps(registration, indent=4, sort_keys=True)
    assert registration["uri"].startswith(fresh.ca.url[:-3])
    assert registration["body"]["status"] == "valid"
    assert registration["body"]["key"]["crv"] == "P-256"
    assert_issues(fresh, new_csr)


def test_other_terms_are_not_accepted(fresh):
    register(fresh, "--gen-key", "--register", check=False)
    result = register(fresh, "--accept-terms-of-service=https://example.org/terms", check=False)
    assert result.returncode != 0
    assert TERMS in result.stdout + result.stderr
    assert "uri" not in json.loads((fresh.directory / "account/registration.json").read_text())


def test_key_is_not_overwritten(fresh):
    register(fresh, "--gen-key", check=False)  # registration is still missing
    key = fresh.directory / "account/account.pem"
    before = key.read_bytes()
    assert "kept" in register(fresh, "--gen-key", check=False).stderr
    assert key.read_bytes() == before
    register(fresh, "--gen-key", "--override-existing-key", check=False)
    assert key.read_bytes() != before
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


@pytest.mark.parametrize("options, text", [
    (["--private-key-size", "2048"], "Private-Key: (2048 bit"), (["--key-type", "rsa"], "modulus"),
    (["--key-type", "ec256"], "P-256"), (["--key-type", "ec384"], "P-384"),
])
def test_kinds_of_keys(fresh, new_csr, options, text):
    register(fresh, "--gen-key", "--register", "--accept-terms-of-service", *options)
    described = lib.run("openssl", "pkey", "-noout", "-text", "-in",
                        fresh.directory / "account/account.pem").stdout
    assert text in described
    assert_issues(fresh, new_csr)


def test_orderd_registers_by_itself(fresh, new_csr):
    fresh.write_config(account="accept-terms-of-service = yes")
    register(fresh, "--gen-key", check=False)
    (fresh.directory / "account/registration.json").unlink(missing_ok=True)
    assert_issues(fresh, new_csr)
    assert (fresh.directory / "account/registration.json").exists()


def test_consent_in_the_config_is_noticed(fresh, new_csr):
    fresh.start_orderd()
    fresh.start_sign("--idle-timeout", "0")
    fresh.start_http01()
    csr = new_csr("consent.example.org")
    assert fresh.post(csr).status == 500
    fresh.write_config(account="accept-terms-of-service = yes")
    assert fresh.post(csr).status == 200


def test_account_of_python_server(fresh, new_csr, tmp_path):
    """An RSA key in PKCS#8 and the JSON file of the Python server are read as they are."""
    other = lib.Acmems(tmp_path / "other", fresh.ca, fresh.http01_socket)
    other.write_config()
    register(other, "--gen-key", "--private-key-size", "4096", "--register",
             "--accept-terms-of-service")
    other.stop()
    uri = json.loads((tmp_path / "other/account/registration.json").read_text())["uri"]
    key = tmp_path / "other/account/account.pem"
    numbers = lib.run("openssl", "rsa", "-noout", "-modulus", "-in", key).stdout
    modulus = bytes.fromhex(numbers.strip().partition("=")[2])
    encoded = base64.urlsafe_b64encode(modulus).decode().rstrip("=")
    account = fresh.directory / "account"
    account.mkdir()
    shutil.copy(key, account)
    (account / "registration.json").write_text(json.dumps({
        "body": {"contact": [], "key": {"e": "AQAB", "kty": "RSA", "n": encoded},
                 "status": "valid"}, "uri": uri}, indent=4, sort_keys=True))
    before = (account / "account.pem").read_bytes()
    assert_issues(fresh, new_csr)
    assert (account / "account.pem").read_bytes() == before


def test_ca_cannot_be_reached(fresh):
    fresh.config.write_text(fresh.config.read_text().replace(
        fresh.ca.url, f"https://127.0.0.1:{lib.free_port()}/dir"))
    result = register(fresh, "--gen-key", "--register", check=False)
    assert result.returncode != 0
    assert "127.0.0.1" in result.stderr


def test_credentials(installation, new_csr):
    """Credentials of the service manager replace the files; the key exists in no other file."""
    credentials = installation.directory / "credentials"
    credentials.mkdir()
    installation.write_config()
    installation.config.rename(credentials / "acmems.ini")
    key = (installation.directory / "account/account.pem").rename(credentials / "account.pem")
    environment = {"CREDENTIALS_DIRECTORY": str(credentials)}
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(installation.directory / "run/orderd.sock"))
        sock.listen()

        def start_orderd():
            orderd = installation.spawn("orderd", [lib.ORDERD], sockets=[sock], env=environment)
            installation.wait_for_start(orderd)
            return orderd

        orderd = start_orderd()
        installation.wait_for_start(installation.spawn(
            "sign", [lib.SIGN], sockets=[installation.socket], env=environment))
        installation.start_http01()
        serial = installation.issue(new_csr("www.example.org")).serial
        # A key from a credential is not replaced: acmems would continue to use the credential.
        result = lib.run(lib.REGISTER, "--gen-key", "--override-existing-key",
                         credentials / "acmems.ini", check=False,
                         env={**lib.ENVIRONMENT, **environment})
        assert result.returncode == 1 and "credential" in result.stderr
        installation.issue(new_csr("mail.example.org"))
        assert key.read_bytes() and not (installation.directory / "account/account.pem").exists()
        # If it is damaged, every program names its path.
        orderd.stop()
        key.write_text("no key")
        said = f"{key}, a copy of the credential that the unit of the service names: it is not a private key in PEM form"
        start_orderd()
        assert said in installation.post(new_csr("damaged.example.org")).text
    for command in [lib.REGISTER, credentials / "acmems.ini"], \
            [lib.CTL, "revoke", f"--config={credentials}/acmems.ini", serial]:
        result = lib.run(*command, check=False, env={**lib.ENVIRONMENT, **environment})
        assert result.returncode != 0 and said in result.stderr

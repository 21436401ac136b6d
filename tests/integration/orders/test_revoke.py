# SPDX-License-Identifier: GPL-3.0-or-later
"""acmemsctl revoke: the CA revokes the certificate, and the cache no longer has it."""

import json
import os
import signal
import threading

import pytest

import lib


@pytest.fixture
def revoke(acmems):
    return lambda *arguments, **kwargs: lib.run(
        lib.CTL, "revoke", f"--config={acmems.config}", *arguments, **kwargs)


def status(pebble, serial):
    return json.loads(pebble.manage(f"cert-status-by-serial/{serial.lower()}"))


def assert_revoked(pebble, acmems, csr, serial, reason=None):
    found = status(pebble, serial)
    assert found["Status"] == "Revoked" and found.get("Reason") == reason
    entry = acmems.cache_entry(csr)
    assert not (entry / "cert.pem").exists() and (entry / "csr.pem").exists()
    assert acmems.issue(csr).serial != serial  # ordered again


def colons(serial):
    return ":".join(serial[i:i + 2] for i in range(0, len(serial), 2))


@pytest.mark.parametrize("spell", [str.upper, str.lower, colons])
def test_by_serial(acmems, revoke, new_csr, pebble, spell):
    csr, other = new_csr("serial.example.org"), new_csr("other.example.org")
    serial, kept = acmems.issue(csr).serial, acmems.issue(other).serial
    result = revoke(spell(serial), "--reason=superseded")
    assert result.stdout == (f"The CA revoked certificate {serial.lower()}.\n"
                             "It was removed from the cache. The next POST of its CSR orders a new "
                             "certificate.\n")
    assert_revoked(pebble, acmems, csr, serial, 4)
    assert status(pebble, kept)["Status"] == "Valid" and acmems.issue(other).serial == kept


def test_by_request(acmems, revoke, new_csr, pebble, tmp_path):
    csr = new_csr("request.example.org")
    (tmp_path / "request").write_bytes(csr)
    serial = acmems.issue(csr).serial
    revoke(tmp_path / "request", "--reason=affiliationChanged")
    assert_revoked(pebble, acmems, csr, serial, 3)


REFUSED = "A certificate with this key was revoked because the key is compromised. Create a new key"


def csr_with_key(csr, key, name, form):
    """Another CSR with this EC key, whose point can be written in several forms."""
    other = csr.parent / f"{name}.csr"
    lib.run("openssl", "ec", "-in", key, "-conv_form", form, "-out", other.with_suffix(".key"))
    lib.run("openssl", "req", "-new", "-key", other.with_suffix(".key"), "-subj", "/", "-addext",
            f"subjectAltName=DNS:{name}", "-out", other)
    return other.read_bytes()


@pytest.fixture
def twins(tmp_path, new_csr):
    """twins("a.example.org", "b.example.org", …): CSRs with one key."""
    def twins(first, *others, form="uncompressed"):
        path = tmp_path / "csr" / f"{first}.csr"
        return [new_csr(first), *(csr_with_key(path, path.with_suffix(".key"), name, form) for name in others)]
    return twins


def test_compromised_key(acmems, revoke, twins, new_csr, pebble, tmp_path):
    """No request with the key gets a certificate any more: not from a cache, not from the CA."""
    first, second, third = twins("first.example.org", "second.example.org", "third.example.org")
    compressed = csr_with_key(tmp_path / "csr/first.example.org.csr", tmp_path / "csr/first.example.org.key", "fourth.example.org",
                              "compressed")
    serial, kept = acmems.issue(first).serial, acmems.issue(second).serial
    safe = new_csr("safe.example.org")
    other = acmems.issue(safe).serial
    orders = pebble.orders()
    result = revoke(serial, "--reason=keyCompromise")
    assert result.stdout == ("acmems refuses every request with this key from now on.\n"
                             f"The CA revoked certificate {serial.lower()}.\n"
                             "It was removed from the cache.\n"
                             "Other certificates with its key that were removed from the cache: 1.\n")
    assert status(pebble, serial)["Reason"] == 1 and status(pebble, kept)["Status"] == "Valid"
    for csr, reason in (first, REFUSED), (second, REFUSED), (third, REFUSED), (compressed, "compressed point"):
        answer = acmems.post(csr)
        assert answer.status == 415 and reason in answer.text, answer
        assert not (acmems.cache_entry(csr) / "cert.pem").exists()
    assert REFUSED in acmems.sign.log
    assert pebble.orders() == orders and acmems.issue(safe).serial == other


def test_second_entry_of_the_key(acmems, revoke, twins, pebble):
    """For any reason, the cache drops what belongs to the key; only a compromised key is refused."""
    first, second = twins("one.example.org", "two.example.org")
    serials = [acmems.issue(csr).serial for csr in (first, second)]
    assert "were removed from the cache: 1." in revoke(serials[1], "--reason=superseded").stdout
    assert not {acmems.issue(csr).serial for csr in (first, second)} & set(serials)


def test_compromised_although_the_ca_refuses(acmems, revoke, twins, tmp_path):
    """The key must not be used, whether the CA revokes a certificate or not."""
    first, second = twins("refused.example.org", "refused2.example.org")
    chain = acmems.post(first).body
    (tmp_path / "chain").write_bytes(chain)
    revoke(tmp_path / "chain")
    result = revoke(tmp_path / "chain", "--reason=keyCompromise", check=False)
    assert result.returncode == 0 and "already revoked" in result.stdout
    assert acmems.post(second).status == 415


def test_compromised_without_an_account(acmems, revoke, twins, tmp_path):
    """The CA cannot be told; the key is refused all the same."""
    first, second = twins("orphan.example.org", "orphan2.example.org")
    (tmp_path / "chain").write_bytes(acmems.post(first).body)
    registration = acmems.directory / "account/registration.json"
    registration.rename(tmp_path / "registration.json")
    result = revoke(tmp_path / "chain", "--reason=keyCompromise", check=False)
    assert result.returncode == 1 and "there is no account at " in result.stderr
    assert acmems.post(second).status == 415


def test_compromised_in_another_copy_of_the_cache(acmems, revoke, twins, pebble):
    """A backup brings the certificate back into the cache: it is not returned."""
    [first] = twins("backup.example.org")
    chain = acmems.post(first).body
    revoke(lib.Certificate(chain).serial, "--reason=keyCompromise")
    acmems.put_entry(first, chain)
    answer = acmems.post(first)
    assert answer.status == 415 and REFUSED in answer.text


@pytest.mark.parametrize("restarts", [False, True])
def test_compromised_while_ordered(acmems, revoke, twins, pebble, restarts):
    """An order in progress ends without a certificate, also one that is resumed."""
    first, second = twins(f"early{restarts}.example.org", f"late{restarts}.example.org")
    serial, issued = acmems.issue(first).serial, pebble.certificates()
    acmems.http01.pause()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(acmems.post(second)))
    thread.start()
    lib.wait_for(lambda: list(acmems.challenges.iterdir()), "the challenge")
    if restarts:
        acmems.orderd.expect = (-signal.SIGKILL,)
        acmems.orderd.popen.kill()
        acmems.orderd.wait()
    revoke(serial, "--reason=keyCompromise")
    if restarts:
        acmems.start_orderd()
    acmems.http01.resume()
    thread.join(lib.DEADLINE)
    [answer] = answers
    assert answer.status == 415 and REFUSED in answer.text, answer
    lib.wait_for(lambda: not list(acmems.directory.glob("state/orders/*.json")), "the end of the order")
    assert "No certificate for late" in acmems.orderd.log
    assert not (acmems.cache_entry(second) / "cert.pem").exists()
    assert pebble.certificates() == issued


def test_unreadable_list(acmems, twins, pebble):
    """That a key is good is not concluded from an error. The same request succeeds later."""
    [first] = twins("unreadable.example.org")
    serial = acmems.issue(first).serial
    (acmems.directory / "state/revoked-keys").write_text("no directory")
    answer = acmems.post(first)
    assert answer.status == 500 and "failed to read its state directory" in answer.text, answer
    (acmems.directory / "state/revoked-keys").unlink()
    assert acmems.issue(first).serial == serial


def test_documented_command(acmems, new_csr, pebble, tmp_path):
    csr = new_csr("readme.example.org")
    (tmp_path / "www.csr").write_bytes(csr)
    serial = acmems.issue(csr).serial
    command = lib.documented_block("revoke").strip()
    lib.run("bash", "-c", command.replace("acmemsctl", f"{lib.CTL} --config={acmems.config}"),
            cwd=tmp_path)
    assert_revoked(pebble, acmems, csr, serial, 4)


def test_by_certificate(acmems, revoke, new_csr, pebble, tmp_path):
    """A chain stands for its leaf.
    A certificate outside all caches can be revoked, and twice is once."""
    csr = new_csr("certificate.example.org")
    chain = acmems.post(csr).body
    (tmp_path / "chain").write_bytes(chain)
    serial = lib.Certificate(chain).serial
    revoke(tmp_path / "chain")
    assert_revoked(pebble, acmems, csr, serial)
    result = revoke(tmp_path / "chain")
    assert result.stdout == (f"Certificate {serial.lower()} is already revoked.\n"
                             "It is in no cache.\n"
                             "Other certificates with its key that were removed from the cache: 1.\n")


def test_already_revoked_leaves_the_cache(acmems, revoke, new_csr, tmp_path):
    """A certificate that was revoked elsewhere,
    or by an interrupted run, still leaves the cache."""
    csr = new_csr("again.example.org")
    chain = acmems.post(csr).body
    certificate = acmems.cache_entry(csr) / "cert.pem"
    (tmp_path / "chain").write_bytes(chain)
    revoke(tmp_path / "chain")
    certificate.write_bytes(chain)
    assert "already" in revoke(tmp_path / "chain").stdout
    assert not certificate.exists()


@pytest.mark.parametrize("by", ["serial", "request", "certificate"])
def test_chain_outside_the_cache(acmems, revoke, new_csr, pebble, tmp_path, by):
    """A certificate that waits for its next request is found, and is no longer returned."""
    acmems.write_config(storage='[storage "none"]\ntype = none\n',
                        auth=lib.AUTH_ALL + "storage = none\n")
    csr = new_csr(f"kept-{by}.example.org")
    acmems.http01.pause()
    with lib.Client(acmems.port) as client:
        client.send(lib.head(csr), csr)
        lib.wait_for(lambda: list(acmems.challenges.iterdir()), "the challenge")
    for pid in acmems.sign.children():
        os.kill(pid, signal.SIGKILL)  # the process that waits for the answer
    acmems.http01.resume()

    def kept():
        return [record for path in acmems.directory.glob("state/orders/*.json")
                if (record := json.loads(path.read_text()))["stage"] == "issued"]

    [record] = lib.wait_for(kept, "the certificate on disk")
    serial = lib.Certificate(record["chain"].encode()).serial
    (tmp_path / "request").write_bytes(csr)
    (tmp_path / "certificate").write_text(record["chain"])
    what = serial if by == "serial" else tmp_path / by
    assert "orders a new certificate" in revoke(what).stdout
    assert status(pebble, serial)["Status"] == "Revoked"
    assert acmems.issue(csr).serial != serial


def test_refused(acmems, revoke, new_csr, tmp_path):
    csr, key = tmp_path / "request", tmp_path / "key"
    csr.write_bytes(new_csr("never.example.org"))
    key.write_text("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n")
    for argument, words in {
        "0123": "no cache has a certificate with this serial number",
        "missing.pem": "this is neither a file nor a serial number",
        csr: "no cache has a certificate for exactly this request",
        key: "not a certificate",
    }.items():
        result = revoke(argument, check=False)
        assert result.returncode == 1 and words in result.stderr and not result.stdout


def test_certificate_of_another_account(acmems, revoke, pebble, tmp_path):
    """The CA refuses: its reason is printed, and the cache is unchanged."""
    certificate = tmp_path / "foreign.pem"
    lib.run("openssl", "req", "-x509", "-nodes", "-newkey", *lib.KEYS["p256"], "-subj", "/CN=x",
            "-keyout", tmp_path / "key", "-out", certificate)
    result = revoke(certificate, check=False)
    assert result.returncode == 1 and "The CA said: " in result.stderr


@pytest.mark.parametrize("arguments", [
    ["revoke"], ["revoke", "a", "b"], ["revoke", "--reason=whim", "0123"],
    ["check", "--reason=superseded"]])
def test_usage(arguments):
    result = lib.run(lib.CTL, *arguments, check=False)
    assert result.returncode == 2 and "Try 'acmemsctl --help'" in result.stderr

# SPDX-License-Identifier: GPL-3.0-or-later
"""The main purpose: a client posts a CSR and gets a certificate from a real CA."""

import hmac
import http.server
import os
import re
import shutil
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import lib


@pytest.mark.parametrize("key", ["rsa2048", "p256", "p384"])
def test_key(acmems, new_csr, key):
    csr = new_csr("www.example.org", key=key)
    answer = acmems.post(csr)
    assert answer.status == 200, answer
    assert answer.headers["Content-Type"] == "application/pem-certificate-chain"
    certificate = lib.Certificate(answer.body)
    assert certificate.names == ["www.example.org"]
    assert certificate.public_key == lib.csr_public_key(csr)


def test_chain_is_complete_and_laid_out(acmems, new_csr, pebble, tmp_path):
    """The leaf comes first; one blank line separates the certificates,
    one newline ends the file."""
    answer = acmems.post(new_csr("www.example.org"))
    blocks = answer.text.split("\n\n")
    assert len(blocks) > 1 and all(
        re.fullmatch(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+\n-----END CERTIFICATE-----",
                     block.strip()) for block in blocks)
    assert answer.text.endswith("-----\n") and not answer.text.endswith("\n\n")
    for name, content in {"root": pebble.root(), "leaf": blocks[0].encode(),
                          "rest": "\n".join(blocks[1:]).encode()}.items():
        (tmp_path / name).write_bytes(content)
    lib.run("openssl", "verify", "-CAfile", tmp_path / "root", "-untrusted", tmp_path / "rest",
            tmp_path / "leaf")


def test_many_names(acmems, new_csr):
    names = [f"host{i}.example.org" for i in range(25)]
    assert acmems.issue(new_csr(*names, key="rsa2048")).names == sorted(names)
    assert list(acmems.challenges.iterdir()) == []  # each was removed after its authorization


def test_same_names_new_key(installation, new_csr):
    """The CA has an authorization for the names; it may reuse it, or require a new one."""
    acmems = installation.start(account="duplicate-certificates-per-week = 0")
    serials = {acmems.issue(new_csr("again.example.org")).serial for _ in range(6)}
    assert len(serials) == 6


def test_form_of_request(acmems, new_csr):
    """CRLF, text around the PEM block and the old label make no difference."""
    csr = new_csr("form.example.org")
    old_label = csr.replace(b"BEGIN CERT", b"BEGIN NEW CERT").replace(b"END CERT", b"END NEW CERT")
    text = lib.run("openssl", "req", "-text", input=csr.decode()).stdout.encode()
    for body in csr.replace(b"\n", b"\r\n"), old_label, text:
        acmems.issue(body)


def test_http_forms(acmems, new_csr):
    """HTTP/1.0, Expect: 100-continue, persistent connections and pipelining."""
    csr = new_csr("forms.example.org")
    with lib.Client(acmems.port) as client:
        client.send(f"POST /sign HTTP/1.0\r\nContent-Length: {len(csr)}\r\n\r\n", csr)
        assert client.answer().status == 200
        assert client.sock.recv(1) == b""
    with lib.Client(acmems.port) as client:
        client.send(lib.head(csr, Expect="100-continue"))
        assert client.sock.recv(25, 0x100) == b"HTTP/1.1 100 Continue\r\n\r\n"  # MSG_WAITALL
        client.send(csr)
        assert client.answer().status == 200
        client.send(lib.head(csr), csr, lib.head(csr), csr)
        client_answers = client.sock.makefile("rb")
        for _ in range(2):
            assert b"200" in client_answers.readline()
            length = 0
            while (line := client_answers.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            assert client_answers.read(length).startswith(b"-----BEGIN")


# ---- cache ---------------------------------------------------------------------------------

def test_cache(acmems, new_csr, pebble):
    csr = new_csr("cache.example.org")
    first, orders = acmems.post(csr), pebble.orders()
    second = acmems.post(csr)
    assert (second.status, second.body) == (200, first.body)
    assert pebble.orders() == orders
    entry = acmems.cache_entry(csr)
    assert (entry / "csr.pem").read_bytes() == csr
    assert (entry / "cert.pem").read_bytes() == first.body


@pytest.mark.parametrize("damage", ["empty", "cut", "junk", "other", "directory"])
def test_damaged_entry_is_replaced(acmems, new_csr, damage):
    csr = new_csr("damaged.example.org")
    first = acmems.issue(csr)
    file = acmems.cache_entry(csr) / "cert.pem"
    if damage == "directory":
        file.unlink()
    else:
        file.write_bytes({
            "empty": lambda: b"", "junk": lambda: b"nothing\n",
            "cut": lambda: file.read_bytes()[:700],
            "other": lambda: acmems.post(new_csr("other.example.org")).body,
        }[damage]())
    second = acmems.issue(csr)
    assert second.serial != first.serial
    assert second.names == ["damaged.example.org"]
    assert acmems.issue(csr).serial == second.serial


def test_short_lifetime_is_cached(installation, new_csr):
    """A 90-day certificate never has more than renew-within left:
    a third of its lifetime applies."""
    installation.start(storage="renew-within = 91")
    csr = new_csr("short.example.org")
    assert installation.issue(csr).serial == installation.issue(csr).serial


@pytest.mark.parametrize("days_left, cached", [(15, True), (13, False)])
def test_outdated_entry_is_renewed(acmems, new_csr, tmp_path, days_left, cached):
    csr = new_csr("outdated.example.org")
    old = lib.make_certificate(tmp_path, tmp_path / "csr/outdated.example.org.csr",
                               (days_left - 90) * 86400, days_left * 86400)
    acmems.put_entry(csr, old)
    assert (acmems.issue(csr).serial == lib.Certificate(old).serial) == cached


def test_cache_of_python_server(acmems, new_csr, pebble):
    """The layout on disk is a stable interface: entries written by other programs are served."""
    csr = new_csr("moved.example.org")
    chain = acmems.post(csr).body
    entry = acmems.cache_entry(csr)
    for file in entry.iterdir():
        file.unlink()
    entry.rmdir()
    acmems.put_entry(csr, chain)
    orders = pebble.orders()
    answer = acmems.post(csr)
    assert (answer.status, answer.body, pebble.orders()) == (200, chain, orders)


def test_documented_migration(acmems, new_csr, pebble, tmp_path):
    """Copy the directories of the Python server as docs/migrating.md says:
    the account and the cache stay in use."""
    csr = new_csr("migrated.example.org")
    serial = acmems.issue(csr).serial
    old, new = tmp_path / "old", tmp_path / "new"
    for name in "account", "cache":
        shutil.copytree(acmems.directory / name, old / name.replace("cache", "storage"))
    lib.run("chmod", "-R", "a+rX", old)
    command = lib.documented_block("migrate")
    for path, mine in (("/etc/acmems/", f"{old}/"), ("/var/lib/acmems/", f"{new}/"), ("acmems:acmems", "root:root")):
        assert path in command
        command = command.replace(path, mine)
    new.mkdir()
    lib.run("bash", "-ec", command)
    assert oct((new / "account/account.pem").stat().st_mode & 0o777) == "0o600"
    assert oct((lib.cache_path(new / "storage", csr) / "cert.pem").stat().st_mode & 0o777) == "0o640"
    text = acmems.config.read_text()
    for path, mine in (acmems.directory / "account", new / "account"), (acmems.directory / "cache", new / "storage"):
        assert f" = {path}\n" in text
        text = text.replace(f" = {path}\n", f" = {mine}\n")
    acmems.config.write_text(text)
    orders = pebble.orders()
    assert acmems.issue(csr).serial == serial and pebble.orders() == orders
    registration = (new / "account/registration.json").read_text()
    acmems.issue(new_csr("migrated2.example.org"))
    assert (new / "account/registration.json").read_text() == registration


def test_no_storage(installation, new_csr):
    installation.start(auth=lib.AUTH_ALL + 'storage = none\n[storage "none"]\ntype = none\n')
    csr = new_csr("uncached.example.org")
    assert installation.issue(csr).serial != installation.issue(csr).serial


# ---- many at once --------------------------------------------------------------------------

def test_fifty_requests_ten_at_a_time(acmems, new_csr):
    requests = [new_csr(f"host{i}.load.example.org") for i in range(50)]
    with ThreadPoolExecutor(10) as pool:
        certificates = list(pool.map(acmems.issue, requests))
    assert [c.names for c in certificates] == [[f"host{i}.load.example.org"] for i in range(50)]
    assert len({c.serial for c in certificates}) == 50


def test_twenty_clients_one_request_one_order(acmems, new_csr, pebble):
    csr, orders, barrier = new_csr("once.example.org"), pebble.orders(), threading.Barrier(20)

    def post(_):
        barrier.wait()
        return acmems.issue(csr).serial

    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(post, range(20)))) == 1
    assert pebble.orders() == orders + 1


def test_same_names_at_once(acmems, new_csr):
    """Requests with the same names and different keys: each gets its own certificate."""
    requests = [new_csr("same.example.org") for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        certificates = list(pool.map(acmems.issue, requests))
    assert [c.public_key for c in certificates] == [lib.csr_public_key(r) for r in requests]


# ---- documented client commands -----------------------------------------------------------

def shell(script, directory, port, check=True, **env):
    script = script.replace("acmems.example.org:1313", f"127.0.0.1:{port}")
    result = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", script], cwd=directory,
                            env={**lib.ENVIRONMENT, **env}, capture_output=True, text=True,
                            timeout=60, check=False)
    assert not check or result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.fixture
def with_key(installation):
    return installation.start(auth="""
[auth "key"]
hmac_type = sha256
hmac_key = correct horse battery
domain = *.example.org
domain = example.org
""")


@pytest.mark.parametrize("client", ["curl", "wget"])
def test_documented_client(acmems, tmp_path, client):
    """The file is replaced only by a certificate, and only if the certificate is different."""
    command, file = lib.documented_block(client), tmp_path / "domain.pem"
    shell(lib.documented_block("request") + command, tmp_path, acmems.port)
    assert lib.Certificate(file.read_bytes()).names == ["example.org", "www.example.org"]
    before = file.stat()
    shell(command, tmp_path, acmems.port)
    assert file.stat() == before
    (tmp_path / "domain.csr").write_text("this is not a CSR\n")
    result = shell(command, tmp_path, acmems.port, check=False)
    assert result.returncode != 0 and "415" in result.stderr
    assert "request" in (tmp_path / "domain.new").read_text()
    assert file.stat() == before


@pytest.mark.parametrize("client", ["curl hmac", "wget hmac"])
def test_documented_client_with_key(with_key, tmp_path, client):
    shell(lib.documented_block("request") + lib.documented_block(client), tmp_path, with_key.port,
          KEY="correct horse battery")
    lib.Certificate((tmp_path / "domain.pem").read_bytes())


def test_documented_script(acmems, tmp_path):
    """The script reloads the web server if the certificate changed, and reports errors."""
    def here(name):
        return lib.documented_block(name).replace("/etc/acmems-client", str(tmp_path)).replace(
            "systemctl reload nginx.service", "echo reload")

    def run(check=True):
        return shell(here("client script"), tmp_path, acmems.port, check)

    shell(here("client request"), tmp_path, acmems.port)
    assert [run().stdout for _ in range(2)] == ["reload\n", ""]
    certificate = tmp_path / "domain.pem"
    chain = certificate.read_bytes()
    certificate.write_text("of a key that was replaced")
    lib.run("openssl", "genpkey", "-algorithm", "ED25519", "-out", tmp_path / "domain.key")
    assert run(check=False).returncode == 1
    assert certificate.read_text() == "of a key that was replaced"
    certificate.write_bytes(chain)
    (tmp_path / "domain.csr").write_text("this is not a CSR\n")
    result = run(check=False)
    assert result.returncode == 1 and result.stdout == "" and "(request " in result.stderr
    assert certificate.read_bytes() == chain


class Imposter(http.server.BaseHTTPRequestHandler):
    """Sends a valid certificate as an attacker on the path would."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        for value in self.server.infos:
            self.send_header("Authentication-Info", value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_):
        pass


def test_documented_hmac_script(installation, tmp_path):
    """The script sends the time, and accepts only an answer with the HMAC of the key."""
    key = "correct horse battery"
    server = installation.start(auth=f"""
[auth "key"]
hmac_type = sha256
hmac_key = {key}
hmac-max-age = 600
domain = *.example.org
domain = example.org
""")
    script = lib.documented_block("client hmac script").replace("/etc/acmems-client", str(tmp_path)).replace(
        "systemctl reload nginx.service", "echo reload")

    def run(port=server.port, text=script, check=False):
        return shell(text, tmp_path, port, check)

    shell(lib.documented_block("client request").replace("/etc/acmems-client", str(tmp_path)), tmp_path, 0)
    (tmp_path / "hmac.key").write_text(f"{key}\n")
    assert [run(check=True).stdout for _ in range(2)] == ["reload\n", ""]
    certificate = tmp_path / "domain.pem"
    chain = certificate.read_bytes()
    lib.Certificate(chain)

    result = run(text=script.replace("$(date +%s)", "1000"))
    assert result.returncode == 1 and "seconds behind the clock of this server" in result.stderr

    imposter = http.server.HTTPServer(("127.0.0.1", 0), Imposter)
    threading.Thread(target=imposter.serve_forever, daemon=True).start()
    right = hmac.new(key.encode(), chain, "sha256").hexdigest()
    wrong = hmac.new(b"guess", chain, "sha256").hexdigest()
    for infos, body in (
            ([], chain), ([f"hmac name=sha256, hash={wrong}"], chain), (["hmac name=sha256, hash="], chain),
            ([f"hmac name=sha256, hash={right}"], chain + b"\n")):
        imposter.infos, imposter.body = infos, body
        certificate.write_bytes(b"previous")
        result = run(imposter.server_port)
        assert result.returncode == 1 and "does not have the HMAC" in result.stderr, infos
        assert certificate.read_bytes() == b"previous"
    imposter.infos, imposter.body = [f"hmac name=sha256, hash={right}"], chain
    assert run(imposter.server_port).stdout == "reload\n"
    imposter.shutdown()
    imposter.server_close()


def test_documented_units(tmp_path):
    """systemd can load the documented units."""
    for kind in "service", "timer":
        (tmp_path / f"acmems-renew.{kind}").write_text(lib.documented_block(f"client {kind}").replace(
            "/usr/local/sbin/acmems-renew", "/bin/true"))
    result = lib.run("systemd-analyze", "verify", "--man=no", tmp_path / "acmems-renew.timer")
    assert result.stderr == ""


CONFIGURATIONS = {
    "README.md": lambda: lib.documented_block("configure"),
    "acmems.ini of the package": lambda: re.sub(
        r"^#(?=[a-z\[])", "", (lib.ROOT / "debian/acmems.ini").read_text(), flags=re.M),
}


@pytest.mark.parametrize("text", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_documented_configuration(installation, new_pebble, tmp_path, text):
    """The README's CSR gets a certificate, then one from the production CA with a new account."""
    first, second = installation.ca, new_pebble()
    config = text()
    assert "listener = 0.0.0.0:1313\nlistener = [::]:1313\n" in config
    for old, new in (
            ("https://acme-staging-v02.api.letsencrypt.org/directory", f"{first.url}\nca-file = {first.ca_file}"),
            ("192.0.2.0/24", "127.0.0.0/8"), ("/var/lib/acmems", f"{tmp_path}/state"),
            ("[mgmt]", f"[state]\ndirectory = {tmp_path}/state\nruntime-directory = {tmp_path}/run\n[mgmt]")):
        assert old in config
        config = config.replace(old, new)
    installation.config.write_text(config)
    installation.start_orderd()
    installation.start_sign("--idle-timeout", "0")
    installation.start_http01()
    command = lib.documented_block("curl")
    shell(lib.documented_block("request") + command, tmp_path, installation.port)
    serial = lib.Certificate((tmp_path / "domain.pem").read_bytes()).serial
    change = lib.documented_block("production")
    for old, new in (("s/acme-staging-v02/acme-v02/", f"s|{first.url}|{second.url}|; s|{first.ca_file}|{second.ca_file}|"),
                     ("/etc/acmems/acmems.ini", str(installation.config)),
                     ("acmemsctl check", f"{lib.CTL} check {installation.config}")):
        assert old in change
        change = change.replace(old, new)
    shell(change + command, tmp_path, installation.port)
    assert lib.Certificate((tmp_path / "domain.pem").read_bytes()).serial != serial
    assert sorted(path.name for path in (tmp_path / "state/accounts").iterdir()) == ["production", "staging"]


def test_client_line_of_python_server(with_key, new_csr, tmp_path):
    """The command in the scripts of its users. OpenSSL 3 calls the digest sha2-256."""
    (tmp_path / "domain.csr").write_bytes(new_csr("www.example.org"))
    shell(r"""wget -q -O domain.pem --post-file=domain.csr --header="$(openssl dgst -sha256 """
          r"""-hmac "$KEY" domain.csr | sed -e 's/HMAC-\(.*\)(.*)= *\(.*\)/"""
          r"""Authentication: hmac name=\L\1\E, hash=\2/')" http://acmems.example.org:1313/sign""",
          tmp_path, with_key.port, KEY="correct horse battery")
    lib.Certificate((tmp_path / "domain.pem").read_bytes())


@pytest.mark.parametrize("digest", ["sha256", "sha512", "sha3-384"])
def test_hmac_of_the_answer(installation, new_csr, digest):
    """A new certificate and one from the cache. The key is that of the block which permits."""
    key = "correct horse battery"
    python_name = digest.replace("sha3-", "sha3_")
    server = installation.start(auth=f"""
[auth "other"]
hmac_type = {digest}
hmac_key = another battery of horses
domain = *.example.org

[auth "key"]
hmac_type = {digest}
hmac_key = {key}
domain = *.example.org

[auth "open"]
all = yes
domain = *.example.net
""")
    csr = new_csr("www.example.org")
    untimed = lib.hmac_header(key, csr, python_name, digest)
    for headers in untimed, untimed, lib.timed_hmac_header(key, csr, 1000, python_name, digest):
        answer = server.post(csr, headers)
        assert answer.status == 200, answer
        expected = lib.hmac_header(key, answer.body, python_name, digest)["Authentication"]
        assert answer.headers.get_all("Authentication-Info") == [expected]
    refused = server.post(csr, lib.hmac_header("guess", csr, python_name, digest))
    assert refused.status == 403 and "Authentication-Info" not in refused.headers
    # A block that needs no HMAC permits: whoever sends one gets one, if the server knows the key.
    csr = new_csr("www.example.net")
    assert "Authentication-Info" not in server.post(csr).headers
    answer = server.post(csr, lib.hmac_header(key, csr, python_name, digest))
    expected = lib.hmac_header(key, answer.body, python_name, digest)["Authentication"]
    assert answer.headers.get_all("Authentication-Info") == [expected]
    assert "Authentication-Info" not in server.post(csr, lib.hmac_header("guess", csr, python_name, digest)).headers


@pytest.mark.parametrize("form", [
    "hmac name={name}, hash={hash}", "hmac name={name},hash={hash}", "hmac name={name} hash={hash}",
    "HMAC name=SHA-256, hash={HASH}", "Hmac hash={hash}, name=sha2-256",
])
def test_forms_of_authentication(with_key, new_csr, form):
    csr = new_csr("auth.example.org")
    value = lib.hmac_header("correct horse battery", csr)["Authentication"].rpartition("=")[2]
    with_key.issue(csr, {"authentication": form.format(name="sha256", hash=value,
                                                       HASH=value.upper())})


def test_sanitizers_are_on():
    """The programs of the sanitized build contain the sanitizers,
    those of the plain build do not."""
    wanted = "asan" in lib.BUILD.name
    for program in (lib.ORDERD, lib.SIGN, lib.HTTP01, lib.REGISTER, lib.CTL):
        assert os.access(program, os.X_OK)
        assert (b"__asan_init" in program.read_bytes()) == wanted


IP_SAN = f"{lib.AUTH_ALL}ip-san = 127.0.0.1\nip-san = 2001:db8::/32\n"


def test_address(installation, new_csr):
    """RFC 8738: an IP address alone, and next to a DNS name."""
    acmems = installation.start(auth=IP_SAN)
    alone = acmems.issue(new_csr("alone", san="IP:127.0.0.1", subject="/"))
    assert alone.addresses == ["127.0.0.1"] and alone.names == []
    csr = new_csr("both.example.org", san="DNS:both.example.org,IP:127.0.0.1")
    both = acmems.issue(csr)
    assert both.addresses == ["127.0.0.1"] and both.names == ["both.example.org"]
    assert acmems.issue(csr).serial == both.serial  # from the cache
    assert list(acmems.challenges.iterdir()) == []


def test_address_not_permitted(installation, new_csr, pebble):
    """A prefix of the block must cover every address; otherwise acmems does not contact the CA."""
    acmems = installation.start(auth=IP_SAN)
    orders = pebble.orders()
    for san in "IP:127.0.0.2", "IP:127.0.0.1,IP:2001:db9::1", "DNS:a.example.org,IP:192.0.2.1":
        answer = acmems.post(new_csr("elsewhere", san=san, subject="/"))
        assert answer.status == 403, answer
    assert "no ip-san covers 2001:db9::1" in acmems.sign.log
    answer = acmems.post(new_csr("mapped", san="IP:::ffff:127.0.0.1", subject="/"))
    assert answer.status == 415 and "IP address" in answer.text
    assert pebble.orders() == orders

# SPDX-License-Identifier: GPL-3.0-or-later
"""acmems-client, with each shell and each way to send a request that it is made for."""

import os
import re
import shutil
import ssl
import subprocess

import pytest

import lib

PROGRAM = lib.ROOT / "client/acmems-client"
SHELLS = {"dash": ["/bin/dash"], "bash": ["/bin/bash", "--posix"], "busybox": ["/bin/busybox", "ash"]}
KEY = "correct horse battery staple"


class Client:
    """A machine with acmems-client."""

    def __init__(self, directory, shell="dash", without=(), busybox=False):
        self.directory = directory
        self.shell = SHELLS[shell]
        self.conf, self.state = directory / "client-conf", directory / "client-state"
        self.path = os.environ["PATH"]
        if without or busybox:
            self.path = str(self.limit_path(without, busybox))
        self.environment = {}

    def limit_path(self, without, busybox):
        """A directory with some of the programs of this machine, or with those of busybox and openssl."""
        tools = self.directory / "tools"
        tools.mkdir()
        if busybox:
            for name in subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split():
                (tools / name).symlink_to("/bin/busybox")
        for name in ["openssl", "flock"] if busybox else os.listdir("/usr/bin"):
            if name not in without:
                (tools / name).symlink_to(f"/usr/bin/{name}")
        return tools

    def run(self, *arguments, check=True, **environment):
        env = {"PATH": self.path, "ACMEMS_CLIENT_CONF": str(self.conf), "ACMEMS_CLIENT_STATE": str(self.state),
               **self.environment, **environment}
        result = subprocess.run([*self.shell, PROGRAM, *map(str, arguments)], env=env, capture_output=True, text=True,
                                timeout=100, check=False)
        assert not check or result.returncode == 0, result
        return result

    def new(self, port, *more, name="web", domains=("www.example.org",), **kwargs):
        names = [word for domain in domains for word in ("--domain", domain)]
        return self.run("new", name, "--server", f"http://127.0.0.1:{port}/sign", *names, *more, **kwargs)

    def live(self, file="fullchain.pem", name="web"):
        return self.state / name / "live" / file

    def file(self, file="fullchain.pem", name="web"):
        return self.live(file, name).read_text()

    def check_live(self, name="web"):
        """The four files belong together."""
        cert, key = self.live("cert.pem", name), self.live("privkey.pem", name)
        assert lib.run("openssl", "x509", "-in", cert, "-noout", "-pubkey").stdout == lib.run(
            "openssl", "pkey", "-in", key, "-pubout").stdout
        assert self.file("fullchain.pem", name) == self.file("cert.pem", name) + self.file("chain.pem", name)
        lib.run("openssl", "verify", "-partial_chain", "-trusted", self.live("chain.pem", name), cert)


@pytest.fixture
def client(tmp_path):
    return Client(tmp_path)


def modes(directory):
    return {path.name: oct(path.stat().st_mode & 0o777) for path in directory.iterdir() if path.suffix == ".pem"}


def forget(acmems):
    """The next request is a new order."""
    shutil.rmtree(acmems.directory / "cache")


WAYS = {
    "dash, curl": {"shell": "dash", "without": ["wget"]},
    "bash, wget": {"shell": "bash", "without": ["curl"]},
    "busybox": {"shell": "busybox", "busybox": True},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_first_certificate(acmems, tmp_path, way):
    """Installed in one command, with every key and mode; nothing changes with the next run."""
    client = Client(tmp_path, **way)
    reloads = tmp_path / "reloads"
    result = client.new(acmems.port, "--reload", f"echo x >>{reloads}", domains=["www.example.org", "WWW2.example.org", "www3.example.org"])
    assert "installed a certificate for www.example.org WWW2.example.org www3.example.org, valid for" in result.stdout
    client.check_live()
    assert sorted(map(str.lower, lib.Certificate(client.file().encode()).names)) == [
        "www.example.org", "www2.example.org", "www3.example.org"]
    assert modes(client.live("").resolve()) == {"privkey.pem": "0o600", "cert.pem": "0o644", "chain.pem": "0o644",
                                                "fullchain.pem": "0o644"}
    before = client.live("").resolve()
    assert client.run("renew").stdout == "" and client.live("").resolve() == before
    assert reloads.read_text() == "x\n"
    status = client.run("status").stdout
    assert re.search(r"^web +\d+ +20\S+Z +valid for \d+ days$", status, re.M) and "www2.example.org" in status


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_hmac(installation, tmp_path, shell, digest):
    """Request and answer are authenticated; the key is in no command line."""
    client = Client(tmp_path, shell)
    installation.start(auth=f"[auth \"k\"]\nhmac_type = {digest}\nhmac_key = {KEY}\nhmac-max-age = 60\ndomain = *.example.org\n")
    secret = tmp_path / "secret"
    secret.write_text(KEY + "\n")
    client.new(installation.port, "--hmac-key-file", secret, "--hmac-digest", digest)
    client.check_live()


def test_hmac_key_longer_than_a_block(installation, client, tmp_path):
    key = "k" * 100
    installation.start(auth=f"[auth \"k\"]\nhmac_type = sha256\nhmac_key = {key}\nhmac-max-age = 60\ndomain = *.example.org\n")
    (tmp_path / "secret").write_text(key)
    client.new(installation.port, "--hmac-key-file", tmp_path / "secret")


def test_hmac_key_is_wrong(installation, client, tmp_path):
    installation.start(auth=f"[auth \"k\"]\nhmac_type = sha256\nhmac_key = {KEY}\ndomain = *.example.org\n")
    (tmp_path / "secret").write_text("another key than that\n")
    result = client.new(installation.port, "--hmac-key-file", tmp_path / "secret", check=False)
    assert result.returncode == 1
    assert "web: the server answered with status 403: This request is not permitted." in result.stderr
    assert not client.live().exists()
    assert "failed: the server answered with status 403" in client.run("status").stdout


def test_renewal(acmems, client, tmp_path):
    """The files change at once, and the service is reloaded once."""
    reloads = tmp_path / "reloads"
    client.new(acmems.port, "--reload", f"echo x >>{reloads}", "--combined", "yes")
    former, key = client.file(), client.file("privkey.pem")
    forget(acmems)
    assert "installed a certificate" in client.run("renew").stdout
    client.check_live()
    assert client.file() != former and client.file("privkey.pem") == key
    assert client.file("combined.pem") == client.file() + key
    assert reloads.read_text() == "x\nx\n"
    # the previous version stays, older ones do not
    forget(acmems)
    client.run("renew")
    assert len(list((client.state / "web/versions").iterdir())) == 2


def test_key_is_rotated(acmems, client):
    """With the certificate, when a third of its life is left."""
    client.new(acmems.port, "--key", "rotate")
    key, former = client.file("privkey.pem"), client.file()
    client.run("renew")
    assert client.file() == former
    client.live("hours").write_text("9999999\n")
    client.run("renew")
    client.check_live()
    assert client.file("privkey.pem") != key and client.file() != former


@pytest.mark.parametrize("kind, text", [
    ("ec384", "ASN1 OID: secp384r1"), ("rsa2048", "(2048 bit, 2 primes)"), ("rsa3072", "(3072 bit, 2 primes)"),
])
def test_key_type(acmems, client, kind, text):
    client.new(acmems.port, "--key-type", kind)
    assert text in lib.run("openssl", "pkey", "-in", client.live("privkey.pem"), "-noout", "-text").stdout


def test_names_without_a_common_name(installation, client):
    """Addresses alone, or a name that is too long for one."""
    long = f"{'a' * 60}.example.org"
    installation.start(auth="[auth \"loopback\"]\nip = 127.0.0.1\nip-san = 127.0.0.1\ndomain = *.example.org\n")
    client.new(installation.port, domains=["127.0.0.1"])
    assert lib.Certificate(client.file().encode()).addresses == ["127.0.0.1"]
    client.new(installation.port, name="long", domains=[long])
    assert lib.Certificate(client.file(name="long").encode()).names == [long]


def test_changed_configuration(acmems, client):
    """Another name, key type, group or mode is applied by the next run."""
    client.new(acmems.port)
    key = client.file("privkey.pem")
    conf = client.conf / "web.conf"
    conf.write_text(conf.read_text() + "domain = more.example.org\n")
    client.run("renew")
    assert lib.Certificate(client.file().encode()).names == ["more.example.org", "www.example.org"]
    assert client.file("privkey.pem") == key
    conf.write_text(conf.read_text() + "group = daemon\n")
    client.run("renew")
    status = client.live("privkey.pem").stat()
    assert (status.st_mode & 0o777, status.st_gid) == (0o640, 1)
    conf.write_text(conf.read_text().replace("group = daemon\n", ""))
    client.run("renew")
    assert {path.stat().st_mode & 0o777 for path in client.state.rglob("privkey.pem")} == {0o600}
    conf.write_text(conf.read_text() + "key-type = rsa2048\n")
    client.run("renew", "web")
    client.check_live()
    assert client.file("privkey.pem") != key


def test_reload_fails(acmems, client, tmp_path):
    """The files are installed; each run repeats the command until it succeeds."""
    reloads = tmp_path / "reloads"
    result = client.new(acmems.port, "--reload", f"echo x >>{reloads}; test -e {tmp_path}/up || {{ echo no service; false; }}", check=False)
    assert result.returncode == 1 and "failed (the next run repeats it): no service" in result.stderr
    client.check_live()
    assert client.run("renew", check=False).returncode == 1
    assert "waits for the reload command" in client.run("status").stdout
    forget(acmems)
    former = client.file()
    assert client.run("renew", check=False).returncode == 1 and client.file() != former
    (tmp_path / "up").touch()
    client.run("renew")
    client.run("renew")
    assert reloads.read_text() == "x\n" * 5


def test_one_fails(acmems, client):
    """The others are renewed nevertheless."""
    client.new(acmems.port, name="a")
    client.new(acmems.port, name="b")
    client.new(acmems.port, name="c")
    (client.conf / "b.conf").write_text("server = ftp://127.0.0.1\n")
    forget(acmems)
    former = client.file(name="c")
    result = client.run("renew", check=False)
    assert result.returncode == 1 and f"b: {client.conf}/b.conf:1: server is no URL" in result.stderr
    assert client.file(name="c") != former


def test_two_runs(acmems, client):
    acmems.orderd.pause()
    first = subprocess.Popen([*client.shell, PROGRAM, "new", "web", "--server", f"http://127.0.0.1:{acmems.port}/sign", "--domain", "a.example.org"],
                             env={"PATH": client.path, "ACMEMS_CLIENT_CONF": str(client.conf), "ACMEMS_CLIENT_STATE": str(client.state)},
                             stdout=subprocess.DEVNULL)
    lib.wait_for(lambda: (client.state / "web/request/request.csr").exists(), "the first run")
    result = client.run("renew", check=False)
    assert result.returncode == 1 and "another run is in progress" in result.stderr
    acmems.orderd.resume()
    assert first.wait(lib.DEADLINE) == 0


def test_remove(acmems, client):
    client.new(acmems.port)
    client.run("remove", "web")
    assert not (client.conf / "web.conf").exists() and not (client.state / "web").exists()
    assert client.run("status").stdout.count("\n") == 1


KILLERS = ["mv", "ln"]


@pytest.mark.parametrize("verb", ["new", "renew"])
def test_killed_at_every_step(installation, tmp_path, verb):
    """The process dies before the n-th program that gives something its name: what is installed is whole, and the next run repairs the rest."""
    acmems = installation.start(account="orders-per-3h = 0\nduplicate-certificates-per-week = 0")
    client = Client(tmp_path)
    tools = tmp_path / "killers"
    tools.mkdir()
    for name in KILLERS:
        (tools / name).write_text("#!/bin/sh\n"
                                  f"echo >>{tmp_path}/steps\n"
                                  f"[ $(wc -l <{tmp_path}/steps) -lt $STEP ] || kill -9 -$(ps -o pgid= $$ | tr -d ' ')\n"
                                  f"exec /usr/bin/{name} \"$@\"\n")
        (tools / name).chmod(0o755)
    former = None
    for step in range(1, 200):
        if verb == "new":
            shutil.rmtree(client.state, ignore_errors=True)
            shutil.rmtree(client.conf, ignore_errors=True)
        elif step == 1:
            client.new(acmems.port, "--key", "rotate")
        if verb == "renew":
            client.live("hours").write_text("9999999\n")
            former = client.file()
        (tmp_path / "steps").write_text("")
        arguments = ["new", "web", "--server", f"http://127.0.0.1:{acmems.port}/sign", "--domain", "www.example.org"]
        result = subprocess.run([*client.shell, PROGRAM, *(arguments if verb == "new" else ["renew"])], env={
            "PATH": f"{tools}:{client.path}", "STEP": str(step), "ACMEMS_CLIENT_CONF": str(client.conf),
            "ACMEMS_CLIENT_STATE": str(client.state)}, start_new_session=True, capture_output=True, timeout=100, check=False)
        if client.live().exists():
            client.check_live()
        elif former:
            assert False, f"step {step}: the installed certificate is gone"
        if result.returncode == 0:
            break
        assert result.returncode < 0, result
        if (client.conf / "web.conf").exists():
            client.run("renew")
            client.check_live()
            assert sorted(path.name for path in client.state.iterdir()) == ["lock", "web"]
    assert 5 < step < 199


NGINX = """
worker_processes 1;
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
events {{ }}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{port} ssl;
        {files}
    }}
}}
"""


def served_serial(port):
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    return lib.Certificate(pem.encode()).serial


def test_nginx(acmems, client, tmp_path):
    """The documented commands: nginx serves the certificate, and the next one after its reload."""
    def here(name):
        return lib.documented_block(name).replace("/var/lib/acmems-client", str(client.state)).replace(
            "http://acmems.example.org:1313", f"http://127.0.0.1:{acmems.port}").replace(
            "systemctl reload nginx", f"test ! -s {tmp_path}/nginx.pid || kill -HUP \\$(cat {tmp_path}/nginx.pid)").replace(
            "acmems-client new", f"{PROGRAM} new")

    env = {"PATH": client.path, "ACMEMS_CLIENT_CONF": str(client.conf), "ACMEMS_CLIENT_STATE": str(client.state)}
    lib.run("sh", "-c", here("client new"), env=env)
    port = lib.free_port()
    config = tmp_path / "nginx.conf"
    config.write_text(NGINX.format(directory=tmp_path, port=port, files=here("client nginx")))
    nginx = lib.Process("nginx", ["nginx", "-c", config], tmp_path)
    try:
        lib.wait_for((tmp_path / "nginx.pid").exists, "the PID file of nginx")
        lib.wait_for((tmp_path / "nginx.pid").read_text, "the PID in it")
        lib.wait_for(lambda: lib.can_connect(port), "nginx")
        former = served_serial(port)
        assert former == lib.Certificate(client.file().encode()).serial
        forget(acmems)
        client.run("renew")
        now = lib.Certificate(client.file().encode()).serial
        assert now != former
        lib.wait_for(lambda: served_serial(port) == now, "nginx to serve the new certificate")
    finally:
        nginx.stop()

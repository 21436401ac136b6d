# SPDX-License-Identifier: GPL-3.0-or-later
"""The test bed: the real programs and a real CA (Pebble), all on loopback."""

import base64
import contextlib
import fcntl
import hashlib
import hmac
import http.client
import http.server
import json
import os
import random
import re
import selectors
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("MESON_BUILD_ROOT", ROOT / "build")).resolve()
HTTP01, SIGN = BUILD / "handlers/acmems-http01", BUILD / "handlers/acmems-sign"
TLSALPN01 = BUILD / "handlers/acmems-tlsalpn01"
ORDERD = BUILD / "orderd/acmems-orderd"
REGISTER, CTL = BUILD / "tools/acme-register", BUILD / "tools/acmemsctl"
GENERATOR = BUILD / "tools/acmems-generator"

ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if "proxy" not in key.lower()},
    "ASAN_OPTIONS": "detect_leaks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "LC_ALL": "C.UTF-8",
}
SANITIZER_REPORT = re.compile(r"ERROR: (Address|Leak)Sanitizer|runtime error:")
DEADLINE = 30  # s, for every wait in a test


def wait_for(condition, what, deadline=DEADLINE):
    """Return the first true result of condition()."""
    end = time.monotonic() + deadline
    while not (result := condition()):
        assert time.monotonic() < end, f"timeout after {deadline} s, waiting for {what}"
        time.sleep(0.01)
    return result


def free_port():
    """A free port for programs that can only bind by themselves; our own programs get sockets.

    The port is below the kernel's range for outgoing connections, and is never returned twice: no
    other program can take it before the bind().
    """
    while True:
        port = random.randrange(10000, 32000)
        if port not in _ports:
            with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
                _ports.add(port)
                return port


_ports = set()


def can_connect(port):
    return can_connect_to("127.0.0.1", port)


def can_connect_to(address, port):
    with contextlib.suppress(OSError), socket.create_connection((address, port), 1):
        return True
    return False


def handles_sigterm(pid):
    """Whether the program has started: it is ours, and catches or blocks SIGTERM (signalfd)."""
    if BUILD not in Path(os.readlink(f"/proc/{pid}/exe")).parents:
        return False  # still the shell that sets up the descriptors
    masks = re.findall(r"^Sig(?:Blk|Cgt):\t(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.M)
    return any(int(mask, 16) & 1 << signal.SIGTERM - 1 for mask in masks)


def is_stopped(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


class Readiness:
    """Receives READY=1 of one program as systemd does. Later messages are refused: they cannot fill
    the socket and block the program."""

    def __init__(self):
        self.address = f"\0acmems-test-{uuid.uuid4()}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    @property
    def environment(self):
        return {"NOTIFY_SOCKET": "@" + self.address[1:]}

    def _is_announced(self):
        with contextlib.suppress(BlockingIOError):
            return "READY=1" in self._socket.recv(4096).decode().splitlines()
        return False

    def wait(self, process):
        def is_ready():
            assert process.running, process.log
            return self._is_announced()

        wait_for(is_ready, f"{process.name} to be ready")


class Process:
    """A background program. Its messages go to a file; SIGTERM ends it."""

    def __init__(self, name, argv, directory, sockets=(), env=None, expect=(0,), **kwargs):
        self.name, self.expect = name, expect
        self.log_path = Path(directory) / f"{name}.log"
        # Passes the sockets as systemd does: descriptors from 3 on, with the PID of the receiver.
        high = [fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD, 100) for sock in sockets]
        if high:
            moves = "".join(f" {3 + i}<&{fd} {fd}<&-" for i, fd in enumerate(high))
            script = f'LISTEN_PID=$$ LISTEN_FDS={len(high)} exec "$@"{moves}'
            argv = ["bash", "-c", script, "bash", *argv]
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(
                [str(arg) for arg in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=high, env={**ENVIRONMENT, **(env or {})}, **kwargs)
        for fd in high:
            os.close(fd)

    @property
    def pid(self):
        return self.popen.pid

    @property
    def running(self):
        return self.popen.poll() is None

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def children(self):
        return [int(pid) for pid in
                Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def pause(self):
        self.popen.send_signal(signal.SIGSTOP)
        wait_for(lambda: is_stopped(self.pid), f"{self.name} to stop")

    def resume(self):
        self.popen.send_signal(signal.SIGCONT)

    def wait(self, deadline=DEADLINE):
        try:
            return self.popen.wait(deadline)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f"{self.name} did not end within {deadline} s") from None

    def stop(self):
        """End the program. Check its exit code and that no sanitizer reported an error."""
        if self.running:
            if is_stopped(self.pid):
                self.resume()
            self.popen.terminate()
        code = self.wait()
        assert not SANITIZER_REPORT.search(self.log), f"{self.name}:\n{self.log}"
        assert code in self.expect, f"{self.name} ended with {code}:\n{self.log}"


def run(*argv, check=True, **kwargs):
    """Run a program in the foreground until it ends."""
    kwargs = {"capture_output": True, "text": True, "timeout": 60, "env": ENVIRONMENT, **kwargs}
    result = subprocess.run([str(arg) for arg in argv], **kwargs)
    if kwargs["text"]:
        assert not SANITIZER_REPORT.search(result.stderr or ""), result.stderr
        assert not check or result.returncode == 0, f"{argv}: {result.stdout}\n{result.stderr}"
    return result


ROFF_ESCAPES = {r"\e": "\\", r"\&": "", r"\-": "-", r"\ ": " ", r"\(aq": "'", r"\(dq": '"', r"\(ha": "^",
                r"\(ti": "~", r"\(ga": "`", r"\(rs": "\\"}


def undo_roff(text):
    """The lines that a literal display of a manual page shows. An unknown escape is an error."""
    return re.sub(r"\\(\(..|.)", lambda match: ROFF_ESCAPES[match[0]], text)


def documented_block(name):
    """The code block that the documentation marks as tested under this name.

    In README.md and docs/*.md the line <!-- tested: NAME --> precedes the block; in a manual page,
    .\\" tested: NAME and .Bd -literal do.
    """
    name = re.escape(name)
    found = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        found += re.findall(rf"^<!-- tested: {name} -->\s*```\w*\n(.*?)^```$", path.read_text(), re.S | re.M)
    for path in sorted((ROOT / "man").glob("*.[1-9]")):
        found += map(undo_roff, re.findall(rf'^\.\\" tested: {name}\n\.Bd -literal.*?\n(.*?)^\.Ed$',
                                           path.read_text(), re.S | re.M))
    assert len(found) == 1, f"{len(found)} blocks are marked as tested: {name}"
    return found[0]


def preload(name):
    """The environment to preload a library of tests/fault into a program."""
    library = str(BUILD / f"tests/fault/{name}.so")
    if "asan" in BUILD.name:
        runtime = run("gcc", "-print-file-name=libasan.so").stdout.strip()
        library = f"{runtime} {library}"
    return {"LD_PRELOAD": library}


def preload_kill(step, when):
    """The environment to kill a program "before" or "after" a step that changes files on disk."""
    return {**preload("kill-at-step"), "KILL_AT_STEP": str(step), "KILL_WHEN": when}


def preload_fail_readdir(directory):
    """The environment in which a program cannot list this directory: EIO."""
    return {**preload("fail-readdir"), "FAIL_READDIR": str(directory.resolve())}


def split_nginx(snippet):
    """The parts of examples/nginx.conf that belong into http {} and into server {}."""
    upstream = "\n".join(re.findall(r"^upstream .*?^}", snippet, re.S | re.M))
    location = "\n".join(re.findall(r"^location .*?^}", snippet, re.S | re.M))
    assert location
    return upstream, location


# ---- keys and requests ---------------------------------------------------------------------

KEYS = {
    "rsa2048": ["rsa:2048"],
    "p256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ed25519": ["ed25519"],
}


def make_csr(directory, *names, key="p256", san=None, subject=None, extensions=()):
    """A new CSR in PEM form, with a new key. The first name is its common name. @extensions: for openssl's -addext"""
    directory.mkdir(exist_ok=True, parents=True)
    san = san or ",".join(f"DNS:{name}" for name in names)
    out = directory / f"{names[0].replace('*', '_')}.csr"
    run("openssl", "req", "-new", "-nodes", "-newkey", *KEYS[key], "-subj", subject or f"/CN={names[0]}",
        "-addext", f"subjectAltName={san}", *(word for more in extensions for word in ("-addext", more)),
        "-keyout", out.with_suffix(".key"), "-out", out)
    return out.read_bytes()


def cache_path(directory, body):
    """The directory of the storage entry for this CSR."""
    key = hashlib.sha384(body).hexdigest()
    return directory / key[:2] / key[2:]


def hmac_header(key, body, digest="sha256", name=None):
    value = hmac.new(key.encode(), body, digest).hexdigest()
    return {"Authentication": f"hmac name={name or digest}, hash={value}"}


def timed_hmac_header(key, body, at, digest="sha256", name=None):
    """The header with a time (s since 1970)."""
    value = hmac.new(key.encode(), b"%d\n%b" % (at, body), digest).hexdigest()
    return {"Authentication": f"hmac name={name or digest}, time={at}, hash={value}"}


class Certificate:
    """The first certificate of an answer, as openssl parses it."""

    def __init__(self, pem):
        text = run("openssl", "x509", "-noout", "-serial", "-issuer", "-pubkey",
                   "-ext", "subjectAltName", input=pem.decode()).stdout
        self.pem = re.match(r".*?-----END CERTIFICATE-----\n", pem.decode(), re.S)[0]
        self.serial = re.search(r"serial=(\w+)", text)[1]
        self.issuer = re.search(r"issuer=(.*)", text)[1]
        self.names = sorted(re.findall(r"DNS:([^,\s]+)", text))
        self.addresses = re.findall(r"IP Address:([^,\s]+)", text)
        self.public_key = re.search(r"-----BEGIN PUBLIC KEY.*?END PUBLIC KEY-----", text, re.S)[0]


def make_certificate(directory, csr, start, end):
    """A self-signed certificate (PEM) for a CSR of make_csr(); @start, @end: s from now."""
    work = directory / "self-signed"
    work.mkdir(exist_ok=True)
    (work / "index.txt").write_text("")
    (work / "ca.ini").write_text("""
[ca]
default_ca = this
[this]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
copy_extensions = copy
policy = any
x509_extensions = extensions
[any]
commonName = supplied
[extensions]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
""")
    start, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds))
                  for seconds in (start, end))
    run("openssl", "ca", "-config", "ca.ini", "-batch", "-notext", "-selfsign",
        "-keyfile", csr.with_suffix(".key"), "-in", csr, "-startdate", start, "-enddate", end,
        "-out", "old.pem", cwd=work)
    return (work / "old.pem").read_bytes()


def csr_public_key(csr):
    return run("openssl", "req", "-noout", "-pubkey", input=csr.decode()).stdout.strip()


# ---- HTTP ----------------------------------------------------------------------------------

class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:300]!r}"


class Client:
    """A connection for raw bytes."""

    def __init__(self, port, address="127.0.0.1", timeout=60):
        self.sock = socket.create_connection((address, port), timeout)

    def send(self, *parts):
        for part in parts:
            self.sock.sendall(part if isinstance(part, bytes) else part.encode())

    def answer(self, method="POST"):
        response = http.client.HTTPResponse(self.sock, method=method)
        response.begin()
        return Answer(response)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def head(body, method="POST", path="/sign", **headers):
    lines = {"Host": "acmems", "Content-Length": len(body), **headers}
    return "".join([f"{method} {path} HTTP/1.1\r\n",
                    *(f"{key.replace('_', '-')}: {value}\r\n" for key, value in lines.items()),
                    "\r\n"])


def request(port, method="POST", path="/sign", body=None, headers=None, address="127.0.0.1", timeout=100):
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def ended(socks):
    """The connections that have ended, or have an answer."""
    with selectors.DefaultSelector() as selector:
        for sock in socks:
            selector.register(sock, selectors.EVENT_READ)
        return [key.fileobj for key, _ in selector.select(0)]


def closed(socks):
    """The connections that have ended. What they received before is dropped."""
    found = []
    for sock in ended(socks):
        timeout = sock.gettimeout()
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while sock.recv(65536):
                pass
            found.append(sock)
        sock.settimeout(timeout)
    return found


# ---- the CA --------------------------------------------------------------------------------

def make_tls_certificate(directory):
    """(certificate, key) of a CA on loopback; the certificate is its own trust anchor."""
    cert, key = directory / "tls.pem", directory / "tls.key"
    run("openssl", "req", "-x509", "-nodes", "-newkey", *KEYS["p256"], "-days", "2",
        "-subj", "/CN=test CA", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", key, "-out", cert)
    return cert, key


class Pebble:
    """Pebble and its DNS server. Every name resolves to 127.0.0.1 unless a test changes it."""

    blocked = "blocked.example.net"

    def __init__(self, directory, http_port, env=None, program="pebble", external_accounts=None,
                 resolver=None, **settings):
        """@external_accounts: {key identifier: HMAC key}; if given, new accounts need a binding.
        @resolver: address and port of the resolver; default: the test DNS server
        """
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.ca_file, key = make_tls_certificate(directory)
        self.port, self.management_port, dns_port, self.dns_management_port = (
            free_port() for _ in range(4))
        self.url = f"https://127.0.0.1:{self.port}/dir"
        config = directory / "pebble.json"
        config.write_text(json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management_port}",
            "certificate": str(self.ca_file), "privateKey": str(key),
            "httpPort": http_port, "tlsPort": free_port(),
            "certificateValidityPeriod": 90 * 86400,
            "domainBlocklist": [self.blocked],
            "externalAccountBindingRequired": external_accounts is not None,
            "externalAccountMACKeys": external_accounts or {},
            **settings,
        }}))
        self.dns = Process("challtestsrv", [
            "pebble-challtestsrv", "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "",
            "-https01", "", "-tlsalpn01", "", "-dns01", f"127.0.0.1:{dns_port}",
            "-management", f"127.0.0.1:{self.dns_management_port}"], directory,
            expect=(0, -signal.SIGTERM))
        self.ca = Process("pebble", [program, "-config", config, "-dnsserver",
                                     resolver or f"127.0.0.1:{dns_port}"], directory,
                          env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "20",
                               "PEBBLE_AUTHZREUSE": "50", **(env or {})}, expect=(0, -signal.SIGTERM))
        for port in (self.port, self.management_port, self.dns_management_port):
            wait_for(lambda port=port: can_connect(port), f"Pebble's port {port}")

    def orders(self):
        """The number of orders so far."""
        return self.ca.log.count("Added order ")

    def certificates(self):
        """The number of certificates so far."""
        return self.ca.log.count("Issued certificate serial")

    def set_address(self, name, address):
        data = json.dumps({"host": name, "addresses": [address]}).encode()
        for action in "clear-a", "add-a":  # adds to the existing addresses
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                f"http://127.0.0.1:{self.dns_management_port}/{action}", data, timeout=10).close()

    def manage(self, path):
        """The response of the management port."""
        context = ssl.create_default_context(cafile=self.ca_file)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                             urllib.request.HTTPSHandler(context=context))
        with opener.open(f"https://127.0.0.1:{self.management_port}/{path}", timeout=10) as file:
            return file.read()

    def root(self, number=0):
        return self.manage(f"roots/{number}")

    def stop(self):
        self.ca.stop()
        self.dns.stop()


def newer_pebble(directory, http_port, **settings):
    """Debian testing's Pebble: it has renewalInfo and profiles, which Debian 12's lacks."""
    program = BUILD / "newer-pebble"
    run(ROOT / "tests/newer-package", "testing", program, "pebble", timeout=120)
    return Pebble(directory, http_port, program=program / "usr/bin/pebble", **settings)


def base64url_decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
def problem(name, detail="told by the CA"):
    return {"type": f"urn:ietf:params:acme:error:{name}", "detail": detail}


class FakeCa:
    """An ACME server for faults that Pebble cannot produce.

    It accepts every account. It answers a new order with .order: (status, headers, problem), and
    collects the payloads of the requests in .payloads. .meta is the "meta" object of the directory,
    and .urls has URLs that differ from its own. For other paths it returns the answer in .answers, or a suitable default.
    A document that is bytes is sent as it is.
    """

    def __init__(self, directory):
        directory.mkdir(parents=True, exist_ok=True)
        self.ca_file, key = make_tls_certificate(directory)
        self.orders, self.agents = 0, set()
        self.payloads, self.meta, self.urls = [], {}, {}
        self.order = (500, {}, {})
        self.answers = {}
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, document=None, headers=None):
                problem = status >= 400
                body = document if isinstance(document, bytes) else b"" if document is None else json.dumps(document).encode()
                self.send_response(status)
                for name, value in {
                    "Content-Type": f"application/{'problem+' if problem else ''}json",
                    "Content-Length": len(body), "Replay-Nonce": os.urandom(16).hex(),
                    "Cache-Control": "no-store", **(headers or {}),
                }.items():
                    self.send_header(name, str(value))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def do_GET(self):
                fake.agents.add(self.headers["User-Agent"])
                if self.path == "/dir":
                    names = {"newNonce": "nonce", "newAccount": "account", "newOrder": "order",
                             "revokeCert": "revoke", "keyChange": "change"}
                    self.answer(200, {**{key: fake.base + path for key, path in names.items()},
                                      **fake.urls, "meta": fake.meta})
                else:
                    self.answer(204 if self.command == "GET" else 200)

            do_HEAD = do_GET

            def do_POST(self):
                jws = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path == "/order":
                    fake.orders += 1
                    fake.payloads.append(json.loads(base64url_decode(jws["payload"])))
                    status, headers, document = fake.order
                    self.answer(status, document, headers)
                elif self.path in fake.answers:
                    status, headers, document = fake.answers[self.path]
                    self.answer(status, document, headers)
                else:
                    self.answer(201 if self.path == "/account" else 200,
                                {"status": "valid", "contact": []},
                                {"Location": fake.base + "account/1"})

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.base = f"https://127.0.0.1:{self.server.server_port}/"
        self.url = self.base + "dir"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


# ---- the server ----------------------------------------------------------------------------

AUTH_ALL = """
[auth "loopback"]
ip = 127.0.0.0/8
domain = *
"""

CONFIG = """
[account]
acme-server = {ca.url}
ca-file = {ca.ca_file}
dir = {directory}/account
{account}
[state]
directory = {directory}/state
runtime-directory = {directory}/run
[mgmt]
{mgmt}
default-verification = http
default-storage = cache
[verification "http"]
type = http01
listener =
[storage "cache"]
type = file
directory = {directory}/cache
{storage}
{auth}
"""


class Acmems:
    """The programs of one installation, in a directory of its own."""

    def __init__(self, directory, ca, http01_socket, account_template=None):
        self.directory, self.ca, self.http01_socket = directory, ca, http01_socket
        self.config = directory / "acmems.ini"
        self.challenges = directory / "run/challenges/http-01"
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.socket.getsockname()[1]
        self.processes = []
        self.orderd = self.sign = self.http01 = None
        self.journal = None  # if set, entries go here instead of the log files
        (directory / "run").mkdir(parents=True, exist_ok=True)
        if account_template:
            shutil.copytree(account_template, directory / "account")

    def write_config(self, auth=AUTH_ALL, account="", mgmt="", storage=""):
        self.config.write_text(CONFIG.format(
            ca=self.ca, directory=self.directory, auth=auth, account=account, mgmt=mgmt,
            storage=storage))

    def spawn(self, name, argv, **kwargs):
        if self.journal:
            argv, env = self.journal.wrap(argv, self.directory / f"{name}.log")
            kwargs["env"] = {**kwargs.get("env", {}), **env}
        process = Process(name, argv, self.directory, **kwargs)
        self.processes.append(process)
        return process

    def wait_for_start(self, process):
        def is_up():
            assert process.running, process.log
            return handles_sigterm(process.pid)

        wait_for(is_up, f"{process.name} to start")

    def spawn_orderd(self, **kwargs):
        self.orderd = self.spawn("orderd", [ORDERD, "--config", self.config], **kwargs)
        return self.orderd

    def start_orderd(self, env=None, **kwargs):
        with Readiness() as readiness:
            readiness.wait(self.spawn_orderd(env={**readiness.environment, **(env or {})}, **kwargs))

    def start_sign(self, *options):
        self.sign = self.spawn("sign", [SIGN, "--config", self.config, *options],
                               sockets=[self.socket])
        self.wait_for_start(self.sign)

    def start_http01(self):
        self.challenges.mkdir(parents=True, exist_ok=True)
        self.http01 = self.spawn("http01", [HTTP01, "--challenges", self.challenges,
                                            "--idle-timeout", "0"], sockets=[self.http01_socket])
        self.wait_for_start(self.http01)

    def start(self, **config):
        self.write_config(**config)
        self.start_orderd()
        self.start_sign("--idle-timeout", "0")
        self.start_http01()
        return self

    def post(self, body, headers=None, **kwargs):
        return request(self.port, "POST", "/sign", body, headers, **kwargs)

    def post_from(self, source, body, **headers):
        """Send a POST from another loopback address."""
        with socket.create_connection(("127.0.0.1", self.port), 60, (source, 0)) as sock:
            sock.sendall(head(body, **headers).encode() + body)
            response = http.client.HTTPResponse(sock, method="POST")
            response.begin()
            return Answer(response)

    def issue(self, body, headers=None):
        """Send a POST that must return a certificate."""
        answer = self.post(body, headers)
        assert answer.status == 200, f"{answer}\n{self.logs()}"
        return Certificate(answer.body)

    def cache_entry(self, body):
        return cache_path(self.directory / "cache", body)

    def put_entry(self, csr, chain):
        """Write an entry into the cache, as another program would."""
        entry = self.cache_entry(csr)
        entry.mkdir(parents=True, exist_ok=True)
        (entry / "csr.pem").write_bytes(csr)
        (entry / "cert.pem").write_bytes(chain)

    def logs(self):
        texts = [f"--- {path.name}\n{path.read_text(errors='replace')}"
                 for path in sorted(self.directory.glob("*.log"))]
        entries = self.journal.entries() if self.journal else []
        return "\n".join([*texts, *map(repr, entries)])

    def stop(self):
        self.socket.close()
        failures = []
        for process in reversed(self.processes):
            try:
                process.stop()
            except AssertionError as error:
                failures.append(str(error))
        assert not failures, "\n".join(failures)


def register(directory, ca, http01_socket):
    """Register a new account at this CA; return its directory."""
    acmems = Acmems(directory, ca, http01_socket)
    acmems.write_config()
    run(REGISTER, "--gen-key", "--register", "--email", "test@example.org",
        "--accept-terms-of-service", acmems.config)
    acmems.stop()
    return directory / "account"

# SPDX-License-Identifier: GPL-3.0-or-later
"""A small and fast CA for load: one process, RFC 8555 without checks of signatures.

For correctness use Pebble, which does check them, but deadlocks under parallel orders. This one serves thousands of
orders in a minute. It validates http-01 as a CA does, or declares every name valid.

Run as a program, it serves until SIGTERM; FastCa starts it. GET /stats tells what it has done, and PUT /settings changes
its Settings while it runs.
"""

import asyncio
import base64
import contextlib
import dataclasses
import datetime
import hashlib
import itertools
import json
import random
import signal
import ssl
import sys
import urllib.request
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PROBLEM = "urn:ietf:params:acme:error:"
ORDERS_KEPT = 20000  # older orders are forgotten, so that the process does not grow
NONCES_KEPT = 20000
DAY = datetime.timedelta(days=1)


@dataclasses.dataclass
class Settings:
    http_port: int = 0  # where http-01 is validated, on 127.0.0.1; 0: every name is valid
    days: float = 90  # how long certificates are valid
    clock: float = 0  # s by which the dates of certificates are ahead
    failures: int = 0  # percent of signed requests that get 500, 503 or the end of the connection
    delay: float = 0  # s before the answer to a new order


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def thumbprint(jwk):
    """RFC 7638."""
    members = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}[jwk["kty"]]
    text = json.dumps({name: jwk[name] for name in members}, separators=(",", ":"))
    return encode(hashlib.sha256(text.encode()).digest())


class Refused(Exception):
    def __init__(self, status, problem, detail):
        super().__init__(detail)
        self.status, self.document = status, {"type": PROBLEM + problem, "detail": detail}


class Issuer:
    """Signs certificates."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fast test CA")])
        self.identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        self.extensions = [
            (x509.BasicConstraints(False, None), True),
            (x509.KeyUsage(True, False, False, False, False, False, False, False, False), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (self.identifier, False),
        ]
        now = datetime.datetime.utcnow()
        own = (x509.CertificateBuilder().subject_name(self.name).issuer_name(self.name)
               .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now - 400 * DAY).not_valid_after(now + 4000 * DAY)
               .add_extension(x509.BasicConstraints(True, None), True)
               .sign(self.key, hashes.SHA256()))
        self.pem = own.public_bytes(serialization.Encoding.PEM)

    def issue(self, csr, settings):
        """The chain (PEM) for a CSR object."""
        start = datetime.datetime.utcnow() + datetime.timedelta(seconds=settings.clock - 60)
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        builder = (x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(self.name)
                   .public_key(csr.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(start).not_valid_after(start + settings.days * DAY)
                   .add_extension(names, True))
        for extension, critical in self.extensions:
            builder = builder.add_extension(extension, critical)
        certificate = builder.sign(self.key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM) + self.pem


class Ca:
    """The resources. A handler returns (status, headers, document or bytes)."""

    def __init__(self, base):
        self.base, self.settings, self.issuer = base, Settings(), Issuer()
        self.numbers, self.nonces = itertools.count(1), {}
        self.accounts, self.thumbprints = {}, {}  # thumbprint → number and the reverse
        self.orders = {}  # number → order; authorizations have the number of their order
        self.stats = {"requests": 0, "orders": 0, "certificates": 0, "failures": 0, "revocations": 0}
        self.tasks = set()
        self.random = random.Random(1)

    def nonce(self):
        nonce = f"{next(self.numbers):022d}"
        self.nonces[nonce] = True
        if len(self.nonces) > NONCES_KEPT:
            del self.nonces[next(iter(self.nonces))]
        return nonce

    def url(self, kind, *parts):
        return "/".join([self.base, kind, *map(str, parts)])

    def directory(self):
        names = {"newNonce": "nonce", "newAccount": "account", "newOrder": "new-order", "revokeCert": "revoke",
                 "keyChange": "key-change"}
        return 200, {}, {**{key: self.url(path) for key, path in names.items()},
                         "meta": {"termsOfService": self.url("terms")}}

    def get(self, path):
        if path == "/dir":
            return self.directory()
        if path == "/stats":
            return 200, {}, self.stats
        return (200 if path == "/nonce" else 404), {"Cache-Control": "no-store"}, b""

    def put(self, body):
        self.settings = dataclasses.replace(self.settings, **json.loads(body))
        return 200, {}, b""

    async def post(self, path, body):
        self.stats["requests"] += 1
        if path == "/new-order" and self.settings.delay:
            await asyncio.sleep(self.settings.delay)
        if self.random.randrange(100) < self.settings.failures:
            self.stats["failures"] += 1
            status = self.random.choice((500, 503, None))
            if status is None:
                raise ConnectionResetError
            raise Refused(status, "serverInternal", "a fault of the test")
        jws = json.loads(body)
        head, payload = json.loads(decode(jws["protected"])), jws["payload"]
        if not self.nonces.pop(head["nonce"], None):
            raise Refused(400, "badNonce", "this nonce is unknown")
        if head["url"] != self.base + path:
            raise Refused(400, "malformed", "the url of the signed header is another one")
        payload = json.loads(decode(payload)) if payload else None
        kind, *parts = path[1:].split("/")
        handler = {"account": self.account, "new-order": self.new_order, "order": self.order,
                   "authorization": self.authorization, "challenge": self.challenge, "finalize": self.finalize,
                   "certificate": self.certificate, "revoke": self.revoke}.get(kind)
        if not handler:
            raise Refused(404, "malformed", "no such resource")
        return handler(head, payload, *map(int, parts))

    def account(self, head, payload, number=None):
        if number is None:
            owner = thumbprint(head["jwk"])
            status = 200 if owner in self.accounts else 201
            if status == 201 and (payload or {}).get("onlyReturnExisting"):
                raise Refused(400, "accountDoesNotExist", "no such account")
            number = self.accounts.setdefault(owner, len(self.accounts) + 1)
            self.thumbprints[number] = owner
        else:
            status = 200
        return status, {"Location": self.url("account", number)}, {"status": "valid", "contact": []}

    def find(self, number):
        if number not in self.orders:
            raise Refused(404, "malformed", "this order was forgotten")
        return self.orders[number]

    def new_order(self, head, payload):
        number = next(self.numbers)
        names = [identifier["value"] for identifier in payload["identifiers"]]
        states = ["valid" if self.settings.http_port == 0 else "pending"] * len(names)
        self.orders[number] = {"names": names, "identifiers": payload["identifiers"], "states": states, "chain": None,
                               "owner": self.thumbprints[int(head["kid"].rsplit("/", 1)[1])]}
        self.stats["orders"] += 1
        if len(self.orders) > ORDERS_KEPT:
            del self.orders[next(iter(self.orders))]
        return 201, {"Location": self.url("order", number)}, self.order_document(number)

    def order_document(self, number):
        order = self.orders[number]
        document = {"identifiers": order["identifiers"], "finalize": self.url("finalize", number),
                    "authorizations": [self.url("authorization", number, i) for i in range(len(order["names"]))]}
        if order["chain"]:
            return {**document, "status": "valid", "certificate": self.url("certificate", number)}
        states = set(order["states"])
        status = "invalid" if "invalid" in states else "ready" if states == {"valid"} else "pending"
        return {**document, "status": status}

    def order(self, _head, _payload, number):
        self.find(number)
        return 200, {}, self.order_document(number)

    def challenge_document(self, number, i):
        state = self.find(number)["states"][i]
        document = {"type": "http-01", "url": self.url("challenge", number, i), "status": state,
                    "token": f"token-of-the-fast-ca-{number}-{i}"}
        if state == "invalid":
            document["error"] = {"type": PROBLEM + "unauthorized", "detail": "the response was another one"}
        return document

    def authorization(self, _head, _payload, number, i):
        order = self.find(number)
        state = order["states"][i]
        return 200, {}, {"identifier": order["identifiers"][i], "challenges": [self.challenge_document(number, i)],
                         "status": "pending" if state == "processing" else state}

    def challenge(self, _head, payload, number, i):
        order = self.find(number)
        if payload is not None and order["states"][i] == "pending":
            order["states"][i] = "processing"
            task = asyncio.create_task(self.validate(order, i, self.challenge_document(number, i)["token"]))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return 200, {"Link": f'<{self.url("authorization", number, i)}>;rel="up"'}, self.challenge_document(number, i)

    async def validate(self, order, i, token):
        request = (f"GET /.well-known/acme-challenge/{token} HTTP/1.1\r\nHost: {order['names'][i]}\r\n"
                   "Connection: close\r\n\r\n").encode()
        answer = b""
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.settings.http_port)
            writer.write(request)
            answer = await asyncio.wait_for(reader.read(), 30)
            writer.close()
        good = answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(f"\r\n\r\n{token}.{order['owner']}".encode())
        order["states"][i] = "valid" if good else "invalid"

    def finalize(self, _head, payload, number):
        order = self.find(number)
        csr = x509.load_der_x509_csr(decode(payload["csr"]))
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if sorted(map(str, names.get_values_for_type(x509.DNSName))) != sorted(order["names"]):
            raise Refused(400, "badCSR", "the names in the CSR are not those of the order")
        if self.order_document(number)["status"] != "ready":
            raise Refused(403, "orderNotReady", "the order is not ready")
        order["chain"] = self.issuer.issue(csr, self.settings)
        self.stats["certificates"] += 1
        return 200, {"Location": self.url("order", number)}, self.order_document(number)

    def certificate(self, _head, _payload, number):
        return 200, {"Content-Type": "application/pem-certificate-chain"}, self.find(number)["chain"]

    def revoke(self, _head, _payload):
        self.stats["revocations"] += 1
        return 200, {}, b""


async def read_request(reader):
    """(method, path, body) of the next request; None at the end of the connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, path, _ = head[0].split(" ")
    fields = dict(line.lower().split(":", 1) for line in head[1:] if line)
    return method, path, await reader.readexactly(int(fields.get("content-length", 0)))


async def answer(ca, method, path, body):
    try:
        if method == "POST":
            return await ca.post(path, body)
        return ca.put(body) if method == "PUT" else ca.get(path)
    except Refused as refused:
        return refused.status, {"Content-Type": "application/problem+json"}, refused.document


async def serve(ca, reader, writer):
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
        while request := await read_request(reader):
            status, headers, content = await answer(ca, *request)
            if not isinstance(content, bytes):
                content = json.dumps(content).encode()
                headers = {"Content-Type": "application/json", **headers}
            headers = {**headers, "Content-Length": len(content), "Replay-Nonce": ca.nonce()}
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(f"HTTP/1.1 {status} x\r\n{lines}\r\n".encode() +
                         (b"" if request[0] == "HEAD" else content))
            await writer.drain()
    writer.close()


async def main(port, certificate, key):
    ca = Ca(f"https://127.0.0.1:{port}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with await asyncio.start_server(lambda *streams: serve(ca, *streams), "127.0.0.1", int(port), ssl=context,
                                          backlog=1024):
        await ended.wait()
    # The connections of orderd stay open: do not wait for them.
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


class FastCa:
    """The CA as a background program of a test."""

    def __init__(self, lib, directory, **settings):
        directory.mkdir(parents=True, exist_ok=True)
        self.ca_file, key = lib.make_tls_certificate(directory)
        self.port = lib.free_port()
        self.base = f"https://127.0.0.1:{self.port}"
        self.url = f"{self.base}/dir"
        context = ssl.create_default_context(cafile=self.ca_file)
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                                   urllib.request.HTTPSHandler(context=context))
        self.process = lib.Process("fast-ca", ["/usr/bin/python3", Path(__file__), self.port, self.ca_file, key],
                                   directory)
        lib.wait_for(lambda: lib.can_connect(self.port), "the CA's port")
        self.set(**settings)

    def _ask(self, path, **kwargs):
        with self._opener.open(urllib.request.Request(self.base + path, **kwargs), timeout=60) as response:
            return response.read()

    def set(self, **settings):
        """Change some of the Settings."""
        self._ask("/settings", data=json.dumps(settings).encode(), method="PUT")

    def stats(self):
        return json.loads(self._ask("/stats"))

    def stop(self):
        self.process.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

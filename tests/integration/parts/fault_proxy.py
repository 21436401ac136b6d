# SPDX-License-Identifier: GPL-3.0-or-later
"""A faulty CA: Pebble behind a proxy that damages the answers which rules select."""

import base64
import json
import re
import threading
import time
from dataclasses import dataclass
from typing import Callable

from ca_proxy import Answer, CaProxy, Reset

KINDS = {
    "directory": "/dir", "newNonce": "/nonce-plz", "newOrder": "/order-plz",
    "authorization": "/authZ/", "challenge": "/chalZ/", "finalize": "/finalize-order/",
    "order": "/my-order/", "certificate": "/certZ/",
}
SHARED = ("directory", "newNonce")  # resources that belong to no order


def kind_of(path):
    return next((kind for kind, prefix in KINDS.items() if path.startswith(prefix)), None)


class BadNonce(Exception):
    """Pebble rejected the nonce, as it does at random, and did nothing: the rule does not apply."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer


@dataclass
class Rule:
    """Damages the first requests of a kind that belong to the order for a name."""

    name: str
    kind: str
    fault: Callable  # (ask) → Answer; ask() forwards the request to Pebble and returns its answer
    times: int = 1
    hits: int = 0


class FaultProxy(CaProxy):
    def __init__(self, pebble):
        self.rules = []
        self._lock = threading.Lock()
        self._owners = {}  # path → the name in its order
        self.handshakes = []  # (connection) → connection: replace the next handshakes
        super().__init__(pebble)

    def secure(self, connection):
        with self._lock:
            handshake = self.handshakes.pop() if self.handshakes else super().secure
        return handshake(connection)

    def _owner(self, request):
        if kind_of(request.path) != "newOrder":
            return self._owners.get(request.path)
        payload = json.loads(request.body)["payload"]
        order = json.loads(base64.urlsafe_b64decode(payload + "=="))
        return order["identifiers"][0]["value"]

    def _note(self, owner, answer):
        """Assign all URLs in an answer about an order to the owner of the order."""
        text = f"{answer.header('Location')} ".encode() + answer.body
        for path in re.findall(re.escape(self.base) + r"(/[\w/-]+)", text.decode()):
            if kind_of(path) not in (*SHARED, "newOrder"):
                self._owners[path] = owner

    def certificates(self, name):
        """The number of certificates issued for the name."""
        orders = re.findall(r"Issued certificate serial \w+ for order ([\w-]+)",
                            self.pebble.ca.log)
        return sum(self._owners.get(KINDS["order"] + order) == name for order in orders)

    def orders(self, name):
        """The number of orders created for the name."""
        made = re.findall(r"Added order \"?([\w-]+)", self.pebble.ca.log)
        return sum(self._owners.get(KINDS["order"] + order) == name for order in made)

    def _take_rule(self, request, owner):
        """Return the rule that matches the request and count the hit."""
        kind = kind_of(request.path)
        for rule in self.rules:
            if rule.kind == kind and rule.hits < rule.times and (kind in SHARED or
                                                                 rule.name == owner):
                rule.hits += 1
                return rule
        return None

    def answer(self, request):
        def ask():
            answer = self.forward(request)
            if b":badNonce" in answer.body:
                raise BadNonce(answer)
            self._note(owner, answer)
            return answer

        owner = self._owner(request)
        with self._lock:
            rule = self._take_rule(request, owner)
        try:
            return rule.fault(ask) if rule else ask()
        except BadNonce as refused:
            if rule:
                with self._lock:
                    rule.hits -= 1
            return refused.answer


# ---- faults ----------------------------------------------------------------------------------

PROBLEM = "urn:ietf:params:acme:error:"
NONCE = "bm90IGEgbm9uY2UgdGhhdCB0aGUgQ0Ega25vd3M"


def refuse(status, problem=None, **headers):
    """The CA does not process the request and reports an error: an ACME problem or an HTML page."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if problem:
        body = json.dumps({"type": PROBLEM + problem, "detail": "a fault"}).encode()
        headers = {"Content-Type": "application/problem+json", "Replay-Nonce": NONCE, **headers}
    else:
        body, headers = b"<html>It failed.</html>", {"Content-Type": "text/html", **headers}
    return lambda ask: Answer(status, headers, body)


def lost_before(ask):
    """The request never reaches the CA."""
    raise Reset


def lost_after(ask):
    """The CA processes the request, but its answer is lost."""
    ask()
    raise Reset


def half(ask):
    """The second half of the answer is missing."""
    answer = ask()
    return Answer(answer.status, answer.headers, answer.body[:len(answer.body) // 2])


def cut(ask):
    """The connection closes in the middle of the answer."""
    answer = ask()
    length = {"Content-Length": len(answer.body) + 1}
    return Answer(answer.status, {**answer.headers, **length}, [answer.body[:10]])


def huge(ask):
    """The body is 100 MB of blanks."""
    answer = ask()
    return Answer(answer.status, answer.headers, (b" " * 1_000_000 for _ in range(100)))


def huge_header(ask):
    answer = ask()
    lines = {f"X-{i}": "x" * 50_000 for i in range(200)}
    return Answer(answer.status, {**answer.headers, **lines}, answer.body)


def drip(ask):
    """The answer arrives complete, one byte at a time."""
    def bytes_of(body):
        for i in range(len(body)):
            time.sleep(0.001)
            yield body[i:i + 1]

    answer = ask()
    return Answer(answer.status, answer.headers, bytes_of(answer.body))


def stall(ask):
    """The body never ends."""
    def parts():
        while True:
            yield b" "
            time.sleep(1)

    answer = ask()
    return Answer(answer.status, answer.headers, parts())


def headers(**changed):
    """Change headers of the answer; None removes one."""
    def fault(ask):
        answer = ask()
        names = {key.replace("_", "-"): value for key, value in changed.items()}
        kept = {key: value for key, value in answer.headers.items()
                if key.lower() not in map(str.lower, names)}
        added = {key: value for key, value in names.items() if value is not None}
        return Answer(answer.status, {**kept, **added}, answer.body)

    return fault


def members(**changed):
    """Change members of the JSON object; None removes one."""
    def fault(ask):
        answer = ask()
        document = {**json.loads(answer.body), **changed}
        document = {key: value for key, value in document.items() if value is not None}
        return Answer(answer.status, answer.headers, json.dumps(document).encode())

    return fault


def body(content, type_="application/json"):
    """The CA processes the request, but the body of its answer is replaced."""
    def fault(ask):
        answer = ask()
        kept = {key: value for key, value in answer.headers.items() if key != "Content-Type"}
        return Answer(answer.status, {**kept, "Content-Type": type_}, content)

    return fault

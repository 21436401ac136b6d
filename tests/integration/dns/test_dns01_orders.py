# SPDX-License-Identifier: GPL-3.0-or-later
"""dns-01 in orders with several authorizations, and next to other verifications."""

import contextlib
import json
import re
import threading

import pytest

import lib
from ca_proxy import Answer, CaProxy
from dns_bed import CONFIG, KEY, kill_orderd, name_of_length, post_in_background, wait_until_clean
from dns_servers import Named
from fault_proxy import FaultProxy, Rule, members, refuse
# Fixtures:
from dns_bed import account, lookups, pebble, primary, resolver, secondary, start, www, www_two


# ---- several verifications -------------------------------------------------------------------

def test_first_that_the_ca_offers(start, primary, new_csr):
    """One order: the name by http-01, the wildcard by dns-01, the only challenge for it."""
    acmems = start(verification="http, dns")
    names = ["mixed.example.org", "*.mixed.example.org"]
    assert acmems.issue(new_csr(*names)).names == sorted(names)
    wait_until_clean(acmems, primary, "_acme-challenge.mixed.example.org")


def test_next_if_the_first_fails(start, pebble, new_csr):
    """A verification fails before the CA is notified: the next one is tried.
    A wildcard has no other."""
    acmems = start(servers=[f"127.0.0.1:{lib.free_port()}"], verification="dns, http")
    acmems.issue(new_csr("mixed.example.org"))
    warning, = [line for line in acmems.orderd.log.splitlines() if "tried next" in line]
    assert 'mixed.example.org cannot be verified by [verification "dns"]' in warning
    assert '[verification "http"] is tried next: ' in warning and "its UDP port is closed" in warning
    answer = acmems.post(new_csr("*.unseen.example.org"))  # no valid authorization yet
    assert answer.status == 421 and "its UDP port is closed" in answer.text, answer


def test_all_verifications_fail(start, new_csr):
    """The client and the journal get the error of each verification."""
    nobody, other = lib.free_port(), lib.free_port()
    acmems = start(f"""
[verification "dns2"]
type = dns01-dnsUpdate
dns-server = 127.0.0.1:{other}
""", servers=[f"127.0.0.1:{nobody}"], verification="dns, dns2, http")
    dns = rf'\[verification "dns"\]: [^;]*127\.0\.0\.1:{nobody}: its UDP port is closed[^;]*; '
    dns2 = rf'\[verification "dns2"\]: [^;]*127\.0\.0\.1:{other}: its UDP port is closed[^;]*; '
    for name, http in [("*.unheard.example.org", "the CA offers no http-01 challenge"),
                       ("nobody.example.org", ".*nobody.example.org")]:
        answer = acmems.post(new_csr(name))
        base = re.escape(name.removeprefix("*."))
        said = rf'{base}: {dns}{dns2}\[verification "http"\]: {http}'
        assert answer.status == 421 and re.search(said, answer.text), answer
        assert answer.text.count(f"{name.removeprefix('*.')}: [") == 1
        failed, = [line for line in acmems.orderd.log.splitlines()
                   if f"No certificate for {name}" in line]
        assert re.search(said, failed)
        assert acmems.orderd.log.count(f"{name.removeprefix('*.')} cannot be verified by") == 2


def test_upper_case(tmp_path, pebble, primary, lookups, http01_socket, new_csr, www):
    """Names mean the same in any case, whoever writes them: the client, the configuration, the CA."""
    with contextlib.ExitStack() as stack:
        proxy = FaultProxy(pebble)
        stack.callback(proxy.stop)
        acmems = lib.Acmems(tmp_path / "server", proxy, http01_socket,
                            lib.register(tmp_path / "account", proxy, http01_socket))
        stack.callback(acmems.stop)
        identifier = {"type": "dns", "value": www.upper()}
        proxy.rules = [Rule(www, "authorization", members(identifier=identifier), times=9),
                       Rule(www, "newOrder", members(identifiers=[identifier])),
                       Rule(www, "order", members(identifiers=[identifier]), times=9)]
        acmems.start(auth="", storage=CONFIG.format(
            servers=f"dns-server = {primary.where}\nresolver = {lookups.where}",
            more=f"{KEY}\nzone = EXAMPLE.Org", verification="dns").replace("domain = *", "domain = *.EXAMPLE.org"))
        assert [name.lower() for name in acmems.issue(new_csr(www.title())).names] == [www]
        wait_until_clean(acmems, primary, f"_acme-challenge.{www}")


@pytest.mark.parametrize("length,begin", [(238, ""), (240, "*.")])
def test_name_too_long(start, pebble, new_csr, length, begin):
    """With the _acme-challenge label, the name would be longer than DNS permits."""
    acmems, before = start(), pebble.orders()
    name = name_of_length(length, begin)
    answer = acmems.post(new_csr(name, subject="/"))
    assert answer.status == 421 and f"{name}: it is too long for dns-01" in answer.text, answer
    assert pebble.orders() == before


def test_longest_name(start, primary, new_csr):
    acmems = start()
    acmems.issue(new_csr(name_of_length(237), subject="/"))


def test_next_if_the_name_is_too_long(start, new_csr):
    name = name_of_length(238)
    acmems = start(verification="dns, http")
    acmems.issue(new_csr(name, subject="/"))
    warning, = [line for line in acmems.orderd.log.splitlines() if "tried next" in line]
    assert f"{name} cannot be verified by [verification" in warning and "too long" in warning


def test_wildcard_without_dns(start, pebble, new_csr):
    """The order is refused before it reaches the CA."""
    acmems, before = start(verification="http"), pebble.orders()
    answer = acmems.post(new_csr("mixed.example.org", "*.mixed.example.org"))
    assert answer.status == 421 and "*.mixed.example.org" in answer.text
    assert "dns01-dnsUpdate" in answer.text and pebble.orders() == before


# ---- one challenge after all records -------------------------------------------------------

class SlowCa(CaProxy):
    """Delays the nth response with the authorization of a name."""

    def __init__(self, pebble):
        self.held, self.shown = (), []  # (name, n); the names in order of response
        self.change = lambda answer: answer  # what the delayed response becomes
        self.reached, self.released, self.told = (threading.Event() for _ in range(3))
        super().__init__(pebble)

    def answer(self, request):
        if request.path.startswith("/chalZ/"):
            self.told.set()
        answer = self.forward(request)
        if not request.path.startswith("/authZ/") or answer.status != 200:
            return answer
        authorization = json.loads(answer.body)
        name = authorization["identifier"]["value"]
        self.shown.append(f"*.{name}" if authorization.get("wildcard") else name)
        if (self.shown[-1], self.shown.count(self.shown[-1])) != self.held:
            return answer
        self.reached.set()
        assert self.released.wait(lib.DEADLINE)
        return self.change(answer)

    def stop(self):
        self.released.set()
        super().stop()
        self.pebble.stop()


def as_invalid(answer):
    authorization = json.loads(answer.body)
    error = {"type": "urn:ietf:params:acme:error:caa", "detail": "CAA forbids it"}
    authorization["status"] = "invalid"
    for challenge in authorization["challenges"]:
        challenge.update(status="invalid", error=error)
    return Answer(200, answer.headers, json.dumps(authorization).encode())


class TestAllAtOnce:
    """The CA's resolver caches a TXT answer for its TTL:
    all records of a name must exist before its first validation."""

    @pytest.fixture
    def resolver(self, tmp_path, primary):
        server = Named(tmp_path / "resolver", "127.0.0.1", {}).start(recursion=True, options=f"""
            forward only; forwarders {{ {primary.address} port {primary.port}; }};""")
        yield server
        server.stop()

    @pytest.fixture
    def pebble(self, tmp_path, resolver, http01_socket):
        proxy = SlowCa(lib.Pebble(tmp_path / "slow", http01_socket.getsockname()[1],
                                  resolver=resolver.where, env={"PEBBLE_AUTHZREUSE": "100"}))
        yield proxy
        proxy.stop()

    @pytest.fixture
    def account(self, tmp_path, pebble, http01_socket):
        return lib.register(tmp_path / "account-slow", pebble, http01_socket)

    def post(self, acmems, primary, pebble, body, record):
        """Post a request. While one authorization is delayed,
        orderd does not notify the CA, although the record of another one exists."""
        pebble.told.clear()
        answer = post_in_background(acmems, body)
        lib.wait_for(lambda: pebble.reached.is_set() and primary.texts(record), "a record")
        was_told = pebble.told.wait(0.5)
        pebble.released.set()
        assert answer() and not was_told
        return answer()

    @pytest.mark.parametrize("change", [lambda answer: answer,  # unchanged
                                        lambda answer: refuse(400, "badNonce")(None),
                                        lambda answer: refuse(503)(None)])  # the order starts again
    @pytest.mark.parametrize("held", ["", "*."])
    def test_wildcard_and_apex(self, start, primary, pebble, new_csr, www, held, change):
        pebble.held, pebble.change, acmems = (held + www, 1), change, start()
        record = f"_acme-challenge.{www}"
        answer = self.post(acmems, primary, pebble, new_csr(www, f"*.{www}"), record)
        assert answer.status == 200, answer
        wait_until_clean(acmems, primary, record)

    @pytest.mark.parametrize("is_valid", [False, True])
    def test_other_verification(self, start, primary, pebble, new_csr, is_valid):
        """The delayed authorization uses http-01, or is already valid: it adds no record."""
        acmems = start(verification="http, dns")
        if is_valid:
            acmems.issue(new_csr("mixed.example.org"))
        pebble.held = ("mixed.example.org", pebble.shown.count("mixed.example.org") + 1)
        answer = self.post(acmems, primary, pebble,
                           new_csr("mixed.example.org", "*.mixed.example.org"),
                           "_acme-challenge.mixed.example.org")
        assert answer.status == 200, answer

    def test_invalid(self, start, primary, pebble, new_csr, www):
        pebble.held, pebble.change, acmems = (www, 1), as_invalid, start()
        answer = self.post(acmems, primary, pebble, new_csr(www, f"*.{www}"),
                           f"_acme-challenge.{www}")
        assert answer.status == 421 and "CAA forbids it" in answer.text
        # The other challenge was completed nevertheless.
        assert pebble.told.is_set()
        wait_until_clean(acmems, primary, f"_acme-challenge.{www}")

    def test_next_block(self, start, primary, lookups, pebble, new_csr, www):
        """The first block cannot publish the record; the second one does."""
        pebble.held = (www, 2)
        acmems = start(f"""
[verification "dns2"]
type = dns01-dnsUpdate
dns-server = {primary.where}
resolver = {lookups.where}
{KEY}
""", servers=[f"127.0.0.1:{lib.free_port()}"], verification="dns, dns2")
        answer = self.post(acmems, primary, pebble, new_csr(www, f"*.{www}"),
                           f"_acme-challenge.{www}")
        assert answer.status == 200, answer

    def test_next_verification(self, start, primary, pebble, new_csr, www):
        name = name_of_length(238)
        pebble.held, acmems = (name, 2), start(verification="dns, http")
        answer = self.post(acmems, primary, pebble, new_csr(f"*.{www}", name, subject="/"),
                           f"_acme-challenge.{www}")
        assert answer.status == 200, answer

    def test_each_name_has_its_own_reason(self, start, pebble, new_csr, www):
        """Only names that the CA rejected are reported as such."""
        pebble.held, pebble.change, acmems = (www, 1), as_invalid, start()
        pebble.released.set()
        answer = acmems.post(new_csr(www, "circle.example.org", "astray.example.org"))
        assert answer.status == 421
        assert re.match(rf"The CA could not validate: {www}: [^;]*CAA forbids it[^;]*; "
                        r"The server could not publish in DNS: (circle|astray)\.example\.org: [^;]*; "
                        r"(circle|astray)\.example\.org: ", answer.text), answer.text


# ---- answers to clients that wait ------------------------------------------------------------

class MuteCa(CaProxy):
    """Accepts challenge responses, but never validates."""

    def answer(self, request):
        if not request.path.startswith("/chalZ/"):
            return self.forward(request)
        challenge = {"type": "tls-alpn-01", "status": "processing", "token": "t",
                     "url": f"{self.base}{request.path}"}
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(challenge).encode())


@pytest.mark.parametrize("primary", [Named], indirect=True)
def test_reason_of_a_delay(tmp_path, primary, secondary, pebble, lookups, http01_socket, new_csr,
                           www_two):
    """A client that waited for the maximum time gets the reason for the delay, by verification."""
    with contextlib.ExitStack() as stack:
        mute = MuteCa(pebble)
        stack.callback(mute.stop)
        acmems = lib.Acmems(tmp_path / "mute", mute, http01_socket,
                            lib.register(tmp_path / "account", mute, http01_socket))
        stack.callback(acmems.stop)
        acmems.start(auth="", storage=CONFIG.format(
            servers="".join(f"dns-server = {server.where}\n" for server in (primary, secondary)),
            more=f"""resolver = {lookups.where}
propagation-timeout = 200
{KEY}
[verification "tls"]
type = tls-alpn01
""", verification="tls, dns"))
        post_in_background(acmems, new_csr("shared.example.org"))
        challenges = acmems.directory / "run/challenges/tls-alpn-01"
        lib.wait_for(lambda: list(challenges.iterdir()), "the first order's challenge")
        answers = [post_in_background(acmems, new_csr(*names))
                   for names in [("shared.example.org", "own.example.org"), (f"*.{www_two}",)]]
        lib.wait_for(lambda: primary.texts(f"_acme-challenge.{www_two}"), "the record")
        tls, dns = (answer(lib.DEADLINE + 90) for answer in answers)
        kill_orderd(acmems)
    assert tls.status == dns.status == 503
    assert tls.text.startswith("shared.example.org: the challenge of another order for the same "
                               "name must end first. Post the same CSR again later."), tls.text
    assert dns.text.startswith(f"{www_two}: its TXT record is not yet visible on all name servers "
                               "of the zone (second.two.example.org ("), dns.text
    assert "). Post the same CSR again later." in dns.text, dns.text

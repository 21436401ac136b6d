# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the dns-01 tests: Pebble, whose resolver forwards to the name server under update."""

import itertools
import json
import signal
import threading

import pytest

import lib
from dns_servers import KEY_NAME, SECRET, Knot, Named, zone_text

KEY = f"tsig-key = hmac-sha256:{KEY_NAME}:{SECRET}"
SECONDARY = "127.0.0.53"  # the address of the second name server in the zones
CONFIG = """
[verification "dns"]
type = dns01-dnsUpdate
{servers}
{more}
[auth "dns"]
ip = 127.0.0.0/8
domain = *
verification = {verification}
"""

NS = {"ns": "127.0.0.1"}
ZONES = {
    "example.org": zone_text(NS, f"""
_acme-challenge TXT "kept"
_acme-challenge.alias CNAME here.validation.example.net.
_acme-challenge.alias2 CNAME here.validation.example.net.
_acme-challenge.alias3 CNAME here.validation.example.net.
_acme-challenge.chain CNAME _acme-challenge.alias
_acme-challenge.chain3 CNAME _acme-challenge.alias3
_acme-challenge.circle CNAME _acme-challenge.circle2
_acme-challenge.circle2 CNAME _acme-challenge.circle
_acme-challenge.astray CNAME x.example.com.
*.wild CNAME x.example.com.
*.wild2 CNAME there.validation.example.net.
_acme-challenge.wild2 CNAME there.validation.example.net.
_acme-challenge.own.wild2 CNAME there.validation.example.net.
*.wild3 CNAME beside.validation.example.net.
_acme-challenge.wild3 CNAME beside.validation.example.net.
_acme-challenge.zoned0 CNAME zoned0.validation.example.net.
_acme-challenge.zoned1 CNAME zoned1
_acme-challenge.zoned3 CNAME _acme-challenge.victim.deep.example.co.uk.
_acme-challenge.zoned4 CNAME _acme-challenge.victim.two.example.org.
moved DNAME validation.example.net.
_acme-challenge.labelled DNAME validation.example.net.
cut NS elsewhere.example.net.
mixed A 127.0.0.1
*.long A 127.0.0.1
"""),
    "validation.example.net": zone_text(NS),
    "deep.example.co.uk": zone_text(NS),
    "co.uk": zone_text(NS, "deep.example NS ns\n"),
    "two.example.org": zone_text({**NS, "second": SECONDARY},
                                 "_acme-challenge.zoned5 CNAME _acme-challenge.victim.example.org.\n"),
    "split.example.org": zone_text(NS),
    "lame.example.org": zone_text({**NS, "lame": "127.0.0.54"}),
    "broken.example.org": None,  # the zone file is missing: SERVFAIL
}


@pytest.fixture(scope="module", params=[Named, Knot])
def primary(tmp_path_factory, request):
    server = request.param(tmp_path_factory.mktemp("primary"), "127.0.0.1", dict(ZONES))
    server.start()
    yield server
    server.stop()


def make_resolver(directory, primary, forwards=None, source=None):
    """A resolver that forwards to the primary and caches answers for at most a second."""
    return Named(directory, "127.0.0.1", {}).start(recursion=True, forwards=forwards, source=source,
                                                   options=f"""forward only;
        forwarders {{ {primary.address} port {primary.port}; }};
        max-cache-ttl 0; max-ncache-ttl 0; servfail-ttl 0; lame-ttl 0;""")


@pytest.fixture(scope="module")
def resolver(tmp_path_factory, primary):
    """The resolver that the CA uses."""
    server = make_resolver(tmp_path_factory.mktemp("resolver"), primary)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def lookups(tmp_path_factory, primary):
    """The resolver that acmems-orderd uses."""
    server = make_resolver(tmp_path_factory.mktemp("lookups"), primary)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def pebble(new_pebble, resolver):
    return new_pebble(resolver=resolver.where, env={"PEBBLE_AUTHZREUSE": "0"})


@pytest.fixture
def account(tmp_path, pebble, http01_socket):
    """An account for each test: Pebble reuses one in a hundred authorizations of an account even
    with PEBBLE_AUTHZREUSE=0 (wfe.go compares with ">")."""
    return lib.register(tmp_path / "account-bed", pebble, http01_socket)


@pytest.fixture
def start(installation, primary, lookups):
    """start(more="…"): starts all programs with these lines in the verification block.

    @resolvers: the resolvers of acmems-orderd; empty: those of the system
    """
    def start(more=KEY, servers=None, verification="dns", resolvers=(lookups,)):
        lines = [*(f"dns-server = {server}" for server in servers or [primary.where]),
                 *(f"resolver = {resolver.where}" for resolver in resolvers)]
        installation.settings = {"auth": "", "storage": CONFIG.format(
            servers="\n".join(lines), more=more, verification=verification)}
        return installation.start(**installation.settings)
    return start


def name_of_length(length, start="", zone="long.example.org"):
    """A name of this length in the zone."""
    labels = 3 * f"{'x' * 63}."
    rest = length - len(f"{start}{labels}.{zone}")
    return f"{start}{labels}{'x' * rest}.{zone}"


NUMBERS = itertools.count()


@pytest.fixture
def www():
    """A new name for each test: the resolver may have cached records of others,
    and the CA may have valid authorizations for them."""
    return f"www{next(NUMBERS)}.example.org"


@pytest.fixture
def www_two():
    """A new name in the zone that has a secondary."""
    return f"www{next(NUMBERS)}.two.example.org"


def notes(acmems):
    """The files that note records which may be in DNS.
    A file that is still being written has another name and is left out."""
    return list((acmems.directory / "state/dns").glob("*.json"))


def note(acmems):
    """The content of the only note, or {} if there is none."""
    files = notes(acmems)
    return json.loads(files[0].read_text()) if files else {}


def no_records(acmems):
    return not notes(acmems)


def wait_until_clean(acmems, server, *names):
    for name in names:
        lib.wait_for(lambda name=name: server.texts(name) in ([], ["kept"]), f"the removal of {name}")
    lib.wait_for(lambda: no_records(acmems), "the removal of all notes")


def post_in_background(acmems, body):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(acmems.post(body)), daemon=True)
    thread.start()

    def answer(deadline=lib.DEADLINE):
        thread.join(deadline)
        assert answers, "no answer"
        return answers[0]
    return answer


@pytest.fixture
def secondary(tmp_path, primary):
    server = Knot(tmp_path / "secondary", SECONDARY, {"two.example.org": None})
    server.start(primary=primary)
    try:
        lib.wait_for(lambda: "NOERROR" in server.query("two.example.org", "SOA"),
                     "the first transfer")
        yield server
    finally:
        server.stop()


def kill_orderd(acmems):
    acmems.orderd.popen.kill()
    acmems.orderd.expect = (-signal.SIGKILL,)
    acmems.orderd.wait()


def reload(acmems):
    acmems.orderd.popen.send_signal(signal.SIGHUP)

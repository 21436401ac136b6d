# SPDX-License-Identifier: GPL-3.0-or-later
"""dns-01 through Pebble, whose resolver is the server that is updated."""

import contextlib
import itertools
import json
import re
import signal
import socket
import threading

import pytest

import lib
from ca_proxy import Answer, CaProxy
from dns_servers import KEY_NAME, KEYS, SECRET, Knot, Named, Silent, tsig_keygen, zone_text
from fault_proxy import FaultProxy, Rule, refuse

KEY = f"tsig-key = hmac-sha256:{KEY_NAME}:{SECRET}"
SECONDARY = "127.0.0.53"  # where zones say that their second server is
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
moved DNAME validation.example.net.
cut NS elsewhere.example.net.
mixed A 127.0.0.1
*.long A 127.0.0.1
"""),
    "validation.example.net": zone_text(NS),
    "deep.example.co.uk": zone_text(NS),
    "co.uk": zone_text(NS, "deep.example NS ns\n"),
    "two.example.org": zone_text({**NS, "second": SECONDARY}),
    "split.example.org": zone_text(NS),
    "lame.example.org": zone_text({**NS, "lame": "127.0.0.54"}),
    "broken.example.org": None,  # its file is not there: SERVFAIL
}


@pytest.fixture(scope="module", params=[Named, Knot])
def primary(tmp_path_factory, request):
    server = request.param(tmp_path_factory.mktemp("primary"), "127.0.0.1", dict(ZONES))
    server.start()
    yield server
    server.stop()


def make_resolver(directory, primary, forwards=None):
    """Knows what the primary has, and remembers it for a second."""
    return Named(directory, "127.0.0.1", {}).start(recursion=True, forwards=forwards,
                                                   options=f"""forward only;
        forwarders {{ {primary.address} port {primary.port}; }};
        max-cache-ttl 0; max-ncache-ttl 0; servfail-ttl 0; lame-ttl 0;""")


@pytest.fixture(scope="module")
def resolver(tmp_path_factory, primary):
    """Whom the CA asks."""
    server = make_resolver(tmp_path_factory.mktemp("resolver"), primary)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def lookups(tmp_path_factory, primary):
    """Whom acmems-orderd asks."""
    server = make_resolver(tmp_path_factory.mktemp("lookups"), primary)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def ca(tmp_path_factory, resolver, http01_socket):
    pebble = lib.Pebble(tmp_path_factory.mktemp("pebble-dns"), http01_socket.getsockname()[1],
                        resolver=resolver.where, env={"PEBBLE_AUTHZREUSE": "0"})
    yield pebble
    pebble.stop()


@pytest.fixture(scope="module")
def dns_account(tmp_path_factory, ca, http01_socket):
    return lib.register(tmp_path_factory.mktemp("account-dns"), ca, http01_socket)


@pytest.fixture
def installation(tmp_path, ca, dns_account, http01_socket):
    server = lib.Acmems(tmp_path, ca, http01_socket, dns_account)
    yield server
    server.stop()


@pytest.fixture
def start(installation, primary, lookups):
    """start(more="…"): all programs, with these lines in the verification block.

    @resolvers: whom acmems-orderd asks; none: those of the system
    """
    def start(more=KEY, servers=None, verification="dns", resolvers=(lookups,)):
        lines = [*(f"dns-server = {server}" for server in servers or [primary.where]),
                 *(f"resolver = {resolver.where}" for resolver in resolvers)]
        installation.settings = {"auth": "", "storage": CONFIG.format(
            servers="\n".join(lines), more=more, verification=verification)}
        return installation.start(**installation.settings)
    return start


def name_of_length(length, start="", zone="long.example.org"):
    """One in this zone."""
    labels = 3 * f"{'x' * 63}."
    rest = length - len(f"{start}{labels}.{zone}")
    return f"{start}{labels}{'x' * rest}.{zone}"


NUMBERS = itertools.count()


@pytest.fixture
def www():
    """A name that nobody has asked for yet: the resolver may remember what it saw of others, and
    the CA what it validated."""
    return f"www{next(NUMBERS)}.example.org"


@pytest.fixture
def www_two():
    """The same in the zone with a secondary."""
    return f"www{next(NUMBERS)}.two.example.org"


def notes(acmems):
    """The files of records that may be in DNS. What is being written has another name."""
    return list((acmems.directory / "state/dns").glob("*.json"))


def note(acmems):
    """What is on disk of the only record."""
    files = notes(acmems)
    return json.loads(files[0].read_text()) if files else {}


def no_records(acmems):
    return not notes(acmems)


def wait_until_clean(acmems, server, *names):
    for name in names:
        lib.wait_for(lambda name=name: server.texts(name) in ([], ["kept"]), f"{name} to go")
    lib.wait_for(lambda: no_records(acmems), "the notes of records to go")


def post_in_background(acmems, body):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(acmems.post(body)), daemon=True)
    thread.start()

    def answer(deadline=lib.DEADLINE):
        thread.join(deadline)
        assert answers, "no answer"
        return answers[0]
    return answer


def test_wildcard_apex_and_many_names(start, primary, new_csr, tmp_path):
    acmems = start(f"tsig-key-file = {tsig_keygen(tmp_path / 'tsig.key')}")
    names = ["example.org", "*.example.org", *(f"n{i}.example.org" for i in range(20))]
    assert acmems.issue(new_csr(*names)).names == sorted(names)
    wait_until_clean(acmems, primary, *(f"_acme-challenge.{name}" for name in names
                                        if not name.startswith("*")))
    # What was there before still is.
    assert primary.texts("_acme-challenge.example.org") == ["kept"]


def test_two_hundred_names_at_once(start, primary, new_csr):
    """They share connections."""
    acmems = start()
    bodies = [new_csr(*(f"o{order}n{i}.example.org" for i in range(100))) for order in range(2)]
    for answer in [post_in_background(acmems, body) for body in bodies]:
        assert answer().status == 200
    lib.wait_for(lambda: no_records(acmems), "the notes of records to go")
    updates = re.findall(r"client @\w+ ([\d.#]+)/key \w+: updating zone .*: adding an RR at "
                         r"'_acme-challenge.o\dn\d+\.", primary.process.log)
    if isinstance(primary, Named):  # which says who asked for what
        assert len(updates) == 200
        assert len(set(updates)) < 4


@pytest.mark.parametrize("name", ["deep.example.co.uk", "a.b.c.d.deep.example.co.uk",
                                  "other.co.uk", "a.moved.example.org"])
def test_zone_is_found(start, primary, new_csr, name):
    acmems = start()
    assert acmems.issue(new_csr(name)).names == [name]
    wait_until_clean(acmems, primary, f"_acme-challenge.{name}")


def test_zone_of_the_configuration(start, primary, new_csr, www):
    acmems = start(f"{KEY}\nzone = Example.ORG.")
    acmems.issue(new_csr(www))
    answer = acmems.post(new_csr("deep.example.co.uk"))
    assert answer.status == 421
    assert "_acme-challenge.deep.example.co.uk is not in the zone example.org" in answer.text
    wait_until_clean(acmems, primary, f"_acme-challenge.{www}")


def test_aliases_are_followed(start, primary, new_csr):
    acmems = start()
    names = ["alias.example.org", "alias2.example.org", "chain.example.org"]
    assert acmems.issue(new_csr(*names)).names == names
    wait_until_clean(acmems, primary, "here.validation.example.net")


def test_wildcard_alias(start, primary, new_csr):
    """Meant for names that nobody thought of: the record itself puts an end to it there."""
    acmems = start()
    acmems.issue(new_csr("a.wild.example.org", "b.c.wild.example.org"))
    wait_until_clean(acmems, primary, "_acme-challenge.a.wild.example.org",
                     "_acme-challenge.b.c.wild.example.org")


def test_alias_beside_a_wildcard(start, primary, new_csr):
    """With the same target: a record beside it would have no effect, and the server would not say
    so."""
    acmems = start(f"{KEY}\npropagation-timeout = 5")
    acmems.issue(new_csr("wild3.example.org"))
    wait_until_clean(acmems, primary, "beside.validation.example.net")


LONG = name_of_length(235, zone="wild2.example.org")
TOO_LONG = name_of_length(237, zone="wild2.example.org")  # to ask for any below its record
PLACES = {  # where the record of a name belongs; of names that no other test has a certificate for
    "alias3.example.org": "here.validation.example.net",
    "chain3.example.org": "here.validation.example.net",
    "b.moved.example.org": "_acme-challenge.b.validation.example.net",
    "d.wild2.example.org": "_acme-challenge.d.wild2.example.org",
    "b.c.wild2.example.org": "_acme-challenge.b.c.wild2.example.org",
    "own.wild2.example.org": "there.validation.example.net",
    "wild2.example.org": "there.validation.example.net",
    LONG: f"_acme-challenge.{LONG}",
    TOO_LONG: "there.validation.example.net",
}


@pytest.mark.parametrize("asks_resolver", [True, False])
def test_place_behind_aliases(start, lookups, new_csr, asks_resolver):
    """As the resolver sees them, or the server that is updated."""
    acmems = start("", resolvers=[lookups] if asks_resolver else [])
    answer = acmems.post(new_csr(*PLACES, subject="/"))
    assert answer.status == 421
    for name, owner in PLACES.items():
        assert f" {name}: its TXT record at {owner} cannot be added" in answer.text, answer.text


def test_wildcard_alias_into_the_only_zone(start, primary, new_csr):
    acmems = start(f"{KEY}\nzone = validation.example.net")
    acmems.issue(new_csr("a.wild2.example.org"))
    wait_until_clean(acmems, primary, "there.validation.example.net")


@pytest.mark.parametrize("name,reason", [
    ("circle.example.org", "the aliases (CNAME) go in a circle"),
    ("astray.example.org", "no resolver says whether x.example.com is an alias"),
    ("www.cut.example.org", ": SERVFAIL)"),
    ("www.broken.example.org", ": SERVFAIL)"),
    ("www.example.com", "no resolver says whether _acme-challenge.www.example.com is an alias"),
])
def test_place_is_not_found(start, primary, new_csr, name, reason):
    acmems = start()
    answer = acmems.post(new_csr(name))
    assert answer.status == 421
    assert reason.format(port=primary.port) in answer.text, answer.text
    lib.wait_for(lambda: no_records(acmems), "the notes of records to go")


def test_server_without_authority(start, lookups, new_csr, www):
    acmems = start(servers=[lookups.where])
    answer = acmems.post(new_csr(www))
    assert answer.status == 421
    assert f"({lookups.where}: it is not authoritative for the name)" in answer.text, answer.text


def test_all_servers_fail(start, primary, new_csr, www):
    """The answer has what each of them said."""
    silent = Silent("127.0.0.55")
    nobody = f"127.0.0.56:{lib.free_port()}"
    acmems = start(f"tsig-key = hmac-sha256:unknown:{SECRET}\ntimeout = 1",
                   servers=[primary.where, silent.where, nobody])
    answer = acmems.post(new_csr(www))
    silent.stop()
    assert answer.status == 421
    assert f"{primary.where}: NOTAUTH(BADKEY); {silent.where}: timeout; " \
           f"{nobody}: Connection refused" in answer.text, answer.text
    # Restraint: what is wrong with our servers is no failure of the CA's.
    again = acmems.post(new_csr(www, key="p384"))
    assert again.status == 421
    assert int(again.headers["retry-after"]) <= 10


@pytest.mark.parametrize("key,words", [
    (f"tsig-key = hmac-sha256:{KEY_NAME}:{SECRET[:-4]}AAA=", "NOTAUTH(BADSIG)"),
    (f"tsig-key = hmac-sha512:{KEY_NAME}:{SECRET}", "NOTAUTH(BADKEY)"),
    ("", ""),
])
def test_key_is_refused(start, primary, new_csr, www, key, words):
    acmems = start(key)
    answer = acmems.post(new_csr(www))
    assert answer.status == 421
    # Knot says NOTAUTH to who has no right, named REFUSED.
    assert f"cannot be added to the zone example.org ({primary.where}: " in answer.text
    assert (words or ("REFUSED" if isinstance(primary, Named) else "NOTAUTH")) in answer.text
    lib.wait_for(lambda: no_records(acmems), "the notes of records to go")


@pytest.mark.parametrize("key", KEYS)
def test_algorithms(start, primary, new_csr, www, key):
    """The answers are signed, too: another signature than the key's would not be taken."""
    acmems = start(f"tsig-key = {KEYS[key]}:{key}:{SECRET}")
    acmems.issue(new_csr(www))
    wait_until_clean(acmems, primary, f"_acme-challenge.{www}")
    assert ("out of date" in acmems.orderd.log) == (key in ("k1", "k5"))


def test_key_file_is_refused_at_start(installation, tmp_path):
    key = tsig_keygen(tmp_path / "tsig.key", "hmac-sha384")
    installation.write_config(auth="", storage=CONFIG.format(
        servers="dns-server = 127.0.0.1", verification="dns", more=f"tsig-key-file = {key}"))
    reason = f"tsig-key-file = '{key}' cannot be used: its algorithm hmac-sha384"
    orderd = lib.run(lib.ORDERD, "--config", installation.config, check=False)
    assert orderd.returncode == 1
    assert f"{installation.config}:" in orderd.stderr
    assert reason in orderd.stderr
    check = lib.run(lib.CTL, "check", installation.config, check=False)
    assert check.returncode == 1
    assert reason in check.stdout


def test_key_file_is_awaited(installation, primary, lookups, new_csr, www, tmp_path):
    """Started for a connection it does not end over a file that can be mended."""
    key = tsig_keygen(tmp_path / "tsig.key", "hmac-sha224")
    installation.write_config(auth="", storage=CONFIG.format(
        servers=f"dns-server = {primary.where}\nresolver = {lookups.where}", verification="dns",
        more=f"tsig-key-file = {key}"))
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(installation.directory / "run/orderd.sock"))
        sock.listen()
        installation.orderd = installation.spawn(
            "orderd", [lib.ORDERD, "--config", installation.config], sockets=[sock])
        installation.wait_for_start(installation.orderd)
        installation.start_sign()
        answer = post_in_background(installation, new_csr(www))
        lib.wait_for(lambda: "hmac-sha224" in installation.orderd.log, "the reason")
        tsig_keygen(key)
        assert answer().status == 200
    wait_until_clean(installation, primary, f"_acme-challenge.{www}")


def test_key_file_breaks(start, primary, new_csr, www, tmp_path):
    """The key that was read before stays in force, as all of the configuration does."""
    key = tsig_keygen(tmp_path / "tsig.key")
    acmems = start(f"tsig-key-file = {key}")
    acmems.issue(new_csr("one.example.org"))
    key.write_text("junk")
    acmems.issue(new_csr(www))
    assert f"tsig-key-file = '{key}' cannot be used" in acmems.orderd.log
    wait_until_clean(acmems, primary, f"_acme-challenge.{www}")
    tsig_keygen(key, name="k512", algorithm="hmac-sha512")
    acmems.issue(new_csr("next.example.org"))
    assert "Read the changed configuration" in acmems.orderd.log


def test_next_server(start, primary, new_csr, www):
    nobody = f"127.0.0.56:{lib.free_port()}"
    acmems = start(f"{KEY}\ntimeout = 1", servers=[nobody, primary.where])
    acmems.issue(new_csr(www))
    wait_until_clean(acmems, primary, f"_acme-challenge.{www}")


@pytest.mark.parametrize("kind", [Named, Knot])
def test_update_is_forwarded(start, primary, new_csr, www_two, tmp_path, kind):
    """By a secondary (RFC 2136 §6), under another id; the primary's signature still counts."""
    secondary = kind(tmp_path / "forwarder", "127.0.0.1", {"two.example.org": None})
    secondary.start(primary=primary)
    try:
        lib.wait_for(lambda: "NOERROR" in secondary.query("two.example.org", "SOA"),
                     "the first transfer")
        acmems = start(f"{KEY}\npropagation-check = none", servers=[secondary.where])
        acmems.issue(new_csr(www_two))
        wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")
    finally:
        secondary.stop()


@pytest.fixture
def split(tmp_path, primary, http01_socket):
    """A split horizon: an installation, and a resolver that sees the names as its CA does: it knows
    split.example.org from another server than the primary."""
    aliases = "".join(f"_acme-challenge.{name} CNAME {name}.validation.example.net.\n"
                      for name in ["one", "two"])
    with contextlib.ExitStack() as stack:
        outside = Knot(tmp_path / "outside", "127.0.0.58",
                       {"split.example.org": zone_text(NS, aliases)}).start()
        stack.callback(outside.stop)
        resolvers = {}
        for name in ["of-ca", "public"]:  # what one remembers the other one does not
            resolvers[name] = make_resolver(tmp_path / name, primary,
                                            {"split.example.org": outside})
            stack.callback(resolvers[name].stop)
        ca = lib.Pebble(tmp_path / "pebble", http01_socket.getsockname()[1],
                        resolver=resolvers["of-ca"].where, env={"PEBBLE_AUTHZREUSE": "0"})
        stack.callback(ca.stop)
        server = lib.Acmems(tmp_path / "server", ca, http01_socket,
                            lib.register(tmp_path / "account", ca, http01_socket))
        stack.callback(server.stop)
        yield server, resolvers["public"]


def test_split_horizon(split, primary, new_csr):
    """The server that is updated knows of no alias, where the CA finds one: `resolver` decides."""
    acmems, public = split

    def settings(*lines):
        return {"auth": "", "storage": CONFIG.format(
            servers=f"dns-server = {primary.where}", more="\n".join([KEY, *lines]),
            verification="dns")}

    acmems.start(**settings("propagation-check = none"))
    answer = acmems.post(new_csr("one.split.example.org"))
    assert answer.status == 421
    assert "The CA could not validate: one.split.example.org" in answer.text, answer.text
    wait_until_clean(acmems, primary, "_acme-challenge.one.split.example.org")
    acmems.write_config(**settings(f"resolver = {public.where}"))
    acmems.issue(new_csr("two.split.example.org"))
    wait_until_clean(acmems, primary, "two.validation.example.net")


# ---- servers that lag ----------------------------------------------------------------------

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




def test_waits_for_the_secondary(start, primary, secondary, ca, new_csr, www_two):
    acmems = start(servers=[primary.where, secondary.where])
    answer = post_in_background(acmems, new_csr(www_two))
    lib.wait_for(lambda: primary.texts(f"_acme-challenge.{www_two}"), "the record")
    # The secondary is asked, and the CA told nothing before it has the value.
    lib.wait_for(lambda: [json.loads(note.read_text()) for note in notes(acmems)],
                 "the note of the record")
    assert "Pulled a task" not in ca.ca.log.rpartition("Added order")[2]
    secondary.refresh()
    assert answer().status == 200
    wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")


def test_lagging_server_is_named(start, primary, secondary, new_csr, www_two):
    acmems = start(f"{KEY}\npropagation-timeout = 2", servers=[primary.where, secondary.where])
    answer = acmems.post(new_csr(www_two))
    assert answer.status == 421
    assert f"(second.two.example.org ({secondary.where}): it does not have the value yet)" \
        in answer.text, answer.text
    assert "ns.two.example.org" not in answer.text
    wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")


def test_check_can_be_left_out(start, primary, secondary, new_csr, www_two):
    acmems = start(f"{KEY}\npropagation-check = none", servers=[primary.where, secondary.where])
    acmems.issue(new_csr(www_two))
    wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")


def test_lame_server_is_named(start, primary, tmp_path, new_csr):
    lame = Knot(tmp_path / "lame", "127.0.0.54", {"example.edu": zone_text(NS)}).start()
    acmems = start(f"{KEY}\npropagation-timeout = 1", servers=[primary.where, lame.where])
    answer = acmems.post(new_csr("www.lame.example.org"))
    lame.stop()
    assert answer.status == 421
    assert f"(lame.lame.example.org ({lame.where}): REFUSED)" in answer.text, answer.text
    wait_until_clean(acmems, primary, "_acme-challenge.www.lame.example.org")


# ---- what is left is removed ---------------------------------------------------------------

@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_removed_after_a_restart(start, primary, secondary, new_csr, www_two, how):
    acmems = start(servers=[primary.where, secondary.where])
    body = new_csr(www_two)
    answer = post_in_background(acmems, body)
    lib.wait_for(lambda: primary.texts(f"_acme-challenge.{www_two}"), "the record")
    acmems.orderd.expect = (0, -how)
    acmems.orderd.popen.send_signal(how)
    if how == signal.SIGTERM:
        lib.wait_for(lambda: "Ending after" in acmems.orderd.log, "the first signal")
        acmems.orderd.popen.send_signal(how)  # the second one waits for nobody
    acmems.orderd.wait()
    assert primary.texts(f"_acme-challenge.{www_two}")
    acmems.start_orderd()
    # The order goes on, with the same record.
    secondary.refresh()
    assert answer().status == 200, acmems.logs()
    wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")


def test_removed_though_the_order_is_gone(start, primary, secondary, new_csr, www_two):
    acmems = start(servers=[primary.where, secondary.where])
    post_in_background(acmems, new_csr(www_two))
    lib.wait_for(lambda: primary.texts(f"_acme-challenge.{www_two}"), "the record")
    kill_orderd(acmems)
    for record in (acmems.directory / "state/orders").iterdir():
        record.unlink()
    acmems.sign.stop()
    acmems.start_orderd()
    wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")


def test_removed_though_the_client_is_gone(start, primary, secondary, new_csr, www_two):
    """The order goes on, for when it comes back."""
    acmems = start(servers=[primary.where, secondary.where])
    body = new_csr(www_two)
    with lib.Client(acmems.port) as client:
        client.send(lib.head(body), body)
        lib.wait_for(lambda: primary.texts(f"_acme-challenge.{www_two}"), "the record")
    secondary.refresh()
    wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")
    lib.wait_for(lambda: (acmems.cache_entry(body) / "cert.pem").exists(), "the certificate")


@pytest.fixture
def faulty(tmp_path, ca, http01_socket):
    """An installation, and what stands between it and its CA."""
    with contextlib.ExitStack() as stack:
        proxy = FaultProxy(ca)
        stack.callback(proxy.stop)
        server = lib.Acmems(tmp_path / "server", proxy, http01_socket,
                            lib.register(tmp_path / "account", proxy, http01_socket))
        stack.callback(server.stop)
        yield server, proxy


def test_removed_when_another_name_fails(faulty, primary, secondary, lookups, new_csr):
    """While one name's record is awaited at the secondary, the CA ends the order for the other."""
    acmems, proxy = faulty
    names = ["one.fails.two.example.org", "two.fails.two.example.org"]

    def texts():
        return [text for name in names for text in primary.texts(f"_acme-challenge.{name}")]

    def fail_then(ask):
        lib.wait_for(texts, "the record")
        return refuse(403, "unauthorized")(ask)

    proxy.rules = [Rule(names[0], "authorization", lambda ask: ask()),
                   Rule(names[0], "authorization", fail_then)]
    acmems.start(auth="", storage=CONFIG.format(
        servers="\n".join([f"dns-server = {primary.where}", f"dns-server = {secondary.where}",
                           f"resolver = {lookups.where}"]), more=KEY, verification="dns"))
    answer = acmems.post(new_csr(*names))
    assert answer.status == 500 and "refuses the server's ACME account" in answer.text, answer
    wait_until_clean(acmems, primary, *(f"_acme-challenge.{name}" for name in names))


def test_removal_is_tried_again(start, primary, secondary, new_csr, www_two):
    """The client does not wait for it."""
    acmems = start(f"{KEY}\npropagation-timeout = 6\ntimeout = 1",
                   servers=[primary.where, secondary.where])
    answer = post_in_background(acmems, new_csr(www_two))
    lib.wait_for(lambda: primary.texts(f"_acme-challenge.{www_two}"), "the record")
    primary.process.pause()
    assert answer().status == 421
    lib.wait_for(lambda: "is not removed yet" in acmems.orderd.log, "the first try")
    assert f"{primary.where}: timeout" in acmems.orderd.log
    primary.process.resume()
    wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")


def kill_orderd(acmems):
    acmems.orderd.popen.kill()
    acmems.orderd.expect = (-signal.SIGKILL,)
    acmems.orderd.wait()


def reload(acmems):
    acmems.orderd.popen.send_signal(signal.SIGHUP)


def test_removed_where_it_was_added(start, primary, secondary, new_csr, www_two, tmp_path):
    """Not at the first server that has nothing against it."""
    other = Knot(tmp_path / "other", "127.0.0.57", {"two.example.org": ZONES["two.example.org"]})
    acmems = start(servers=[other.where, primary.where, secondary.where])
    answer = post_in_background(acmems, new_csr(www_two))
    lib.wait_for(lambda: primary.texts(f"_acme-challenge.{www_two}"), "the record")
    other.start()
    try:
        secondary.refresh()
        assert answer().status == 200
        wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")
    finally:
        other.stop()


def test_removed_everywhere_after_a_restart(start, primary, secondary, lookups, new_csr, www_two,
                                            tmp_path):
    """Where the crash came before anybody knew which of them took it."""
    other = Knot(tmp_path / "other", "127.0.0.57", {"two.example.org": ZONES["two.example.org"]})
    # One that has no such zone would not have taken it.
    acmems = start(servers=[lookups.where, other.where, primary.where])
    post_in_background(acmems, new_csr(www_two))
    lib.wait_for(lambda: note(acmems).get("servers") == primary.where, "the note of who has it")
    kill_orderd(acmems)
    for record in (acmems.directory / "state/orders").iterdir():
        record.unlink()
    for file in notes(acmems):
        file.write_text(json.dumps({**note(acmems), "servers": ""}))
    acmems.sign.stop()
    acmems.start_orderd()
    lib.wait_for(lambda: not primary.texts(f"_acme-challenge.{www_two}"), "the record to go")
    assert not no_records(acmems)  # the other one may have it, for all that is known
    lib.wait_for(lambda: f"{other.where}: Connection refused"
                 in acmems.orderd.log, "the reason")
    other.start()
    try:
        lib.wait_for(lambda: no_records(acmems), "the note of the record to go")
    finally:
        other.stop()


def test_removed_from_a_former_server(start, primary, secondary, installation, new_csr, www_two,
                                      tmp_path):
    """The configuration does not have it any more, the note of the record does."""
    other = Knot(tmp_path / "other", "127.0.0.57", {"two.example.org": ZONES["two.example.org"]})
    acmems = start(servers=[primary.where])
    post_in_background(acmems, new_csr(www_two))
    lib.wait_for(lambda: note(acmems).get("servers") == primary.where, "the note of who has it")
    kill_orderd(acmems)
    for record in (acmems.directory / "state/orders").iterdir():
        record.unlink()
    acmems.sign.stop()
    other.start()
    try:
        config = installation.config.read_text()
        installation.config.write_text(config.replace(primary.where, other.where))
        acmems.start_orderd()
        wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")
    finally:
        other.stop()


def test_note_stays_where_the_record_is(start, primary, secondary, installation, new_csr, www_two):
    """Though it cannot be added anew; who mends the configuration need not wait for the removal."""
    acmems = start(servers=[primary.where, secondary.where])
    answer = post_in_background(acmems, new_csr(www_two))
    lib.wait_for(lambda: primary.texts(f"_acme-challenge.{www_two}"), "the record")
    kill_orderd(acmems)
    config = installation.config.read_text()
    installation.config.write_text(config.replace(SECRET, f"{SECRET[:-4]}AAA="))
    acmems.start_orderd()
    assert answer().status == 421
    lib.wait_for(lambda: "is not removed yet" in acmems.orderd.log, "the first try")
    assert primary.texts(f"_acme-challenge.{www_two}") and not no_records(acmems)
    installation.config.write_text(config)
    # At first it is tried again by itself, but with the key of then.
    lib.wait_for(lambda: reload(acmems) or no_records(acmems), "the note of the record to go")
    assert not primary.texts(f"_acme-challenge.{www_two}")


def test_block_of_a_record_is_gone(start, primary, secondary, installation, new_csr, www_two):
    acmems = start(servers=[primary.where, secondary.where])
    post_in_background(acmems, new_csr(www_two))
    lib.wait_for(lambda: primary.texts(f"_acme-challenge.{www_two}"), "the record")
    kill_orderd(acmems)
    acmems.sign.stop()
    for record in (acmems.directory / "state/orders").iterdir():
        record.unlink()
    config = installation.config.read_text()
    installation.config.write_text(config.replace('[verification "dns"]', '[verification "new"]')
                                   .replace("= dns\n", "= new\n"))
    acmems.start_orderd()
    lib.wait_for(lambda: 'stays: [verification "dns"]: there is no such block'
                 in acmems.orderd.log, "the reason")
    installation.config.write_text(config)
    reload(acmems)
    wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")


# ---- several verifications -------------------------------------------------------------------

def test_first_that_the_ca_offers(start, primary, new_csr):
    """In one order: the name by http-01, the wildcard by dns-01, as nothing else will do for it."""
    acmems = start(verification="http, dns")
    names = ["mixed.example.org", "*.mixed.example.org"]
    assert acmems.issue(new_csr(*names)).names == sorted(names)
    wait_until_clean(acmems, primary, "_acme-challenge.mixed.example.org")


def test_next_where_the_first_cannot(start, ca, new_csr):
    """Before the CA was told of the one the other is tried; a wildcard has no other."""
    acmems = start(servers=[f"127.0.0.1:{lib.free_port()}"], verification="dns, http")
    acmems.issue(new_csr("mixed.example.org"))
    warning, = [line for line in acmems.orderd.log.splitlines() if "tried next" in line]
    assert 'mixed.example.org cannot be verified by [verification "dns"]' in warning
    assert '[verification "http"] is tried next: ' in warning and "refused" in warning
    answer = acmems.post(new_csr("*.unseen.example.org"))  # of another name no validation is left
    assert answer.status == 421 and "refused" in answer.text, answer


def test_all_verifications_fail(start, new_csr):
    """The client and the journal are told what each of them said."""
    nobody, other = lib.free_port(), lib.free_port()
    acmems = start(f"""
[verification "dns2"]
type = dns01-dnsUpdate
dns-server = 127.0.0.1:{other}
""", servers=[f"127.0.0.1:{nobody}"], verification="dns, dns2, http")
    dns = rf'\[verification "dns"\]: [^;]*127\.0\.0\.1:{nobody}: [^;]*refused[^;]*; '
    dns2 = rf'\[verification "dns2"\]: [^;]*127\.0\.0\.1:{other}: [^;]*refused[^;]*; '
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


@pytest.mark.parametrize("length,begin", [(238, ""), (240, "*.")])
def test_name_too_long(start, ca, new_csr, length, begin):
    """Its record would not be a name any more."""
    acmems, before = start(), ca.orders()
    name = name_of_length(length, begin)
    answer = acmems.post(new_csr(name, subject="/"))
    assert answer.status == 421 and f"{name}: it is too long for dns-01" in answer.text, answer
    assert ca.orders() == before


def test_longest_name(start, primary, new_csr):
    acmems = start()
    acmems.issue(new_csr(name_of_length(237), subject="/"))


def test_next_where_the_name_is_too_long(start, new_csr):
    name = name_of_length(238)
    acmems = start(verification="dns, http")
    acmems.issue(new_csr(name, subject="/"))
    warning, = [line for line in acmems.orderd.log.splitlines() if "tried next" in line]
    assert f"{name} cannot be verified by [verification" in warning and "too long" in warning


def test_wildcard_without_dns(start, ca, new_csr):
    """It is not ordered first and refused then."""
    acmems, before = start(verification="http"), ca.orders()
    answer = acmems.post(new_csr("mixed.example.org", "*.mixed.example.org"))
    assert answer.status == 421 and "*.mixed.example.org" in answer.text
    assert "dns01-dnsUpdate" in answer.text and ca.orders() == before


# ---- all values of an order at once ----------------------------------------------------------

class SlowCa(CaProxy):
    """Holds an authorization back when it is shown for the nth time."""

    def __init__(self, pebble):
        self.held, self.shown = (), []  # (name, n); each that was shown
        self.change = lambda answer: answer  # what it is shown as in the end
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
    """A CA that has seen one value is blind for others at the same name until the TTL is over."""

    @pytest.fixture
    def resolver(self, tmp_path, primary):
        server = Named(tmp_path / "resolver", "127.0.0.1", {}).start(recursion=True, options=f"""
            forward only; forwarders {{ {primary.address} port {primary.port}; }};""")
        yield server
        server.stop()

    @pytest.fixture
    def ca(self, tmp_path, resolver, http01_socket):
        proxy = SlowCa(lib.Pebble(tmp_path / "slow", http01_socket.getsockname()[1],
                                  resolver=resolver.where, env={"PEBBLE_AUTHZREUSE": "100"}))
        yield proxy
        proxy.stop()

    @pytest.fixture
    def dns_account(self, tmp_path, ca, http01_socket):
        return lib.register(tmp_path / "account-slow", ca, http01_socket)

    def post(self, acmems, primary, ca, body, record):
        """While one is held back, the CA is told of none, though the record of another is there."""
        ca.told.clear()
        answer = post_in_background(acmems, body)
        lib.wait_for(lambda: ca.reached.is_set() and primary.texts(record), "a record")
        was_told = ca.told.wait(0.5)
        ca.released.set()
        assert answer() and not was_told
        return answer()

    @pytest.mark.parametrize("change", [lambda answer: answer,  # as it is
                                        lambda answer: refuse(400, "badNonce")(None),
                                        lambda answer: refuse(503)(None)])  # the order begins anew
    @pytest.mark.parametrize("held", ["", "*."])
    def test_wildcard_and_apex(self, start, primary, ca, new_csr, www, held, change):
        ca.held, ca.change, acmems = (held + www, 1), change, start()
        record = f"_acme-challenge.{www}"
        answer = self.post(acmems, primary, ca, new_csr(www, f"*.{www}"), record)
        assert answer.status == 200, answer
        wait_until_clean(acmems, primary, record)

    @pytest.mark.parametrize("is_valid", [False, True])
    def test_other_verification(self, start, primary, ca, new_csr, is_valid):
        """The last one that is waited for brings no record; with True no challenge either."""
        acmems = start(verification="http, dns")
        if is_valid:
            acmems.issue(new_csr("mixed.example.org"))
        ca.held = ("mixed.example.org", ca.shown.count("mixed.example.org") + 1)
        answer = self.post(acmems, primary, ca, new_csr("mixed.example.org", "*.mixed.example.org"),
                           "_acme-challenge.mixed.example.org")
        assert answer.status == 200, answer

    def test_invalid(self, start, primary, ca, new_csr, www):
        ca.held, ca.change, acmems = (www, 1), as_invalid, start()
        answer = self.post(acmems, primary, ca, new_csr(www, f"*.{www}"), f"_acme-challenge.{www}")
        assert answer.status == 421 and "CAA forbids it" in answer.text
        # The other one was seen through.
        assert ca.told.is_set()
        wait_until_clean(acmems, primary, f"_acme-challenge.{www}")

    def test_passed_over(self, start, primary, lookups, ca, new_csr, www):
        """What the first block failed to publish comes by the second."""
        ca.held = (www, 2)
        acmems = start(f"""
[verification "dns2"]
type = dns01-dnsUpdate
dns-server = {primary.where}
resolver = {lookups.where}
{KEY}
""", servers=[f"127.0.0.1:{lib.free_port()}"], verification="dns, dns2")
        answer = self.post(acmems, primary, ca, new_csr(www, f"*.{www}"), f"_acme-challenge.{www}")
        assert answer.status == 200, answer

    def test_passed_over_to_another_verification(self, start, primary, ca, new_csr, www):
        name = name_of_length(238)
        ca.held, acmems = (name, 2), start(verification="dns, http")
        answer = self.post(acmems, primary, ca, new_csr(f"*.{www}", name, subject="/"),
                           f"_acme-challenge.{www}")
        assert answer.status == 200, answer

    def test_each_name_has_its_own_reason(self, start, ca, new_csr, www):
        """What the CA was never told it did not refuse."""
        ca.held, ca.change, acmems = (www, 1), as_invalid, start()
        ca.released.set()
        answer = acmems.post(new_csr(www, "circle.example.org", "astray.example.org"))
        assert answer.status == 421
        assert re.match(rf"The CA could not validate: {www}: [^;]*CAA forbids it[^;]*; "
                        r"Not put into DNS for the CA: (circle|astray)\.example\.org: [^;]*; "
                        r"(circle|astray)\.example\.org: ", answer.text), answer.text


# ---- what is waited for ----------------------------------------------------------------------

class MuteCa(CaProxy):
    """Says that it takes answers, and does nothing about them."""

    def answer(self, request):
        if not request.path.startswith("/chalZ/"):
            return self.forward(request)
        challenge = {"type": "tls-alpn-01", "status": "processing", "token": "t",
                     "url": f"{self.base}{request.path}"}
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(challenge).encode())


@pytest.mark.parametrize("primary", [Named], indirect=True)
def test_what_is_waited_for(tmp_path, primary, secondary, ca, lookups, http01_socket, new_csr,
                            www_two):
    """Who has waited for as long as he may is told what for, in the words of each verification."""
    mute = MuteCa(ca)
    acmems = lib.Acmems(tmp_path / "mute", mute, http01_socket,
                        lib.register(tmp_path / "account", mute, http01_socket))
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
    acmems.stop()
    mute.stop()
    assert tls.status == dns.status == 503
    assert tls.text.startswith("shared.example.org: the challenge of another order for the same "
                               "name has to end first: post the same CSR again later."), tls.text
    assert dns.text.startswith(f"{www_two}: its TXT record is not to be seen at every server of "
                               "the zone yet (second.two.example.org ("), dns.text
    assert "): post the same CSR again later." in dns.text, dns.text

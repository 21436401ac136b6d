# SPDX-License-Identifier: GPL-3.0-or-later
"""dns-01 with Pebble: the place of a record, updates and their errors, visible records."""

import contextlib
import json
import re
import socket

import pytest

import lib
from dns_bed import (CONFIG, KEY, NS, make_resolver, name_of_length, no_records, note, notes,
                     post_in_background, wait_until_clean)
from dns_servers import KEY_NAME, KEYS, SECRET, Knot, Named, Silent, tsig_keygen, zone_text
# Fixtures:
from dns_bed import account, lookups, pebble, primary, resolver, secondary, start, www, www_two


def test_wildcard_apex_and_many_names(start, primary, new_csr, tmp_path):
    acmems = start(f"tsig-key-file = {tsig_keygen(tmp_path / 'tsig.key')}")
    names = ["example.org", "*.example.org", *(f"n{i}.example.org" for i in range(20))]
    assert acmems.issue(new_csr(*names)).names == sorted(names)
    wait_until_clean(acmems, primary, *(f"_acme-challenge.{name}" for name in names
                                        if not name.startswith("*")))
    # The record that existed before is kept.
    assert primary.texts("_acme-challenge.example.org") == ["kept"]


def test_two_hundred_names_at_once(start, primary, new_csr):
    """The updates of many names share a few connections."""
    acmems = start()
    bodies = [new_csr(*(f"o{order}n{i}.example.org" for i in range(100))) for order in range(2)]
    for answer in [post_in_background(acmems, body) for body in bodies]:
        assert answer().status == 200
    lib.wait_for(lambda: no_records(acmems), "the removal of all notes")
    updates = re.findall(r"client @\w+ ([\d.#]+)/key \w+: updating zone .*: adding an RR at "
                         r"'_acme-challenge.o\dn\d+\.", primary.process.log)
    if isinstance(primary, Named):  # only BIND logs the source of an update
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
    assert "_acme-challenge.deep.example.co.uk is not in the configured zone example.org" in answer.text
    wait_until_clean(acmems, primary, f"_acme-challenge.{www}")


def test_aliases_are_followed(start, primary, new_csr):
    acmems = start()
    names = ["alias.example.org", "alias2.example.org", "chain.example.org"]
    assert acmems.issue(new_csr(*names)).names == names
    wait_until_clean(acmems, primary, "here.validation.example.net")


def test_wildcard_alias(start, primary, new_csr):
    """The wildcard CNAME covers only names that do not exist: adding the record ends that."""
    acmems = start()
    acmems.issue(new_csr("a.wild.example.org", "b.c.wild.example.org"))
    wait_until_clean(acmems, primary, "_acme-challenge.a.wild.example.org",
                     "_acme-challenge.b.c.wild.example.org")


def test_alias_beside_a_wildcard(start, primary, new_csr):
    """An alias with the target of the wildcard is still an alias.
    A record next to it would have no effect, without an error from the server."""
    acmems = start(f"{KEY}\npropagation-timeout = 5")
    acmems.issue(new_csr("wild3.example.org"))
    wait_until_clean(acmems, primary, "beside.validation.example.net")


LONG = name_of_length(235, zone="wild2.example.org")
TOO_LONG = name_of_length(237, zone="wild2.example.org")  # too long for a query below its record
PLACES = {  # name → place of its record; no other test orders these names
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
    """The aliases come from the resolver or, without one, from the server that gets the update."""
    acmems = start("", resolvers=[lookups] if asks_resolver else [])
    answer = acmems.post(new_csr(*PLACES, subject="/"))
    assert answer.status == 421
    for name, owner in PLACES.items():
        assert f" {name}: its TXT record at {owner} cannot be added" in answer.text, answer.text


def test_wildcard_alias_into_the_only_zone(start, primary, new_csr):
    acmems = start(f"{KEY}\nzone = validation.example.net")
    acmems.issue(new_csr("a.wild2.example.org"))
    wait_until_clean(acmems, primary, "there.validation.example.net")


ALIAS_ZONE = f"{KEY}\nalias-zone = validation.example.net"


@pytest.mark.parametrize("more, names", [
    (ALIAS_ZONE, ["zoned0.example.org", "*.zoned0.example.org"]),
    (ALIAS_ZONE, ["zoned1.example.org"]),  # its alias stays in its own zone
    (ALIAS_ZONE, ["zoned2.example.org"]),  # no alias
    (f"{ALIAS_ZONE}\nzone = example.org", ["zoned0.example.org", "zoned1.example.org"]),
])
def test_alias_into_a_permitted_zone(start, primary, new_csr, more, names):
    acmems = start(more)
    assert acmems.issue(new_csr(*names)).names == sorted(names)
    wait_until_clean(acmems, primary, "zoned0.validation.example.net", "zoned1.example.org")


@pytest.mark.parametrize("name, place, zone", [
    ("zoned3.example.org", "_acme-challenge.victim.deep.example.co.uk", "deep.example.co.uk"),
    ("zoned4.example.org", "_acme-challenge.victim.two.example.org", "two.example.org"),
    # The name is in a zone of its own, below the zone where the alias leads.
    ("zoned5.two.example.org", "_acme-challenge.victim.example.org", "example.org"),
])
def test_alias_into_another_zone(start, primary, new_csr, name, place, zone):
    """An alias cannot lead acmems to any place that it may write."""
    acmems = start(ALIAS_ZONE)
    answer = acmems.post(new_csr(name))
    assert answer.status == 421, answer
    assert (f"the aliases (CNAME) of _acme-challenge.{name} lead to {place} in the zone {zone}, which "
            '[verification "dns"] does not permit') in answer.text, answer.text
    assert not primary.texts(place) and no_records(acmems)


@pytest.mark.parametrize("name,reason", [
    ("circle.example.org", "the aliases (CNAME) form a loop"),
    ("astray.example.org", "no resolver tells whether x.example.com is an alias"),
    ("www.cut.example.org", ": SERVFAIL)"),
    ("www.broken.example.org", ": SERVFAIL)"),
    ("www.example.com", "no resolver tells whether _acme-challenge.www.example.com is an alias"),
])
def test_place_is_not_found(start, primary, new_csr, name, reason):
    acmems = start()
    answer = acmems.post(new_csr(name))
    assert answer.status == 421
    assert reason.format(port=primary.port) in answer.text, answer.text
    lib.wait_for(lambda: no_records(acmems), "the removal of all notes")


def test_server_without_authority(start, lookups, new_csr, www):
    acmems = start(servers=[lookups.where])
    answer = acmems.post(new_csr(www))
    assert answer.status == 421
    assert f"({lookups.where}: it is not authoritative for the name)" in answer.text, answer.text


def test_all_servers_fail(start, primary, new_csr, www):
    """The answer contains the error of each server."""
    silent = Silent("127.0.0.55")
    nobody = f"127.0.0.56:{lib.free_port()}"
    acmems = start(f"tsig-key = hmac-sha256:unknown:{SECRET}\ntimeout = 1",
                   servers=[primary.where, silent.where, nobody])
    try:
        answer = acmems.post(new_csr(www))
    finally:
        silent.stop()
    assert answer.status == 421
    assert f"{primary.where}: NOTAUTH(BADKEY); {silent.where}: no answer by TCP in time; " \
           f"{nobody}: its TCP port is closed" in answer.text, answer.text
    # A failure of our own servers causes no pause for the name.
    again = acmems.post(new_csr(www, key="p384"))
    assert again.status == 421
    assert int(again.headers["retry-after"]) <= 10


@pytest.mark.parametrize("key,words", [
    (f"tsig-key = hmac-sha512:{KEY_NAME}:{SECRET}", "NOTAUTH(BADKEY)"),
    ("", ""),
])
def test_key_is_refused(start, primary, new_csr, www, key, words):
    acmems = start(key)
    answer = acmems.post(new_csr(www))
    assert answer.status == 421
    # Without the right to update, Knot answers NOTAUTH and BIND answers REFUSED.
    assert f"cannot be added to the zone example.org ({primary.where}: " in answer.text
    assert (words or ("REFUSED" if isinstance(primary, Named) else "NOTAUTH")) in answer.text
    lib.wait_for(lambda: no_records(acmems), "the removal of all notes")


def test_secret_is_wrong(start, primary, new_csr, www):
    """The server has the key: the cause is told at once, with the query for the zone."""
    acmems = start(f"tsig-key = hmac-sha256:{KEY_NAME}:{SECRET[:-4]}AAA=")
    answer = acmems.post(new_csr(www))
    assert answer.status == 421
    assert f"no server reports the zone of _acme-challenge.{www} " \
        f"({primary.where}: NOTAUTH(BADSIG))" in answer.text, answer.text
    assert no_records(acmems)


@pytest.mark.parametrize("key", KEYS)
def test_algorithms(start, primary, new_csr, www, key):
    """Answers are signed too: acmems rejects a signature by any other key."""
    acmems = start(f"tsig-key = {KEYS[key]}:{key}:{SECRET}")
    acmems.issue(new_csr(www))
    wait_until_clean(acmems, primary, f"_acme-challenge.{www}")
    assert ("which is outdated" in acmems.orderd.log) == (key in ("k1", "k5"))


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
    """If a connection starts orderd, it does not exit because of a file that can be corrected."""
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
    """orderd keeps the previous key along with the previous configuration."""
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
    """A secondary forwards the update with another ID (RFC 2136 §6).
    acmems accepts the primary's signature."""
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
    """A split horizon: an installation, and a resolver with the CA's view of the names.
    In that view, another server than the primary has split.example.org."""
    aliases = "".join(f"_acme-challenge.{name} CNAME {name}.validation.example.net.\n"
                      for name in ["one", "two"])
    with contextlib.ExitStack() as stack:
        outside = Knot(tmp_path / "outside", "127.0.0.58",
                       {"split.example.org": zone_text(NS, aliases)}).start()
        stack.callback(outside.stop)
        resolvers = {}
        for name in ["of-ca", "public"]:  # two: each has a cache of its own
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
    """Only the CA's view has the aliases: acmems follows them if `resolver` points there."""
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


@pytest.fixture
def viewed(tmp_path):
    """BIND with two views: queries with the key see the zone, others do not. Two resolvers, of the CA
    and of acmems, see it by their address."""
    with contextlib.ExitStack() as stack:
        primary = Named(tmp_path / "viewed", "127.0.0.1", {"example.org": zone_text(NS)})
        primary.start(view=f'key "{KEY_NAME}"; 127.0.0.59;')
        stack.callback(primary.stop)
        resolvers = []
        for name in ["of-ca", "of-acmems"]:  # two: each has a cache of its own
            resolvers.append(make_resolver(tmp_path / name, primary, source="127.0.0.59"))
            stack.callback(resolvers[-1].stop)
        yield primary, *resolvers


def test_view_of_the_key(viewed, http01_socket, tmp_path, new_csr, www):
    primary, resolver, lookups = viewed
    with contextlib.ExitStack() as stack:
        ca = lib.Pebble(tmp_path / "pebble", http01_socket.getsockname()[1],
                        resolver=resolver.where, env={"PEBBLE_AUTHZREUSE": "0"})
        stack.callback(ca.stop)
        acmems = lib.Acmems(tmp_path / "server", ca, http01_socket,
                            lib.register(tmp_path / "account", ca, http01_socket))
        stack.callback(acmems.stop)

        def settings(more):
            return {"auth": "", "storage": CONFIG.format(
                servers=f"dns-server = {primary.where}\nresolver = {lookups.where}", more=more,
                verification="dns")}

        acmems.start(**settings(f"{KEY}\nsign-queries = no"))
        answer = acmems.post(new_csr(www))
        assert answer.status == 421
        assert f"({primary.where}: REFUSED (query not signed: sign-queries = no))" in answer.text, \
            answer.text
        acmems.write_config(**settings(KEY))
        acmems.issue(new_csr("seen.example.org"))
        wait_until_clean(acmems, primary, "_acme-challenge.seen.example.org")


# ---- servers that lag ----------------------------------------------------------------------


def test_secondary_is_awaited(start, primary, secondary, pebble, new_csr, www_two):
    acmems = start(servers=[primary.where, secondary.where])
    answer = post_in_background(acmems, new_csr(www_two))
    lib.wait_for(lambda: primary.texts(f"_acme-challenge.{www_two}"), "the record")
    # While the secondary lacks the record, orderd waits and does not notify the CA.
    lib.wait_for(lambda: [json.loads(note.read_text()) for note in notes(acmems)],
                 "the note of the record")
    assert "Pulled a task" not in pebble.ca.log.rpartition("Added order")[2]
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


def test_silent_server_is_named(start, primary, secondary, pebble, new_csr, www_two):
    acmems = start(f"{KEY}\npropagation-timeout = 3\ntimeout = 1",
                   servers=[primary.where, secondary.where])
    secondary.process.pause()
    try:
        answer = acmems.post(new_csr(www_two))
    finally:
        secondary.process.resume()
    assert answer.status == 421
    assert f"(second.two.example.org ({secondary.where}): no answer by UDP in time)" in answer.text, answer.text
    wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")


def test_silent_server_delays_no_query(start, primary, lookups, new_csr, www):
    silent = Silent("127.0.0.55")
    acmems = start(f"{KEY}\ntimeout = 600", resolvers=[silent, lookups])
    try:
        acmems.issue(new_csr(www))
    finally:
        silent.stop()
    wait_until_clean(acmems, primary, f"_acme-challenge.{www}")


def test_check_can_be_left_out(start, primary, secondary, new_csr, www_two):
    acmems = start(f"{KEY}\npropagation-check = none", servers=[primary.where, secondary.where])
    acmems.issue(new_csr(www_two))
    wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")


def test_lame_server_is_named(start, primary, tmp_path, new_csr):
    lame = Knot(tmp_path / "lame", "127.0.0.54", {"example.edu": zone_text(NS)}).start()
    acmems = start(f"{KEY}\npropagation-timeout = 1", servers=[primary.where, lame.where])
    try:
        answer = acmems.post(new_csr("www.lame.example.org"))
    finally:
        lame.stop()
    assert answer.status == 421
    assert f"(lame.lame.example.org ({lame.where}): REFUSED)" in answer.text, answer.text
    wait_until_clean(acmems, primary, "_acme-challenge.www.lame.example.org")

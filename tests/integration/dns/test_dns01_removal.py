# SPDX-License-Identifier: GPL-3.0-or-later
"""dns-01: every record that acmems adds is removed again."""

import contextlib
import json
import re
import signal
import time

import pytest

import lib
from dns_bed import (CONFIG, KEY, ZONES, kill_orderd, no_records, note, notes, post_in_background,
                     reload, wait_until_clean)
from dns_servers import SECRET, Knot
from fault_proxy import FaultProxy, Rule, refuse
# Fixtures:
from dns_bed import account, lookups, pebble, primary, resolver, secondary, start, www, www_two


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_removed_after_a_restart(start, primary, secondary, new_csr, www_two, how):
    acmems = start(servers=[primary.where, secondary.where])
    body = new_csr(www_two)
    answer = post_in_background(acmems, body)
    lib.wait_for(lambda: primary.texts(f"_acme-challenge.{www_two}"), "the record")
    acmems.orderd.expect = (0, -how)
    acmems.orderd.popen.send_signal(how)
    if how == signal.SIGTERM:
        lib.wait_for(lambda: "Stopping after" in acmems.orderd.log, "the first signal")
        acmems.orderd.popen.send_signal(how)  # a second signal ends orderd without waiting
    acmems.orderd.wait()
    assert primary.texts(f"_acme-challenge.{www_two}")
    acmems.start_orderd()
    # The order continues with the same record.
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


def test_kept_while_the_orders_cannot_be_listed(start, primary, secondary, new_csr, www, www_two):
    """The order of a record is not known then: it may still need the record."""
    acmems = start(servers=[primary.where, secondary.where])
    post_in_background(acmems, new_csr(www_two))
    lib.wait_for(lambda: primary.texts(f"_acme-challenge.{www_two}"), "the record")
    kill_orderd(acmems)
    acmems.sign.stop()
    orders = acmems.directory / "state/orders"
    for record in orders.iterdir():
        record.unlink()
    acmems.start_orderd(env=lib.preload_fail_readdir(orders))
    acmems.start_sign("--idle-timeout", "0")
    reload(acmems)
    failed = f"'{orders.parent}.*: Input/output error"
    lib.wait_for(lambda: len(re.findall(failed, acmems.orderd.log)) == 2, "the start and the reload")
    file, = notes(acmems)
    acmems.issue(new_csr(www))
    # The end of an order causes no sweep, which would find the record in use: a sweep would report
    # the damaged file.
    content = file.read_bytes()
    file.write_text("{")
    time.sleep(2)
    assert "Failed to process the file of a TXT record" not in acmems.orderd.log
    file.write_bytes(content)
    assert primary.texts(f"_acme-challenge.{www_two}") and notes(acmems)
    acmems.orderd.stop()
    acmems.start_orderd()
    wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")


def test_removed_though_the_client_is_gone(start, primary, secondary, new_csr, www_two):
    """The order completes without the client, which may come back for the result."""
    acmems = start(servers=[primary.where, secondary.where])
    body = new_csr(www_two)
    with lib.Client(acmems.port) as client:
        client.send(lib.head(body), body)
        lib.wait_for(lambda: primary.texts(f"_acme-challenge.{www_two}"), "the record")
    secondary.refresh()
    wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")
    lib.wait_for(lambda: (acmems.cache_entry(body) / "cert.pem").exists(), "the certificate")


@pytest.fixture
def faulty(tmp_path, pebble, http01_socket):
    """An installation, and the proxy between it and its CA."""
    with contextlib.ExitStack() as stack:
        proxy = FaultProxy(pebble)
        stack.callback(proxy.stop)
        server = lib.Acmems(tmp_path / "server", proxy, http01_socket,
                            lib.register(tmp_path / "account", proxy, http01_socket))
        stack.callback(server.stop)
        yield server, proxy


def test_removed_when_another_name_fails(faulty, primary, secondary, lookups, new_csr):
    """The CA fails the order for one name while the record of the other waits for the secondary."""
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
    """The client does not wait for the removal."""
    acmems = start(f"{KEY}\npropagation-timeout = 6\ntimeout = 1",
                   servers=[primary.where, secondary.where])
    answer = post_in_background(acmems, new_csr(www_two))
    lib.wait_for(lambda: primary.texts(f"_acme-challenge.{www_two}"), "the record")
    primary.process.pause()
    assert answer().status == 421
    lib.wait_for(lambda: ", retrying: " in acmems.orderd.log, "the first try")
    assert f"{primary.where}: no answer by TCP in time" in acmems.orderd.log
    primary.process.resume()
    wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")


def test_removed_where_it_was_added(start, primary, secondary, new_csr, www_two, tmp_path):
    """orderd removes the record where it added it, not at the first server that accepts updates."""
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
    """A crash leaves no note of which server has the record: orderd removes it from all servers."""
    other = Knot(tmp_path / "other", "127.0.0.57", {"two.example.org": ZONES["two.example.org"]})
    # A server without the zone cannot have accepted the record.
    acmems = start(servers=[lookups.where, other.where, primary.where])
    post_in_background(acmems, new_csr(www_two))
    lib.wait_for(lambda: note(acmems).get("servers") == primary.where, "the note with the server")
    kill_orderd(acmems)
    for record in (acmems.directory / "state/orders").iterdir():
        record.unlink()
    for file in notes(acmems):
        file.write_text(json.dumps({**note(acmems), "servers": ""}))
    acmems.sign.stop()
    acmems.start_orderd()
    lib.wait_for(lambda: not primary.texts(f"_acme-challenge.{www_two}"), "the removal of the record")
    assert not no_records(acmems)  # the other server may still have it
    lib.wait_for(lambda: f"{other.where}: its TCP port is closed"
                 in acmems.orderd.log, "the reason")
    other.start()
    try:
        lib.wait_for(lambda: no_records(acmems), "the removal of the note")
    finally:
        other.stop()


def test_removed_from_a_former_server(start, primary, secondary, installation, new_csr, www_two,
                                      tmp_path):
    """The server is no longer configured, but the note of the record names it."""
    other = Knot(tmp_path / "other", "127.0.0.57", {"two.example.org": ZONES["two.example.org"]})
    acmems = start(servers=[primary.where])
    post_in_background(acmems, new_csr(www_two))
    lib.wait_for(lambda: note(acmems).get("servers") == primary.where, "the note with the server")
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
    """The note stays while the removal fails.
    A corrected configuration retries the removal at once."""
    acmems = start(servers=[primary.where, secondary.where])
    answer = post_in_background(acmems, new_csr(www_two))
    lib.wait_for(lambda: primary.texts(f"_acme-challenge.{www_two}"), "the record")
    kill_orderd(acmems)
    config = installation.config.read_text()
    installation.config.write_text(config.replace(SECRET, f"{SECRET[:-4]}AAA="))
    acmems.start_orderd()
    assert answer().status == 421
    lib.wait_for(lambda: ", retrying: " in acmems.orderd.log, "the first try")
    assert primary.texts(f"_acme-challenge.{www_two}") and not no_records(acmems)
    installation.config.write_text(config)
    # The first retry still uses the wrong key.
    lib.wait_for(lambda: reload(acmems) or no_records(acmems), "the removal of the note")
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
    lib.wait_for(lambda: 'remains in DNS: [verification "dns"]: there is no longer a block'
                 in acmems.orderd.log, "the reason")
    installation.config.write_text(config)
    reload(acmems)
    wait_until_clean(acmems, primary, f"_acme-challenge.{www_two}")

# SPDX-License-Identifier: GPL-3.0-or-later
"""acmems respects the CA: it repeats no refused request, and stays within the limits."""

import datetime
import email.utils
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import lib
from dns_bed import kill_orderd

HELD_BACK = "again before the time in Retry-After"


def retry_after(answer):
    return int(answer.headers["Retry-After"])


def restart_orderd(server):
    server.orderd.stop()
    server.start_orderd()


def limited(detail, **headers):
    """The answer to newOrder when a limit of Let's Encrypt is reached."""
    return 429, {key.replace("_", "-"): value for key, value in headers.items()}, \
        lib.problem("rateLimited", detail)


def pauses(server):
    return [json.loads(path.read_text()) for path in server.directory.glob("state/backoff/*.json")]


def let_pass(server):
    """Let all pauses expire now."""
    for path in server.directory.glob("state/backoff/*.json"):
        pause = json.loads(path.read_text())
        path.write_text(json.dumps({**pause, "until": int(time.time()) - 1}))


# ---- limits of the CA ------------------------------------------------------------------------

SCOPES = {
    "account": ("too many new orders (300) from this account in the last 3h0m0s",
                ["www.example.org", "www.example.net"], []),
    "domain": ('too many certificates (50) already issued for "example.org" in the last 168h0m0s',
               ["www.example.org", "deep.down.example.org"], ["www.example.net"]),
    "names": ("too many certificates (5) already issued for this exact set of identifiers in the "
              "last 168h0m0s", ["www.example.org"], ["mail.example.org", "www.example.net"]),
    "name": ('too many failed authorizations (5) for "www.example.org" in the last 1h0m0s',
             ["www.example.org"], ["mail.example.org"]),
}


@pytest.mark.parametrize("scope", SCOPES)
def test_rate_limit(faulty, fake_ca, new_csr, scope):
    """acmems answers from memory, also after a restart.
    Requests that the limit does not concern go on."""
    detail, held, free = SCOPES[scope]
    fake_ca.order = limited(detail, Retry_After=1000)
    first = faulty.post(new_csr("www.example.org"))
    assert first.status == 429 and retry_after(first) == 1000 and fake_ca.orders == 1
    for _ in range(2):
        for name in held:
            answer = faulty.post(new_csr(name))
            assert answer.status == 429 and 0 < retry_after(answer) <= 1000, answer
            assert HELD_BACK in answer.text and detail.split('"')[0] in answer.text
        restart_orderd(faulty)
    assert fake_ca.orders == 1
    for name in free:
        assert HELD_BACK not in faulty.post(new_csr(name)).text
    assert fake_ca.orders == 1 + len(free)
    assert scope in [pause["kind"] for pause in pauses(faulty)]


def test_time_left_goes_down(faulty, fake_ca, new_csr):
    fake_ca.order = limited("slow down", Retry_After=120)
    csr = new_csr("www.example.org")
    before = retry_after(faulty.post(csr))
    lib.wait_for(lambda: retry_after(faulty.post(csr)) < before, "a second to pass")
    assert fake_ca.orders == 1


def test_expired_limit(faulty, fake_ca, new_csr):
    fake_ca.order = limited("slow down", Retry_After=1)
    csr = new_csr("www.example.org")
    assert HELD_BACK not in faulty.post(csr).text
    lib.wait_for(lambda: faulty.post(csr) and fake_ca.orders == 2, "the CA to be asked again")


@pytest.mark.parametrize("how", ["header", "text", "neither"])
def test_time_of_a_limit(faulty, fake_ca, new_csr, how):
    """The end of a limit: a date (RFC 9110 §10.2.3),
    or a time in the text as Let's Encrypt writes it."""
    when = time.time() + 7200
    date = datetime.datetime.fromtimestamp(when, datetime.timezone.utc)
    fake_ca.order = {
        "header": limited("slow down", Retry_After=email.utils.formatdate(when, usegmt=True)),
        "text": limited(f"too many new orders (300) from this account, retry after {date:%F %T} UTC"),
        "neither": limited("slow down"),
    }[how]
    expected = 3600 if how == "neither" else 7200
    csr = new_csr("www.example.org")
    assert expected - 30 <= retry_after(faulty.post(csr)) <= expected
    again = faulty.post(csr)
    assert expected - 30 <= retry_after(again) <= expected * (1 if how != "neither" else 1.25)
    assert HELD_BACK in again.text and fake_ca.orders == 1


def test_overloaded_ca(faulty, fake_ca, new_csr):
    fake_ca.order = (503, {"Retry-After": 77}, lib.problem("serverInternal", "overloaded"))
    assert faulty.post(new_csr("www.example.org")).status == 503
    answer = faulty.post(new_csr("www.example.net"))
    assert answer.status == 503 and 0 < retry_after(answer) <= 77 and "overloaded" in answer.text
    assert fake_ca.orders == 1


def test_broken_pause(faulty, fake_ca, new_csr):
    """An invalid pause blocks no request and is removed."""
    fake_ca.order = limited("slow down", Retry_After=1000)
    csr = new_csr("www.example.org")
    faulty.post(csr)
    [path] = faulty.directory.glob("state/backoff/*.json")
    path.write_text(path.read_text()[:30])
    assert HELD_BACK not in faulty.post(csr).text
    assert fake_ca.orders == 2
    path.write_text("{}")
    restart_orderd(faulty)
    assert not path.exists()


# ---- names that fail -------------------------------------------------------------------------

def test_failing_name(acmems, new_csr, pebble):
    pebble.set_address("dead.polite.example.org", "127.0.0.99")
    csr, orders = new_csr("dead.polite.example.org"), pebble.orders()
    first = acmems.post(csr)
    assert first.status == 421 and pebble.orders() == orders + 1

    reason = first.text.partition("dead.polite.example.org: ")[2].split(" (request")[0]
    assert reason
    restart_orderd(acmems)
    for body in csr, new_csr("dead.polite.example.org"), \
            new_csr("live.polite.example.org", "dead.polite.example.org"):
        again = acmems.post(body)
        assert again.status == 421 and HELD_BACK in again.text and reason[:40] in again.text
        assert 0 < retry_after(again) <= 75
    assert pebble.orders() == orders + 1
    acmems.issue(new_csr("live.polite.example.org"))


def test_failing_name_among_others(acmems, new_csr, pebble):
    """Only the failing name is paused."""
    pebble.set_address("dead2.polite.example.org", "127.0.0.99")
    assert acmems.post(new_csr("live2.polite.example.org", "dead2.polite.example.org")).status == 421
    assert [pause["what"] for pause in pauses(acmems)] == ["dead2.polite.example.org"]
    acmems.issue(new_csr("live2.polite.example.org"))


def test_pause_doubles_and_success_clears(acmems, new_csr, pebble):
    pebble.set_address("dead3.polite.example.org", "127.0.0.99")
    csr = new_csr("dead3.polite.example.org")
    for expected in 60, 120, 240:
        let_pass(acmems)
        assert HELD_BACK not in acmems.post(csr).text
        assert expected * 0.9 <= retry_after(acmems.post(csr)) <= expected * 1.25
    pebble.set_address("dead3.polite.example.org", "127.0.0.1")
    let_pass(acmems)
    acmems.issue(csr)
    assert pauses(acmems) == []


def test_acmemsctl(acmems, new_csr, pebble):
    """acmemsctl lists and removes pauses; orderd notices the change by itself."""
    names = [f"dead{i}.ctl.example.org" for i in range(2)]
    for name in names:
        pebble.set_address(name, "127.0.0.99")
        acmems.post(new_csr(name))
    listed = lib.run(lib.CTL, "--config", acmems.config, "pauses").stdout
    assert len(listed.splitlines()) == 2
    assert all(f"name {name}: " in listed for name in names)

    lib.run(lib.CTL, "--config", acmems.config, "clear", names[0].upper())
    assert HELD_BACK in acmems.post(new_csr(names[1])).text
    pebble.set_address(names[0], "127.0.0.1")
    acmems.issue(new_csr(names[0]))

    lib.run(lib.CTL, "--config", acmems.config, "clear", "--all")
    assert lib.run(lib.CTL, "--config", acmems.config, "pauses").stdout == ""
    assert HELD_BACK not in acmems.post(new_csr(names[1])).text


def test_clear_a_name_of_a_paused_ca(faulty, fake_ca, new_csr):
    """A trailing dot does not matter; the pause of the CA stays, and is told with the command that ends it."""
    fake_ca.order = limited(SCOPES["name"][0])
    faulty.post(new_csr("www.example.org"))
    fake_ca.order = 503, {"Retry-After": "3600"}, {}
    faulty.post(new_csr("mail.example.org"))
    listed = lib.run(lib.CTL, "--config", faulty.config, "pauses").stdout
    assert f": server {fake_ca.url}: " in listed and ": name www.example.org: " in listed, listed
    held = f"a pause of the CA {fake_ca.url} also holds {{}}, until "
    to_do = f"run acmemsctl clear --config={faulty.config} --all to end all pauses\n"
    first, second = clear(faulty, "WWW.example.org."), clear(faulty, "other.example.org.")
    assert first.returncode == 1 and held.format("www.example.org") in first.stderr and first.stderr.endswith(to_do)
    assert second.returncode == 1 and held.format("other.example.org") in second.stderr and to_do in second.stderr
    assert second.stderr.endswith("there is no pause and no order for other.example.org alone\n")
    assert [pause["kind"] for pause in pauses(faulty)] == ["server"]
    lib.run(lib.CTL, "clear", f"--config={faulty.config}", "--all")
    assert pauses(faulty) == []


def test_acmemsctl_wrong_use(installation):
    installation.write_config()
    for code, *argv in (2, "clear"), (2, "clear", "--all", "a.example.org"), (2, "pauses", "x"), \
            (1, "clear", "a.example.org"), (0, "clear", "--all"), (0, "pauses"):
        result = lib.run(lib.CTL, "--config", installation.config, *argv, check=False)
        assert result.returncode == code and bool(result.stderr) == bool(code), result
    missing = lib.run(lib.CTL, "--config", "/nowhere.ini", "pauses", check=False)
    assert missing.returncode == 1 and "/nowhere.ini" in missing.stderr


# ---- orders without an end -------------------------------------------------------------------

@pytest.fixture
def endless(faulty, fake_ca):
    """The CA takes every order and never completes one."""
    order = {"status": "processing", "expires": "2999-01-01T00:00:00Z", "finalize": fake_ca.base + "finalize/1",
             "authorizations": [fake_ca.base + "authz/1"]}
    fake_ca.order = 201, {"Location": fake_ca.base + "order/1"}, order
    fake_ca.answers["/order/1"] = 200, {}, order
    return faulty


def placed(server):
    return [path for path in server.directory.glob("state/orders/*.json") if '"placed"' in path.read_text()]


def clear(server, name):
    return lib.run(lib.CTL, "--config", server.config, "clear", name, check=False)


def assert_cleared(server, fake_ca, csr):
    """The order is gone, and the next request begins a new one."""
    assert not list(server.directory.glob("state/orders/*.json"))
    assert clear(server, "mail.example.org").returncode == 1
    fake_ca.order = 400, {}, lib.problem("rejectedIdentifier")
    assert "rejectedIdentifier" in server.post(csr).text
    assert fake_ca.orders == 2


def test_order_is_cleared(endless, fake_ca, new_csr):
    """acmemsctl clear ends an order in progress, and the client hears of it."""
    csr = new_csr("www.example.org", "mail.example.org")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(endless.post, csr)
        lib.wait_for(lambda: placed(endless), "the order")
        assert clear(endless, "mail.example.org").stdout == "The order for www.example.org mail.example.org ends.\n"
        assert answer.result().status == 503 and "The administrator ended this order" in answer.result().text
    assert_cleared(endless, fake_ca, csr)


def test_order_of_an_earlier_process_is_cleared(endless, fake_ca, new_csr):
    csr = new_csr("www.example.org", "mail.example.org")
    with lib.Client(endless.port) as client:
        client.send(lib.head(csr), csr)
        lib.wait_for(lambda: placed(endless), "the order")
    lib.wait_for(lambda: "the client disconnected" in endless.sign.log, "the end of the request, which would begin a new order")
    kill_orderd(endless)
    endless.start_orderd()
    assert clear(endless, "mail.example.org").stdout == "The order for www.example.org mail.example.org ends.\n"
    lib.wait_for(lambda: "The administrator ended this order" in endless.orderd.log, "the end of the order")
    assert_cleared(endless, fake_ca, csr)


def test_order_timeout(endless, fake_ca, new_csr):
    """An order that the CA does not complete is given up, and no longer in the way of its names."""
    endless.write_config(account="accept-terms-of-service = yes\norder-timeout = 1")
    answer = endless.post(new_csr("www.example.org"))
    assert answer.status == 503 and "did not complete the order in time (order-timeout" in answer.text
    assert not list(endless.directory.glob("state/orders/*.json"))
    endless.post(new_csr("www.example.org"))
    assert fake_ca.orders == 2


# ---- budgets ---------------------------------------------------------------------------------

def test_orders_per_3h(faulty, fake_ca, new_csr):
    whole = "client-share = 0\nrenewal-reserve = 0"
    faulty.write_config(account=f"accept-terms-of-service = yes\norders-per-3h = 5\n{whole}")
    fake_ca.order = (403, {}, lib.problem("rejectedIdentifier"))
    for i in range(5):
        assert faulty.post(new_csr(f"n{i}.example.org")).status == 403
        assert faulty.orderd.log.count("of orders-per-3h = 5 are used:") == (i >= 3)
    restart_orderd(faulty)
    answer = faulty.post(new_csr("n5.example.org"))
    assert answer.status == 429 and 10700 < retry_after(answer) <= 10800, answer
    assert "orders-per-3h" in answer.text and fake_ca.orders == 5
    faulty.write_config(account="accept-terms-of-service = yes\norders-per-3h = 0")
    assert faulty.post(new_csr("n5.example.org")).status == 403


REFUSED = 403, {}, lib.problem("rejectedIdentifier")
SHARED = "accept-terms-of-service = yes\norders-per-3h = 20"


def test_client_share(faulty, fake_ca, new_csr):
    """A client that orders all the time leaves the others their part, with the defaults."""
    faulty.write_config(account=SHARED)
    fake_ca.order = REFUSED
    answers = [faulty.post_from("127.0.0.2", new_csr(f"n{i}.example.org")) for i in range(8)]
    restart_orderd(faulty)
    answers += [faulty.post_from("127.0.0.2", new_csr(f"n{i}.example.net")) for i in range(2)]
    assert [answer.status for answer in answers] == 4 * [403] + 6 * [429]
    for answer in answers[4:]:
        assert 10700 < retry_after(answer) <= 10800
        assert ("This client has used its share of the orders for new certificates in 3 hours, which is 4 "
                "(client-share = 25 % of orders-per-3h = 20, renewal-reserve = 25 %). Try again in 1") in answer.text
    assert fake_ca.orders == 4
    for i in range(3, 6):
        assert faulty.post_from(f"127.0.0.{i}", new_csr(f"n{i}.example.com")).status == 403


def test_auth_share(faulty, fake_ca, new_csr):
    """Many clients of one block leave the other blocks their part."""
    blocks = "".join(f'[auth "{name}"]\nip = {ip}\ndomain = *\n'
                     for name, ip in {"web": "127.0.1.0/24", "mail": "127.0.2.0/24"}.items())
    faulty.write_config(account=SHARED, auth=blocks)
    fake_ca.order = REFUSED
    statuses = [faulty.post_from(f"127.0.1.{i + 1}", new_csr(f"n{i}.example.org")) for i in range(10)]
    assert [answer.status for answer in statuses] == 8 * [403] + 2 * [429]
    assert "The auth block of this request has used its share" in statuses[-1].text
    assert faulty.post_from("127.0.2.1", new_csr("n.example.net")).status == 403


def test_shares_can_be_off(faulty, fake_ca, new_csr):
    faulty.write_config(account=f"{SHARED}\nclient-share = 100\nrenewal-reserve = 0")
    fake_ca.order = REFUSED
    for i in range(20):
        assert faulty.post(new_csr(f"n{i}.example.org")).status == 403
    assert "(orders-per-3h = 20)" in faulty.post(new_csr("n.example.org")).text


def test_renewal_reserve(installation, new_csr, tmp_path):
    """New certificates leave the last orders to the renewals of certificates that the cache has."""
    acmems = installation.start(account="orders-per-3h = 4\nclient-share = 0\nrenewal-reserve = 50")
    known = new_csr("known.reserve.example.org")
    old = lib.make_certificate(tmp_path, tmp_path / "csr/known.reserve.example.org.csr", -80 * 86400, 10 * 86400)
    acmems.put_entry(known, old)
    for i in range(2):
        acmems.issue(new_csr(f"new{i}.reserve.example.org"))
    answer = acmems.post(new_csr("new2.reserve.example.org"))
    assert answer.status == 429 and "renewal-reserve = 50 %" in answer.text, answer
    assert acmems.issue(known).serial != lib.Certificate(old).serial


def test_duplicate_certificates_per_week(installation, new_csr, pebble):
    acmems = installation.start(account="duplicate-certificates-per-week = 2")
    names = "a.twice.example.org", "b.twice.example.org"
    acmems.issue(new_csr(*names))
    cached = new_csr(*reversed(names))
    acmems.issue(cached)
    orders = pebble.orders()
    answer = acmems.post(new_csr(*names))
    assert answer.status == 429 and 604700 < retry_after(answer) <= 604800, answer
    assert "duplicate-certificates-per-week" in answer.text and pebble.orders() == orders
    acmems.issue(cached)
    acmems.issue(new_csr(names[0]))


def test_orders_per_day_of_a_client(installation, new_csr):
    acmems = installation.start(auth=lib.AUTH_ALL + "orders-per-day = 1\n")
    csr = new_csr("first.quota.example.org")
    acmems.issue(csr)
    acmems.issue(csr)  # from the cache: it does not count
    restart_orderd(acmems)
    answer = acmems.post(new_csr("second.quota.example.org"))
    assert answer.status == 429 and 86300 < retry_after(answer) <= 86400, answer
    assert acmems.post_from("127.0.0.2", new_csr("second.quota.example.org")).status == 200

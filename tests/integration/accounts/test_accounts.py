# SPDX-License-Identifier: GPL-3.0-or-later
"""Several accounts: which of them issues a certificate, and when acmems tries the next one."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import lib
from ca_proxy import CaProxy, Reset

PASSED_OVER = 'moves to [account "second"] because [account "first"] is not available'


def account_block(name, ca, **keys):
    lines = {"acme-server": ca.url, "ca-file": ca.ca_file, "accept-terms-of-service": "yes", **keys}
    return f'[account "{name}"]\n' + "".join(f"{key} = {value}\n" for key, value in lines.items())


def configuration(first, second, auth=lib.AUTH_ALL, **keys):
    """An auth block that names both accounts, and the two account sections."""
    return (f"{auth}account = first, second\n" + account_block("first", first, **keys) +
            account_block("second", second))


@pytest.fixture
def two(installation, fake_ca, pebble):
    """The fake CA first, then Pebble."""
    return installation.start(auth=configuration(fake_ca, pebble))


def restart_orderd(server):
    server.orderd.stop()
    server.start_orderd()


def test_named_account(installation, pebble, new_csr):
    """A named account is registered in a directory of its own; other accounts are unchanged."""
    installation.start(auth=f"{lib.AUTH_ALL}account = only\n" + account_block("only", pebble))
    installation.issue(new_csr("www.example.org"))
    directory = installation.directory / "state/accounts/only"
    assert json.loads((directory / "registration.json").read_text())["uri"]
    assert (directory / "account.pem").stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700


DOWN = {
    "500": (500, {}, {}),
    "fault": (500, {}, lib.problem("serverInternal")),
    "overload": (503, {"Retry-After": "600"}, lib.problem("serverInternal")),
    "limit": (429, {"Retry-After": "600"}, lib.problem("rateLimited", "too many new orders (300) from this account in the last 3h0m0s")),
}


@pytest.mark.parametrize("fault", DOWN)
def test_next_account(two, fake_ca, pebble, new_csr, fault):
    """A CA is down or rate-limited: acmems uses the next one.
    It remembers a limit over restarts."""
    fake_ca.order = DOWN[fault]
    before = pebble.certificates()
    two.issue(new_csr("www.example.org"))
    assert fake_ca.orders == 1 and pebble.certificates() == before + 1
    assert PASSED_OVER in two.orderd.log
    restart_orderd(two)
    two.issue(new_csr("mail.example.org"))
    assert fake_ca.orders == (1 if "Retry-After" in DOWN[fault][1] else 2)
    assert pebble.certificates() == before + 2


def test_unreachable(two, fake_ca, new_csr):
    fake_ca.stop()
    two.issue(new_csr("www.example.org"))
    assert PASSED_OVER in two.orderd.log


POLICY = {
    "rejectedIdentifier": 403,
    "unsupportedIdentifier": 403,
    "caa": 421,
    "badCSR": 415,
    "unauthorized": 500,
}


@pytest.mark.parametrize("kind", POLICY)
def test_refused_by_policy(two, fake_ca, pebble, new_csr, kind):
    """A refusal by policy is final: acmems does not try the next CA."""
    fake_ca.order = 403, {}, lib.problem(kind)
    before = pebble.orders()
    answer = two.post(new_csr("www.example.org"))
    assert answer.status == POLICY[kind] and fake_ca.orders == 1, answer
    assert pebble.orders() == before and PASSED_OVER not in two.orderd.log


def test_all_down(installation, fake_ca, tmp_path, new_csr):
    """The client gets the reason of every CA.
    Retry-After is the time until the first may be retried."""
    other = lib.FakeCa(tmp_path / "other")
    try:
        installation.start(auth=configuration(fake_ca, other))
        fake_ca.order = 429, {"Retry-After": "5000"}, lib.problem("rateLimited", "one is full")
        other.order = 503, {"Retry-After": "70"}, lib.problem("serverInternal", "two is ill")
        for _ in range(2):
            answer = installation.post(new_csr("www.example.org"))
            assert answer.status == 429 and int(answer.headers["Retry-After"]) <= 70
            for text in '[account "first"]', "one is full", '[account "second"]', "two is ill":
                assert text in answer.text
        assert fake_ca.orders == other.orders == 1
    finally:
        other.stop()


def test_own_limits(installation, fake_ca, pebble, new_csr):
    """Each account has its own budget; a client has one budget for all accounts."""
    fake_ca.order = 403, {}, lib.problem("rejectedIdentifier")
    auth = f"{lib.AUTH_ALL}orders-per-day = 2\n"
    installation.start(auth=configuration(fake_ca, pebble, auth, orders_per_3h=1))
    assert installation.post(new_csr("one.example.org")).status == 403
    installation.issue(new_csr("two.example.org"))
    assert fake_ca.orders == 1 and "orders-per-3h = 1" in installation.orderd.log
    answer = installation.post(new_csr("three.example.org"))
    assert answer.status == 429 and "orders-per-day = 2" in answer.text


def test_profile_of_each(installation, fake_ca, pebble, new_csr):
    """The profile of a block applies only to its first account: other CAs have other profiles."""
    fake_ca.order, fake_ca.meta = (500, {}, {}), {"profiles": {"short": "six days"}}
    installation.start(auth=configuration(fake_ca, pebble, f"{lib.AUTH_ALL}profile = short\n"))
    installation.issue(new_csr("www.example.org"))
    assert fake_ca.payloads[-1]["profile"] == "short"


def test_outage(two, fake_ca, new_csr):
    """A CA that has been down for a while does not get a request for every order."""
    fake_ca.order = 500, {}, {}
    names = (f"host{i}.example.org" for i in range(1000))
    two.issue(new_csr(next(names)))
    began = time.monotonic()

    def is_spared():
        orders = fake_ca.orders
        two.issue(new_csr(next(names)))
        return fake_ca.orders == orders

    lib.wait_for(is_spared, "the detection of the outage", deadline=60)
    assert time.monotonic() - began > 9
    fake_ca.order = 403, {}, lib.problem("rejectedIdentifier")
    lib.wait_for(lambda: two.post(new_csr(next(names))).status == 403, "the next order at the CA")


class Leaving(CaProxy):
    """Pebble, until .gone is set."""

    gone = False

    def answer(self, request):
        if self.gone:
            raise Reset
        return self.forward(request)


@pytest.fixture
def leaving(pebble):
    proxy = Leaving(pebble)
    yield proxy
    proxy.stop()


def post_and_leave(server, ca, csr, pool):
    """Post a request; make the CA unreachable once it has the order. Return the pending answer."""
    server.http01.pause()
    answer = pool.submit(server.post, csr)
    lib.wait_for(lambda: list(server.challenges.iterdir()), "the challenge")
    ca.gone = True
    server.http01.resume()
    return answer


def test_ca_lost_during_an_order(installation, leaving, pebble, new_csr):
    """The order moves to the next CA, early enough for the waiting client."""
    installation.start(auth=configuration(leaving, pebble))
    csr, before = new_csr("www.example.org"), pebble.certificates()
    with ThreadPoolExecutor(1) as pool:
        answer = post_and_leave(installation, leaving, csr, pool).result()
    assert answer.status == 200, answer
    assert pebble.certificates() == before + 1 and PASSED_OVER in installation.orderd.log
    assert not list((installation.directory / "state/orders").iterdir())


def test_restart_after_a_move(installation, fake_ca, leaving, new_csr):
    """After a restart, an order continues at the CA that it moved to."""
    fake_ca.order = 500, {}, {}
    installation.start(auth=configuration(fake_ca, leaving))
    csr = new_csr("www.example.org")
    with ThreadPoolExecutor(1) as pool:
        answer = post_and_leave(installation, leaving, csr, pool)
        path = next((installation.directory / "state/orders").glob("*.json"))
        order = json.loads(path.read_text())
        assert order["server"] == leaving.url and order["account"] == "second"
        leaving.gone = False
        restart_orderd(installation)
        assert answer.result().status == 200
    assert fake_ca.orders == 1


def test_registering(installation, fake_ca, pebble):
    """acme-register takes an account name, and requires one if there are several accounts."""
    auth = configuration(fake_ca, pebble)
    installation.write_config(auth=auth)
    installation.config.write_text(installation.config.read_text().replace("[account]", '[account "0"]'))

    def register(*options):
        return lib.run(lib.REGISTER, "--gen-key", "--register", *options, installation.config,
                       check=False)

    answer = register()
    assert answer.returncode == 1 and "--account=NAME" in answer.stderr
    answer = register("--account", "third")
    assert answer.returncode == 1 and 'no [account "third"]' in answer.stderr
    assert register("--account", "second").returncode == 0
    assert (installation.directory / "state/accounts/second/account.pem").exists()
    assert not (installation.directory / "state/accounts/first").exists()


def test_revoking(two, fake_ca, pebble, new_csr):
    """A certificate is revoked with the account of the CA that issued it."""
    fake_ca.order = 500, {}, {}
    csr, path = new_csr("www.example.org"), two.directory / "www.csr"
    two.issue(csr)
    path.write_bytes(csr)
    answer = lib.run(lib.CTL, "revoke", f"--config={two.config}", path, check=False)
    assert answer.returncode == 0 and "The CA revoked" in answer.stdout, answer
    answer = lib.run(lib.CTL, "revoke", f"--config={two.config}", "--account=third", path, check=False)
    assert answer.returncode == 1

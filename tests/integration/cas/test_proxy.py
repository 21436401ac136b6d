# SPDX-License-Identifier: GPL-3.0-or-later
"""All programs that talk to the CA can do so through an HTTP proxy."""

import shutil

import pytest

import lib
from connect_proxy import ConnectProxy


@pytest.fixture
def proxy():
    server = ConnectProxy()
    yield server
    server.stop()


def through(proxy):
    return f"proxy = {proxy.url}"


def test_orders_go_through_it(installation, proxy, pebble, new_csr):
    installation.start(account=through(proxy))
    serial = installation.issue(new_csr("www.example.org")).serial
    assert set(proxy.seen) == {f"127.0.0.1:{pebble.port}"}
    installation.stop()
    proxy.seen.clear()
    lib.run(lib.CTL, "revoke", f"--config={installation.config}", serial)
    assert proxy.seen


def test_registration_goes_through_it(installation, proxy):
    shutil.rmtree(installation.directory / "account")
    installation.write_config(account=through(proxy))
    lib.run(lib.REGISTER, "--gen-key", "--register", "--accept-terms-of-service",
            installation.config)
    assert proxy.seen


def test_key_before_environment(installation, proxy, new_csr):
    """https_proxy counts without the key; an empty value means no proxy."""
    environment = {**lib.ENVIRONMENT, "https_proxy": proxy.url}
    installation.write_config()
    lib.run(lib.REGISTER, "--show", installation.config, env=environment)
    assert proxy.seen
    proxy.seen.clear()
    installation.write_config(account="proxy =")
    lib.run(lib.REGISTER, "--show", installation.config, env=environment)
    assert not proxy.seen


def test_proxy_refuses(installation, proxy, new_csr):
    proxy.status = 403
    installation.start(account=through(proxy))
    answer = installation.post(new_csr("refused.example.org"))
    assert answer.status == 503 and "response 403" in answer.text, answer
    # A changed proxy is used for the next order.
    proxy.status = 200
    installation.write_config(account=f"{through(proxy)}/")
    lib.run(lib.CTL, "clear", f"--config={installation.config}", "--all")
    installation.issue(new_csr("accepted.example.org"))


def test_proxy_is_gone(installation, proxy, new_csr):
    proxy.stop()
    installation.start(account=through(proxy))
    answer = installation.post(new_csr("gone.example.org"))
    assert answer.status == 503 and proxy.url.rpartition(":")[2] in answer.text, answer

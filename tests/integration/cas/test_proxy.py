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
    assert ": check proxy in [account]. Try again later." in answer.text, answer


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("url, what", [
    ("http://127.0.0.1:9", "Failed to connect to 127.0.0.1 port 9"), ("127.0.0.1:9", "Failed to connect to 127.0.0.1 port 9"),
    (f"http://{64 * 'a'}.example.org:9", "Could not resolve proxy"), ("socks5h://127.0.0.1:9", "Failed to connect to 127.0.0.1 port 9"),
])
def test_proxy_of_the_environment_is_gone(installation, url, what, variable):
    """The message blames what names the proxy, and that alone."""
    installation.write_config()
    said = show(installation, **{variable: url}).stderr
    assert what in said and f": check {variable} in the environment. Try again later." in said, said
    assert "acme-server" not in said
    installation.write_config(account="proxy = http://127.0.0.1:10")
    said = show(installation, **{variable: url}).stderr
    assert "port 10 " in said and ": check proxy in [account]. " in said and variable not in said, said


def show(server, **environment):
    return lib.run(lib.REGISTER, "--show", server.config, check=False, env={**lib.ENVIRONMENT, **environment})


def test_ca_is_gone_behind_no_proxy(installation, fake_ca):
    """libcurl went to the CA itself."""
    installation.ca = fake_ca
    installation.write_config()
    fake_ca.stop()
    said = show(installation, https_proxy="http://127.0.0.1:9", no_proxy="127.0.0.1").stderr
    assert "check acme-server" in said and "https_proxy" not in said, said


@pytest.mark.parametrize("status, advice", [(407, "check"), (403, "check"), (502, "check acme-server and")])
def test_answer_of_the_proxy(installation, proxy, status, advice):
    installation.write_config()
    proxy.status = status
    said = show(installation, https_proxy=proxy.url).stderr
    assert f"response {status}: {advice} https_proxy in the environment." in said, said

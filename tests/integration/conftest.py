# SPDX-License-Identifier: GPL-3.0-or-later
import contextlib
import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "parts"))
import lib  # noqa: E402  pylint: disable=wrong-import-position


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item):
    """Add the messages of the programs to the report of a failed test."""
    outcome = yield
    report = outcome.get_result()
    server = getattr(item, "funcargs", {}).get("installation")
    if report.failed and server:
        report.sections.append(("messages of the programs", server.logs()))


@pytest.fixture(scope="session")
def http01_socket():
    """The socket for http-01 validation, open for the whole run: its port is never lost."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as sock:
        yield sock


@pytest.fixture(scope="session")
def pebble(tmp_path_factory, http01_socket):
    ca = lib.Pebble(tmp_path_factory.mktemp("pebble"), http01_socket.getsockname()[1])
    yield ca
    ca.stop()


@pytest.fixture(scope="module")
def new_pebble(tmp_path_factory, http01_socket):
    """new_pebble(env={…}), new_pebble(lib.newer_pebble, profiles={…}): a CA for one test file."""
    with contextlib.ExitStack() as stack:
        def new(make=lib.Pebble, **kwargs):
            ca = make(tmp_path_factory.mktemp("pebble"), http01_socket.getsockname()[1], **kwargs)
            stack.callback(ca.stop)
            return ca
        yield new


@pytest.fixture(scope="module")
def account(tmp_path_factory, pebble, http01_socket):
    """An account directory, registered once per test file. Installations get a copy.
    A file with a pebble of its own gets an account there."""
    return lib.register(tmp_path_factory.mktemp("account"), pebble, http01_socket)


@pytest.fixture
def installation(tmp_path, pebble, account, http01_socket):
    """An installation without running programs."""
    server = lib.Acmems(tmp_path, pebble, http01_socket, account)
    yield server
    server.stop()


@pytest.fixture
def acmems(installation):
    """All three programs run; every client on loopback may order every name."""
    return installation.start()


@pytest.fixture
def fake_ca(tmp_path):
    ca = lib.FakeCa(tmp_path / "fake")
    yield ca
    ca.stop()


@pytest.fixture
def faulty(fake_ca, tmp_path, http01_socket):
    """An installation that uses the fake CA."""
    server = lib.Acmems(tmp_path, fake_ca, http01_socket)
    server.write_config(account="accept-terms-of-service = yes")
    lib.run(lib.REGISTER, "--gen-key", server.config, check=False)
    server.start(account="accept-terms-of-service = yes")
    yield server
    server.stop()


@pytest.fixture
def new_csr(tmp_path):
    """new_csr("www.example.org", …, key="p256"): a new CSR in PEM form."""
    return lambda *names, **kwargs: lib.make_csr(tmp_path / "csr", *names, **kwargs)

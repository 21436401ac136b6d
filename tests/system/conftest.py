# SPDX-License-Identifier: GPL-3.0-or-later
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "parts"))
from machine import lib  # noqa: E402  pylint: disable=wrong-import-position
from server import Server  # noqa: E402  pylint: disable=wrong-import-position


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item):
    """Add the machine's journal to the report of a failed test."""
    outcome = yield
    report = outcome.get_result()
    server = getattr(item, "funcargs", {}).get("server") or \
        getattr(item, "funcargs", {}).get("fresh")
    if report.failed and server and server.popen.poll() is None:
        report.sections.append(("journal", server.journal("-b", "-n", "60")))


@pytest.fixture(scope="session")
def pebble(tmp_path_factory):
    """Pebble. It validates at ports 80 and 443 of the network namespace of this test run."""
    ca = lib.Pebble(tmp_path_factory.mktemp("pebble"), 80, tlsPort=443)
    yield ca
    ca.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory, pebble):
    """A configured and running server behind nginx."""
    machine = Server(tmp_path_factory.mktemp("server") / "machine")
    try:
        machine.start_nginx()
        machine.enable(pebble)
        yield machine
    finally:
        machine.stop()


@pytest.fixture
def fresh(tmp_path):
    """A machine on which the package was just installed."""
    machine = Server(tmp_path / "machine")
    yield machine
    machine.stop()


@pytest.fixture
def new_csr(tmp_path):
    return lambda *names, **kwargs: lib.make_csr(tmp_path / "csr", *names, **kwargs)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The units as a group: acmems.target, several listeners, and what the package does to them."""

import contextlib

from machine import lib

LISTENERS = ("listener = 127.0.0.1:1313", "listener = 127.0.0.1:1313\nlistener = 127.0.0.2:1414\nlistener = [::1]:1313")
MEMBERS = ("acmems-mgmt.socket", "acmems-http01.socket", "acmems-orderd.socket", "acmems-orderd.service")


# Opens all connections before it sends the requests.
ASK_ALL = r"""
import socket, sys
clients = []
for path in sys.argv[1:]:
    clients.append(socket.socket(socket.AF_UNIX))
    clients[-1].connect(path)
for client in clients:
    client.sendall(b"POST /sign HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx")
for client in clients:
    print(client.recv(8).decode())
"""


def assert_answers(address, port):
    """systemctl waits for the main socket. The other ones open right after it."""
    def request():
        with contextlib.suppress(ConnectionRefusedError):
            return lib.request(port, "POST", "/sign", b"x", address=address).status

    assert lib.wait_for(request, f"the socket at {address}") == 415


def states(server, units=MEMBERS):
    return [server.show(unit, "ActiveState") for unit in units]


def test_target(fresh, pebble):
    """Stops and starts what is enabled, and lists it. man acmems is there."""
    assert fresh.show("acmems.target", "UnitFileState", "ActiveState") == ["enabled", "active"]
    fresh.enable(pebble)
    fresh.run("systemctl", "start", "acmems.target")
    assert states(fresh) == ["active"] * 4
    fresh.post(b"x")
    listed = fresh.run("systemctl", "list-dependencies", "--plain", "acmems.target").stdout.split()
    assert set(MEMBERS) <= set(listed) and "acmems-tlsalpn01.socket" not in listed
    fresh.run("systemctl", "stop", "acmems.target")
    assert states(fresh, (*MEMBERS, "acmems-mgmt.service")) == ["inactive"] * 5
    fresh.run("systemctl", "start", "acmems.target")
    assert states(fresh) == ["active"] * 4
    fresh.reboot()
    assert states(fresh, ("acmems.target", *MEMBERS)) == ["active"] * 5
    files = fresh.run("dpkg", "--listfiles", "acmems").stdout.splitlines()
    for page in "acmems.7.gz", "acmems.target.7.gz":
        assert f"/usr/share/man/man7/{page}" in files


def test_bad_listener(fresh, pebble):
    """An address that another program uses closes none of the others, be it the first or a further one."""
    for address in "127.0.0.1", "127.0.0.2":
        port = 1313 if address == "127.0.0.1" else 1414
        fresh.run("systemctl", "stop", *fresh.sockets)
        fresh.run("systemd-run", "--unit=blocker", "/usr/bin/python3", "-c",
                  f"import socket, time; s = socket.create_server(('{address}', {port})); time.sleep(999)")
        lib.wait_for(lambda: f" {address}:{port} " in fresh.run("ss", "-Hltn").stdout, "the other program")
        fresh.configure(pebble, LISTENERS)
        fresh.run("systemctl", "daemon-reload")
        fresh.run("systemctl", "enable", *fresh.sockets)
        fresh.run("systemctl", "restart", *fresh.sockets, check=False)
        for good, at in (("127.0.0.1", 1313), ("127.0.0.2", 1414), ("::1", 1313)):
            if good != address:
                assert_answers(good, at)
        assert "failed" in fresh.run("systemctl", "list-units", "--all", "acmems-mgmt*").stdout
        fresh.run("systemctl", "stop", "blocker.service")
        fresh.run("systemctl", "restart", "acmems-mgmt.socket")
        for good, at in (("127.0.0.1", 1313), ("127.0.0.2", 1414), ("::1", 1313)):
            assert_answers(good, at)


def test_added_listener(fresh, pebble):
    """A new address closes no other one, not even until the restart, and a restart opens every order of them."""
    first, more = "127.0.0.5", "127.0.0.1"
    fresh.enable(pebble, ("127.0.0.1:1313", f"{first}:1313"))
    fresh.configure(pebble, ("127.0.0.1:1313", f"{first}:1313\nlistener = {more}:1313"))
    fresh.run("systemctl", "daemon-reload")
    assert_answers(first, 1313)
    assert not lib.can_connect_to(more, 1313)
    fresh.run("systemctl", "restart", "acmems-mgmt.socket")
    assert_answers(first, 1313)
    assert_answers(more, 1313)
    fresh.configure(pebble, ("127.0.0.1:1313", f"{more}:1313\nlistener = {first}:1313"))
    fresh.run("systemctl", "daemon-reload")
    fresh.run("systemctl", "restart", "acmems-mgmt.socket")
    assert_answers(first, 1313)
    assert_answers(more, 1313)


def test_accept_with_several_listeners(fresh, pebble):
    """The documented drop-ins give each connection of each internet address a unit. One client may use unix sockets
    side by side: if systemd named two connections alike, it would close a socket."""
    paths = "/run/one.sock", "/run/two.sock"
    fresh.enable(pebble, (LISTENERS[0], LISTENERS[1] + "".join(f"\nlistener = {path}" for path in paths)))
    fresh.sh(lib.documented_block("install accept drop-in"))
    for address, port in (("127.0.0.1", 1313), ("127.0.0.2", 1414), ("::1", 1313)):
        assert_answers(address, port)
    assert not fresh.is_active("acmems-mgmt.service")
    for _ in range(3):
        answers = fresh.run("/usr/bin/python3", "-c", ASK_ALL, *paths).stdout
        assert answers.split() == ["HTTP/1.1"] * 2
    assert fresh.journal("-b", "-g", "Started acmems-mgmt@").count("Started") == 3


def test_upgrade_of_a_stopped_installation(fresh, pebble):
    """The administrator stopped everything: an upgrade starts nothing, and the target starts it again."""
    units = (*MEMBERS, "acmems-mgmt.service", "acmems-mgmt-127.0.0.2:1414.socket")
    fresh.enable(pebble, LISTENERS)
    fresh.run("systemctl", "start", "acmems.target")
    fresh.post(b"x")
    assert states(fresh, units) == ["active"] * 6
    fresh.run("systemctl", "stop", "acmems.target")
    fresh.install()
    assert states(fresh, ("acmems.target", *units)) == ["inactive"] * 7
    fresh.run("systemctl", "start", "acmems.target")
    fresh.post(b"x")
    assert states(fresh, units) == ["active"] * 6


def test_remove_and_install_again(fresh, pebble, new_csr):
    """What was enabled runs again. What was stopped stays stopped in an upgrade, which logs no error."""
    fresh.start_nginx()
    fresh.enable(pebble)
    csr = new_csr("kept.example.org")
    serial = fresh.issue(csr).serial
    fresh.run("dpkg", "--remove", "acmems")
    assert states(fresh) == ["inactive"] * 4
    fresh.install()
    assert states(fresh) == ["active"] * 4
    assert fresh.issue(csr).serial == serial
    fresh.run("systemctl", "stop", "acmems-http01.socket", "acmems-http01.service")
    started = fresh.show("acmems-orderd.service", "MainPID")
    fresh.install()
    assert fresh.show("acmems-orderd.service", "MainPID") != started
    assert states(fresh) == ["active", "inactive", "active", "active"]
    assert "no Listen setting" not in fresh.journal("-b")

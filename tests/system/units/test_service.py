# SPDX-License-Identifier: GPL-3.0-or-later
"""A running server: the web servers in front of it, and what can happen to its services."""

import re
import subprocess

import pytest

from machine import lib

APACHE = """
<VirtualHost *:80>
    DocumentRoot /var/www/html
{snippet}
</VirtualHost>
"""

HAPROXY = """
defaults
    timeout connect 5s
    timeout client 10s
    timeout server 10s
{snippet}
"""

UNITS = ("acmems-mgmt", "acmems-http01", "acmems-orderd")


def test_certificate_through_nginx(server, new_csr):
    csr = new_csr("www.example.org", "mail.example.org")
    certificate = server.issue(csr)
    assert certificate.names == ["mail.example.org", "www.example.org"]
    assert server.issue(csr).serial == certificate.serial
    entry = server.run("find", "/var/lib/acmems/storage", "-type", "f", "-printf", "%f %m %u:%g\n")
    assert "cert.pem 640 acmems:acmems" in entry.stdout
    assert server.run("stat", "-c", "%a %U", "/var/lib/acmems/account/account.pem").stdout == \
        "600 acmems\n"


def test_apache(server, new_csr):
    snippet = (lib.ROOT / "examples/apache.conf").read_text()
    server.write("/etc/apache2/sites-enabled/000-default.conf", APACHE.format(snippet=snippet))
    server.run("a2enmod", "proxy_http")
    server.run("systemctl", "stop", "nginx.service")
    try:
        server.run("systemctl", "start", "apache2.service")
        server.issue(new_csr("apache.example.org"))
        assert b"GET /.well-known" in server.path("/var/log/apache2/access.log").read_bytes() or \
            b"/.well-known" in server.path("/var/log/apache2/other_vhosts_access.log").read_bytes()
    finally:
        server.run("systemctl", "stop", "apache2.service")
        server.run("systemctl", "start", "nginx.service")


def test_haproxy(server, new_csr):
    snippet = (lib.ROOT / "examples/haproxy.cfg").read_text()
    server.write("/etc/haproxy/haproxy.cfg", HAPROXY.format(snippet=snippet))
    server.run("systemctl", "stop", "nginx.service")
    try:
        server.run("systemctl", "start", "haproxy.service")
        server.issue(new_csr("haproxy.example.org"))
        for address in "127.0.0.1", "[::1]":
            answer = server.run("curl", "-s", "-g", "-o", "/dev/null", "-w", "%{http_code}",
                                f"http://{address}/.well-known/acme-challenge/unknown").stdout
            assert answer == "404", (address, answer)
    finally:
        server.run("systemctl", "stop", "haproxy.service")
        server.run("systemctl", "start", "nginx.service")


def test_idle_handlers_end_and_come_back(server):
    handlers = {"acmems-mgmt": "acmems-sign", "acmems-http01": "acmems-http01"}
    for unit, program in handlers.items():
        argv = server.show(f"{unit}.service", "ExecStart")
        argv = re.search(r"argv\[\]=(.*?) ;", argv)[1]
        server.drop_in(f"{unit}.service",
                       f"[Service]\nExecStart=\nExecStart={argv} --idle-timeout=1\n")
        server.run("systemctl", "stop", f"{unit}.service")
        assert program in argv
    for _ in range(2):
        assert server.post(b"x").status == 415
        assert lib.request(1380, "GET", "/.well-known/acme-challenge/x").status == 404
        # Check all handlers before waiting for one: meanwhile the other exits.
        assert all(server.is_active(f"{unit}.service") for unit in handlers)
        for unit in handlers:
            server.wait_for_idle(f"{unit}.service")
            assert server.show(f"{unit}.service", "Result") == "success"
            assert server.is_active(f"{unit}.socket")
    for unit in handlers:
        server.remove_drop_in(f"{unit}.service")


def test_status(server, new_csr):
    def says_all():
        files = server.run("find", "/var/lib/acmems/storage", "-name", "cert.pem").stdout
        return re.fullmatch(
            rf"0 orders in progress; {len(files.splitlines())} certificates?; "
            r"next renewal \d{4}-\d\d-\d\d \d\d:\d\d UTC", server.status_text())

    server.issue(new_csr("status.example.org"))
    lib.wait_for(says_all, "the status")
    server.issue(new_csr("status2.example.org"))
    lib.wait_for(says_all, "the status with one more certificate")
    # After a start, orderd counts the existing certificates as well.
    server.run("systemctl", "restart", "acmems-orderd.service")
    lib.wait_for(says_all, "the same after a restart")
    assert "Status: \"0 orders in progress" in server.run(
        "systemctl", "status", "acmems-orderd.service").stdout


def test_watchdog(server):
    """systemd kills a hanging orderd and starts it again."""
    server.drop_in("acmems-orderd.service", "[Service]\nWatchdogSec=3s\nWatchdogSignal=SIGKILL\n")
    server.run("systemctl", "restart", "acmems-orderd.service")
    pid = server.show("acmems-orderd.service", "MainPID")
    server.run("kill", "-STOP", pid)
    lib.wait_for(lambda: server.is_active("acmems-orderd.service") and
                 server.show("acmems-orderd.service", "MainPID") != pid, "another orderd")
    server.remove_drop_in("acmems-orderd.service")
    server.run("systemctl", "restart", "acmems-orderd.service")


def test_reload(server, new_csr):
    path = server.path("/etc/acmems/acmems.ini")
    good = path.read_text()
    server.issue(new_csr("reload.example.org"))
    path.write_text(good + "nonsense\n")
    refused = server.run("systemctl", "reload", "acmems-orderd.service", check=False)
    assert refused.returncode != 0
    line = len(good.splitlines()) + 1
    assert f"/etc/acmems/acmems.ini:{line}: error:" in server.journal(
        "-u", "acmems-orderd.service", "-b")
    server.issue(new_csr("old-config.example.org"))  # the previous configuration is kept
    path.write_text(good + '[auth "more"]\nip = 127.0.0.1\ndomain = *.example.com\n')
    server.run("systemctl", "reload", "acmems-orderd.service")
    server.issue(new_csr("www.example.com"))
    path.write_text(good)


def test_challenges_are_removed_by_age(server):
    directory = "/run/acmems/challenges/http-01"
    server.sh(f"touch -d '2 days ago' {directory}/left-over; touch {directory}/of-today")
    server.run("systemd-tmpfiles", "--clean", "--prefix=/run/acmems")
    assert server.run("ls", directory).stdout == "of-today\n"
    server.run("rm", f"{directory}/of-today")


def test_reboot(server, new_csr):
    csr = new_csr("reboot.example.org")
    certificate = server.issue(csr)
    server.reboot()
    assert server.issue(csr).serial == certificate.serial
    server.issue(new_csr("after-reboot.example.org"))
    assert server.run("systemctl", "is-system-running", check=False).stdout == "running\n"


def test_reboot_during_an_order(server, pebble, new_csr):
    """acmems-orderd starts at boot and completes pending orders without a request."""
    pebble.ca.pause()
    try:
        client = subprocess.Popen(
            ["curl", "-s", "--data-binary", "@-", "http://127.0.0.1:1313/sign"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        client.stdin.write(new_csr("mid-reboot.example.org"))
        client.stdin.close()
        lib.wait_for(lambda: "1 order in progress" in server.status_text(), "an order")
        server.run("systemctl", "kill", "-s", "KILL", "acmems-mgmt.service")
        client.wait(30)
        server.reboot()
        assert not server.is_active("acmems-mgmt.service")
        lib.wait_for(lambda: "1 order in progress" in server.status_text(), "the previous order")
    finally:
        pebble.ca.resume()
    lib.wait_for(lambda: "Certificate issued for mid-reboot.example.org" in
                 server.journal("-b", "-t", "acmems-orderd"), "the certificate")


def test_upgrade_during_an_order(server, pebble, new_csr):
    """A pending order is completed by the old orderd, or continued by the new one."""
    pebble.ca.pause()
    clients = [subprocess.Popen(
        ["curl", "-s", "--fail-with-body", "--data-binary", "@-", "http://127.0.0.1:1313/sign"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(8)]
    try:
        for number, client in enumerate(clients):
            client.stdin.write(new_csr(f"upgrade{number}.example.org"))
            client.stdin.close()
        lib.wait_for(lambda: "8 orders in progress" in server.status_text(), "eight orders")
        before = server.show("acmems-orderd.service", "MainPID")
        upgrade = subprocess.Popen(
            ["nsenter", f"--target={server.pid}", "--mount", "--uts", "--ipc", "--pid", "--cgroup",
             "sh", "-c", "DEBIAN_FRONTEND=noninteractive dpkg -i /mnt/build/deb/acmems_*.deb"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lib.wait_for(lambda: server.show("acmems-orderd.service", "ActiveState") == "deactivating",
                     "the upgrade to stop orderd")
    finally:
        pebble.ca.resume()
    for client in clients:
        answer = client.stdout.read()
        assert client.wait(110) == 0 and answer.startswith(b"-----BEGIN CERTIFICATE"), answer
    assert upgrade.wait(130) == 0, upgrade.stdout.read()
    server.issue(new_csr("upgraded.example.org"))
    assert server.show("acmems-orderd.service", "MainPID") != before


@pytest.mark.parametrize("unit", UNITS)
def test_kill_during_a_request(server, pebble, new_csr, unit):
    """SIGKILL for a whole service: the next request succeeds.
    Clients that wait for orderd get their certificate."""
    pebble.ca.pause()
    client = subprocess.Popen(
        ["curl", "-s", "--fail-with-body", "--data-binary", "@-", "http://127.0.0.1:1313/sign"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        client.stdin.write(new_csr(f"{unit}.example.org"))
        client.stdin.close()
        lib.wait_for(lambda: "1 order in progress" in server.status_text(), "an order")
        with lib.Client(1380) as half_a_request:
            half_a_request.send("GET /.well-known/")
            lib.wait_for(lambda: server.is_active("acmems-http01.service"), "the http01 handler")
            server.run("systemctl", "kill", "-s", "KILL", f"{unit}.service")
    finally:
        pebble.ca.resume()
    answer = client.stdout.read()
    if unit == "acmems-mgmt":
        assert client.wait(110) == 52 and answer == b""  # curl: empty reply from server
    else:
        assert client.wait(110) == 0 and answer.startswith(b"-----BEGIN CERTIFICATE"), answer
    server.issue(new_csr(f"after-{unit}.example.org"))


@pytest.mark.parametrize("unit, port", [("acmems-mgmt", 1313), ("acmems-http01", 1380)])
def test_sandbox_that_fails(server, unit, port):
    """The socket stays open, however often the start fails. The client that waits is served in the end."""
    server.drop_in(f"{unit}.service", "[Service]\nBindReadOnlyPaths=/missing\n")
    server.run("systemctl", "stop", f"{unit}.service")
    try:
        with lib.Client(port) as client:
            client.send(lib.head(b"", method="GET", path="/"))
            lib.wait_for(lambda: int(server.show(f"{unit}.service", "NRestarts")) > 3, "some starts")
            lib.wait_for(lambda: server.show(f"{unit}.service", "ExecMainStatus") == "226", "a failed start")
            assert server.is_active(f"{unit}.socket")
            server.remove_drop_in(f"{unit}.service")
            assert client.answer("GET").status == 404
    finally:
        if server.path(f"/etc/systemd/system/{unit}.service.d/test.conf").exists():
            server.remove_drop_in(f"{unit}.service")


def test_container_without_namespaces(server, new_csr):
    """The drop-in of acmems.service(8): the services share the file system of the machine."""
    server.sh(lib.documented_block("container"))
    units = [f"{unit}.service" for unit in UNITS]
    try:
        server.run("systemctl", "restart", *units)
        server.issue(new_csr("container.example.org"))
        for unit in units:
            pid = server.show(unit, "MainPID")
            for kind in ("mnt", "user"):
                own, machine = (server.run("readlink", f"/proc/{which}/ns/{kind}").stdout
                                for which in (pid, "1"))
                assert own == machine, (unit, kind)
    finally:
        server.run("rm", "-r", "/etc/systemd/system/acmems-.service.d")
        server.run("systemctl", "daemon-reload")
        server.run("systemctl", "restart", *units)


@pytest.mark.parametrize("unit", UNITS)
def test_killed_repeatedly(server, new_csr, unit):
    """No start limit disables a socket permanently."""
    for number in range(7):
        server.issue(new_csr(f"{unit}{number}.example.org"))
        server.run("systemctl", "kill", "-s", "KILL", f"{unit}.service")
    server.issue(new_csr(f"{unit}.example.net"))
    assert server.is_active(f"{unit}.socket")

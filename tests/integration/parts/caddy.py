# SPDX-License-Identifier: GPL-3.0-or-later
"""Caddy's ACME server, which is built from the parts of smallstep's step-ca."""

import os
import signal
import socket
from pathlib import Path

import lib

PROXY = "/lib/systemd/systemd-socket-proxyd"
CONFIG = """
{{
	admin off
	skip_install_trust
	auto_https disable_redirects
	default_sni 127.0.0.1
	storage file_system {directory}/storage
	http_port 8080
	https_port {port}
	log {{
		level DEBUG
	}}
}}
https://127.0.0.1:{port} {{
	bind unix/{directory}/ca.sock
	tls internal
	acme_server
}}
"""


def listens(pid, port):
    """Whether a process listens at this port in the network of the process."""
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as table:
        return any(row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "0A" for row in list(table)[1:])


class Caddy:
    """A CA that knows these names. It validates at port 80, so it runs in a network of its own, whose port 80 is
    .http01_socket, and whose only way out is the port of the CA."""

    def __init__(self, directory, *names):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.http01_socket = self._listen("http01.sock")
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        port = self.socket.getsockname()[1]
        self.url = f"https://127.0.0.1:{port}/acme/local/directory"
        self.ca_file = directory / "storage/pki/authorities/local/root.crt"
        (directory / "hosts").write_text("".join(f"127.0.0.1 {name}\n" for name in ("localhost", *names)))
        config = directory / "Caddyfile"
        config.write_text(CONFIG.format(directory=directory, port=port))
        self.network = lib.Process("network", ["unshare", "--net", "--mount", "--map-root-user", "sh", "-ec", """
            ip link set lo up
            mount --bind "$1/hosts" /etc/hosts
            exec systemd-socket-activate -l 127.0.0.1:80 "$2" "$1/http01.sock" """, "sh", directory, PROXY],
            directory, expect=(0, -signal.SIGTERM))
        own = os.stat("/proc/self/ns/net").st_ino
        lib.wait_for(lambda: os.stat(f"/proc/{self.network.pid}/ns/net").st_ino != own, "the network namespace")
        lib.wait_for(lambda: listens(self.network.pid, 80), "port 80")
        self.ca = lib.Process("caddy", [
            "nsenter", f"--target={self.network.pid}", "--user", "--net", "--mount", "--preserve-credentials",
            "caddy", "run", "--config", config, "--adapter", "caddyfile"], directory, env={
                "HOME": directory, "XDG_DATA_HOME": directory / "data", "XDG_CONFIG_HOME": directory / "config"})
        lib.wait_for(lambda: self.ca_file.exists() and (directory / "ca.sock").exists(), "Caddy")
        self.port = lib.Process("port", [PROXY, directory / "ca.sock"], directory, sockets=[self.socket],
                                expect=(0, -signal.SIGTERM))

    def _listen(self, name):
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(self.directory / name))
        sock.listen(256)
        return sock

    def orders(self):
        return self.ca.log.count("/new-order")

    def stop(self):
        for process in self.port, self.ca, self.network:
            process.stop()
        self.http01_socket.close()
        self.socket.close()

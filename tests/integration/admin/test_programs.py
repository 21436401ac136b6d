# SPDX-License-Identifier: GPL-3.0-or-later
"""What all programs have in common, and the libraries that each of them may load."""

import re
import socket
import subprocess
from pathlib import Path

import pytest

import lib

PROGRAMS = [lib.SIGN, lib.HTTP01, lib.TLSALPN01, lib.ORDERD, lib.REGISTER, lib.CTL, lib.GENERATOR]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_help_and_version(program):
    assert f"{program.name} [" in lib.run(program, "--help").stdout
    assert re.fullmatch(rf"{program.name} \d+\.\d+\.\d+\n", lib.run(program, "--version").stdout)
    assert lib.run(program, "--no-such-option", check=False).returncode != 0


@pytest.mark.parametrize("program, allowed", [
    (lib.HTTP01, {"libc", "libsystemd"}), (lib.SIGN, {"libc", "libsystemd", "libcrypto"}),
    (lib.TLSALPN01, {"libc", "libsystemd", "libcrypto", "libssl"}),
    (lib.GENERATOR, {"libc", "libsystemd"}),
], ids=["http01", "sign", "tlsalpn01", "generator"])
def test_libraries(program, allowed):
    """The limits of ARCHITECTURE.md, "Who may touch what"; the sanitizers add libraries."""
    needed = set(re.findall(r"\(NEEDED\).*\[(\w+)\.so", lib.run("readelf", "-d", program).stdout))
    assert needed - {"libasan", "libubsan", "libgcc_s"} <= allowed


def test_orderd_takes_a_socket_handed_over(installation, new_csr):
    installation.write_config()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(installation.directory / "run/orderd.sock"))
        sock.listen()
        installation.spawn("orderd", [lib.ORDERD, "--config", installation.config], sockets=[sock])
    installation.start_sign("--idle-timeout", "0")
    installation.start_http01()
    installation.issue(new_csr("handed.example.org"))


@pytest.mark.parametrize("tool", [lib.REGISTER, lib.CTL], ids=lambda path: path.name)
def test_no_core_dumps(installation, new_csr, tool):
    """While a tool waits for the CA, it has the account key in its memory."""
    chain = installation.directory / "chain.pem"
    chain.write_text(installation.start().post(new_csr("www.example.org")).text)
    arguments = {lib.REGISTER: ["--show", installation.config],
                 lib.CTL: ["revoke", f"--config={installation.config}", chain]}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        installation.write_config(account=f"proxy = http://127.0.0.1:{silent.getsockname()[1]}")
        with subprocess.Popen([tool, *arguments[tool]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                with silent.accept()[0]:
                    limits = Path(f"/proc/{process.pid}/limits").read_text()
                    assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE), limits
                    assert int(Path(f"/proc/{process.pid}/coredump_filter").read_text(), 16) == 0
            finally:
                process.kill()

# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with systemd as PID 1: a container on a copy-on-write overlay of this machine's files.

It shares the network of its parent: run the tests in a network namespace of their own
(tests/system/run).
"""

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "integration/parts"))
import lib  # noqa: E402  pylint: disable=wrong-import-position

# The overlay starts without any enabled unit of this machine.
BOOT = r"""
set -eu
layer=$1 share=$2
shift 2
for group; do echo $$ >"$group/cgroup.procs"; done
mount -t tmpfs -o size=4g tmpfs "$layer"
root=$layer/root
mkdir "$layer/upper" "$layer/work" "$root"
mount -t overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" overlay "$root"
find "$root/etc/systemd/system" -path '*.wants/*' -type l -delete
rm -rf "$root/var/log/journal" "$root/usr/sbin/policy-rc.d"
# Without a machine ID, systemd would assume a first boot and enable units by its presets.
systemd-id128 new >"$root/etc/machine-id"
mkdir "$root/var/log/journal"
printf '[Journal]\nRateLimitBurst=0\n' >"$root/etc/systemd/journald.conf"
# systemd-nspawn exits with 133 when the machine reboots: start it again.
while
    systemd-nspawn --quiet --directory "$root" --bind-ro="$share:/mnt" \
        --capability=CAP_NET_ADMIN --register=no --keep-unit --boot
    [ $? -eq 133 ]
do :; done
"""


def new_cgroups(name):
    """Create control groups for one machine:
    in shared groups, machines would end each other's services."""
    groups, top = [], Path("/sys/fs/cgroup")
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        hierarchy = controllers.removeprefix("name=") or "unified"
        # Leave cpuset alone, as systemd does: a new group of it accepts no process at first. And cpu: on a busy machine
        # the group of a whole machine would get the time of one process.
        if controllers not in ("cpuset", "cpu"):
            parent = top / hierarchy if (top / hierarchy).is_dir() else top
            groups.append(parent / path.lstrip("/") / name)
            groups[-1].mkdir()
    return groups


def remove_cgroups(groups):
    """Remove the groups; return whether all are gone.
    The kernel may still be ending the last processes."""
    with contextlib.suppress(OSError):
        for group in groups:
            for directory, _, _ in os.walk(group, topdown=False):
                os.rmdir(directory)
        return True
    return False


def read_children(pid):
    with contextlib.suppress(OSError):
        return [int(child) for child in
                Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


class Machine:
    """Boots when created; @share is mounted at /mnt."""

    def __init__(self, directory, share):
        directory.mkdir(parents=True)
        self.directory = directory
        self.console = directory / "console.log"
        self.cgroups = new_cgroups(f"acmems-{uuid.uuid4()}")
        with open(self.console, "ab") as console:
            self.popen = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "bash", "-c", BOOT, "boot",
                 directory, share, *self.cgroups], stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        self.pid = None
        try:
            self.wait_for_boot()
        except BaseException:
            self.stop()
            raise

    def find_init(self):
        """The PID of the container's init in the PID namespace of the tests."""
        assert self.popen.poll() is None, self.console.read_text(errors="replace")
        for container in read_children(self.popen.pid):
            for child in read_children(container):
                with contextlib.suppress(OSError):
                    if Path(f"/proc/{child}/comm").read_text() == "systemd\n" and child != self.pid:
                        return child
        return None

    def wait_for_boot(self):
        self.pid = lib.wait_for(self.find_init, "the machine's PID 1")

        def is_up():
            state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
            return state if state in ("running", "degraded") else None

        return lib.wait_for(is_up, "the machine to boot")

    def run(self, *argv, check=True, text=None, timeout=120, env=None):
        """Run a command in the machine as root."""
        result = subprocess.run(
            ["nsenter", f"--target={self.pid}", "--mount", "--uts", "--ipc", "--pid", "--cgroup",
             "--", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
             "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0",
             *(f"{key}={value}" for key, value in (env or {}).items()), *map(str, argv)],
            input=text, stdin=subprocess.DEVNULL if text is None else None,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
            timeout=timeout, check=False)
        assert not check or result.returncode == 0, \
            f"{argv}: {result.returncode}\n{result.stdout}{result.stderr}"
        return result

    def sh(self, script, **kwargs):
        return self.run("bash", "-c", script, **kwargs)

    def path(self, name):
        """The path of a file in the machine, from outside."""
        return Path(f"/proc/{self.pid}/root") / str(name).lstrip("/")

    def write(self, name, text):
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text)

    def show(self, unit, *properties):
        """Properties of a unit as systemctl prints them: one value, or a list of several."""
        lines = self.run("systemctl", "show", unit, "--property=" + ",".join(properties)).stdout
        values = dict(line.split("=", 1) for line in lines.splitlines())
        found = [values[name] for name in properties]
        return found[0] if len(found) == 1 else found

    def is_active(self, unit):
        return self.show(unit, "ActiveState") == "active"

    def journal(self, *arguments):
        return self.run("journalctl", "--no-pager", "--quiet", *arguments).stdout

    def reboot(self):
        self.run("systemctl", "reboot", check=False)
        self.wait_for_boot()

    def stop(self):
        for container in read_children(self.popen.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(container, signal.SIGTERM)
        try:
            self.popen.wait(60)
        except subprocess.TimeoutExpired:
            for pid in (self.popen.pid, *read_children(self.popen.pid)):
                os.kill(pid, signal.SIGKILL)
            self.popen.wait(10)
        lib.wait_for(lambda: remove_cgroups(self.cgroups), "the control groups to be empty")

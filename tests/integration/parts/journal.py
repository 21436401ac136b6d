# SPDX-License-Identifier: GPL-3.0-or-later
"""Journals for tests: a socket in place of journald's, and a complete journald of its own."""

import re
import socket
import struct
import threading

import lib

EVENTS = {
    name: {"id": id_, "level": level, "decision": decision or None}
    for name, id_, level, decision in re.findall(
        r'\[LOG_EVENT_(\w+)\] =\s*\{ "(\w+)",\s*LOG_(\w+),\s*(?:NULL|"(\w+)") \}',
        (lib.ROOT / "libshared/log/log-event.c").read_text())
}
LEVELS = {"ERR": "3", "WARNING": "4", "NOTICE": "5", "INFO": "6", "DEBUG": "7"}


class Entry:
    def __init__(self, datagram):
        self.datagram = datagram
        self.fields = []
        while datagram:
            line, _, datagram = datagram.partition(b"\n")
            name, equals, value = line.partition(b"=")
            if not equals:  # the value contains newlines: its length precedes it
                size, = struct.unpack_from("<Q", datagram)
                value, datagram = datagram[8:8 + size], datagram[8 + size + 1:]
            self.fields.append((name.decode(), value.decode()))

    def all(self, field):
        return [value for name, value in self.fields if name == field]

    def __getitem__(self, field):
        """The only value of a field; None if the field is absent."""
        values = self.all(field)
        assert len(values) < 2, (field, values)
        return values[0] if values else None

    def is_event(self, event):
        return self["MESSAGE_ID"] == EVENTS[event]["id"]

    def __repr__(self):
        return repr(self.fields)


def stream(log):
    """The environment of a program that takes this file on its standard error for the journal."""
    log.touch()
    status = log.stat()
    return {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}


class Journal:
    """Receives the journal entries of programs that are started through wrap()."""

    _script = ('mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal &&'
               ' mount --bind "$0" /run/systemd/journal && exec "$@"')

    def __init__(self, directory):
        directory.mkdir()
        self.directory = directory
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(directory / "socket"))
        self._entries, self._marks, self._changed = [], 0, threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while datagram := self.socket.recv(1 << 20):
            with self._changed:
                if datagram == b"mark":
                    self._marks += 1
                    self._changed.notify_all()
                else:
                    self._entries.append(Entry(datagram))

    def wrap(self, argv, log):
        """(argv, environment) that run the program with this file as its standard error."""
        return ["unshare", "--mount", "bash", "-c", self._script, self.directory, *argv], stream(log)

    def _send(self, datagram):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(datagram, str(self.directory / "socket"))

    def _synchronise(self):
        with self._changed:
            wanted = self._marks + 1
        self._send(b"mark")
        with self._changed:
            assert self._changed.wait_for(lambda: self._marks >= wanted, lib.DEADLINE)

    def entries(self, program=None, level=None):
        """The entries since clear(), including every one that was sent before this call."""
        if self._thread.is_alive():
            self._synchronise()
        with self._changed:
            return [entry for entry in self._entries
                    if (not program or entry["SYSLOG_IDENTIFIER"] == program)
                    and (not level or entry["PRIORITY"] == LEVELS[level])]

    def clear(self):
        self.entries()
        with self._changed:
            self._entries.clear()

    def stop(self):
        self._send(b"")
        self._thread.join(lib.DEADLINE)
        self.socket.close()


class RealJournal:
    """A journald separate from the machine's, with the message catalog of this source tree."""

    _script = """
        mount -t tmpfs tmpfs /run
        mount -t tmpfs tmpfs /var/log
        mount -t tmpfs tmpfs /var/lib
        mkdir -p /run/log/journal /run/systemd/journald.conf.d /var/lib/systemd/catalog
        printf '[Journal]\\nAudit=no\\nReadKMsg=no\\n' >/run/systemd/journald.conf.d/test.conf
        echo 0123456789abcdef0123456789abcdef >/run/machine-id
        mount --bind /run/machine-id /etc/machine-id
        mount --bind "$0" /usr/lib/systemd/catalog
        journalctl --update-catalog
        exec /lib/systemd/systemd-journald
    """

    def __init__(self, directory):
        self.process = lib.Process("journald", ["unshare", "--mount", "bash", "-ec", self._script,
                                                lib.ROOT / "units"], directory)
        ready = lib.Path(f"/proc/{self.process.pid}/root/run/systemd/journal/socket")
        lib.wait_for(lambda: self.process.running and ready.exists(), "journald to start")

    def _inside(self, *argv):
        return ["nsenter", f"--mount=/proc/{self.process.pid}/ns/mnt", *argv]

    def wrap(self, argv, log):
        return self._inside(*argv), stream(log)

    def query(self, command, **env):
        """The output of a shell command that runs next to this journal."""
        lib.run(*self._inside("journalctl", "--sync"))
        return lib.run(*self._inside("bash", "-ec", command),
                       env={**lib.ENVIRONMENT, **env}).stdout

    def entries(self):
        return self.query("journalctl -o verbose").splitlines()

    def stop(self):
        self.process.stop()

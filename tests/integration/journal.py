# SPDX-License-Identifier: GPL-3.0-or-later
"""A journal for tests: the socket that journald has, read by the test."""

import re
import socket
import struct
import threading

import lib

EVENTS = {
    name: {"id": id_, "level": level, "decision": decision or None}
    for name, id_, level, decision in re.findall(
        r'\[LOG_EVENT_(\w+)\] =\s*\{ "(\w+)",\s*LOG_(\w+),\s*(?:NULL|"(\w+)") \}',
        (lib.ROOT / "libshared/log-event.c").read_text())
}
LEVELS = {"ERR": "3", "WARNING": "4", "NOTICE": "5", "INFO": "6", "DEBUG": "7"}


class Entry:
    def __init__(self, datagram):
        self.datagram = datagram
        self.fields = []
        while datagram:
            line, _, datagram = datagram.partition(b"\n")
            name, equals, value = line.partition(b"=")
            if not equals:  # the length in front of a value that has newlines in it
                size, = struct.unpack_from("<Q", datagram)
                value, datagram = datagram[8:8 + size], datagram[8 + size + 1:]
            self.fields.append((name.decode(), value.decode()))

    def all(self, field):
        return [value for name, value in self.fields if name == field]

    def __getitem__(self, field):
        """The one value of a field, None where it has none."""
        values = self.all(field)
        assert len(values) < 2, (field, values)
        return values[0] if values else None

    def is_event(self, event):
        return self["MESSAGE_ID"] == EVENTS[event]["id"]

    def __repr__(self):
        return repr(self.fields)


class Journal:
    """Programs that are started by wrap() have their entries sent here."""

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
        """(argv, environment) for a program whose standard error, a file, counts as the journal's."""
        log.touch()
        status = log.stat()
        return (["unshare", "--mount", "bash", "-c", self._script, self.directory, *argv],
                {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})

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
        """All that came since clear(), whatever was sent before this call among it."""
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

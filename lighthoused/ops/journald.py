"""journald's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a log line as fields, in one datagram.

Owns how a line's keys become fields. It never waits: a line that journald does not take now is lost, and counted in the
next one. Written out here as the libraries for it need C headers or are made for `logging` alone.
"""

import errno
import fcntl
import os
import re
import socket
import struct
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, TextIO

import msgspec

SOCKET = "/run/systemd/journal/socket"
IDENTIFIER = "lighthoused"
PREFIX = "LIGHTHOUSE_"
PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "exception": 3, "critical": 2}
"""syslog(3)'s, by log level."""
MAX_FIELD = 64
"""Characters of a field's name."""
MAX_VALUE = 256 * 1024
OWN_KEYS = ("event", "level", "exception")
TOO_LARGE = (errno.EMSGSIZE, errno.ENOBUFS)
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
_NOT_A_NAME = re.compile(r"[^A-Z0-9_]")


def is_ours(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether what is written to `stream` goes to the journal: then it is better sent there (systemd.exec(5))."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}" and Path(SOCKET).exists()


class Journal:
    """Where structlog sends fields; the methods are levels."""

    def __init__(self, address: str = "") -> None:
        self._address = address or SOCKET
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        self._lost = 0

    def msg(self, **fields: Any) -> None:
        """Send one line."""
        if self._lost:
            fields["LIGHTHOUSE_LOST"] = self._lost
        try:
            self._send(encoded(fields))
            self._lost = 0
        except OSError:
            self._lost += 1

    debug = info = warning = error = critical = exception = log = msg

    def _send(self, datagram: bytes) -> None:
        try:
            self._socket.sendto(datagram, self._address)
        except OSError as error:
            if error.errno not in TOO_LARGE:
                raise
            self._send_in_memory(datagram)

    def _send_in_memory(self, datagram: bytes) -> None:
        """What is too large for a datagram goes in a sealed memory file, whose descriptor is passed."""
        memory = os.memfd_create("journal", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.write(memory, datagram)
            fcntl.fcntl(memory, fcntl.F_ADD_SEALS, SEALS)
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", memory))]
            self._socket.sendmsg([b""], rights, 0, self._address)
        finally:
            os.close(memory)


def as_fields(_: object, __: str, entry: MutableMapping[str, Any]) -> dict[str, Any]:
    """structlog's processor: a line's keys as journald's fields. The message is as people read it."""
    exception = entry.get("exception")
    said = {key: value for key, value in entry.items() if key not in OWN_KEYS}
    words = [str(entry["event"]), *(f"{key}={_text(value)}" for key, value in said.items())]
    fields = {
        "MESSAGE": " ".join(words) + (f"\n{exception}" if exception else ""),
        "PRIORITY": PRIORITIES.get(entry.get("level", ""), 6),
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        "LIGHTHOUSE_EVENT": entry["event"],
    }
    for key, value in said.items():
        fields.setdefault(_name(key), value)
    return fields


def encoded(fields: Mapping[str, Any]) -> bytes:
    """The datagram. Values with line ends are told with their length."""
    parts = []
    for name, value in fields.items():
        data = _text(value).encode("utf-8", "replace")[:MAX_VALUE]
        if b"\n" in data:
            parts.append(name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n")
        else:
            parts.append(name.encode() + b"=" + data + b"\n")
    return b"".join(parts)


def _name(key: str) -> str:
    return (PREFIX + _NOT_A_NAME.sub("_", key.upper()))[:MAX_FIELD]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=repr).decode()

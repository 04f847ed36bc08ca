"""What reaches a journal: a real datagram socket, read by the protocol's rules."""

import array
import logging
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from lighthoused.ops import journald, logs


def decoded(datagram: bytes) -> dict[str, str]:
    """Fields of a datagram, as journald reads it."""
    fields = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, is_text, value = line.partition(b"=")
        if is_text:
            datagram = rest
        else:
            (size,) = struct.unpack("<Q", rest[:8])
            value, end, datagram = rest[8 : 8 + size], rest[8 + size : 9 + size], rest[9 + size :]
            assert end == b"\n"
        fields[name.decode()] = value.decode()
    return fields


class Listening:
    """Stands where journald does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(10)

    def next(self) -> dict[str, str]:
        data, ancillary, _, _ = self._socket.recvmsg(1 << 20, socket.CMSG_SPACE(4))
        if ancillary:
            (memory,) = array.array("i", ancillary[0][2])
            data = os.pread(memory, 1 << 24, 0)
            os.close(memory)
        return decoded(data)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    """A journal, with all log lines going to it."""
    listening = Listening(tmp_path / "socket")
    monkeypatch.setattr(journald, "SOCKET", str(listening.path))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with open(tmp_path / "stderr", "w") as stderr:
        status = os.fstat(stderr.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        logs.configure("info", "auto", stderr)
        yield listening
        assert (tmp_path / "stderr").read_text() == ""
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    listening.close()


def test_a_line_has_fields_that_can_be_asked_for(journal: Listening) -> None:
    structlog.get_logger().warning("security.refused", agent="claude", uid=1000, paths=("a", "b"), **{"Odd key!": 1.5})
    assert journal.next() == {
        "MESSAGE": 'security.refused agent=claude uid=1000 paths=["a","b"] Odd key!=1.5',
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "lighthoused",
        "LIGHTHOUSE_EVENT": "security.refused",
        "LIGHTHOUSE_AGENT": "claude",
        "LIGHTHOUSE_UID": "1000",
        "LIGHTHOUSE_PATHS": '["a","b"]',
        "LIGHTHOUSE_ODD_KEY_": "1.5",
    }


def test_an_exception_is_in_the_message(journal: Listening) -> None:
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        structlog.get_logger().exception("unexpected")
    found = journal.next()
    assert found["PRIORITY"] == "3"
    assert found["MESSAGE"].startswith("unexpected\nTraceback")
    assert found["MESSAGE"].endswith("RuntimeError: broken")


def test_libraries_come_out_in_the_same_form(journal: Listening) -> None:
    logging.getLogger("pyfuse3").error("init failed: %d", 5)
    assert journal.next()["LIGHTHOUSE_EVENT"] == "init failed: 5"


def test_no_field_can_be_smuggled_in(journal: Listening) -> None:
    structlog.get_logger().info("said", agent="x\nPRIORITY=0\nMESSAGE=all is well", event_="y")
    found = journal.next()
    assert found["LIGHTHOUSE_AGENT"] == "x\nPRIORITY=0\nMESSAGE=all is well"
    assert (found["PRIORITY"], found["LIGHTHOUSE_EVENT"]) == ("6", "said")


def test_a_large_line_is_sent_too(journal: Listening) -> None:
    structlog.get_logger().info("large", text="x" * 240_000)
    assert len(journal.next()["LIGHTHOUSE_TEXT"]) == 240_000


def test_a_journal_that_takes_nothing_costs_only_lines(journal: Listening) -> None:
    log = structlog.get_logger()
    for number in range(5000):
        log.info("many", number=number)
    first = journal.next()
    while first["LIGHTHOUSE_NUMBER"] != "0":
        first = journal.next()
    for _ in range(5):
        journal.next()
    log.info("after")
    while (found := journal.next())["LIGHTHOUSE_EVENT"] != "after":
        pass
    assert int(found["LIGHTHOUSE_LOST"]) > 1000


def test_elsewhere_lines_stay_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "1:1")
    with open(tmp_path / "stderr", "w") as stderr:
        assert not journald.is_ours(stderr, os.environ)


@given(st.dictionaries(st.text("ABC_", min_size=1, max_size=5), st.text(max_size=50), max_size=5))
def test_what_is_encoded_is_read_the_same(fields: dict[str, str]) -> None:
    sent = {name: value for name, value in fields.items() if value.isprintable() or "\n" in value}
    assert decoded(journald.encoded(sent)) == sent

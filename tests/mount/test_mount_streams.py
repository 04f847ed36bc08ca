"""``streams/events`` as plain programs read it."""

import json
import os
import select
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests_support.running import Running
from tests_support.waiting import until

SOON_S = 30.0
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(running: Running) -> Iterator[Start]:
    """Starts programs with the stream's path as their last argument."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*command: str) -> "subprocess.Popen[bytes]":
        before = pipes_of(running)
        started.append(subprocess.Popen([*command, str(stream(running))], stdout=subprocess.PIPE))
        until(lambda: pipes_of(running) > before)
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def stream(running: Running) -> Path:
    return running.project / "streams" / "events"


def pipes_of(running: Running) -> int:
    """Pipes that the daemon has open to readers."""
    assert running.process is not None
    found = 0
    here = Path(f"/proc/{running.process.pid}/fd")
    for descriptor in here.iterdir():
        try:
            found += "/streams/." in os.readlink(descriptor)
        except FileNotFoundError:
            continue
    return found


def line(process: "subprocess.Popen[bytes]") -> bytes:
    """The next line that a program prints."""
    assert process.stdout is not None
    return process.stdout.readline()


def event(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line(process))
    return found


def test_events_come_as_they_happen_one_to_a_line(running: Running, start: Start) -> None:
    assert stat.S_ISFIFO(os.stat(stream(running)).st_mode)
    cat = start("cat")
    (running.current / "new").write_text("x")
    found = [event(cat), event(cat)]
    assert [one["type"] for one in found] == ["file.created", "file.written"]
    assert {path for one in found for path in one["paths"]} == {"demo/new"}
    assert found[1]["seq"] > found[0]["seq"]


def test_every_reader_sees_verdicts_and_no_other_project(running: Running, start: Start, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    readers = [start("cat") for _ in range(3)]
    running.ctl("project", "import", str(other))
    (running.mount / "other" / "current" / "elsewhere").touch()
    running.settle()
    running.ctl("check", "ls")
    assert [event(reader)["type"] for reader in readers] == ["gate.judged"] * 3


def test_plain_tools_print_at_once(running: Running, start: Start) -> None:
    head = start("head", "-1")
    grep = start("grep", "--line-buffered", "created")
    jq = start("jq", "--unbuffered", "-r", ".paths[0]")
    (running.current / "new").touch()
    assert b"file.created" in line(head)
    assert head.wait(SOON_S) == 0
    assert b"file.created" in line(grep)
    assert line(jq) == b"demo/new\n"


def test_a_waiting_reader_can_be_interrupted_and_costs_nothing_after(running: Running, start: Start) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        cat = start("cat")
        cat.send_signal(number)
        assert cat.wait(SOON_S) == -number
        until(lambda: pipes_of(running) == 0)


def test_poll_and_select_wait_for_it(running: Running) -> None:
    descriptor = os.open(stream(running), os.O_RDONLY | os.O_NONBLOCK)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    assert poll.poll(100) == []
    with pytest.raises(BlockingIOError):
        os.read(descriptor, 1)
    (running.current / "new").touch()
    assert poll.poll(SOON_S * 1000) == [(descriptor, select.POLLIN)]
    assert select.select([descriptor], [], [], 0)[0] == [descriptor]
    assert os.read(descriptor, 1) == b"{"
    os.close(descriptor)


def test_looking_at_it_opens_nothing(running: Running) -> None:
    for _ in range(600):
        os.stat(stream(running))
        os.listdir(stream(running).parent)
    subprocess.run(["grep", "-r", "nothing", str(stream(running).parent)], check=False, timeout=SOON_S)
    assert os.listdir(stream(running).parent) == ["events"]
    assert pipes_of(running) == 0


def test_fifty_readers_that_do_not_read_slow_nobody_and_miss_nothing(running: Running) -> None:
    descriptors = [os.open(stream(running), os.O_RDONLY) for _ in range(50)]
    until(lambda: pipes_of(running) == 50)
    before = running.head()
    for number in range(400):
        (running.current / f"file{number}").write_text("x")
    head = running.head()
    wanted = [one.seq for one in running.events(before) if one.paths]
    assert len(wanted) >= 800
    for descriptor in (descriptors[0], descriptors[49]):
        seqs: list[int] = []
        with open(descriptor, "rb") as file:
            while not seqs or seqs[-1] < wanted[-1]:
                seqs.append(json.loads(file.readline())["seq"])
        assert seqs == wanted
    assert head >= wanted[-1]
    for descriptor in descriptors[1:49]:
        os.close(descriptor)
    until(lambda: pipes_of(running) == 0)


def test_who_keeps_a_pipe_may_ask_for_its_attributes_while_the_daemon_hangs(running: Running) -> None:
    """systemd does, and would hang with it."""
    descriptor = os.open(stream(running), os.O_RDONLY)
    assert running.process is not None
    running.process.send_signal(signal.SIGSTOP)
    try:
        asked = subprocess.run(
            ["stat", "--dereference", "--format=%F", "-"], stdin=descriptor, capture_output=True, timeout=SOON_S
        )
    finally:
        running.process.send_signal(signal.SIGCONT)
    assert asked.stdout == b"fifo\n"
    os.close(descriptor)


def test_stopping_ends_waiting_readers(running: Running, start: Start) -> None:
    readers = [start("cat") for _ in range(5)]
    assert running.stop() == 0
    assert [reader.wait(SOON_S) for reader in readers] == [0] * 5


def test_a_killed_daemon_ends_waiting_readers(running: Running, start: Start) -> None:
    cat = start("cat")
    running.kill()
    assert cat.wait(SOON_S) == 0
    running.start()

"""`lighthousectl approvals watch`: on a terminal, in a script, and over a restart of the daemon."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests_support.asking import Askers, askers, careful
from tests_support.running import Running
from tests_support.terminal import CTL, Terminal


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    daemon = careful(tmp_path_factory.mktemp("watching"))
    daemon.start()
    yield daemon
    assert daemon.stop() == 0


class Script:
    """`watch --json` in a pipe."""

    def __init__(self, running: Running) -> None:
        command = [*CTL, "approvals", "watch", "--json"]
        self._process = subprocess.Popen(command, env=running.environment, stdout=subprocess.PIPE, text=True)

    def next(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def end(self) -> int:
        self._process.send_signal(2)
        code = self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code


def test_a_script_is_told_of_requests_and_answers(running: Running, asks: Askers) -> None:
    earlier = asks()
    script = Script(running)
    told = script.next()
    assert (told["event"], told["id"], told["approval"]["agent"]) == ("requested", earlier.id, "claude")
    later = asks(agent="codex")
    told = script.next()
    assert (told["event"], told["id"]) == ("requested", later.id)
    running.ctl("approvals", "approve", later.id, "--seen", told["seen"])
    told = script.next()
    assert (told["event"], told["id"], told["answer"], told["by"]) == ("answered", later.id, "allow", "owner")
    running.ctl("approvals", "deny", earlier.id, "--reason", "no")
    told = script.next()
    assert (told["event"], told["id"], told["answer"], told["reason"]) == ("answered", earlier.id, "deny", "no")
    assert script.end() == 130


def test_a_person_answers_by_key(running: Running, asks: Askers) -> None:
    terminal = Terminal(running, "approvals", "watch", columns=100)
    terminal.expect("Nothing waits")
    first, second = asks(), asks({"command": "git push --force --all"}, agent="codex")
    assert "rewrites or removes history" in terminal.expect(f"[{first.id}] 4:")
    terminal.expect("(1 more)")
    terminal.type("n")
    terminal.expect(f"[{second.id}] 4:")
    terminal.type("d")
    terminal.expect(f"{second.id} was denied by owner")
    assert second.verdict().verdict == "deny"
    terminal.expect(f"[{first.id}] 4:")
    terminal.type("ax")
    terminal.expect("let this happen, once?")
    terminal.expect("a approve")
    terminal.type("a")
    terminal.expect("let this happen, once?")
    terminal.type("y")
    terminal.expect(f"{first.id} was approved by owner")
    assert first.verdict().verdict == "allow"
    terminal.expect("Nothing waits")
    terminal.type("q")
    assert terminal.end() == 0
    assert "Traceback" not in terminal.shown


def test_what_somebody_else_answered_is_not_answered_again(running: Running, asks: Askers) -> None:
    asked = asks()
    terminal = Terminal(running, "approvals", "watch")
    terminal.expect(f"[{asked.id}] 4:")
    running.ctl("approvals", "deny", asked.id)
    terminal.expect(f"{asked.id} was denied by owner")
    terminal.expect("Nothing waits")
    terminal.type("ayq")
    assert terminal.end() == 0


def test_a_file_that_changes_is_shown_anew(running: Running, asks: Askers, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old\n")
    asked = asks({"file_path": str(path), "content": "new\n"}, tool="Write")
    terminal = Terminal(running, "approvals", "watch")
    terminal.expect("-old")
    terminal.expect(f"[{asked.id}] 4:")
    path.write_text("another\n")
    terminal.type("a")
    terminal.expect("let this happen, once?")
    terminal.type("y")
    terminal.expect("is not what was seen")
    terminal.expect("-another")
    terminal.expect(f"[{asked.id}] 4:")
    terminal.type("q")
    assert terminal.end() == 0


def test_it_outlives_the_daemon(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    running = Running(tmp_path, tmp_path / "demo", "--no-mount")
    running.start()
    script = Script(running)
    with askers(running) as asks:
        asked = asks(cwd="/tmp")
        assert script.next()["id"] == asked.id
        running.ctl("approvals", "deny", asked.id)
        assert script.next()["event"] == "answered"
    running.stop()
    assert script.next()["event"] == "lost"
    running.start()
    assert script.next()["event"] == "connected"
    with askers(running) as asks:
        asked = asks(cwd="/tmp")
        assert script.next()["id"] == asked.id
    assert script.next()["event"] == "answered"
    script.end()
    assert running.stop() == 0

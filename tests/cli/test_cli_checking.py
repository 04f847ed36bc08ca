"""`lighthousectl check` and `approvals` against a real daemon."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests_support.running import Running

from lighthoused.protocol.messages import ApprovalAnswerRequest, ApprovalListRequest, Filter, SubscribeRequest

NASTY = "git push --force '\x1b[2K\r\u202e[bold red]x[/]\x9b\ud7ff' ; #\nagent       owner"
CTL = [sys.executable, "-m", "lighthoused.cli.launch"]
Ask = Callable[..., tuple[str, "subprocess.Popen[str]"]]


@pytest.fixture
def asks(running: Running, tmp_path: Path) -> Iterator[Ask]:
    """Lets a command wait for a person; its approval's id, and who waits."""
    waiting: list[subprocess.Popen[str]] = []

    def ask(text: str, *options: str, cwd: Path = tmp_path) -> tuple[str, "subprocess.Popen[str]"]:
        with running.client(timeout=30.0) as client:
            head = running.head()
            command = [*CTL, "check", "--wait", *options, text]
            pipe = subprocess.PIPE
            waiting.append(
                subprocess.Popen(command, env=running.environment, stdout=pipe, stderr=pipe, text=True, cwd=cwd)
            )
            filter = Filter(type="approval.requested")
            event = next(iter(client.stream(SubscribeRequest(id=0, filter=filter, after=head))))
        return event.payload["approval"], waiting[-1]

    yield ask
    with running.client() as client:
        for left in client.call(ApprovalListRequest(id=0)).approvals:
            client.call(ApprovalAnswerRequest(id=0, approval=left.id, answer="deny"))
    for process in waiting:
        process.communicate(timeout=30)


def on_terminal(running: Running, *arguments: str) -> str:
    """What a command prints where its output is a terminal, less its colours."""
    main, side = pty.openpty()
    environment = {**running.environment, "COLUMNS": "400", "TERM": "xterm"}
    process = subprocess.Popen([*CTL, *arguments], env=environment, stdout=side, stdin=subprocess.DEVNULL)
    os.close(side)
    shown = b""
    try:
        while part := os.read(main, 65_536):
            shown += part
    except OSError:
        pass
    os.close(main)
    assert process.wait(30) == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).replace("\r\n", "\n")


@pytest.mark.parametrize(("text", "code", "verdict"), [("ls", 0, "allow"), ("rm -rf ~", 1, "deny")])
def test_exit_codes_and_forms(running: Running, text: str, code: int, verdict: str) -> None:
    done = running.ctl("check", text, check=False)
    assert done.returncode == code
    assert done.stdout.startswith(f"{verdict}: ")
    explained = running.ctl("check", "--explain", text, check=False)
    assert explained.returncode == code
    assert "\ntier " in explained.stdout
    as_json = running.ctl("check", text, "--json", check=False)
    assert as_json.returncode == code
    assert json.loads(as_json.stdout)["verdict"] == verdict
    local = running.ctl("check", "--local", text, "--socket", "/nobody", check=False)
    assert local.returncode == code


def test_escalation_without_waiting(running: Running) -> None:
    done = running.ctl("check", "git push --force", "--json", check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout)["verdict"] == "escalate"


def test_errors_are_exit_code_3_and_never_a_verdict(running: Running, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[nope]")
    for options in (("--socket", "/nobody"), ("--config", str(bad)), ("--token", "nonsense")):
        done = running.ctl("check", "ls", *options, check=False)
        assert done.returncode == 3, options
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")
        assert "hint: " in done.stderr


def test_a_directory_counts(running: Running) -> None:
    def kept(*options: str, cwd: Path | None = None) -> Any:
        return running.ctl("check", "rm -rf *", *options, check=False, cwd=cwd).returncode

    assert kept(cwd=running.current) == kept("--cwd", str(running.current)) == 0
    assert kept("--cwd", "current", cwd=running.project) == 0
    assert kept("--cwd", "/") != 0


def test_a_batch_takes_each_lines_directory_from_its_own(running: Running, tmp_path: Path) -> None:
    batch = tmp_path / "batch"
    rows = [{"command": "rm -rf *", "cwd": "current"}, {"command": "rm -rf *", "cwd": "/"}, {"command": 3}]
    batch.write_text("\n\n".join(map(json.dumps, rows)))
    done = running.ctl("check", "--batch", str(batch), "--cwd", str(running.project), check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer.get("verdict") for answer in answers] == ["allow", "deny", None]
    assert done.returncode == 3


@pytest.mark.parametrize(("answer", "code"), [("approve", 0), ("deny", 1)])
def test_a_person_answers(running: Running, asks: Ask, answer: str, code: int) -> None:
    approval, asking = asks("git push --force", "--json")
    listed = running.ctl("approvals", "list").stdout
    assert listed.startswith(f"{approval}\towner\tgit push --force\t")
    assert json.loads(running.ctl("approvals", "show", approval, "--json").stdout)["id"] == approval
    told = running.ctl("approvals", answer, approval, "--reason", "because").stdout
    assert told == f"{'approved' if answer == 'approve' else 'denied'}: git push --force\n"
    output, _ = asking.communicate(timeout=30)
    assert asking.returncode == code
    assert json.loads(output)["tier"] == "human"
    assert json.loads(output)["reason"] == "because"
    again = running.ctl("approvals", answer, approval, check=False)
    assert again.returncode == 1
    assert "hint: " in again.stderr


def test_answers_as_json(running: Running, asks: Ask) -> None:
    approval, asking = asks("git push --force")
    (found,) = json.loads(running.ctl("approvals", "--json").stdout)
    assert found["id"] == approval
    assert json.loads(running.ctl("approvals", "approve", approval, "--json").stdout) == {"ok": True}
    assert asking.wait(30) == 0


def test_an_agents_words_obey_nobody(running: Running, asks: Ask, tmp_path: Path) -> None:
    directory = tmp_path / "a\nagent       owner\x1b[1A[bold]"
    directory.mkdir()
    approval, _ = asks(NASTY, cwd=directory)
    for arguments in (("approvals",), ("approvals", "show", approval)):
        for shown in (running.ctl(*arguments).stdout, on_terminal(running, *arguments)):
            assert all(letter.isprintable() or letter in "\n\t" for letter in shown), repr(shown)
            assert "[bold red]x[/]" in shown
            assert "\\u202e" in shown
            assert sum(line.startswith("agent ") for line in shown.splitlines()) == (len(arguments) == 3)
    told = running.ctl("approvals", "deny", approval).stdout
    assert told.count("\n") == 1
    assert told[:-1].isprintable()

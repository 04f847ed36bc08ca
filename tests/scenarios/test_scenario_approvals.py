"""What waits for a person outlives the daemon, and nobody allows what they asked for themselves."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests_support.asking import Asking, code_of, waiting
from tests_support.running import Running
from tests_support.waiting import until

from lighthoused.protocol.messages.gate import ApprovalAnswerRequest, CheckRequest

ASKED = "git push --force # private ghp_R4nD0mLetters8ndD1gitsOf36Charact3rs"
CTL = f"{sys.executable} -m lighthoused.cli.launch"
ALONE = f"""
id=$({CTL} approvals list | cut -f1)
code=$({CTL} approvals show $id | sed -n 's/^seen *//p')
{CTL} approvals approve $id --seen $code; echo "gave $?"
"""


def asking(running: Running, agent: str = "claude") -> Asking:
    return Asking(running, "Bash", {"command": ASKED}, "/", agent)


def allow(running: Running, approval: str) -> None:
    (left,) = [each for each in waiting(running) if each.id == approval]
    with running.client() as client:
        client.call(ApprovalAnswerRequest(id=0, approval=approval, answer="allow", request=left.request))


def ask_again(running: Running) -> str:
    with running.client() as client:
        request = CheckRequest(id=0, input={"command": ASKED}, cwd="/", agent="claude")
        return str(client.call(request).verdict)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_waits_waits_on_after_a_restart(running: Running, end: str) -> None:
    asked = asking(running)
    (before,) = waiting(running)
    running.ctl("log", "query")
    getattr(running, end)()
    subprocess.run(["umount", "--lazy", str(running.mount)], check=False, capture_output=True)
    running.start()
    (after,) = waiting(running)
    assert (after.id, after.request, after.deadline, after.effects) == (
        before.id, before.request, before.deadline, before.effects
    )  # fmt: skip
    assert "<secret:github-token:" in after.input["command"]
    again = Asking.again(running, asked)
    time.sleep(1)
    assert [each.id for each in waiting(running)] == [before.id]
    allow(running, before.id)
    assert again.verdict().verdict == "allow"
    assert ask_again(running) == "escalate"


def test_an_answer_that_nobody_got_counts_after_a_restart(running: Running) -> None:
    asked = asking(running)
    asked.give_up()
    allow(running, asked.id)
    running.restart()
    assert ask_again(running) == "allow"
    assert ask_again(running) == "escalate"
    running.restart()
    assert ask_again(running) == "escalate"


def test_an_answer_that_was_got_does_not_count_again(running: Running) -> None:
    asked = asking(running)
    allow(running, asked.id)
    assert asked.verdict().verdict == "allow"
    running.restart()
    assert ask_again(running) == "escalate"


def test_a_hook_that_waits_is_told_and_can_ask_again(running: Running) -> None:
    event = {"session_id": "", "hook_event_name": "PreToolUse", "tool_name": "Bash", "cwd": "/"}
    event["tool_input"] = {"command": ASKED}  # type: ignore[assignment]

    def hook() -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "lighthoused.cli.launch", "hook", "--socket", str(running.socket)]
        started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert started.stdin is not None
        started.stdin.write(json.dumps(event))
        started.stdin.close()
        return started

    def decided(process: "subprocess.Popen[str]") -> dict[str, str]:
        assert process.stdout is not None
        found: dict[str, str] = json.loads(process.stdout.read())["hookSpecificOutput"]
        process.wait()
        return found

    first = hook()
    until(lambda: waiting(running))
    running.restart()
    told = decided(first)
    assert told["permissionDecision"] == "deny"
    assert "again" in told["permissionDecisionReason"]
    second = hook()
    (left,) = waiting(running)
    until(lambda: json.loads(running.ctl("status", "--json").stdout)["pending_approvals"] == 1)
    running.ctl("approvals", "deny", left.id, "--reason", "no")
    assert "no" in decided(second)["permissionDecisionReason"]


def program(tmp_path: Path, script: str) -> list[str]:
    """A program that is no shell and runs a script, each line in a shell of its own session."""
    (tmp_path / "harness.py").write_text(
        f"import os, subprocess, sys\nscript = {script!r}\n"
        "asking = subprocess.Popen(['sh', '-c', sys.argv[1]], start_new_session=True)\n"
        "subprocess.run(['sh', '-c', 'sleep 1.5;' + script], start_new_session=True)\nos.killpg(asking.pid, 9)\n"
    )
    return [sys.executable, str(tmp_path / "harness.py"), f"{CTL} check --wait {ASKED!r}"]


def test_a_program_does_not_allow_what_it_asked_for(running: Running, tmp_path: Path) -> None:
    """Not registered as an agent, of the owner's uid, and its shells in sessions of their own."""
    done = subprocess.run(
        program(tmp_path, ALONE), env=running.environment, capture_output=True, text=True, check=False
    )
    assert "nobody allows what they ask for" in done.stderr
    assert "another terminal" in done.stderr
    assert "gave 1" in done.stdout
    assert running.events(type="approval.answered") == ()


def test_an_agents_tree_allows_nothing(running: Running) -> None:
    asked = asking(running)
    alone = f"{CTL} approvals approve {asked.id} --seen {code_of(running, asked.id)}"
    done = running.ctl("run", "--agent", "eve", "--", "sh", "-c", alone, check=False)
    assert done.returncode == 1
    assert "may not call" in done.stderr
    running.ctl("approvals", "deny", asked.id)


class Shell:
    """A person's: it leads a session and its terminal, made by a program that has none."""

    def __init__(self, running: Running) -> None:
        make = [sys.executable, "-c", "import pty; pty.spawn(['bash', '--norc', '-i'])"]
        self._process = subprocess.Popen(
            make,
            env={**running.environment, "TERM": "dumb"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._said = b""

    def type(self, script: str) -> None:
        assert self._process.stdin is not None
        os.write(self._process.stdin.fileno(), script.strip().replace("\n", "; ").encode() + b"\n")

    def hears(self, expected: str) -> bool:
        """Whether this, at the beginning of a line, is what comes first of all that matches ``gave N``."""
        assert self._process.stdout is not None
        while not (found := re.search(rb"^(gave|was) \d", self._said, re.MULTILINE)):
            self._said += os.read(self._process.stdout.fileno(), 65536)
        self._said = self._said[found.end() :]
        return found[0].decode() == expected

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def test_from_another_terminal_it_can_be_allowed(running: Running) -> None:
    first, second = Shell(running), Shell(running)
    try:
        first.type(f"({CTL} check --wait {ASKED!r}; echo was $?) &")
        until(lambda: waiting(running))
        first.type(ALONE)
        assert first.hears("gave 1")
        second.type(ALONE)
        assert second.hears("gave 0")
        assert first.hears("was 0")
    finally:
        first.close()
        second.close()

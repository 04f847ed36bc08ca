"""Agents that wait for a person, over the real socket."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from lighthoused.core.verdicts import Verdict
from lighthoused.protocol.messages.gate import Approval, ApprovalAnswerRequest, ApprovalListRequest, CheckRequest
from tests_support.running import Running

ASK = """package lighthouse

import rego.v1

rules contains escalate("team.ask", -1, "People look at what is written.") if input.tool in {"Write", "Edit"}
"""
ASKER = """import _socket, sys
asked = sys.stdin.buffer.read()
peer = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
peer.connect(sys.argv[1])
peer.send(asked)
told = b""
while not told.endswith(b"\\n") and (part := peer.recv(1 << 20)):
    told += part
sys.stdout.buffer.write(told)
"""
BY_A_PROGRAM = (sys.executable, "-c", "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))")
"""Before a command: it is run by a program of its own, which may not allow what the command asks."""
FORCE = {"command": "git push --force"}


class Asking:
    """One agent that asks; `id` is its approval's, once it waits."""

    def __init__(self, running: Running, tool: str, given: dict[str, Any], cwd: str, agent: str) -> None:
        known = {each.id for each in waiting(running)}
        self._start(running, CheckRequest(id=0, tool=tool, input=given, cwd=cwd, agent=agent, wait=True))
        while not (fresh := [each for each in waiting(running) if each.id not in known]):
            self._thread.join(0.02)
            assert self._thread.is_alive(), f"nobody was asked: {self._verdicts}"
        self.id = fresh[0].id

    @classmethod
    def again(cls, running: Running, before: "Asking") -> "Asking":
        """The same agent asks the same; `id` is not set."""
        asking = cls.__new__(cls)
        asking._start(running, before._request)
        return asking

    def give_up(self) -> None:
        """Do not wait any longer."""
        self._process.kill()
        self._thread.join(30)

    def verdict(self) -> Verdict:
        """What came of it."""
        self._thread.join(30)
        (verdict,) = self._verdicts
        return verdict

    def _start(self, running: Running, request: CheckRequest) -> None:
        self._request = request
        self._verdicts: list[Verdict] = []
        ask = [sys.executable, "-I", "-S", "-c", ASKER, str(running.socket)]
        self._process = subprocess.Popen(ask, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        """In a process of its own: who asks does not answer themselves."""
        body = {"method": "gate.check", **msgspec.to_builtins(self._request)}
        told, _ = self._process.communicate(msgspec.json.encode(body) + b"\n")
        if told:
            self._verdicts.append(msgspec.convert(msgspec.json.decode(told)["result"], Verdict))


class Askers:
    """Starts agents that ask."""

    def __init__(self, running: Running) -> None:
        self.running = running

    def __call__(
        self, given: dict[str, Any] | None = None, *, tool: str = "Bash", cwd: str = "", agent: str = "claude"
    ) -> Asking:
        """Let an agent ask, and return once it waits."""
        return Asking(self.running, tool, given or FORCE, cwd or str(self.running.current), agent)


def waiting(running: Running) -> tuple[Approval, ...]:
    """What waits for a person."""
    with running.client() as client:
        found: tuple[Approval, ...] = client.call(ApprovalListRequest(id=0)).approvals
        return found


def code_of(running: Running, approval: str) -> str:
    """What `approvals show` says was seen, for `--seen`."""
    found = re.search(r"^seen +(\w{16})$", running.ctl("approvals", "show", approval).stdout, re.MULTILINE)
    assert found
    return found[1]


def careful(base: Path, settings: str = "") -> Running:
    """A daemon whose policies let people look at every Write and Edit."""
    (base / "demo").mkdir()
    (base / "demo" / "kept.txt").write_text("kept\n")
    (base / "policies").mkdir()
    (base / "policies" / "ask.rego").write_text(ASK)
    (base / "lighthouse.toml").write_text(settings)
    return Running(base, base / "demo", "--config", str(base / "lighthouse.toml"))


@contextmanager
def askers(running: Running) -> Iterator[Askers]:
    """All that still wait in the end are denied."""
    yield Askers(running)
    with running.client() as client:
        for left in waiting(running):
            client.call(ApprovalAnswerRequest(id=0, approval=left.id, answer="deny"))

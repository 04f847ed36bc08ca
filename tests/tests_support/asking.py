"""Agents that wait for a person, over the real socket."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lighthoused.core.verdicts import Verdict
from lighthoused.protocol.messages import (
    Approval,
    ApprovalAnswerRequest,
    ApprovalListRequest,
    CheckRequest,
)
from tests_support.running import Running

ASK = """package lighthouse

import rego.v1

rules contains escalate("team.ask", -1, "People look at what is written.") if input.tool in {"Write", "Edit"}
"""
FORCE = {"command": "git push --force"}


class Asking:
    """One agent that asks; `id` is its approval's, once it waits."""

    def __init__(self, running: Running, tool: str, given: dict[str, Any], cwd: str, agent: str) -> None:
        self._running = running
        self._request = CheckRequest(id=0, tool=tool, input=given, cwd=cwd, agent=agent, wait=True)
        self._verdicts: list[Verdict] = []
        self._thread = threading.Thread(target=self._ask, daemon=True)
        known = {each.id for each in waiting(running)}
        self._thread.start()
        while not (fresh := [each for each in waiting(running) if each.id not in known]):
            self._thread.join(0.02)
            assert self._thread.is_alive(), f"nobody was asked: {self._verdicts}"
        self.id = fresh[0].id

    def verdict(self) -> Verdict:
        """What came of it."""
        self._thread.join(30)
        (verdict,) = self._verdicts
        return verdict

    def _ask(self) -> None:
        with self._running.client(timeout=600.0) as client:
            self._verdicts.append(client.call(self._request))


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

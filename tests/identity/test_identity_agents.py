"""Attribution of real processes."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from lighthoused.core.errors import Denied, Invalid, NotFound
from lighthoused.identity.acting import NOBODY
from lighthoused.identity.agents import Agents


class Shell:
    """A shell whose children are named on its output, one pid a line."""

    def __init__(self, script: str) -> None:
        self.process = subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def pid(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def go(self) -> None:
        """Let the script pass its next `read`."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@pytest.fixture
def shells() -> Iterator[list[Shell]]:
    made: list[Shell] = []
    yield made
    for shell in made:
        shell.process.kill()
        shell.process.wait()


def test_descendants_are_the_agents_and_others_nobodys(shells: list[Shell]) -> None:
    agents = Agents()
    shells.append(Shell("read x; sleep 60 & echo $!; read x"))
    shells.append(Shell("sleep 60 & echo $!; read x"))
    view = agents.register("alice", shells[0].process.pid, "", 0)
    shells[0].go()
    child, stranger = shells[0].pid(), shells[1].pid()
    assert agents.of(child) == ("alice", view.session)
    assert agents.of(stranger) == NOBODY
    assert agents.of(os.getpid()) == NOBODY
    for pid in (child, stranger):
        os.kill(pid, 9)


def test_an_orphan_seen_before_keeps_its_agent(shells: list[Shell]) -> None:
    agents = Agents()
    shells.append(Shell("read x; sh -c 'setsid sleep 60 & echo $!; read x'; read x"))
    agents.register("alice", shells[0].process.pid, "s1", 0)
    shells[0].go()
    orphan = shells[0].pid()
    assert agents.of(orphan).agent == "alice"
    shells[0].process.kill()
    shells[0].process.wait()
    assert agents.of(orphan).agent == "alice"
    os.kill(orphan, 9)


def test_the_nearest_registered_ancestor_counts(shells: list[Shell]) -> None:
    agents = Agents()
    shells.append(Shell("echo $$; read x; sleep 60 & echo $!; read x"))
    pid = shells[0].pid()
    agents.register("alice", pid, "s1", 0)
    agents.register("alice", pid, "s2", 0)
    shells[0].go()
    child = shells[0].pid()
    assert agents.of(child) == ("alice", "s2")
    with pytest.raises(Denied):
        agents.register("mallory", child, "", 0)
    os.kill(child, 9)


def test_what_cannot_be_registered_is_refused() -> None:
    agents = Agents()
    with pytest.raises(NotFound):
        agents.register("alice", 2**22 + 1, "", 0)
    for name in ("", "unknown", "a b", "x" * 65):
        with pytest.raises(Invalid):
            agents.register(name, os.getpid(), "", 0)
    assert agents.of(2**22 + 1) == NOBODY

"""Processes in another pid namespace, as in a container: their user numbers prove nothing."""

import os
import shutil
import subprocess
import sys

import pytest
from tests_support.running import Running

from lighthoused.identity.processes import is_contained
from lighthoused.protocol.messages.agents import AgentRegisterRequest, TokenIssueRequest

CONTAIN = ("unshare", "--pid", "--fork", "--mount-proc")
CTL = (sys.executable, "-m", "lighthoused.cli.launch")


def can_contain() -> bool:
    return os.geteuid() == 0 and shutil.which("unshare") is not None


needs_namespaces = pytest.mark.skipif(not can_contain(), reason="pid namespaces take root and unshare")


def token_of(running: Running, agent: str, role: str) -> str:
    with running.client() as client:
        return str(client.call(TokenIssueRequest(id=0, agent=agent, role=role)).token)


def contained(running: Running, *arguments: str, token: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**running.environment, "LIGHTHOUSE_TOKEN": token}
    return subprocess.run(
        [*CONTAIN, *CTL, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_process_beside_us_is_not_contained() -> None:
    assert not is_contained(os.getpid())
    assert not is_contained(os.getppid())


@pytest.mark.parametrize("pid", [0, 2**22 + 1])
def test_what_cannot_be_seen_counts_as_contained(pid: int) -> None:
    assert is_contained(pid)


@needs_namespaces
def test_root_of_a_container_may_nothing(running: Running) -> None:
    for asked in (["status"], ["approvals"], ["check", "ls"], ["token", "issue", "--agent", "me", "--role", "admin"]):
        done = contained(running, *asked)
        assert done.returncode, asked
        assert "stranger" in done.stderr, asked


@needs_namespaces
def test_a_token_speaks_for_it(running: Running) -> None:
    agents = token_of(running, "ann", "agent")
    assert contained(running, "check", "ls", token=agents).stdout.startswith("allow")
    assert "takes 'operator'" in contained(running, "approvals", "approve", "x", token=agents).stderr
    assert contained(running, "status", token=token_of(running, "bob", "viewer")).returncode == 0


@needs_namespaces
def test_run_registers_the_process_that_runs_it_and_no_other_of_its_number(running: Running) -> None:
    token = token_of(running, "ann", "agent")
    script = f"echo made > {running.current}/by-ann; env -u LIGHTHOUSE_TOKEN {' '.join(CTL)} check ls"
    done = contained(running, "run", "--agent", "ann", "--", "sh", "-c", script, token=token)
    assert done.stdout.startswith("allow"), done.stderr
    running.settle()
    (made,) = running.events(type="file.created", path="demo/by-ann")
    assert made.agent == "ann"
    registered = running.events(type="agent.registered")
    assert all(event.payload["pid"] > 2 for event in registered)


@needs_namespaces
def test_a_container_that_was_registered_from_outside_is_an_agent(running: Running) -> None:
    inside = subprocess.Popen(
        [*CONTAIN, "sh", "-c", f"read go; {' '.join(CTL)} check ls"],
        stdin=-1,
        stdout=-1,
        text=True,
        env=running.environment,
    )
    with running.client() as client:
        client.call(AgentRegisterRequest(id=0, agent="cat", pid=inside.pid))
    said, _ = inside.communicate("go\n")
    assert said.startswith("allow")
    assert running.events(type="gate.judged")[-1].agent == "cat"

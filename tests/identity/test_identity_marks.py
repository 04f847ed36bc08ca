"""Orphans of agents: whose they are when their ancestry no longer shows it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests_support.running import Running
from tests_support.waiting import until

from lighthoused.identity.acting import NOBODY
from lighthoused.identity.agents import Agents
from lighthoused.identity.cgroups import Cgroups, token_of
from lighthoused.identity.marks import Marks

SOON_S = 10.0
NO_GROUPS = Cgroups(Path("/dev/null"))
DAEMONIZED = (
    "import os\nif os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\nprint(os.getpid(), flush=True)\n"
)
Spawn = Callable[..., "subprocess.Popen[str]"]


def groups_can_be_made() -> bool:
    with subprocess.Popen(["sleep", "60"]) as process:
        made = Cgroups().enclose(process.pid, "0" * 32)
        process.kill()
        process.wait()
    if made:
        os.rmdir(made)
    return bool(made)


needs_groups = pytest.mark.skipif(not groups_can_be_made(), reason="no cgroup can be made here")


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Starts shells that wait for a line on their input before each `read x`."""
    started: list[subprocess.Popen[str]] = []

    def run(script: str, **environment: str) -> "subprocess.Popen[str]":
        started.append(
            subprocess.Popen(
                ["sh", "-c", script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **environment},
            )
        )
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def orphans() -> Iterator[list[int]]:
    made: list[int] = []
    yield made
    for pid in made:
        os.kill(pid, signal.SIGKILL)


def go(shell: "subprocess.Popen[str]") -> None:
    assert shell.stdin is not None
    shell.stdin.write("\n")
    shell.stdin.flush()


def said_pid(shell: "subprocess.Popen[str]") -> int:
    assert shell.stdout is not None
    return int(shell.stdout.readline())


def end(shell: "subprocess.Popen[str]") -> None:
    shell.kill()
    shell.wait()


@needs_groups
@pytest.mark.parametrize(
    "orphaned",
    [
        "sleep 60 & echo $!",
        "setsid sleep 60 & echo $!",
        "sh -c 'setsid sh -c \"setsid sleep 60 & echo \\$!\" &'",
        f"env -i {sys.executable} -c '{DAEMONIZED}import time; time.sleep(60)'",
    ],
)
async def test_an_orphan_nobody_looked_at_before_is_its_agents(spawn: Spawn, orphans: list[int], orphaned: str) -> None:
    agents = Agents()
    shell, stranger = spawn(f"read x; {orphaned}; read x"), spawn("sleep 60 & echo $!; read x")
    agents.register("alice", shell.pid, "s1", 0)
    await agents.mark(shell.pid)
    go(shell)
    orphans += [said_pid(shell), said_pid(stranger)]
    end(shell)
    end(stranger)
    assert [agents.of(pid) for pid in orphans] == [("alice", "s1"), NOBODY]


@needs_groups
async def test_children_born_before_the_registration_are_the_agents_too(spawn: Spawn, orphans: list[int]) -> None:
    agents = Agents()
    shell = spawn("sh -c 'sleep 60 & echo $!; wait' & sleep 60 & echo $!; setsid sleep 60 & echo $!; read x")
    pids = [said_pid(shell) for _ in range(3)]
    orphans += pids
    agents.register("alice", shell.pid, "s1", 0)
    await agents.mark(shell.pid)
    end(shell)
    assert [agents.of(pid) for pid in pids] == [("alice", "s1")] * 3


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@needs_groups
async def test_a_new_session_is_a_new_group_and_others_keep_theirs(spawn: Spawn, orphans: list[int]) -> None:
    agents = Agents()
    shell, other = spawn("read x; sleep 60 & echo $!; read x; read x"), spawn("read x; sleep 60 & echo $!; read x")
    for agent, process in (("alice", shell), ("bob", other)):
        agents.register(agent, process.pid, agent + "1", 0)
        await agents.mark(process.pid)
        go(process)
        orphans.append(said_pid(process))
    agents.register("alice", shell.pid, "alice2", 0)
    await agents.mark(shell.pid)
    assert agents.of(shell.pid) == ("alice", "alice2")
    end(shell)
    end(other)
    assert [agents.of(pid).agent for pid in orphans] == ["alice", "bob"]


async def test_without_groups_the_environment_is_taken_at_its_word(spawn: Spawn, orphans: list[int]) -> None:
    agents = Agents(marks=Marks(NO_GROUPS))
    alice = {"LIGHTHOUSE_AGENT": "alice", "LIGHTHOUSE_SESSION": "s1"}
    wrong = {**alice, "LIGHTHOUSE_SESSION": "s2"}
    shell = spawn("read x; sleep 60 & echo $!; read x", **alice)
    liars = [spawn("sleep 60 & echo $!; read x", **said) for said in (wrong, {"LIGHTHOUSE_AGENT": "alice"}, {})]
    agents.register("alice", shell.pid, "s1", 0)
    record = await agents.mark(shell.pid)
    assert record["group"] == ""
    go(shell)
    for process in (shell, *liars):
        orphans.append(said_pid(process))
        end(process)
    until(lambda: all(Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep") for pid in orphans))
    assert [agents.of(pid).agent for pid in orphans] == ["alice", "unknown", "unknown", "unknown"]


@needs_groups
async def test_no_word_counts_against_a_group_or_an_ancestor(spawn: Spawn, orphans: list[int]) -> None:
    agents = Agents()
    bob = {"LIGHTHOUSE_AGENT": "bob", "LIGHTHOUSE_SESSION": "s2"}
    liar, victim = spawn("read x; sleep 60 & echo $!; read x", **bob), spawn("read x", **bob)
    stranger = spawn("sleep 60 & echo $!; read x", **bob)
    for agent, process, session in (("alice", liar, "s1"), ("bob", victim, "s2")):
        agents.register(agent, process.pid, session, 0)
        await agents.mark(process.pid)
    go(liar)
    orphans += [said_pid(liar), said_pid(stranger)]
    end(liar)
    assert [agents.of(pid).agent for pid in orphans] == ["alice", "unknown"]


@needs_groups
async def test_empty_groups_go(spawn: Spawn) -> None:
    agents = Agents()
    shells = [spawn("read x") for _ in range(3)]
    groups = []
    for shell in shells:
        agents.register("alice", shell.pid, "", 0)
        groups.append(str((await agents.mark(shell.pid))["group"]))
    assert all(map(os.path.isdir, groups))
    end(shells[0])
    fresh = spawn("read x")
    agents.register("alice", fresh.pid, "", 0)
    await agents.mark(fresh.pid)
    assert [os.path.isdir(group) for group in groups] == [False, True, True]
    for shell in (*shells, fresh):
        end(shell)
    agents.close()
    assert not any(map(os.path.isdir, groups))
    assert token_of(os.getpid()) == ""


def started_by_alice(running: Running, script: str) -> None:
    """Start a script as an orphan of an agent whose other processes are killed."""
    run = subprocess.Popen(
        [sys.executable, "-m", "lighthoused.cli.launch", "run", "--agent", "alice", "--", "sh", "-c", script],
        env=running.environment,
        cwd=running.current,
        stdout=subprocess.PIPE,
        text=True,
    )
    leader = said_pid(run)
    for pid in (parent_of(leader), leader):
        os.kill(pid, signal.SIGKILL)
    run.communicate()


def until_there(path: Path) -> str:
    until(lambda: path.exists() and path.read_text())
    return path.read_text().strip()


@needs_groups
@pytest.mark.parametrize("restart", [False, True])
def test_an_orphan_stays_the_agents_on_mount_and_socket(running: Running, tmp_path: Path, restart: bool) -> None:
    ctl = f"{sys.executable} -m lighthoused.cli.launch"
    orphan = f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; cd {running.current}; echo x > made"
    orphan += f"; {ctl} token list; echo $? > {tmp_path}/code"
    started_by_alice(
        running, f"env -u LIGHTHOUSE_AGENT setsid sh -c '{orphan}' > /dev/null 2>&1 & echo $$; read x; wait"
    )
    if restart:
        running.restart()
    (tmp_path / "go").touch()
    assert until_there(tmp_path / "code") == "1"
    running.settle()
    assert {one.agent for one in running.events(path="demo/made")} == {"alice"}
    refused = running.events(type="security.refused")
    assert [one.agent for one in refused] == ["alice"]


def test_many_short_lived_processes_are_all_the_agents(running: Running) -> None:
    script = 'for i in $(seq 100); do (setsid sh -c "echo $i > file$i" &); echo o > owned$i; done; sleep 1'
    running.ctl("run", "--agent", "alice", "--", "sh", "-c", script, cwd=running.current)
    (running.current / "mine").write_text("x")
    running.settle()
    made = [one for one in running.events() if one.type == "file.written" and one.paths[0].startswith("demo/")]
    by_agent = {agent: {one.paths[0] for one in made if one.agent == agent} for agent in ("alice", "unknown")}
    assert len(by_agent["alice"]) == 200
    assert by_agent["unknown"] - {"demo/kept.txt"} == {"demo/mine"}

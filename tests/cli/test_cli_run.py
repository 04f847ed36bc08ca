"""`lighthousectl run`: exit codes, signals, environment, and whom everything that comes of a command acts as."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests_support.running import Running
from tests_support.waiting import until

CTL = [sys.executable, "-m", "lighthoused.cli.launch"]


def run(running: Running, script: str, *options: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    where = cwd or running.current
    return running.ctl("run", "--agent", "alice", *options, "--", "sh", "-c", script, check=False, cwd=where)


def started(running: Running, script: str) -> "subprocess.Popen[str]":
    """A run whose script has written its first line."""
    command = [*CTL, "run", "--agent", "alice", "--", "sh", "-c", script]
    process = subprocess.Popen(
        command, env=running.environment, stdout=subprocess.PIPE, text=True, cwd=running.current, process_group=0
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def author_of(running: Running, name: str) -> set[str]:
    running.settle()
    return {event.agent for event in running.events(path=f"demo/{name}")}


@pytest.mark.parametrize("code", [0, 1, 2, 3, 77, 255])
def test_the_commands_exit_code(running: Running, code: int) -> None:
    assert run(running, f"exit {code}").returncode == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_a_signal_that_ends_the_command(running: Running, number: signal.Signals) -> None:
    assert run(running, f"ulimit -c 0; kill -{number.value} $$").returncode == 128 + number


@pytest.mark.parametrize(
    ("command", "code", "error"),
    [("no-such-command", 127, "There is no command"), ("/etc/passwd", 126, "Permission denied"), ("text", 126, "Exec")],
)
def test_what_cannot_be_run(running: Running, tmp_path: Path, command: str, code: int, error: str) -> None:
    (tmp_path / "text").write_text("echo hi")
    (tmp_path / "text").chmod(0o755)
    whole = str(tmp_path / command) if command == "text" else command
    done = running.ctl("run", "--agent", "alice", "--", whole, check=False)
    assert done.returncode == code
    assert error in done.stderr
    assert "Traceback" not in done.stderr
    as_json = running.ctl("run", "--agent", "alice", "--json", "--", whole, check=False)
    assert error in json.loads(as_json.stderr)["error"]["message"]


def test_nothing_runs_without_an_agent(running: Running, tmp_path: Path) -> None:
    for options, code in ((("--agent", "a b"), 1), (("--agent", "unknown"), 1), ((), 2)):
        done = running.ctl("run", *options, "--", "touch", str(tmp_path / "ran"), check=False)
        assert done.returncode == code
    done = running.ctl("run", "--agent", "x", "--socket", "/nobody", "--", "touch", str(tmp_path / "ran"), check=False)
    assert done.returncode == 3
    assert not (tmp_path / "ran").exists()


def test_the_environment_leads_back_to_the_daemon(running: Running) -> None:
    names = ("AGENT", "SESSION", "STATE", "MOUNT", "SOCKET")
    script = "; ".join(f"echo $LIGHTHOUSE_{name}" for name in names) + "; echo $HOME; pwd"
    told = run(running, script, "--session", "s:1").stdout.splitlines()
    places = [str(running.state), str(running.mount), str(running.socket)]
    assert told == ["alice", "s:1", *places, os.environ["HOME"], str(running.current)]


def test_flags_win_over_the_environment(running: Running) -> None:
    options = ["--socket", str(running.socket), "--mount", "/elsewhere"]
    command = [*CTL, "run", *options, "--agent", "alice", "--", "sh", "-c", "echo $LIGHTHOUSE_SOCKET $LIGHTHOUSE_MOUNT"]
    environment = {**running.environment, "LIGHTHOUSE_SOCKET": "/nobody"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"{running.socket} /elsewhere\n"


def test_options_of_the_command_are_its_own(running: Running) -> None:
    done = running.ctl("run", "--agent", "alice", "--", "echo", "--json", "--agent", "-h")
    assert done.stdout == "--json --agent -h\n"


def test_streams_are_the_commands(running: Running) -> None:
    done = running.ctl("run", "--agent", "alice", "--", "sh", "-c", "cat; echo err >&2", input="in")
    assert (done.stdout, done.stderr) == ("in", "err\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_signals_are_passed_on(running: Running, number: signal.Signals) -> None:
    name = number.name.removeprefix("SIG")
    process = started(running, f"trap 'echo got {name}; exit 9' {name}; echo; while :; do sleep 0.05; done")
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert output == f"got {name}\n"
    assert process.returncode == 9


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_what_the_terminal_sends_is_the_commands_to_judge(running: Running, number: signal.Signals) -> None:
    name = number.name.removeprefix("SIG")
    process = started(running, f"trap 'echo asked' {name}; echo; sleep 0.5; echo done; exit 4")
    os.killpg(process.pid, number)
    output, _ = process.communicate(timeout=30)
    assert output == "asked\ndone\n"
    assert process.returncode == 4


def test_an_ignored_hangup_stays_ignored(running: Running) -> None:
    command = ["nohup", *CTL, "run", "--agent", "alice", "--", "sh", "-c", "kill -HUP $$; echo alive"]
    done = subprocess.run(command, env=running.environment, capture_output=True, text=True, check=True)
    assert done.stdout == "alive\n"


def test_orphans_are_reaped(running: Running) -> None:
    script = "for i in 1 2 3; do (setsid true &); done; sleep 0.3; ps --ppid $PPID -o stat= | grep -c Z"
    assert run(running, script).stdout == "0\n"


def test_what_outlives_the_command_still_acts_as_its_agent(running: Running) -> None:
    fifo = running.state.parent / "go"
    os.mkfifo(fifo)
    late = f"read x < {fifo}; echo late > late.txt; {sys.executable} -m lighthoused.cli.launch token issue --agent x"
    script = f"(setsid sh -c '{late}; echo $? > code.txt' > /dev/null 2>&1 &)"
    assert run(running, script).returncode == 0
    (first,) = [one for one in json.loads(running.ctl("agents", "--json").stdout) if one["alive"]]
    assert first["agent"] == "alice"
    fifo.write_text("\n")
    code = running.current / "code.txt"
    until(lambda: code.exists() and code.read_text() != "")
    assert code.read_text() == "1\n"
    assert author_of(running, "late.txt") == author_of(running, "code.txt") == {"alice"}
    until(lambda: not any(one["alive"] for one in json.loads(running.ctl("agents", "--json").stdout)))


def test_a_run_whose_first_process_is_killed_stays_the_agents(running: Running) -> None:
    process = started(running, "echo; while [ ! -e stop.txt ]; do sleep 0.05; done; echo x > after.txt")
    process.kill()
    process.wait()
    (running.current / "stop.txt").touch()
    until(lambda: (running.current / "after.txt").exists())
    assert process.stdout is not None
    assert process.stdout.read() == ""
    process.stdout.close()
    assert author_of(running, "after.txt") == {"alice"}

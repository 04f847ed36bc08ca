"""An agent in a sandbox: real daemon, mount and kernel."""

import ctypes
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from tests_support.running import Running

from lighthoused.sandbox import landlock
from lighthoused.sandbox.confinement import NEEDED

confining = pytest.mark.skipif(landlock.abi() < NEEDED, reason="this kernel has no Landlock that confines")
CTL = [sys.executable, "-m", "lighthoused.cli.launch"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home with secrets in it."""
    made = tmp_path / "home"
    for name in (".ssh/id_rsa", ".aws/credentials", ".npmrc", ".bashrc", ".gitconfig"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text("[user]\nname = t\nemail = t@t\n" if name == ".gitconfig" else "secret")
    return made


def run(running: Running, home: Path, script: str, *options: str, cwd: Path | None = None, **more: object):  # type: ignore[no-untyped-def]
    command = [*CTL, *options, "run", "--agent", "ada", "--sandbox", "--", "bash", "-c", script]
    environ = {**running.environment, "HOME": str(home)}
    return subprocess.run(
        command, cwd=cwd or running.current, env=environ, capture_output=True, text=True, check=False, **more
    )


@confining
def test_an_agent_works_in_its_project(running: Running, home: Path) -> None:
    script = """set -e
    echo one > made.txt; mkdir -p a/b; mv made.txt a/b/; cat kept.txt; ls ../history > /dev/null
    git init -q . && git add -A && git commit -qm first && git log --format=%s
    printf 'int main(void){return 0;}' > m.c && gcc m.c -o m && ./m
    python3 -c 'import tempfile, multiprocessing; tempfile.mkdtemp(); multiprocessing.Lock()'
    echo cached > $XDG_CACHE_HOME/x; echo temporary > $TMPDIR/x
    echo $TMPDIR"""
    done = run(running, home, script)
    assert done.returncode == 0, done.stderr
    said, temporary = done.stdout.splitlines()
    assert said == "keptfirst"
    assert not Path(temporary).exists()
    assert (home / ".cache/lighthouse/agents/ada/x").read_text() == "cached\n"
    (made,) = [one for one in running.events(type="file.created") if one.paths == ("demo/made.txt",)]
    assert made.agent == "ada"


@confining
@pytest.mark.parametrize(
    "attempt",
    [
        "cat ~/.ssh/id_rsa",
        "cat ~/.aws/credentials",
        "cat ~/.npmrc",
        "ls ~",
        "cat /etc/shadow",
        "python3 -c 'import os; os.truncate(os.path.expanduser(\"~/.ssh/id_rsa\"), 0)'",
        "echo x > ~/.bashrc",
        "echo x > ~/new",
        "rm -rf ~/.ssh",
        "ln ~/.ssh/id_rsa .",
        "ln -s ~/.ssh link && cat link/id_rsa",
        "cat $LIGHTHOUSE_STATE/token.keys",
        "ls $LIGHTHOUSE_MOUNT/other/current",
        "kill $PPID",
    ],
)
def test_an_agent_reaches_nothing_else(running: Running, home: Path, tmp_path: Path, attempt: str) -> None:
    if "other" in attempt:
        (tmp_path / "other").mkdir()
        running.ctl("project", "import", str(tmp_path / "other"))
    done = run(running, home, attempt)
    assert done.returncode != 0
    assert "secret" not in done.stdout
    assert (home / ".ssh/id_rsa").read_text() == (home / ".bashrc").read_text() == "secret"


@confining
def test_its_tools_reach_the_daemon(running: Running, home: Path) -> None:
    ctl = " ".join(CTL)
    done = run(running, home, f"{ctl} check --json 'rm -rf ~'; {ctl} token list")
    assert json.loads(done.stdout)["verdict"] == "deny"
    assert "role" in done.stderr
    assert running.events(type="gate.judged")[-1].agent == "ada"


@confining
def test_what_the_configuration_adds(running: Running, home: Path, tmp_path: Path) -> None:
    for name in ("books", "desk"):
        (tmp_path / name).mkdir()
    (tmp_path / "books/page").write_text("read me")
    config = tmp_path / "lighthouse.toml"
    config.write_text(f'[sandbox]\nread = ["{tmp_path}/books"]\nwrite = ["{tmp_path}/desk"]\nconnect = [443]\n')
    connect = "exec 3<>/dev/tcp/127.0.0.1/9"
    script = f"cat {tmp_path}/books/page; echo x > {tmp_path}/desk/x; echo x > {tmp_path}/books/x; {connect}"
    done = run(running, home, script, "--config", str(config))
    assert done.stdout == "read me"
    assert (tmp_path / "desk/x").exists()
    assert not (tmp_path / "books/x").exists()
    if landlock.abi() >= landlock.TCP_ABI:
        assert "Permission denied" in done.stderr.splitlines()[-1]
    shown = running.ctl("--config", str(config), "sandbox", "--json", cwd=running.current)
    told = json.loads(shown.stdout)
    assert told["connect"] == [443]
    assert {f"{tmp_path}/desk", f"{running.current}"} <= set(told["write"])


@confining
def test_a_directory_that_it_may_not_read_is_no_place_to_start(running: Running, home: Path, tmp_path: Path) -> None:
    done = run(running, home, "true", cwd=tmp_path)
    assert done.returncode == 1
    assert "may not read the working directory" in done.stderr
    assert "[sandbox]" in done.stderr
    assert running.ctl("run", "--agent", "ada", "--", "true", cwd=tmp_path).returncode == 0


@confining
def test_a_command_that_it_may_not_execute(running: Running, home: Path, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho ran\n")
    program.chmod(0o755)
    command = [*CTL, "run", "--agent", "ada", "--sandbox", "--", str(program)]
    done = subprocess.run(
        command, cwd=running.current, env=running.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 126
    assert "lighthousectl sandbox" in done.stderr


def without_landlock() -> None:
    """Let the kernel answer this process like one that has no Landlock: ENOSYS, by a seccomp filter (seccomp(2))."""
    load, equal, answer = 0x20, 0x15, 0x06
    instructions = (
        (load, 0, 0, 0),
        (equal, 0, 1, landlock.CREATE_RULESET),
        (answer, 0, 0, 0x00050000 | 38),
        (answer, 0, 0, 0x7FFF0000),
    )
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in instructions))
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(instructions), ctypes.addressof(program)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, head):
        os._exit(99)


def test_a_kernel_without_landlock_starts_nothing_unless_that_is_accepted(running: Running, home: Path) -> None:
    done = run(running, home, "echo ran", preexec_fn=without_landlock)
    assert (done.returncode, done.stdout) == (125, "")
    assert "This kernel has no Landlock" in done.stderr
    assert "hint: " in done.stderr
    command = [*CTL, "run", "--agent", "ada", "--sandbox=if-possible", "--", "sh", "-c", "echo $LIGHTHOUSE_SANDBOX"]
    done = subprocess.run(
        command,
        cwd=running.current,
        env={**running.environment, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=without_landlock,
    )
    assert (done.returncode, done.stdout) == (0, "none\n")
    assert "warning: This kernel has no Landlock: nothing is confined." in done.stderr

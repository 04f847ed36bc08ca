"""A day with Lighthouse, as its user lives it: real daemon, mount, socket and command line."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from tests_support.asking import BY_A_PROGRAM
from tests_support.running import Running

from lighthoused.cli import hook
from lighthoused.protocol.messages.log import Filter, SubscribeRequest

GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"]


def git(*arguments: str, cwd: Path) -> str:
    done = subprocess.run([*GIT, *arguments], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout


def upstream(where: Path) -> Path:
    """A git repository to clone."""
    where.mkdir()
    for name in ("main.py", "util.py", "README.md"):
        (where / name).write_text(f"# {name}\n" * 50)
    (where / "test_main.py").write_text("def test_it():\n    assert True\n")
    git("init", "-q", cwd=where)
    git("add", "-A", cwd=where)
    git("commit", "-qm", "first", cwd=where)
    return where


def act(running: Running, agent: str, script: str) -> None:
    """An agent runs a shell script in the project."""
    running.ctl("run", "--agent", agent, "--", "sh", "-c", script, cwd=running.current)


def test_two_agents_work_one_breaks_something_and_is_undone(running: Running, tmp_path: Path) -> None:
    source = upstream(tmp_path / "upstream")
    git("clone", "-q", str(source), "app", cwd=running.current)
    app = running.current / "app"
    assert git("status", "--porcelain", cwd=app) == ""
    found = subprocess.run(["grep", "-rl", "util.py", "."], cwd=app, check=True, capture_output=True, text=True)
    assert "./util.py" in found.stdout
    tested = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    quiet = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(tested, cwd=app, check=True, capture_output=True, env=quiet)

    act(running, "alice", "echo 'alice was here' >> app/main.py; mkdir app/docs; echo guide > app/docs/guide.md")
    act(running, "bob", "echo 'bob was here' >> app/util.py; rm -rf app/docs app/README.md app/.git")
    assert not (app / "docs").exists()

    (removed,) = [event for event in running.events(type="entry.removed") if event.paths == ("demo/app/README.md",)]
    assert removed.agent == "bob"
    before = running.project / "history" / f"@{removed.seq - 1}" / "app"
    assert (before / "README.md").read_text() == (source / "README.md").read_text()

    plan = running.ctl("undo", "demo", "--agent", "bob", "--json", "--yes")
    assert json.loads(plan.stdout)["applied"] is True
    assert (app / "docs/guide.md").read_text() == "guide\n"
    assert (app / "main.py").read_text().endswith("alice was here\n")
    assert (app / "util.py").read_text() == (source / "util.py").read_text()
    assert git("status", "--porcelain", cwd=app).split() == ["M", "main.py", "??", "docs/"]
    assert git("log", "--format=%s", cwd=app) == "first\n"

    who = running.ctl("history", "app/main.py", "--json", cwd=running.current)
    assert json.loads(who.stdout)[0]["agent"] == "alice"
    assert "whole" in running.ctl("log", "verify").stdout


def test_what_is_dangerous_is_denied_and_what_is_risky_asks_a_person(running: Running) -> None:
    denied = running.ctl("check", "rm -rf ~", "--json", check=False)
    assert denied.returncode == 1
    assert json.loads(denied.stdout)["verdict"] == "deny"
    assert running.ctl("check", "ls -la", check=False).returncode == 0
    assert running.ctl("check", "git push --force", check=False).returncode == 2

    outcome: list[subprocess.CompletedProcess[str]] = []
    check = [*BY_A_PROGRAM, *running.control, "check", "git push --force", "--wait", "--json"]

    def ask() -> None:
        outcome.append(subprocess.run(check, env=running.environment, capture_output=True, text=True, check=False))

    asking = threading.Thread(target=ask)
    with running.client(timeout=60.0) as client:
        requested = iter(client.stream(SubscribeRequest(id=0, filter=Filter(type="approval.requested"))))
        head = running.head()
        asking.start()
        assert next(requested).seq > head
    (waiting,) = json.loads(running.ctl("approvals", "list", "--json").stdout)
    assert waiting["input"] == {"command": "git push --force"}
    seen = json.loads(running.ctl("approvals", "show", waiting["id"], "--json").stdout)["seen"]
    running.ctl("approvals", "approve", waiting["id"], "--seen", seen)
    asking.join()
    assert outcome[0].returncode == 0
    assert json.loads(outcome[0].stdout)["tier"] == "human"
    kinds = [event.type for event in running.events(stream="approvals/*")]
    assert kinds == ["approval.requested", "approval.answered"]
    assert running.ctl("check", "git push --force", check=False).returncode == 2


def test_a_batch_is_answered_line_by_line_in_order(running: Running, tmp_path: Path) -> None:
    batch = tmp_path / "batch.jsonl"
    batch.write_text('{"command": "ls"}\n{"command": "rm -rf /", "cwd": "/tmp"}\nnot json\n{"command": "pwd"}\n')
    for options in ((), ("--local",)):
        done = running.ctl("check", "--batch", str(batch), *options, check=False)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert [row.get("verdict") for row in rows] == ["allow", "deny", None, "allow"]
        assert set(rows[0]) == {"verdict", "tier", "rule", "reason", "effects", "latency_us"}
        assert "error" in rows[2]
        assert done.returncode == 3


def test_the_hook_denies_and_fails_closed(running: Running) -> None:
    event = json.dumps({"tool_name": "Bash", "tool_input": {"command": "rm -rf ~"}, "cwd": "/"}, indent=1)
    for socket in (str(running.socket), str(running.state / "nobody")):
        command = [sys.executable, "-I", "-S", hook.__file__, "--socket", socket]
        done = subprocess.run(command, input=event, capture_output=True, text=True, check=True)
        output = json.loads(done.stdout)["hookSpecificOutput"]
        assert output["permissionDecision"] == "deny"
        assert output["permissionDecisionReason"]


def test_an_agent_cannot_approve_or_undo(running: Running) -> None:
    ctl = f"{sys.executable} -m lighthoused.cli.launch"
    script = f"{ctl} approvals approve x; {ctl} token issue --agent x"
    done = running.ctl("run", "--agent", "eve", "--", "sh", "-c", script, check=False)
    assert done.returncode != 0
    assert {event.agent for event in running.events(stream="security")} == {"eve"}


def test_a_stale_mount_is_cleaned_up(running: Running) -> None:
    running.kill()
    try:
        os.stat(running.mount)
        stale = False
    except OSError:
        stale = True
    assert stale
    running.start()
    assert (running.current / "kept.txt").read_text() == "kept"


def test_export_writes_any_moment(running: Running, tmp_path: Path) -> None:
    seq = running.head()
    (running.current / "kept.txt").write_text("later")
    running.ctl("project", "export", "demo", str(tmp_path / "out"), "--at", f"@{seq}")
    assert (tmp_path / "out/kept.txt").read_text() == "kept"
    changed = running.ctl("diff", f"@{seq}", "--project", "demo")
    assert "+later" in changed.stdout

"""Our hook in other people's settings of Claude Code."""

import json
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lighthoused.cli.main import cli

OLD = "/usr/bin/python3 -I -S /opt/lighthouse/lighthoused/cli/hook.py --socket /old/sock"
THEIRS = [
    "echo mine",
    "grep -c x /src/lighthoused/cli/hook.py",
    "/usr/bin/python3 /src/lighthoused/cli/hook.py.bak",
    "mylighthousectl hook",
    "echo lighthousectl hook",
]


def ctl(tmp_path: Path, *arguments: str, socket: str = "/run/lh.sock", **env: str) -> Result:
    environment = {"LIGHTHOUSE_STATE": str(tmp_path / "state"), **env}
    return CliRunner(env=environment).invoke(cli, ["--socket", socket, "hook", *arguments], catch_exceptions=False)


def settings(tmp_path: Path, content: Any, indent: int | str | None = 2) -> Path:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(content, indent=indent) + "\n")
    return file


def commands(file: Path) -> list[str]:
    groups = json.loads(file.read_text()).get("hooks", {}).get("PreToolUse", [])
    return [handler["command"] for group in groups for handler in group["hooks"]]


def handler(command: str) -> dict[str, Any]:
    return {"type": "command", "command": command}


def test_install_and_uninstall_leave_every_other_byte(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    text = (
        '{\n    "model": "opus",  "n": 1e3,\n    "hooks": {"Stop": [], "PreToolUse": [\n'
        '        {"matcher": "Bash", "hooks": [{"type": "command", "command": "\\u0065cho"}]}\n    ]},\n    "z": {}\n}'
    )
    file.write_text(text)
    assert ctl(tmp_path, "install", "--settings", str(file)).exit_code == 0
    assert len(commands(file)) == 2
    before, after = text.split("\n    ]},")
    assert file.read_text().startswith(before)
    assert file.read_text().endswith(after)
    assert ctl(tmp_path, "uninstall", "--settings", str(file)).exit_code == 0
    assert file.read_text() == text


def test_install_is_idempotent(tmp_path: Path) -> None:
    file = settings(tmp_path, {"a": 1})
    assert "installed" in ctl(tmp_path, "install", "--settings", str(file)).output
    once, written = file.read_bytes(), file.stat()
    assert "was installed already" in ctl(tmp_path, "install", "--settings", str(file)).output
    assert file.read_bytes() == once
    assert file.stat().st_ino == written.st_ino


def test_install_replaces_an_older_entry_of_ours(tmp_path: Path) -> None:
    file = settings(tmp_path, {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [handler(OLD), handler("x")]}]}})
    ctl(tmp_path, "install", "--settings", str(file), socket="/new/sock")
    theirs, ours = commands(file)
    assert theirs == "x"
    assert "/new/sock" in ours
    assert "/old/sock" not in file.read_text()


def test_uninstall_takes_only_ours_out_of_a_shared_list(tmp_path: Path) -> None:
    mixed = [handler(THEIRS[0]), handler(OLD), *map(handler, THEIRS[1:]), handler("lighthousectl hook")]
    groups = [{"matcher": "Bash", "hooks": mixed}, {"matcher": "*", "hooks": [handler(OLD)]}, {"matcher": "Edit"}, 3]
    file = settings(tmp_path, {"x": 1, "hooks": {"PreToolUse": groups, "PostToolUse": [{"hooks": [handler(OLD)]}]}})
    ctl(tmp_path, "uninstall", "--settings", str(file))
    kept = json.loads(file.read_text())
    assert kept["hooks"]["PreToolUse"] == [
        {"matcher": "Bash", "hooks": [handler(line) for line in THEIRS]},
        {"matcher": "Edit"},
        3,
    ]
    assert set(kept["hooks"]) == {"PreToolUse"}


def test_uninstall_without_ours_writes_nothing(tmp_path: Path) -> None:
    file = settings(tmp_path, {"hooks": {"PreToolUse": []}}, indent=None)
    before = file.stat()
    done = ctl(tmp_path, "uninstall", "--settings", str(file))
    assert done.exit_code == 0
    assert "not installed" in done.output
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    missing = tmp_path / "none/settings.json"
    assert ctl(tmp_path, "uninstall", "--settings", str(missing)).exit_code == 0
    assert not missing.parent.exists()


def test_install_makes_the_file(tmp_path: Path) -> None:
    file = tmp_path / "new/.claude/settings.json"
    assert json.loads(ctl(tmp_path, "install", "--json", "--settings", str(file)).output)["changed"] is True
    assert len(commands(file)) == 1
    ctl(tmp_path, "uninstall", "--settings", str(file))
    assert json.loads(file.read_text()) == {}


@pytest.mark.parametrize("action", ["install", "uninstall"])
@pytest.mark.parametrize("text", ["{", "", "[]", '{"hooks": []}', '{"hooks": {"PreToolUse": {}}}', '{"hooks": null}'])
def test_settings_of_another_form_are_refused_and_left_alone(tmp_path: Path, action: str, text: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text)
    done = ctl(tmp_path, action, "--settings", str(file))
    assert done.exit_code == 1
    assert "error: " in done.stderr
    assert "hint: " in done.stderr
    assert file.read_text() == text


def test_the_command_fails_closed_whatever_happens_to_it(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    socket = "/a b/it's.sock"
    ctl(tmp_path, "install", "--settings", str(file), socket=socket)
    (line,) = commands(file)
    assert shlex.split(line)[5] == socket
    done = subprocess.run(["sh", "-c", line], input="{}", capture_output=True, text=True, check=True)
    decided = json.loads(done.stdout)["hookSpecificOutput"]
    assert decided["permissionDecision"] == "deny"
    assert socket in decided["permissionDecisionReason"]
    gone = line.replace("-I", "--no-such-flag", 1)
    failed = subprocess.run(["sh", "-c", gone], capture_output=True, check=False)
    assert failed.returncode == 2
    assert b"could not run" in failed.stderr
    ctl(tmp_path, "uninstall", "--settings", str(file))
    assert json.loads(file.read_text()) == {}


def test_a_dry_run_shows_the_change_and_makes_none(tmp_path: Path) -> None:
    file = settings(tmp_path, {"model": "opus"})
    before = file.read_bytes()
    shown = ctl(tmp_path, "install", "--settings", str(file), "--dry-run").output
    assert shown.startswith(f"--- {file}\n+++ {file}\n")
    assert '+    "PreToolUse": [' in shown
    assert file.read_bytes() == before
    told = json.loads(ctl(tmp_path, "install", "--settings", str(file), "--dry-run", "--json").output)
    assert (told["changed"], "PreToolUse" in told["diff"]) == (True, True)
    ctl(tmp_path, "install", "--settings", str(file))
    assert '-    "PreToolUse": [' in ctl(tmp_path, "uninstall", "--settings", str(file), "--dry-run").output
    assert len(commands(file)) == 1
    again = ctl(tmp_path, "install", "--settings", str(file), "--dry-run").output
    assert "was installed already" in again
    missing = tmp_path / "none/settings.json"
    assert "+++" in ctl(tmp_path, "install", "--settings", str(missing), "--dry-run").output
    assert not missing.parent.exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "project/.claude/settings.json"),
        (("--scope", "local"), "project/.claude/settings.local.json"),
        (("--scope", "user"), "home/.claude/settings.json"),
        (("--for", "codex"), "project/.codex/hooks.json"),
        (("--for", "codex", "--scope", "user"), "codex/hooks.json"),
    ],
)
def test_every_scope_has_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], expected: str
) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    homes = {"HOME": str(tmp_path / "home"), "CODEX_HOME": str(tmp_path / "codex")}
    assert ctl(tmp_path, "install", *options, **homes).exit_code == 0
    assert [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.json")] == [expected]


def test_only_events_that_every_version_knows_are_installed_unasked(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    ctl(tmp_path, "install", "--settings", str(file))
    plain = json.loads(file.read_text())["hooks"]
    assert set(plain) == {"PreToolUse", "PostToolUse", "UserPromptSubmit", "SessionStart", "SessionEnd"}
    ctl(tmp_path, "install", "--settings", str(file), "--failures")
    assert "PostToolUseFailure" in json.loads(file.read_text())["hooks"]
    ctl(tmp_path, "install", "--settings", str(file))
    assert json.loads(file.read_text())["hooks"] == plain


def test_codex_has_its_own_events_and_is_told_to_trust(tmp_path: Path) -> None:
    file = tmp_path / "hooks.json"
    file.write_text('{"description": "mine", "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}}')
    before = file.read_text()
    done = ctl(tmp_path, "install", "--for", "codex", "--settings", str(file), "--unreachable", "ask")
    assert "/hooks" in done.stderr
    hooks = json.loads(file.read_text())["hooks"]
    assert set(hooks) == {"Stop", "PreToolUse", "PostToolUse", "UserPromptSubmit", "SessionStart"}
    assert "--unreachable" not in file.read_text()
    refused = ctl(tmp_path, "install", "--for", "codex", "--failures")
    assert refused.exit_code == 1
    assert "no hook for failed calls" in refused.stderr
    assert ctl(tmp_path, "install", "--for", "codex", "--scope", "local").exit_code == 1
    ctl(tmp_path, "uninstall", "--for", "codex", "--settings", str(file))
    assert file.read_text() == before


REQUIREMENTS = """# the administrator's
allow_managed_hooks_only = true

[hooks]
managed_dir = "/etc/codex"

[[hooks.Stop]]
[[hooks.Stop.hooks]]
type = "command"
command = "theirs"
"""


@pytest.mark.parametrize("text", ["", REQUIREMENTS, "[features]\nhooks = true # on\n"])
def test_managed_hooks_of_codex_are_toml(tmp_path: Path, text: str) -> None:
    file = tmp_path / "requirements.toml"
    if text:
        file.write_text(text)
    where = ("--for", "codex", "--scope", "managed", "--settings", str(file))
    done = ctl(tmp_path, "install", *where)
    assert "/hooks" not in done.stderr
    once = file.read_text()
    assert once.startswith(text)
    hooks = tomllib.loads(once)["hooks"]
    assert {"PreToolUse", "PostToolUse", "UserPromptSubmit", "SessionStart"} <= set(hooks)
    assert hooks["PreToolUse"][0]["hooks"][0]["timeout"] == 330
    assert "was installed already" in ctl(tmp_path, "install", *where).output
    ctl(tmp_path, "install", *where, socket="/new/sock")
    assert "/run/lh.sock" not in file.read_text()
    ctl(tmp_path, "uninstall", *where)
    assert file.read_text() == text


@pytest.mark.parametrize("text", ["x = ", "hooks = 3", "[hooks]\nPreToolUse = 3"])
def test_toml_of_another_form_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "requirements.toml"
    file.write_text(text)
    for action in ("install", "uninstall"):
        done = ctl(tmp_path, action, "--for", "codex", "--settings", str(file))
        assert (done.exit_code, "hint: " in done.stderr) == (1, True)
        assert file.read_text() == text


def test_a_name_that_no_agent_may_have_is_refused_before_it_denies_everything(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    done = ctl(tmp_path, "install", "--settings", str(file), "--agent", "no such name")
    assert done.exit_code == 1
    assert "cannot be the name of an agent" in done.stderr
    assert not file.exists()

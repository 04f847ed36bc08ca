"""Which project and path is meant by what somebody wrote, and where."""

import json
import os
from pathlib import Path

import pytest
from tests_support.running import Running

from lighthoused.cli.session import Session
from lighthoused.core.errors import Invalid


@pytest.fixture
def session(running: Running) -> Session:
    flags = {"state": str(running.state), "mount": str(running.mount), "socket": str(running.socket)}
    return Session(flags, as_json=False)


@pytest.mark.parametrize(
    ("cwd", "path", "found"),
    [
        ("", "a/b", "a/b"),
        ("", "./a//b/.", "a/b"),
        ("", "a/../b", "b"),
        ("", ".", ""),
        ("/", "MOUNT/demo/current/a", "a"),
        ("/", "MOUNT/demo/current", ""),
        ("/", "MOUNT/demo", ""),
        ("demo", "current/a", "a"),
        ("demo/current/sub", "a", "sub/a"),
        ("demo/current/sub", "../a", "a"),
        ("demo/current/sub", "..", ""),
        ("demo/history", "../current/a", "a"),
        ("", "back\\slash", "back\\\\slash"),
        ("", os.fsdecode(b"\xff"), "\\xff"),
    ],
)
def test_paths_within_a_project(
    running: Running, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cwd: str, path: str, found: str
) -> None:
    (running.current / "sub").mkdir(exist_ok=True)
    monkeypatch.chdir(running.mount / cwd if cwd else tmp_path)
    assert session.located(path.replace("MOUNT", str(running.mount))) == ("demo", found)


@pytest.mark.parametrize(
    ("cwd", "path"),
    [
        ("", "/etc/passwd"),
        ("", "../a"),
        ("", ".."),
        ("", "a/../../b"),
        ("", "/"),
        ("", "MOUNT"),
        ("", "MOUNTAIN/demo/current/a"),
        ("", "MOUNT/demo/history/@1/a"),
        ("", "MOUNT/demo/status"),
        ("", "MOUNT/demo/current/../history"),
        ("demo/history", "@1/a"),
        ("demo", "a"),
        ("demo/current", "../../../x"),
    ],
)
@pytest.mark.parametrize("command", ["history", "undo", "diff"])
def test_paths_elsewhere_are_refused(
    running: Running, tmp_path: Path, cwd: str, path: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(running.mount / cwd if cwd else tmp_path)
    whole = path.replace("MOUNT", str(running.mount))
    flags = {"state": str(running.state), "mount": str(running.mount), "socket": str(running.socket)}
    with pytest.raises(Invalid) as refused:
        Session(flags, as_json=False).located(whole)
    assert "current" in refused.value.hint
    if path in ("/etc/passwd", "@1/a"):
        arguments = {"undo": ["undo", whole, "--since", "@1", "--yes"], "diff": ["diff", "@1", "--path", whole]}
        done = running.ctl(*arguments.get(command, [command, whole]), check=False)
        assert done.returncode == 1
        assert "hint: Use " in done.stderr


def test_a_second_project_has_to_be_named(running: Running, session: Session, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    running.ctl("project", "import", str(other))
    done = running.ctl("history", check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert "hint: Use --project; there are: demo, other." in done.stderr
    assert running.ctl("history", "--project", "other", cwd=tmp_path).stdout != ""
    assert running.ctl("history", cwd=running.current).stdout != ""
    for project in ("other", "none"):
        done = running.ctl("history", str(running.current), "--project", project, check=False)
        assert done.returncode == 1
        assert f"is not in project {project}." in done.stderr
    both = [str(running.current / "a"), str(running.mount / "other/current/a")]
    done = running.ctl("undo", *both, "--since", "@1", "--yes", check=False)
    assert done.returncode == 1
    assert "several projects: demo, other" in done.stderr
    made = json.loads(running.ctl("snapshot", "create", "s", "--json", cwd=running.mount / "other").stdout)
    assert made["project"] == "other"

"""Calls of other tools than the shell, judged by the default policies, and the effects that they have."""

from typing import Any

import pytest

from lighthoused.core.effects import World
from lighthoused.core.errors import Invalid
from lighthoused.core.verdicts import Request
from lighthoused.gate import analysis
from lighthoused.gate.files import Files
from lighthoused.gate.gate import Gate
from lighthoused.gate.local import local_gate
from lighthoused.gate.programs import patches
from lighthoused.gate.tools import effects_of

HOME = "/home/ann"
CWD = f"{HOME}/work"
WORLD = World(home=HOME, roots=(CWD,), mount="/mnt/lh", user="ann")
ANALYSER = analysis.standard()
PATCH = """*** Begin Patch
*** Add File: docs/new.md
+# New
+text
*** Update File: src/a.py
*** Move to: src/b.py
@@ def f
-old
+new
*** Delete File: {deleted}
*** End Patch
"""


@pytest.fixture(scope="module")
def gate() -> Gate:
    return local_gate()


@pytest.mark.parametrize(
    ("tool", "given", "verdict"),
    [
        ("create_file", {"filePath": "/etc/passwd", "content": "x"}, "deny"),
        ("delete_file", {"path": "src/a.py"}, "allow"),
        ("delete_file", {"target_file": "/usr/bin/python3"}, "deny"),
        ("view_image", {"path": f"{HOME}/.ssh/id_rsa"}, "escalate"),
        ("WebSearch", {"query": "rm -rf /"}, "allow"),
        ("Task", {"prompt": "rm -rf /", "description": "x"}, "allow"),
        ("apply_patch", {"input": PATCH.format(deleted="src/old.py")}, "allow"),
        ("apply_patch", {"input": PATCH.format(deleted="/usr/bin/python3")}, "deny"),
        ("apply_patch", {"command": ["apply_patch", PATCH.format(deleted="/usr/bin/python3")]}, "deny"),
        ("apply_patch", {"input": "rm -rf /"}, "deny"),
        ("apply_patch", {}, "deny"),
        ("shell", {"command": ["apply_patch", PATCH.format(deleted="/usr/bin/python3")]}, "deny"),
        ("shell", {"command": ["bash", "-lc", f"apply_patch <<'E'\n{PATCH.format(deleted='/etc/hosts')}E"]}, "deny"),
        ("shell", {"command": ["bash", "-lc", "rm -rf ."], "workdir": f"{CWD}/build"}, "allow"),
        ("shell", {"command": ["bash", "-lc", "rm -rf ."], "workdir": HOME}, "deny"),
        ("exec_command", {"cmd": "rm -rf /"}, "deny"),
        ("write_stdin", {"session_id": 1, "chars": "\n"}, "allow"),
        ("mcp__filesystem__read_file", {"path": "README.md"}, "allow"),
        ("mcp__filesystem__read_file", {"path": f"{HOME}/.ssh/id_rsa"}, "escalate"),
        ("mcp__filesystem__read_multiple_files", {"paths": ["README.md", f"{HOME}/.ssh/id_rsa"]}, "escalate"),
        ("mcp__filesystem__write_file", {"path": "/etc/passwd", "content": "x"}, "deny"),
        ("mcp__filesystem__move_file", {"source": "a", "destination": f"{HOME}/.bashrc"}, "escalate"),
        ("mcp__unknown__delete_file", {"path": "/usr/bin/python3"}, "deny"),
        ("mcp__github__get_file_contents", {"owner": "a", "repo": "b", "path": ".env"}, "allow"),
        ("mcp__github__create_issue", {"title": "rm -rf /"}, "allow"),
        ("mcp__github__delete_repository", {"repo": "b"}, "escalate"),
        ("mcp__slack__slack_post_message", {"text": "hi"}, "escalate"),
        ("mcp__gmail__sendEmail", {"to": "x@example.com"}, "escalate"),
        ("mcp__npm__publish_package", {"name": "x"}, "escalate"),
        ("mcp__shell__run_command", {"command": "rm -rf /"}, "deny"),
        ("mcp__shell__run_command", {"command": "ls"}, "allow"),
        ("mcp__shell__execute_command", {"command": "rm -rf .", "cwd": HOME}, "deny"),
        ("mcp__postgres__query", {"sql": "select 1"}, "allow"),
        ("mcp__postgres__query", {"sql": "drop table users"}, "escalate"),
        ("mcp__fetch__fetch", {"url": "https://example.com"}, "allow"),
        ("mcp__x__search_and_delete", {"q": "x"}, "escalate"),
        ("mcp__x__list_deleted_items", {}, "allow"),
        ("mcp__x__frobnicate", {}, "allow"),
        ("Frobnicate", {}, "allow"),
    ],
)
def test_verdicts(gate: Gate, tool: str, given: dict[str, Any], verdict: str) -> None:
    judged = gate.judge(Request(tool, given, CWD, "ann"), WORLD)
    assert judged.verdict == verdict, judged


@pytest.mark.parametrize("tool", ["mcp__x__frobnicate", "mcp__x", "mcp__", "mcp__x__run_it", "Frobnicate", ""])
def test_strict_asks_about_tools_that_say_nothing(tool: str) -> None:
    assert local_gate("strict").judge(Request(tool, {}, CWD, "ann"), WORLD).rule == "strict.unknown"


def test_a_patch_is_read_whole() -> None:
    assert patches.parse(PATCH.format(deleted="x")) == [
        patches.Patched("write", "docs/new.md", "# New\ntext\n", whole=True),
        patches.Patched("delete", "src/a.py"),
        patches.Patched("write", "src/b.py", "new\n"),
        patches.Patched("delete", "x"),
    ]
    with pytest.raises(Invalid, match="Begin Patch"):
        patches.parse("diff --git a b")
    with pytest.raises(Invalid, match="names no file"):
        patches.parse("*** Begin Patch\n*** End Patch")


def contents(tool: str, given: dict[str, Any], known: dict[str, str]) -> Files:
    files = Files(known.get)
    effects_of(Request(tool, given, CWD, "ann"), WORLD, ANALYSER, files)
    return files


def test_what_tools_write_is_known() -> None:
    path = f"{CWD}/a.sh"
    assert contents("Write", {"file_path": "a.sh", "content": "ls\n"}, {}) == {path: "ls\n"}
    edit = {"file_path": "a.sh", "old_string": "ls", "new_string": "rm"}
    assert contents("Edit", edit, {path: "ls; ls"}) == {path: "rm; ls"}
    assert contents("Edit", {**edit, "replace_all": True}, {path: "ls; ls"}) == {path: "rm; rm"}
    assert contents("Edit", edit, {}) == {path: "\ue000"}
    assert contents("Edit", edit, {path: "cat"}) == {path: "\ue000"}
    edits = {
        "file_path": "a.sh",
        "edits": [{"old_string": "", "new_string": "a"}, {"old_string": "a", "new_string": "b"}],
    }
    assert contents("MultiEdit", edits, {path: "x"}) == {path: "b"}
    assert contents("Bash", {"command": "echo ls > a.sh"}, {}) == {path: "ls\n"}
    assert contents("Bash", {"command": "echo rm >> a.sh"}, {path: "ls\n"}) == {path: "ls\nrm\n"}
    assert contents("apply_patch", {"input": PATCH.format(deleted="x")}, {})[f"{CWD}/docs/new.md"] == "# New\ntext\n"


def test_what_is_known_is_judged_when_it_runs() -> None:
    known = {f"{CWD}/a.sh": "rm -rf /"}.get
    for command in ("sh a.sh", "./a.sh", ". a.sh", "cat a.sh | sh", "bash < a.sh"):
        found = effects_of(Request("Bash", {"command": command}, CWD, "ann"), WORLD, ANALYSER, Files(known))
        assert "delete" in [effect.kind for effect in found.effects], command
    looked = Files(None, {f"{CWD}/a.sh": "rm -rf /"}.get)
    found = effects_of(Request("Bash", {"command": "sh a.sh"}, CWD, "ann"), WORLD, ANALYSER, looked)
    assert looked.looked
    assert "delete" in [effect.kind for effect in found.effects]

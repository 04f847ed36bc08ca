"""`lighthousectl check` against a real daemon."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests_support.running import Running


@pytest.mark.parametrize(("text", "code", "verdict"), [("ls", 0, "allow"), ("rm -rf ~", 1, "deny")])
def test_exit_codes_and_forms(running: Running, text: str, code: int, verdict: str) -> None:
    done = running.ctl("check", text, check=False)
    assert done.returncode == code
    assert done.stdout.startswith(f"{verdict}: ")
    explained = running.ctl("check", "--explain", text, check=False)
    assert explained.returncode == code
    assert "\ntier " in explained.stdout
    as_json = running.ctl("check", text, "--json", check=False)
    assert as_json.returncode == code
    assert json.loads(as_json.stdout)["verdict"] == verdict
    local = running.ctl("check", "--local", text, "--socket", "/nobody", check=False)
    assert local.returncode == code


def test_escalation_without_waiting(running: Running) -> None:
    done = running.ctl("check", "git push --force", "--json", check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout)["verdict"] == "escalate"


def test_errors_are_exit_code_3_and_never_a_verdict(running: Running, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[nope]")
    for options in (("--socket", "/nobody"), ("--config", str(bad)), ("--token", "nonsense")):
        done = running.ctl("check", "ls", *options, check=False)
        assert done.returncode == 3, options
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")
        assert "hint: " in done.stderr


def test_a_directory_counts(running: Running) -> None:
    def kept(*options: str, cwd: Path | None = None) -> Any:
        return running.ctl("check", "rm -rf *", *options, check=False, cwd=cwd).returncode

    assert kept(cwd=running.current) == kept("--cwd", str(running.current)) == 0
    assert kept("--cwd", "current", cwd=running.project) == 0
    assert kept("--cwd", "/") != 0


def test_a_batch_takes_each_lines_directory_from_its_own(running: Running, tmp_path: Path) -> None:
    batch = tmp_path / "batch"
    rows = [{"command": "rm -rf *", "cwd": "current"}, {"command": "rm -rf *", "cwd": "/"}, {"command": 3}]
    batch.write_text("\n\n".join(map(json.dumps, rows)))
    done = running.ctl("check", "--batch", str(batch), "--cwd", str(running.project), check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer.get("verdict") for answer in answers] == ["allow", "deny", None]
    assert done.returncode == 3

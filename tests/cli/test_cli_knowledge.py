"""`lighthousectl kb` without a daemon."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CTL = [sys.executable, "-m", "lighthoused.cli.launch", "kb"]


def kb(*words: str, config: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LIGHTHOUSE_SOCKET": "/nonexistent/socket"}
    flags = ["--config", str(config)] if config else []
    return subprocess.run([*CTL, *flags, *words], env=environment, capture_output=True, text=True)


def test_show_explains_and_judges() -> None:
    shown = kb("show", "git", "push", "--force")
    assert shown.returncode == 0
    assert "why      A forced push replaces commits that others have." in shown.stdout
    assert "judged   escalate, work.rewrite-shared" in shown.stdout


def test_json_has_the_same() -> None:
    shown = json.loads(kb("show", "rm", "-rf", "--json").stdout)
    assert shown["program"] == "rm"
    assert {one["verdict"] for one in shown["forms"][0]["judged"]} == {"allow", "escalate", "deny"}


def test_users_policies_and_profile_are_those_in_force(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "mine.rego").write_text(
        'package lighthouse\nimport rego.v1\nrules contains deny("mine.push", n, "No.") if some n in by.push\n'
    )
    config = tmp_path / "lighthouse.toml"
    config.write_text('[gate]\nprofile = "strict"\n')
    assert "judged   deny, mine.push: No." in kb("show", "hg", "push", config=config).stdout


def test_domains_and_their_programs() -> None:
    domains = json.loads(kb("list", "--json").stdout)
    assert domains["git"] > 5
    assert any(line.startswith("git\tgit\t") for line in kb("list", "git").stdout.splitlines())


@pytest.mark.parametrize("words", [("show", "no-such-program"), ("list", "no-such-domain"), ("search", "no such")])
def test_what_is_not_known_is_an_error_with_a_hint(words: tuple[str, ...]) -> None:
    refused = kb(*words)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "hint: " in refused.stderr

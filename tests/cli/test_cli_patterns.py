"""`lighthousectl approvals always` and `patterns` against a real daemon."""

import json
import re
from collections.abc import Iterator

import pytest
from tests_support.asking import Askers, careful, code_of
from tests_support.running import Running, serving
from tests_support.terminal import Terminal

CWD = "/srv/demo"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(careful(tmp_path_factory.mktemp("patterns"))) as daemon:
        yield daemon


def check(running: Running, command: str) -> str:
    return running.ctl("check", command, "--cwd", CWD, "--explain", check=False).stdout


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("--project",), "from any agent in this project"),
        (("--everywhere",), "from any agent in any project"),
    ],
)
def test_always_and_back(running: Running, asks: Askers, option: tuple[str, ...], told: str) -> None:
    asked = asks({"command": "git branch -D old"}, cwd=CWD)
    shown = running.ctl("approvals", "show", asked.id).stdout
    assert re.search(r"^pattern +git branch -D old\n +in <project>; <project> is /srv/demo\n", shown, re.MULTILINE)
    done = running.ctl("approvals", "always", asked.id, *option, "--seen", code_of(running, asked.id)).stdout
    assert done.startswith(f"always allowed {told}: git branch -D old\n")
    pattern = done.split()[-1]
    assert asked.verdict().verdict == "allow"

    explained = check(running, "git branch -D 'old'")
    assert re.match(rf"allow: owner allowed this for good \(pattern {pattern}, event \d+\)\.\ntier pattern", explained)
    assert running.ctl("patterns", "list").stdout.startswith(f"{pattern}\talways allowed\t")
    (listed, *_) = json.loads(running.ctl("patterns", "list", "--json").stdout)
    assert (listed["id"], listed["standing"], listed["verdict"]) == (pattern, True, "allow")
    whole = running.ctl("patterns", "show", pattern).stdout
    assert whole.startswith(f"{pattern}: always allowed any agent in ")
    assert re.search(r"^\d+\t.*\towner\tallow\t.*\tgit branch -D old$", whole, re.MULTILINE)
    assert json.loads(running.ctl("patterns", "show", pattern, "--json").stdout)["pattern"]["id"] == pattern

    assert running.ctl("patterns", "revoke", pattern).stdout == f"revoked: {pattern}\n"
    assert check(running, "git branch -D old").startswith("escalate: ")
    again = running.ctl("patterns", "revoke", pattern, check=False)
    assert (again.returncode, again.stderr.split("\n")[0]) == (1, f"error: There is no pattern '{pattern}'.")


def test_it_is_only_for_what_was_seen(running: Running, asks: Askers) -> None:
    asked = asks({"command": "git branch -D topic"}, cwd=CWD)
    for options, expected in (
        ((), "error: Nobody is there to see what would be approved."),
        (("--seen", "0" * 16), "is not what was seen as"),
        (("--seen", "0"), "is too short"),
    ):
        refused = running.ctl("approvals", "always", asked.id, *options, check=False)
        assert (refused.returncode, expected in refused.stderr) == (1, True)
    assert check(running, "git branch -D topic").startswith("escalate: ")


def test_it_is_asked_on_a_terminal(running: Running, asks: Askers) -> None:
    asked = asks({"command": "git branch -D other"}, cwd=CWD)
    terminal = Terminal(running, "approvals", "always", asked.id)
    terminal.expect("Let this happen, and always from this agent in this project?")
    terminal.type("y\r")
    assert terminal.end() == 0
    assert asked.verdict().verdict == "allow"


def test_what_is_required_is_refused(running: Running, asks: Askers) -> None:
    asked = asks(cwd=CWD)
    assert "pattern      none: a person is asked each time" in running.ctl("approvals", "show", asked.id).stdout
    refused = running.ctl("approvals", "always", asked.id, "--seen", code_of(running, asked.id), check=False)
    assert refused.returncode == 1
    assert "It is asked each time (work.rewrite-shared), so it cannot be allowed for good." in refused.stderr
    assert f"approvals approve {asked.id}" in refused.stderr


def test_what_an_answer_would_count_for_is_explained(running: Running) -> None:
    assert "answers count for: git branch -D x in <project>" in check(running, "git branch -D x")


def test_status_tells_the_tiers(running: Running) -> None:
    told = running.ctl("status").stdout
    assert re.search(r"^pattern\t\d+\t\d+\t0\t0\t\d+\t\d+\tclosed$", told, re.MULTILINE)
    tiers = {tier["name"]: tier for tier in json.loads(running.ctl("status", "--json").stdout)["tiers"]}
    assert list(tiers) == ["memory", "policy", "pattern", "human"]
    assert tiers["pattern"]["abstained"] > 0

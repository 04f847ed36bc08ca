"""Policies compile, add, override and reload all or none; whatever is broken leaves the last good set in force."""

from pathlib import Path
from typing import Any

import pytest

from lighthoused.core.errors import Invalid
from lighthoused.gate.local import local_gate
from lighthoused.policy import sources
from lighthoused.policy.catalogue import rules_of
from lighthoused.policy.compiled import PolicyFailed
from lighthoused.policy.engine import Policies
from lighthoused.policy.rules import Match, strongest

HEAD = "package lighthouse\nimport rego.v1\n"
NO_PUSH = HEAD + 'rules contains deny("my.push", n, "We push by hand.") if some n in by.push\n'
QUIET = HEAD + 'disabled contains "work.discard"\n'
PUSH = {"kind": "push", "target": "origin main", "scope": "remote", "certainty": "certain"}
DISCARD = {"kind": "discard", "target": "/p", "scope": "project", "certainty": "certain"}
BROKEN = {
    "syntax": HEAD + "rules contains if if",
    "no such function": HEAD + 'rules contains deny("x", 0, frobnicate("x")) if true\n',
    "a word that is no verdict": HEAD + 'rules contains {"id": "x", "verdict": "maybe", "reason": ""} if true\n',
    "a rule without a verdict": HEAD + 'rules contains {"id": "x"} if true\n',
    "rules of another shape": HEAD + 'rules contains "deny everything" if true\n',
}


def asked(*effects: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"effects": list(effects), "tool": "Bash", "cwd": "/p", "agent": "a", "profile": "balanced", **more}


def verdict(policies: Policies, *effects: dict[str, Any], **more: str) -> str:
    match = strongest(policies.ask(asked(*effects, **more)))
    return match.verdict if match else "none"


def test_the_default_policies_compile() -> None:
    policies = Policies()
    assert policies.problem == ""
    assert set(policies.names) == set(sources.builtin())
    assert verdict(policies) == "none"
    assert verdict(policies, DISCARD) == "escalate"


def test_every_default_rule_has_an_id_of_its_file() -> None:
    for name, source in sources.builtin().items():
        topic = name.removeprefix("default/").removesuffix(".rego")
        for rule in rules_of(name, source):
            assert rule.id.split(".")[0] in (topic, "unknown", "strict"), rule


def test_a_user_adds(tmp_path: Path) -> None:
    assert verdict(Policies((tmp_path,)), PUSH) == "none"
    (tmp_path / "push.rego").write_text(NO_PUSH)
    policies = Policies((tmp_path,))
    assert verdict(policies, PUSH) == "deny"
    assert str(tmp_path / "push.rego") in policies.names


def test_a_user_overrides(tmp_path: Path) -> None:
    (tmp_path / "quiet.rego").write_text(QUIET)
    assert verdict(Policies((tmp_path,)), DISCARD) == "none"


def test_a_users_rule_stands_in_place_of_a_default_one(tmp_path: Path) -> None:
    """Even where it asks less; the other rules stay."""
    source = 'rules contains permit("work.discard", n, "Fine.") if some n in by.discard\n'
    (tmp_path / "mine.rego").write_text(HEAD + source)
    policies = Policies((tmp_path,))
    assert policies.replaced == {"work.discard"}
    assert [match.reason for match in policies.ask(asked(DISCARD))] == ["Fine."]
    assert verdict(policies, DISCARD, {**PUSH, "kind": "rewrite_history"}) == "escalate"


def test_helpers_of_users_do_not_meet_the_default_ones(tmp_path: Path) -> None:
    (tmp_path / "mine.rego").write_text(HEAD + 'risky := "mine"\nwrites contains 1\n')
    policies = Policies((tmp_path,))
    assert policies.problem == ""
    assert verdict(policies, DISCARD) == "escalate"


def test_a_user_permits_but_a_denial_is_stronger(tmp_path: Path) -> None:
    (tmp_path / "a.rego").write_text(HEAD + 'rules contains permit("my.ok", n, "Fine.") if some n in by.push\n')
    assert verdict(Policies((tmp_path,)), PUSH) == "allow"
    (tmp_path / "b.rego").write_text(NO_PUSH)
    assert verdict(Policies((tmp_path,)), PUSH) == "deny"


def test_policies_see_who_asks(tmp_path: Path) -> None:
    (tmp_path / "a.rego").write_text(
        HEAD + 'rules contains escalate("my.agent", -1, "New here.") if input.agent == "newcomer"\n'
    )
    policies = Policies((tmp_path,))
    assert (verdict(policies, agent="newcomer"), verdict(policies, agent="old")) == ("escalate", "none")


def test_several_directories_and_one_that_is_not_there(tmp_path: Path) -> None:
    for name, source in (("a", NO_PUSH), ("b", QUIET)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.rego").write_text(source)
    policies = Policies((tmp_path / "a", tmp_path / "none", tmp_path / "b"))
    assert (verdict(policies, PUSH), verdict(policies, DISCARD)) == ("deny", "none")


def test_a_reload_changes_the_version_and_the_verdict(tmp_path: Path) -> None:
    policies = Policies((tmp_path,))
    before = policies.version
    assert policies.reload().version == before
    (tmp_path / "push.rego").write_text(NO_PUSH)
    loaded = policies.reload()
    assert (loaded.problem, loaded.version != before, loaded.version) == ("", True, policies.version)
    assert verdict(policies, PUSH) == "deny"
    (tmp_path / "push.rego").unlink()
    assert policies.reload().version == before
    assert verdict(policies, PUSH) == "none"


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_policy_keeps_the_former_and_is_named(tmp_path: Path, source: str) -> None:
    (tmp_path / "good.rego").write_text(NO_PUSH)
    policies = Policies((tmp_path,))
    before = policies.version
    (tmp_path / "good.rego").write_text(NO_PUSH + 'disabled contains "my.push"\n')
    (tmp_path / "later.rego").write_text(source)
    loaded = policies.reload()
    assert str(tmp_path / "later.rego") in loaded.problem
    assert policies.problem == loaded.problem
    assert (loaded.version, policies.version) == (before, before)
    assert verdict(policies, PUSH) == "deny"
    (tmp_path / "later.rego").unlink()
    assert policies.reload().problem == policies.problem == ""
    assert verdict(policies, PUSH) == "none"


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN.keys())
def test_a_policy_that_is_broken_from_the_start_leaves_the_default_ones(tmp_path: Path, source: str) -> None:
    (tmp_path / "x.rego").write_text(source)
    policies = Policies((tmp_path,))
    assert "x.rego" in policies.problem
    assert verdict(policies, DISCARD) == "escalate"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (BROKEN["syntax"], 3),
        ("# é\n" + HEAD + "\nrules contains if if", 5),
        (BROKEN["no such function"], 3),
        (HEAD + '\nfine := 1\n\nrules contains deny("x", 0) if {\n\ttrue\n}\n', 6),
        (BROKEN["a rule without a verdict"], 3),
        (HEAD + 'rules contains deny("x", n, "y") if {\n\tsome n in by.push\n\tendswit("(", "(")\n}\n', 5),
    ],
)
def test_a_problem_names_the_line(tmp_path: Path, source: str, line: int) -> None:
    (tmp_path / "x.rego").write_text(source)
    problem = Policies((tmp_path,)).problem
    assert f"x.rego cannot be used: line {line}: " in problem
    assert "(error" not in problem
    assert problem.count("\n") == 0


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.rego").write_bytes(b"\xff\xfe")
    assert "x.rego" in Policies((tmp_path,)).problem


def test_a_file_that_is_too_large_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.rego").write_text("#" * (sources.MAX_BYTES + 1))
    assert "x.rego" in Policies((tmp_path,)).problem


def test_a_rule_that_fails_on_a_request_only_is_an_error_then(tmp_path: Path) -> None:
    """A conflict between complete rules shows only where both apply."""
    source = 'mine := "a" if input.tool == "Bash"\nmine := "b" if input.cwd == "/p"\n'
    (tmp_path / "x.rego").write_text(HEAD + source + 'rules contains deny("x", -1, mine) if mine\n')
    policies = Policies((tmp_path,))
    assert policies.problem == ""
    with pytest.raises(PolicyFailed):
        policies.ask(asked())


def test_the_strongest_decides() -> None:
    rules = [
        Match("c", "allow", ""),
        Match("b", "escalate", "", 1),
        Match("a", "deny", "", 2),
        Match("d", "deny", "", 0),
    ]
    assert strongest(rules) == rules[3]
    assert strongest([]) is None


def test_a_gate_without_a_daemon_refuses_broken_policies(tmp_path: Path) -> None:
    (tmp_path / "x.rego").write_text(BROKEN["syntax"])
    with pytest.raises(Invalid, match=r"x\.rego"):
        local_gate(policy_dirs=(tmp_path,))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (NO_PUSH, False),
        (HEAD + 'rules contains deny("x", n, "") if { some n in by.push; input.effects[n].scope == input.cwd }', False),
        (HEAD + 'rules contains deny("x", n, "") if { some n in by.push; input.recent.counts.push > 3 }', True),
        (
            HEAD
            + 'import input.recent.counts\nrules contains deny("x", n, "") if { some n in by.push; counts.push > 3 }',
            True,
        ),
        (HEAD + 'rules contains deny("x", n, "") if { some n in by.push; input["recent"].counts.push > 3 }', True),
        (
            HEAD
            + 'seen := input\nrules contains deny("x", n, "") if { some n in by.push; seen.recent.counts.push > 3 }',
            True,
        ),
    ],
)
def test_it_is_known_whether_a_policy_may_count(rule: str, expected: bool, tmp_path: Path) -> None:
    (tmp_path / "mine.rego").write_text(rule)
    policies = Policies((tmp_path,))
    assert not policies.problem
    assert policies.may_count == expected
    (tmp_path / "mine.rego").unlink()
    policies.reload()
    assert not policies.may_count

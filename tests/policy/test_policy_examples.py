"""Every default rule says by examples what it catches and what it spares, and they hold."""

import pytest

from lighthoused.core.errors import Invalid
from lighthoused.gate import analysis, examples
from lighthoused.policy import sources
from lighthoused.policy.catalogue import Example, examples_of, rules_of
from lighthoused.policy.engine import Policies

BUILTIN = sources.builtin()
HEAD = "package lighthouse\nimport rego.v1\n"


@pytest.fixture(scope="module")
def outcomes() -> list[examples.Outcome]:
    shown = [example for name, source in BUILTIN.items() for example in examples_of(name, source)]
    return examples.run(shown, Policies(), analysis.standard())


def test_the_default_examples_hold(outcomes: list[examples.Outcome]) -> None:
    wrong = [f"{one.example.policy}:{one.example.line}: {one.example.text}: {one.problem}" for one in outcomes]
    assert not [text for text, one in zip(wrong, outcomes, strict=True) if one.problem]


def test_every_default_rule_has_examples_of_both_kinds(outcomes: list[examples.Outcome]) -> None:
    rules = [rule for name, source in BUILTIN.items() for rule in rules_of(name, source)]
    assert len(rules) > 40
    assert examples.without_examples(rules, [one.example for one in outcomes]) == []


def problems(source: str) -> list[str]:
    compiled, _ = Policies().proposed({"mine": HEAD + source})
    return [one.problem for one in examples.run(examples_of("mine", source), compiled, analysis.standard())]


NO_PUSH = 'rules contains deny("my.push", n, "We push by hand.") if some n in by.push\n'


@pytest.mark.parametrize(
    ("example", "problem"),
    [
        ("deny my.push: git push", ""),
        ("not my.push: git pull", ""),
        ('deny my.push: {"command": "git push", "cwd": "/mnt/lighthouse/demo/current", "agent": "eve"}', ""),
        ("deny my.push: git pull", "my.push does not apply to it; it was allow by default.harmless: "),
        ("not my.push: git push", "my.push applies to it; it was deny by my.push: "),
        ("escalate my.push: git push", "it was deny by my.push: "),
        ("escalate work.rewrite-shared: git push --force", "it was deny by my.push: "),
        ('deny files.write-accounts: {"tool": "Write", "input": {"file_path": "/etc/passwd"}}', ""),
    ],
)
def test_what_an_example_says_is_held_against_the_verdict(example: str, problem: str) -> None:
    (found,) = problems(f"# {example}\n{NO_PUSH}")
    assert found.startswith(problem)
    assert bool(found) == bool(problem)


@pytest.mark.parametrize("call", ['{"comand": "ls"}', '{"command": 5}', '{"command": "ls"', '{"profile": "lax"}'])
def test_an_example_that_is_not_valid_is_refused_with_its_line(call: str) -> None:
    with pytest.raises(Invalid, match=r"mine, line 2: the example is not valid"):
        examples_of("mine", f"\n# not a.b: {call}\n")


def test_other_comments_are_no_examples() -> None:
    text = "# deny everything: no\n# A rule: text\n# not x\nx := 1 # not a.b: ls\n"
    assert examples_of("mine", text) == []
    assert examples_of("mine", "# not a.b: {rm,-rf,/}\n")[0].call.command == "{rm,-rf,/}"


def test_rules_are_found_with_their_source() -> None:
    source = HEAD + NO_PUSH + '\nrules contains escalate(\n\tsprintf("my.%s", [k]), n, "R") if {\n\tsome k\n}\nx := 1\n'
    push, made = rules_of("mine", source)
    assert (push.id, push.verdict, push.line, push.source) == ("my.push", "deny", 3, NO_PUSH.strip())
    assert (made.id, made.verdict) == ("my.*", "escalate")
    example = Example("not", "my.push", "", examples_of("m", "# not my.push: ls")[0].call, "m", 1)
    assert examples.without_examples([push, made], [example]) == ["my.push", "my.*"]


def test_what_users_switch_off_replace_or_overrule_is_no_failure_of_the_default_rules() -> None:
    own = (
        'disabled contains "work.rewrite"\n'
        "# allow work.discard: git reset --hard\n# not work.discard: ls\n"
        'rules contains permit("work.discard", n, "Fine.") if some n in by.discard\n' + NO_PUSH
    )
    policies = Policies()
    compiled, users = policies.proposed({"mine": HEAD + own})
    report = examples.report({**policies.builtin, **users}, compiled, analysis.standard())
    assert report.failures == ()
    assert "work.rewrite" not in report.rules
    assert report.rules["work.discard"] == 2
    assert report.lacking == ("my.push",)

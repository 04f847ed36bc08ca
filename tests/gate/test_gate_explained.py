"""The knowledge base explains programs as the policies in force judge them."""

import pytest

from lighthoused.core.effects import World
from lighthoused.core.errors import NotFound
from lighthoused.core.verdicts import Effect, Request
from lighthoused.gate import endpoints, knowledge_base, languages
from lighthoused.gate.analysis import Analysis
from lighthoused.gate.explained import Form, Known, explain, search
from lighthoused.gate.judgement import policy_input
from lighthoused.gate.local import local_gate
from lighthoused.policy.rules import Match, strongest

GATE = local_gate()
KNOWLEDGE = knowledge_base.load()
KNOWN = Known(KNOWLEDGE, languages.load(), endpoints.load())


def judge(effect: Effect) -> Match | None:
    request = Request("Bash", {}, "/", "agent")
    return strongest(GATE.policies.ask(policy_input(request, Analysis((effect,)), "balanced")))


def forms(command: str) -> list[Form]:
    return explain(KNOWN, command.split(), judge).forms


def test_flags_choose_among_forms() -> None:
    plain = [form for form in forms("git push") if form.kind == "push"]
    forced = forms("git push --force")
    assert [one.verdict for one in plain[0].judged] == ["allow"]
    assert "rewrite_history" in {form.kind for form in forced}
    assert not [form for form in forms("git push --dry-run") if form.kind in ("push", "rewrite_history")]


def test_a_path_is_judged_by_where_it_is() -> None:
    (form,) = forms("rm -rf")
    assert [one.verdict for one in form.judged] == ["allow", "escalate", "escalate", "deny", "deny"]


def test_the_beginning_of_a_command_shows_all_that_can_follow() -> None:
    assert {form.command.split()[1] for form in forms("docker volume")} != set()
    assert all("volume" in form.command for form in forms("docker volume"))


@pytest.mark.parametrize("command", ["git push --force origin main", "git reset --hard", "kubectl delete ns x"])
def test_what_is_explained_is_what_is_judged(command: str) -> None:
    """The strongest verdict of the forms shown is the verdict of the command."""
    verdict = GATE.judge(Request("Bash", {"command": command}, "/home/you/project", "agent"), World(home="/home/you"))
    assert verdict.rule in {one.rule for form in forms(command) for one in form.judged}


def test_an_unknown_program_is_not_made_up() -> None:
    with pytest.raises(NotFound, match="kubectll") as refused:
        explain(KNOWN, ["kubectll"], judge)
    assert "kubectl" in refused.value.hint


def test_what_a_program_is_told_is_explained() -> None:
    (dropped,) = forms("psql -c truncate")
    assert (dropped.kind, dropped.why[:8]) == ("destroy", "All rows")
    assert {"destroy", "account"} <= {form.kind for form in forms("mysql")}
    (deleted,) = [form for form in forms("curl -X DELETE https://api.github.com/repos/o/r") if form.kind == "destroy"]
    assert [one.verdict for one in deleted.judged] == ["deny"]


def test_search_finds_names_first() -> None:
    assert search(KNOWLEDGE, "terraform")[0].name == "terraform"
    assert {"git", "jj"} <= {program.name for program in search(KNOWLEDGE, "version control")}
    assert search(KNOWLEDGE, "no such word anywhere") == []

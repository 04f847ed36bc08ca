"""What is known of programs, by commands side by side: dangerous ones are stopped, their harmless siblings allowed."""

import tomllib
from pathlib import Path

import pytest

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Effect, Request
from lighthoused.gate import endpoints, knowledge_base, languages
from lighthoused.gate.analysis import Analysis
from lighthoused.gate.explained import Known, described, explain
from lighthoused.gate.judgement import policy_input
from lighthoused.gate.local import local_gate
from lighthoused.policy.rules import Match, strongest

CWD = "/home/user/project"
WORLD = World(home="/home/user", roots=(CWD,), user="user")
DATA = Path(__file__).parent / "data"
FILES = ("cloud", "containers", "databases", "git", "infrastructure", "packages")
TABLES = {
    (file, name): table
    for file in FILES
    for name, table in tomllib.loads((DATA / f"{file}.toml").read_text("utf-8")).items()
}
DOMAINS = {"brokers", "cloud", "containers", "databases", "forges", "frameworks", "git", "hosted", "infrastructure"} | {
    "kubernetes",
    "packages",
    "secrets",
    "storage",
    *("accounts", "discovery", "disks", "files", "firewall", "kernel", "macos", "network", "permissions"),
    *("persistence", "processes", "services", "system", "tunnels", "windows"),
}
GATE = local_gate()
KNOWLEDGE = knowledge_base.load()
KNOWN = Known(KNOWLEDGE, languages.load(), endpoints.load())


def judge(effect: Effect) -> Match | None:
    request = Request("Bash", {}, "/", "agent")
    return strongest(GATE.policies.ask(policy_input(request, Analysis((effect,)), "balanced")))


@pytest.mark.parametrize("table", TABLES, ids="-".join)
def test_commands_are_judged_as_listed(table: tuple[str, str]) -> None:
    wrong = []
    for expected, commands in TABLES[table].items():
        for command in commands:
            verdict = GATE.judge(Request("Bash", {"command": command}, CWD, "agent"), WORLD)
            if verdict.verdict != expected:
                wrong.append(f"{expected}: {command}\n    {verdict.verdict} by {verdict.rule}: {verdict.reason}")
    assert not wrong, "\n".join(["", *wrong])


def test_there_are_enough_of_them() -> None:
    counts = {
        verdict: sum(len(table.get(verdict, ())) for table in TABLES.values())
        for verdict in ("deny", "escalate", "allow")
    }
    assert counts["deny"] + counts["escalate"] > 300
    assert counts["allow"] > 300


def test_every_description_is_valid() -> None:
    assert len(list(KNOWLEDGE.programs())) == len(KNOWLEDGE)


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_what_is_not_allowed_says_why_and_what_to_do_instead(domain: str) -> None:
    silent = []
    for program in described(KNOWLEDGE):
        if program.domain != domain:
            continue
        for form in explain(KNOWN, [program.name], judge).forms:
            if any(one.verdict != "allow" for one in form.judged) and not (form.why and form.instead):
                silent.append(f"{form.command} ({form.kind}): why {form.why!r}, instead {form.instead!r}")
    assert not silent, "\n".join(["", *silent])

"""Asked by the index, the default policies answer what they answer when every rule is evaluated."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from regopy import Input, Interpreter

from lighthoused.policy import sources
from lighthoused.policy.compiled import Compiled, matches_of
from lighthoused.policy.index import PACKAGE, Index, number
from lighthoused.policy.rules import Match

SOURCES = sources.builtin()
STANDARD = {name: source for name, source in SOURCES.items() if f"package {PACKAGE}\n" in source}
TEXT = "\n".join(STANDARD.values())


def said_of(*patterns: str) -> list[str]:
    """The words in the lines that match."""
    lines = [line for pattern in patterns for line in re.findall(pattern, TEXT, re.MULTILINE)]
    return sorted({word for line in lines for word in re.findall(r"\"(\w+)\"", line)} | {"other"})


KINDS = sorted({*said_of(r".*by\[.*", r".*some kind in \{.*", r"^\t\"\w+\":"), *re.findall(r"by\.(\w+)", TEXT)})
SCOPES = said_of(r".*\.scope .*")
PLACES = said_of(r".*\.place .*")
TARGETS = ["", "/etc/shadow", "/dev/sda", "https://pastebin.com/x", "http://169.254.169.254/", "db-prod", "localhost"]
EFFECTS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "target": st.sampled_from(TARGETS),
        "scope": st.sampled_from(SCOPES),
        "certainty": st.sampled_from(["certain", "possible", "unknown"]),
    },
    optional={
        "place": st.sampled_from(PLACES),
        "program": st.sampled_from(["bash", "git", "ping", "cat"]),
        "recursive": st.just(True),
        "undoable": st.just(True),
    },
)
PASTS = st.fixed_dictionaries(
    {},
    optional={
        "secrets": st.just([{"target": "/p/.env", "program": "cat"}]),
        "counts": st.just({"delete": 60, "fetch": 1}),
        "limits": st.just({"delete": 60, "fetch": 60}),
        "reached": st.just(["delete"]),
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {
        "effects": st.lists(EFFECTS, max_size=4),
        "tool": st.just("Bash"),
        "cwd": st.just("/p"),
        "agent": st.just("a"),
        "profile": st.sampled_from(["balanced", "strict"]),
    },
    optional={"unresolved": st.just("It is too deep."), "recent": PASTS},
)


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return Compiled(SOURCES, {})


@pytest.fixture(scope="module")
def plain() -> Interpreter:
    interpreter = Interpreter()
    for name, source in SOURCES.items():
        interpreter.add_module(name, source)
    return interpreter


def evaluated_whole(plain: Interpreter, document: dict[str, Any]) -> list[Match]:
    plain.set_input(Input(document))
    return matches_of(plain.query("data.lighthouse.result").results[0].expressions[0])


@settings(deadline=None)
@given(document=DOCUMENTS)
def test_the_index_leaves_out_no_rule_that_applies(
    compiled: Compiled, plain: Interpreter, document: dict[str, Any]
) -> None:
    assert sorted(compiled.ask(document)) == sorted(evaluated_whole(plain, document))


@settings(deadline=None)
@given(kind=st.sampled_from(KINDS), scope=st.sampled_from(SCOPES), place=st.sampled_from(PLACES))
def test_one_effect_in_every_place(compiled: Compiled, plain: Interpreter, kind: str, scope: str, place: str) -> None:
    effect = {"kind": kind, "target": "/x", "scope": scope, "certainty": "certain", "place": place}
    document = {"effects": [effect], "tool": "Bash", "cwd": "/p", "agent": "a", "profile": "balanced"}
    assert sorted(compiled.ask(document)) == sorted(evaluated_whole(plain, document))


def test_harmless_reads_need_no_evaluation() -> None:
    read = {"kind": "read", "target": "/p/x", "scope": "project", "certainty": "certain", "program": "cat"}
    document = {"effects": [read], "tool": "Bash", "cwd": "/p", "agent": "a", "profile": "balanced"}
    assert Index(STANDARD).candidates(document) == []


def test_every_default_rule_can_be_left_out() -> None:
    document = {"effects": [], "tool": "Bash", "cwd": "/p", "agent": "a", "profile": "balanced"}
    assert Index(STANDARD).candidates(document) == []


def test_every_default_rule_is_numbered() -> None:
    numbered, names = number(STANDARD)
    assert len(names) == len(Index(STANDARD)) == TEXT.count("\nrules contains ")
    assert not any("\nrules contains " in source for name, source in numbered.items() if name != "index")

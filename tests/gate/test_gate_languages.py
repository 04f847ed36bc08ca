"""Statements and requests that programs are told: split as their readers split them, judged by what they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighthoused.gate import endpoints, languages
from lighthoused.gate.arguments import Grammar, parse
from lighthoused.gate.endpoints import HttpRequest
from lighthoused.gate.shell.bounds import Unresolvable

LANGUAGES = languages.load()
ENDPOINTS = endpoints.load()


def kinds(language: str, text: str) -> list[str]:
    return [found.rule.kind for found in LANGUAGES[language].read(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1; DROP TABLE x", ["destroy"]),
        ("SELECT 'a;DROP TABLE x'", []),
        ("-- DROP TABLE x\nSELECT 1", []),
        ("/* DROP TABLE x; */ SELECT 1", []),
        ("/*!50000 DROP TABLE x */", ["destroy"]),
        ('INSERT INTO "a;b" VALUES (1)', ["alter"]),
        ("DO $$ BEGIN DROP TABLE x; END $$", ["destroy"]),
        ("USE app\nGO\nDROP TABLE x\nGO", ["destroy"]),
        ("delete\n  from users\n  where id = 3", ["alter"]),
        ("DELETE FROM users u", ["destroy"]),
        ("DELETE FROM users WHERE 'a'='a'", ["destroy"]),
        ("update users set a = 1", ["destroy"]),
        ("EXPLAIN DELETE FROM users", ["read"]),
        ("DROP TABLE #scratch", ["alter"]),
    ],
)
def test_sql_is_read_by_statements(text: str, expected: list[str]) -> None:
    assert kinds("sql", text) == expected


def test_commands_for_the_shell_are_found_in_statements() -> None:
    found = [one.shell for one in LANGUAGES["sql"].read("SELECT 1;\n\\! rm -rf /\n")]
    assert found == ["rm -rf /"]


@given(st.text(alphabet='abc ;-/*"`$\n\\', max_size=40))
def test_what_is_quoted_is_no_statement(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace("'", "''")
    assert kinds("sql", f"SELECT 'DROP TABLE x; {quoted}; DROP TABLE y'") == []


@given(st.text(alphabet="'\"`$/*-;a \n", max_size=60))
def test_a_statement_of_its_own_is_always_found(text: str) -> None:
    assert "destroy" in kinds("sql", f"DROP TABLE x; {text}")


def test_too_many_statements_are_not_looked_at() -> None:
    with pytest.raises(Unresolvable):
        kinds("sql", "SELECT 1;" * (languages.MAX_STATEMENTS + 1))


@pytest.mark.parametrize("name", sorted(LANGUAGES))
def test_every_statement_that_loses_something_says_why_and_what_instead(name: str) -> None:
    for rule in LANGUAGES[name].rules:
        assert rule.kind in ("shell", "alter") or rule.kind == "read" or (rule.note and rule.instead), rule.like


def test_every_request_that_loses_something_says_why_and_what_instead() -> None:
    for rule in ENDPOINTS.rules:
        assert rule.kind in ("none", "alter") or (rule.note and rule.instead), rule.url


def test_a_request_is_judged_by_its_method() -> None:
    found = ENDPOINTS.find(HttpRequest("DELETE", "https://api.github.com/repos/o/r"))
    assert found is not None
    assert found.place == "everything"
    assert ENDPOINTS.find(HttpRequest("GET", "https://api.github.com/repos/o/r")) is None


def test_flags_take_values_where_only_switches_are_known() -> None:
    grammar = Grammar(switches=frozenset({"--force"}))
    parsed = parse(grammar, ["s3", "--profile", "delete-it", "rb", "--force", "s3://b", "--region=x", "--last"])
    assert parsed.words == ["s3", "rb", "s3://b"]
    assert parsed.of("--profile,--region") == ["delete-it", "x"]
    assert parsed.has("--last")


def test_a_flag_that_is_switched_off_does_not_count() -> None:
    assert parse(Grammar(), ["--dry-run=client"]).means("--dry-run")
    assert not parse(Grammar(), ["--dry-run=none"]).means("--dry-run")

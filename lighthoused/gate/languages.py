"""What statements in SQL and other languages of clients do, read from languages.toml. Must not know who runs them."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import NamedTuple

import msgspec

from lighthoused.core.effects import KINDS
from lighthoused.core.errors import Invalid
from lighthoused.core.prepared import prepared
from lighthoused.core.verdicts import Certainty, Scope
from lighthoused.gate.shell.bounds import Unresolvable

MAX_STATEMENTS = 4096
MAX_STATEMENT = 1 << 16
SHELL = "shell"


class StatementRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule of languages.toml, which says what the fields mean."""

    like: str
    kind: str
    scope: Scope = "database"
    place: str = ""
    certainty: Certainty = "certain"
    note: str = ""
    instead: str = ""
    anywhere: bool = False


@prepared
class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of languages.toml."""

    split: str
    rules: tuple[StatementRule, ...]
    instead: str = ""


class Found(NamedTuple):
    """A statement with the rule that it meets. `shell`: the command for the shell in it, "" where there is none."""

    rule: StatementRule
    statement: str
    shell: str = ""


class Language:
    """One language: how its text is split, and what its statements do."""

    def __init__(self, name: str, entry: _Entry) -> None:
        """Raises Invalid."""
        self._split = entry.split
        self._rules = [
            (re.compile(rule.like, re.IGNORECASE | re.DOTALL), _with_instead(rule, entry.instead))
            for rule in entry.rules
        ]
        if entry.split not in _SPLIT:
            raise Invalid(f'The language {name} is split by "{entry.split}"; known are {", ".join(_SPLIT)}.')
        for rule in entry.rules:
            if rule.kind not in KINDS and rule.kind != SHELL:
                raise Invalid(f'In the language {name}, kind is "{rule.kind}"; allowed are {", ".join(KINDS)}.')

    @property
    def rules(self) -> list[StatementRule]:
        return [rule for _, rule in self._rules]

    def read(self, text: str) -> Iterator[Found]:
        """What the statements of a text do. Raises Unresolvable."""
        for number, statement in enumerate(_SPLIT[self._split](text)):
            if number >= MAX_STATEMENTS or len(statement) > MAX_STATEMENT:
                raise Unresolvable("What a program is told has more or longer statements than can be looked at.")
            found = self._first(statement)
            if found is not None:
                yield found

    def _first(self, statement: str) -> Found | None:
        for pattern, rule in self._rules:
            match = pattern.search(statement) if rule.anywhere else pattern.match(statement)
            if match:
                return Found(rule, statement, match[1] if rule.kind == SHELL else "")
        return None


@cache
def load() -> dict[str, Language]:
    """The languages that come with the package. Raises Invalid naming what is wrong in them."""
    text = (resources.files("lighthoused.gate") / "languages.toml").read_text("utf-8")
    try:
        entries = msgspec.convert(tomllib.loads(text), dict[str, _Entry])
        return {name: Language(name, entry) for name, entry in entries.items()}
    except (msgspec.ValidationError, tomllib.TOMLDecodeError, re.error) as error:
        raise Invalid(f"The table of languages, languages.toml, is wrong: {error}.") from None


def _with_instead(rule: StatementRule, instead: str) -> StatementRule:
    return rule if rule.instead or not rule.note else msgspec.structs.replace(rule, instead=instead)


_SQL_TOKEN = re.compile(
    r"""'(?:[^'\\]|\\.|'')*(?:'|\Z)|"(?:[^"\\]|\\.)*(?:"|\Z)|`[^`]*(?:`|\Z)"""
    r"""|\$(?P<tag>\w{0,32})\$.*?(?:\$(?P=tag)\$|\Z)|(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z)|^\s*\#[^\n]*)"""
    r"""|(?P<end>;|\\[gG]\b|^\s*(?:go|/)\s*$|\n(?=\\|\.(?:shell|system|drop|read)\b))""",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)


def _statements(text: str) -> Iterator[str]:
    """Between semicolons that are not in quotes, without comments. What MySQL runs in ``/*! */`` stays."""
    parts: list[str] = []
    at = 0
    for token in _SQL_TOKEN.finditer(text):
        if token["comment"] is None and token["end"] is None:
            continue
        parts.append(text[at : token.start()])
        at = token.end()
        if token["end"] is not None:
            yield from _whole("".join(parts))
            parts = []
        else:
            parts.append(_executable(token["comment"]))
    yield from _whole("".join([*parts, text[at:]]))


def _executable(comment: str) -> str:
    found = re.fullmatch(r"/\*!\d*(.*?)(?:\*/)?", comment, re.DOTALL)
    return found[1] if found else " "


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield from _whole(line)


def _commands(text: str) -> Iterator[str]:
    for command in re.split(r"[;\n]", text):
        yield from _whole(command)


def _whole(text: str) -> Iterator[str]:
    if text.strip():
        yield " ".join(text.split())


_SPLIT = {"statements": _statements, "lines": _lines, "commands": _commands, "whole": _whole}

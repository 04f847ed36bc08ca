"""Known weaknesses in code, by patterns for each language (`weaknesses.toml`). Bounded; pure. A hint, no proof."""

import posixpath
import re
import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple

import msgspec

from lighthoused.core.prepared import prepared
from lighthoused.core.verdicts import Certainty
from lighthoused.gate.content.needles import needles

MAX_TEXT = 64 * 1024
MAX_LINE = 1000
_COMMENT = re.compile(r"\s*(?:#(?!\s*(?:include|define))|//|\*|/\*|--|<!--)")
_SHEBANG = re.compile(r"#!.*?\b(python|node|php|ruby|(?:ba|da|z|k)?sh)[\d.]*\b")
_BY_SHEBANG = {"python": "python", "node": "javascript", "php": "php", "ruby": "ruby"}


class Weakness(NamedTuple):
    """A weak place. `line` counts from 1."""

    id: str
    note: str
    instead: str
    line: int
    certainty: Certainty


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule of a language; see `weaknesses.toml`."""

    id: str
    pattern: str
    note: str
    instead: str
    certainty: Certainty = "certain"
    unless: str = ""


@prepared
class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of a language, and of another one that count for it too."""

    rules: tuple[Rule, ...]
    also: str = ""


class _Compiled(NamedTuple):
    """A rule, ready to be searched for: texts that hold none of `needles` have no match."""

    rule: Rule
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None
    needles: tuple[str, ...]

    def may_match(self, lowered: str) -> bool:
        return not self.needles or any(needle in lowered for needle in self.needles)


class Reviewer:
    """Reads code by a table of rules. Any thread may use it."""

    def __init__(self, extensions: dict[str, str], languages: dict[str, Language]) -> None:
        self._extensions = extensions
        self._languages = languages
        self._rules: dict[str, tuple[_Compiled, ...]] = {}

    def language_of(self, path: str, text: str) -> str:
        """The language of a file, "" for none that is known."""
        extension = posixpath.basename(path).rpartition(".")[2].lower() if "." in posixpath.basename(path) else ""
        if extension:
            return self._extensions.get(extension, "")
        found = _SHEBANG.match(text)
        return _BY_SHEBANG.get(found[1], "shell") if found else ""

    def review(self, text: str, language: str) -> list[Weakness]:
        """The weak places in the first 64 KiB of a text, each rule once, in order of lines."""
        text = _bounded(text)
        lowered = text.lower()
        found: dict[str, Weakness] = {}
        for one in self._rules_of(language):
            if one.rule.id not in found and one.may_match(lowered):
                line = _first(one, text)
                if line:
                    rule = one.rule
                    found[rule.id] = Weakness(rule.id, rule.note, rule.instead, line, rule.certainty)
        return sorted(found.values(), key=lambda weakness: weakness.line)

    def _rules_of(self, name: str) -> tuple[_Compiled, ...]:
        """Compiled when a language is first met: all of them take 0.2 s."""
        if name not in self._rules:
            language = self._languages.get(name, Language(()))
            rules = (*language.rules, *(self._languages[language.also].rules if language.also else ()))
            self._rules[name] = tuple(map(_compiled, rules))
        return self._rules[name]


def _first(one: _Compiled, text: str) -> int:
    """The line of the first match that is no comment; 0 for none."""
    for match in one.pattern.finditer(text):
        start = text.rfind("\n", 0, match.start() + 1) + 1
        start = match.start() if start > match.start() else start
        end = text.find("\n", match.end())
        line = text[start : end if end >= 0 else len(text)]
        if not _COMMENT.match(line) and not (one.unless and one.unless.search(line)):
            return text.count("\n", 0, match.end()) + 1
    return 0


def _bounded(text: str) -> str:
    text = text[:MAX_TEXT]
    lines = text.split("\n")
    return text if max(map(len, lines)) <= MAX_LINE else "\n".join(line[:MAX_LINE] for line in lines)


def _compiled(rule: Rule) -> _Compiled:
    unless = re.compile(rule.unless) if rule.unless else None
    return _Compiled(rule, re.compile(rule.pattern, re.MULTILINE), unless, needles(rule.pattern))


@cache
def reviewer() -> Reviewer:
    """With the rules that come with the package."""
    text = (resources.files("lighthoused.gate.content") / "weaknesses.toml").read_text("utf-8")
    data = tomllib.loads(text)
    extensions = data.pop("extensions")
    return Reviewer(extensions, msgspec.convert(data, dict[str, Language]))

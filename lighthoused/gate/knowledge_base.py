"""The knowledge base: what programs do, read from the TOML files in `knowledge/` and checked once.

A file has a table per program (see docs/gate.md). Must not know how commands are found or judged.
"""

import re
import tomllib
from collections.abc import Iterable
from fnmatch import translate
from importlib import resources
from typing import Any, NamedTuple, get_args

import msgspec

from lighthoused.core.effects import KINDS
from lighthoused.core.errors import Invalid
from lighthoused.core.prepared import prepared
from lighthoused.core.verdicts import Certainty, Scope
from lighthoused.gate.arguments import Arguments, Grammar
from lighthoused.gate.shell.bounds import MAX_MATCHED, Unresolvable
from lighthoused.gate.shell.text import unmarked

PATH_KINDS = frozenset(
    {"read", "collect", "write", "append", "delete", "permission", "overwrite_device", "disguise", "conceal"}
)
_TARGET = re.compile(r"none|cwd|args|words|line|last|but_last|arg:\d+|args:\d+|flag:-[\w,-]+|at:-[\w,-]+|key:\w+|=.*")


class RuleEntry(msgspec.Struct, forbid_unknown_fields=True, rename="kebab"):
    """One effect of a program as written in the file, and when it has it."""

    kind: str
    note: str = ""
    instead: str = ""
    command: str = ""
    when: list[str] = []
    unless: list[str] = []
    target: str = "none"
    recursive: bool | list[str] = False
    scope: str = ""
    place: str = ""
    certainty: Certainty = "certain"
    arg_like: str = ""
    last_like: str = ""
    line_like: str = ""
    flag_like: dict[str, str] = {}
    key_like: dict[str, str] = {}
    no_keys: list[str] = []
    no_args: bool = False
    input: bool = False
    input_like: str = ""
    min_args: int = 0


@prepared
class ProgramEntry(msgspec.Struct, forbid_unknown_fields=True, rename="kebab"):
    """A program as written in the file."""

    about: str
    also: list[str] = []
    values: list[str] = []
    switches: list[str] = []
    single: bool = False
    operands: bool = False
    leading: bool = False
    harmless_when: list[str] = []
    output: str = ""
    instead: str = ""
    language: str = ""
    code: list[str] = []
    requests: str = ""
    rules: list[RuleEntry] = []


class Words(NamedTuple):
    """What a word may be: one of `names`, or like `pattern` (of names such as ``delete-*``)."""

    names: frozenset[str]
    pattern: re.Pattern[str] | None

    def __contains__(self, word: object) -> bool:
        return word in self.names or (self.pattern is not None and self.pattern.match(str(word)) is not None)


class Rule(NamedTuple):
    """A compiled RuleEntry. `command`: patterns for the leading words; ``**`` stands for any number of them."""

    entry: RuleEntry
    command: tuple[Words, ...]
    anywhere: bool
    arg_like: re.Pattern[str] | None
    last_like: re.Pattern[str] | None
    line_like: re.Pattern[str] | None
    flag_like: tuple[tuple[str, re.Pattern[str]], ...]
    key_like: tuple[tuple[str, re.Pattern[str]], ...]
    scope: Scope | None

    def skip(self, words: list[str]) -> int | None:
        """How many leading words its command takes, or None where it is another's."""
        if not self.command:
            return 0
        starts = range(len(words)) if self.anywhere else (0,)
        for start in starts:
            end = start + len(self.command)
            if end <= len(words) and all(words[start + at] in one for at, one in enumerate(self.command)):
                return end
        return None

    def applies(self, arguments: Arguments, words: list[str]) -> bool:
        """Whether it has its effect with these arguments; `words` are those after its command."""
        entry = self.entry
        if entry.when and not any(map(arguments.has, entry.when)):
            return False
        if any(map(arguments.has, entry.unless)) or len(words) < entry.min_args or (entry.no_args and words):
            return False
        if any(key in arguments.keys for key in entry.no_keys):
            return False
        if self.arg_like and not _any_like(self.arg_like, words):
            return False
        if self.last_like and not _any_like(self.last_like, words[-1:]):
            return False
        if self.line_like and not _any_like(self.line_like, [" ".join(words)]):
            return False
        if not all(_any_like(like, arguments.of(flag)) for flag, like in self.flag_like):
            return False
        return all(_any_like(like, arguments.keys.get(key, [])) for key, like in self.key_like)


def _any_like(pattern: re.Pattern[str], texts: list[str]) -> bool:
    """Whether any matches. Raises Unresolvable where one is too long to be searched."""
    for text in texts:
        if len(text) > MAX_MATCHED:
            raise Unresolvable(f"An argument has more than {MAX_MATCHED} characters.")
        if pattern.search(unmarked(text)):
            return True
    return False


class Source(NamedTuple):
    """What a program is told to do elsewhere: statements in a `language` (see languages.toml), or `requests` (HTTP).

    `code` says where statements stand: flags that have them as value, ``args:N`` and ``each:N`` for words from N on
    (joined, or each for itself), ``file:FLAG`` for a flag's file, ``stdin``.
    """

    language: str = ""
    code: tuple[str, ...] = ()
    requests: str = ""


class Program(NamedTuple):
    """What is known of a program. `output`: "paths" prints names of files here, "fetched" what it fetched, else "".

    `domain`: the file that describes it, without ``.toml``; `names`: all programs that the description is for.
    """

    name: str
    domain: str
    names: tuple[str, ...]
    about: str
    grammar: Grammar
    harmless_when: tuple[str, ...]
    output: str
    source: Source
    rules: tuple[Rule, ...]


class KnowledgeBase:
    """Programs by name. Each is made ready when it is first asked for: most never are."""

    def __init__(self, described: dict[str, tuple[str, str, Any]]) -> None:
        """`described`: by each name the file, the table's name and the table as it was read."""
        self._described = described
        self._ready: dict[str, Program] = {}

    def get(self, name: str) -> Program | None:
        """Raises Invalid where its description is wrong."""
        found = self._ready.get(name)
        if found is None and name in self._described:
            file, first, table = self._described[name]
            found = _program(file, first, table) if name == first else self.get(first)
            assert found is not None
            self._ready[name] = found = found._replace(name=name)
        return found

    def programs(self) -> Iterable[Program]:
        """All of them. Raises Invalid where a description is wrong."""
        return (program for program in map(self.get, self._described) if program is not None)

    def names(self) -> Iterable[str]:
        return self._described

    def __contains__(self, name: object) -> bool:
        return name in self._described

    def __len__(self) -> int:
        return len(self._described)


def load() -> KnowledgeBase:
    """The knowledge base that comes with the package. Raises Invalid naming the file that cannot be read."""
    folder = resources.files("lighthoused.gate") / "knowledge"
    sources = {item.name: item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".toml")}
    return read(sources)


def read(sources: dict[str, str]) -> KnowledgeBase:
    """A knowledge base from the text of its files by name. A program may be in one file only. Raises Invalid."""
    described: dict[str, tuple[str, str, Any]] = {}
    for file, text in sorted(sources.items()):
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise Invalid(f"The knowledge file {file} is not valid TOML: {error}.") from None
        for name, table in tables.items():
            for each in (name, *table.get("also", ())):
                if each in described:
                    raise Invalid(f'The knowledge file {file} describes "{each}", which is described before.')
                described[each] = (file, name, table)
    return KnowledgeBase(described)


def _program(file: str, name: str, table: Any) -> Program:
    try:
        entry = msgspec.convert(table, ProgramEntry)
    except msgspec.ValidationError as error:
        raise Invalid(f"The knowledge file {file} is wrong at [{name}]: {error}.") from None
    for rule in entry.rules:
        rule.instead = rule.instead or (entry.instead if rule.note else "")
    rules = tuple(_rule(f"{file}, [{name}], rule {number}", rule) for number, rule in enumerate(entry.rules, 1))
    values, switches = frozenset(entry.values), frozenset(entry.switches)
    grammar = Grammar(values, entry.single, entry.operands, entry.leading, switches)
    source = Source(entry.language, tuple(entry.code), entry.requests)
    domain, names = file.removesuffix(".toml"), (name, *entry.also)
    return Program(name, domain, names, entry.about, grammar, tuple(entry.harmless_when), entry.output, source, rules)


def _rule(where: str, entry: RuleEntry) -> Rule:
    if entry.kind not in KINDS:
        raise Invalid(f'In {where}, kind is "{entry.kind}"; allowed are {", ".join(KINDS)}.')
    if entry.scope and entry.scope not in get_args(Scope):
        raise Invalid(f'In {where}, scope is "{entry.scope}"; allowed are {", ".join(get_args(Scope))}.')
    if not _TARGET.fullmatch(entry.target):
        raise Invalid(f'In {where}, target is "{entry.target}", which has no meaning (see docs/gate.md).')
    words = entry.command.split()
    anywhere = words[:1] == ["**"]
    return Rule(
        entry,
        tuple(map(_words, words[1 if anywhere else 0 :])),
        anywhere,
        _pattern(where, "arg-like", entry.arg_like) if entry.arg_like else None,
        _pattern(where, "last-like", entry.last_like) if entry.last_like else None,
        _pattern(where, "line-like", entry.line_like) if entry.line_like else None,
        tuple((flag, _pattern(where, "flag-like", like)) for flag, like in entry.flag_like.items()),
        tuple((key, _pattern(where, "key-like", like)) for key, like in entry.key_like.items()),
        entry.scope or None,  # type: ignore[arg-type]
    )


def _words(spec: str) -> Words:
    names = spec.split("|")
    patterns = [translate(name) for name in names if "*" in name]
    return Words(frozenset(names), re.compile("|".join(patterns)) if patterns else None)


def _pattern(where: str, key: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise Invalid(f'In {where}, {key} "{text}" is no regular expression: {error}.') from None

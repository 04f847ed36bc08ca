"""The knowledge base: what programs do, read from the TOML files in `knowledge/` and checked once.

A file has a table per program (see docs/gate.md). Must not know how commands are found or judged.
"""

import re
import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from importlib import resources
from typing import Any, NamedTuple, get_args

import msgspec

from lighthoused.core.effects import KINDS
from lighthoused.core.errors import Invalid
from lighthoused.core.verdicts import Certainty, Scope
from lighthoused.gate.arguments import Arguments, Grammar
from lighthoused.gate.shell.bounds import MAX_MATCHED, Unresolvable
from lighthoused.gate.shell.text import unmarked

PATH_KINDS = frozenset(
    {"read", "collect", "write", "append", "delete", "permission", "overwrite_device", "disguise", "conceal"}
)
_TARGET = re.compile(r"none|cwd|args|words|last|but_last|arg:\d+|args:\d+|flag:-[\w,-]+|at:-[\w,-]+|key:\w+|=.*")


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
    flag_like: dict[str, str] = {}
    key_like: dict[str, str] = {}
    no_keys: list[str] = []
    no_args: bool = False
    input: bool = False
    min_args: int = 0


class ProgramEntry(msgspec.Struct, forbid_unknown_fields=True, rename="kebab"):
    """A program as written in the file."""

    about: str
    also: list[str] = []
    values: list[str] = []
    single: bool = False
    operands: bool = False
    leading: bool = False
    harmless_when: list[str] = []
    output: str = ""
    rules: list[RuleEntry] = []


class Rule(NamedTuple):
    """A compiled RuleEntry. `command`: patterns for the leading words; ``**`` stands for any number of them."""

    entry: RuleEntry
    command: tuple[frozenset[str], ...]
    anywhere: bool
    arg_like: re.Pattern[str] | None
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
            if end <= len(words) and all(_is_word(words[start + at], names) for at, names in enumerate(self.command)):
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


def _is_word(word: str, names: frozenset[str]) -> bool:
    """Whether a word is one of these, of which some may be patterns (``delete-*``)."""
    return word in names or any("*" in name and fnmatchcase(word, name) for name in names)


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
    rules: tuple[Rule, ...]


class KnowledgeBase:
    """Programs by name."""

    def __init__(self, programs: dict[str, Program]) -> None:
        self._programs = programs

    def get(self, name: str) -> Program | None:
        return self._programs.get(name)

    def programs(self) -> Iterable[Program]:
        return self._programs.values()

    def names(self) -> Iterable[str]:
        return self._programs

    def __len__(self) -> int:
        return len(self._programs)


def load() -> KnowledgeBase:
    """The knowledge base that comes with the package. Raises Invalid naming file, program and key."""
    folder = resources.files("lighthoused.gate") / "knowledge"
    sources = {item.name: item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".toml")}
    return read(sources)


def read(sources: dict[str, str]) -> KnowledgeBase:
    """A knowledge base from the text of its files by name. A program may be in one file only. Raises Invalid."""
    programs: dict[str, Program] = {}
    for file, text in sorted(sources.items()):
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise Invalid(f"The knowledge file {file} is not valid TOML: {error}.") from None
        for name, table in tables.items():
            program = _program(file, name, table)
            for each in program.names:
                if each in programs:
                    raise Invalid(f'The knowledge file {file} describes "{each}", which is described before.')
                programs[each] = program._replace(name=each)
    return KnowledgeBase(programs)


def _program(file: str, name: str, table: Any) -> Program:
    try:
        entry = msgspec.convert(table, ProgramEntry)
    except msgspec.ValidationError as error:
        raise Invalid(f"The knowledge file {file} is wrong at [{name}]: {error}.") from None
    rules = tuple(_rule(f"{file}, [{name}], rule {number}", rule) for number, rule in enumerate(entry.rules, 1))
    grammar = Grammar(frozenset(entry.values), entry.single, entry.operands, entry.leading)
    domain, names = file.removesuffix(".toml"), (name, *entry.also)
    return Program(name, domain, names, entry.about, grammar, tuple(entry.harmless_when), entry.output, rules)


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
        tuple(frozenset(word.split("|")) for word in words[1 if anywhere else 0 :]),
        anywhere,
        _pattern(where, "arg-like", entry.arg_like) if entry.arg_like else None,
        tuple((flag, _pattern(where, "flag-like", like)) for flag, like in entry.flag_like.items()),
        tuple((key, _pattern(where, "key-like", like)) for key, like in entry.key_like.items()),
        entry.scope or None,  # type: ignore[arg-type]
    )


def _pattern(where: str, key: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise Invalid(f'In {where}, {key} "{text}" is no regular expression: {error}.') from None

"""Parses the arguments of a program by a description of its flags. Must not know what any program does."""

from typing import NamedTuple

_WHOLE = frozenset({"--all", "--force", "--delete", "--clean", "--disable", "--remove", "--image", "--purge"}) | {
    *("--import", "--export", "--sign", "--output", "--name", "--version", "--allow", "--user", "--delete-old"),
    *("--public", "--preview", "--show", "--list", "--edit", "--send", "--rotate", "--drop", "--database"),
    *("--no", "--id", "--to", "--as", "--on", "--ip", "--if", "--db", "--ca", "--os", "--tz", "--gc", "--rm", "--ns"),
    *("--ui", "--in", "--go", "--js", "--ts", "--pr", "--up", "--vm", "--az", "--cc", "--cd", "--ci", "--io", "--kv"),
}
"""Flags that are none's abbreviation."""
_OFF = frozenset({"none", "false", "0", "no"})
COMMON_SWITCHES = frozenset(
    {"--force", "--yes", "--quiet", "--verbose", "--debug", "--help", "--version", "--all", "--dry-run", "--recursive"}
    | {"-y", "-q", "-v", "-h", "-rf", "-fr", "--no"}
)
"""Flags that take no value in any program, or nearly so."""


class Grammar(NamedTuple):
    """How a program takes arguments.

    `values`: flags that take one, ``sub:flag`` for those of a subcommand, ``sub>flag`` for those right after it.
    `single`: long flags begin with one dash, short ones do not combine. `operands`: ``key=value`` arguments (dd).
    `leading`: `values` hold only before the first word (git). `switches`: where there are any, every other flag takes
    the next word that is no flag as its value (aws).
    """

    values: frozenset[str] = frozenset()
    single: bool = False
    operands: bool = False
    leading: bool = False
    switches: frozenset[str] = frozenset()


class Arguments(NamedTuple):
    """`flags` in order of appearance, each with its values; `words` are the other arguments."""

    flags: dict[str, list[str]]
    words: list[str]
    keys: dict[str, list[str]]

    def has(self, spec: str) -> bool:
        """Whether a flag was given; ``a+b`` wants both. A long flag may be abbreviated, as GNU's getopt allows."""
        if "+" in spec:
            return all(self.has(each) for each in spec.split("+"))
        if spec in self.flags:
            return True
        if not spec.startswith("--"):
            return False
        return any(len(flag) > 3 and flag not in _WHOLE and spec.startswith(flag) for flag in self.flags)

    def means(self, spec: str) -> bool:
        """Like `has`, but a flag that was given only to switch it off (``--dry-run=none``) does not count."""
        return self.has(spec) and not _OFF.intersection(self.flags.get(spec, ()))

    def of(self, spec: str) -> list[str]:
        """The values of the flags ``a,b``."""
        return [value for flag in spec.split(",") for value in self.flags.get(flag, ())]


class _Words:
    """Words that are taken one by one, with a look at the next."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._at = 0

    def __iter__(self) -> "_Words":
        return self

    def __next__(self) -> str:
        if self._at == len(self._words):
            raise StopIteration
        self._at += 1
        return self._words[self._at - 1]

    def value_follows(self) -> bool:
        """Whether the next word can be a flag's value."""
        return self._at < len(self._words) and self._words[self._at][:1] != "-"

    def flag_follows(self, grammar: Grammar) -> bool:
        """Whether the next word is a flag that takes a value itself: then it is none's value (``-q -e TEXT``)."""
        return self._at + 1 < len(self._words) and self._words[self._at].partition("=")[0] in grammar.values


def parse(grammar: Grammar, argv: list[str]) -> Arguments:
    """The arguments after the program's name. Whatever is not described is taken literally."""
    parsed = Arguments({}, [], {})
    rest = _Words(argv)
    for argument in rest:
        if argument == "--":
            parsed.flags["--"] = []
            parsed.words.extend(rest)
        elif len(argument) < 2 or argument[0] not in "-+" or argument[0] == "+":
            _word(grammar, parsed, argument)
        elif argument.startswith("--") or grammar.single:
            _long(grammar, parsed, argument, rest)
        else:
            _short(grammar, parsed, argument, rest)
    return parsed


def _takes(grammar: Grammar, parsed: Arguments, flag: str) -> bool:
    if parsed.words and any(f"{word}:{flag}" in grammar.values for word in parsed.words[:2]):
        return True
    if parsed.words and f"{parsed.words[-1]}>{flag}" in grammar.values:
        return True
    return flag in grammar.values and not (grammar.leading and parsed.words and not flag.startswith("--"))


def _valued(grammar: Grammar, flag: str) -> bool:
    switches = grammar.switches
    return bool(switches) and flag not in switches and flag not in COMMON_SWITCHES and not flag.startswith("--no-")


def _word(grammar: Grammar, parsed: Arguments, argument: str) -> None:
    key, equals, value = argument.partition("=")
    if grammar.operands and equals:
        parsed.keys.setdefault(key, []).append(value)
    else:
        parsed.words.append(argument)


def _add(parsed: Arguments, flag: str, value: str | None) -> None:
    values = parsed.flags.setdefault(flag, [])
    if value is not None:
        values.append(value)


def _long(grammar: Grammar, parsed: Arguments, argument: str, rest: _Words) -> None:
    flag, equals, value = argument.partition("=")
    if equals:
        _add(parsed, flag, value)
    elif (
        (_takes(grammar, parsed, flag) or (grammar.single and _takes(grammar, parsed, flag[1:])))
        and not rest.flag_follows(grammar)
    ) or (_valued(grammar, flag) and rest.value_follows()):
        _add(parsed, flag, next(rest, ""))
    else:
        _add(parsed, flag, None)


def _short(grammar: Grammar, parsed: Arguments, argument: str, rest: _Words) -> None:
    for at in range(1, len(argument)):
        flag = "-" + argument[at]
        attached = argument[at + 1 :]
        takes = _takes(grammar, parsed, flag) and (attached or not rest.flag_follows(grammar))
        if takes or (_valued(grammar, flag) and (attached or rest.value_follows())):
            _add(parsed, flag, attached or next(rest, ""))
            return
        _add(parsed, flag, None)

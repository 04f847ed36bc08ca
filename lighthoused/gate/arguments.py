"""Parses the arguments of a program by a description of its flags. Must not know what any program does."""

from typing import NamedTuple


class Grammar(NamedTuple):
    """How a program takes arguments.

    `values`: flags that take one, and ``sub:flag`` for those of a subcommand. `single`: long flags begin with one dash,
    short ones do not combine. `operands`: ``key=value`` arguments (dd). `leading`: `values` hold only before the first
    word (git).
    """

    values: frozenset[str] = frozenset()
    single: bool = False
    operands: bool = False
    leading: bool = False


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
        return any(flag.startswith("--") and len(flag) > 4 and spec.startswith(flag) for flag in self.flags)

    def of(self, spec: str) -> list[str]:
        """The values of the flags ``a,b``."""
        return [value for flag in spec.split(",") for value in self.flags.get(flag, ())]


def parse(grammar: Grammar, argv: list[str]) -> Arguments:
    """The arguments after the program's name. Whatever is not described is taken literally."""
    parsed = Arguments({}, [], {})
    rest = iter(argv)
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
    return flag in grammar.values and not (grammar.leading and parsed.words and not flag.startswith("--"))


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


def _long(grammar: Grammar, parsed: Arguments, argument: str, rest: object) -> None:
    flag, equals, value = argument.partition("=")
    if equals:
        _add(parsed, flag, value)
    elif _takes(grammar, parsed, flag):
        _add(parsed, flag, next(rest, ""))  # type: ignore[call-overload]
    else:
        _add(parsed, flag, None)


def _short(grammar: Grammar, parsed: Arguments, argument: str, rest: object) -> None:
    for at in range(1, len(argument)):
        flag = "-" + argument[at]
        if _takes(grammar, parsed, flag):
            value = argument[at + 1 :] or next(rest, "")  # type: ignore[call-overload]
            _add(parsed, flag, value)
            return
        _add(parsed, flag, None)

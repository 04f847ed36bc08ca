"""String literals, variables that hold them, and printing them, in perl, ruby, node, php, lua, awk and their like.

By patterns, without a parser. Knows nothing of what is run.
"""

import re
from collections import Counter
from itertools import islice
from typing import NamedTuple

from lighthoused.gate.shell.quoting import ansi
from lighthoused.gate.shell.text import UNKNOWN

_QUOTE_WORDS = (
    r"(?<![\w$])(?:q[qxw]?|%[wqQ])\s*+(?:\{(?P<w1>[^}]*+)\}|\((?P<w2>[^)]*+)\)|\[(?P<w3>[^\]]*+)\]"
    r"|(?P<mark>[|!/])(?P<w4>[^|!/]*+)(?P=mark))"
)
LITERAL = (
    r"(?:\"(?P<double>(?:[^\"\\]|\\.)*+)\"|'(?P<single>(?:[^'\\]|\\.)*+)'|`(?P<tick>(?:[^`\\]|\\.)*+)`"
    rf"|{_QUOTE_WORDS})"
)
STRING = re.compile(LITERAL, re.DOTALL)
NAME = re.compile(r"[$@*]?([A-Za-z_]\w*+)(?!\s*+\()")
_ASSIGNED = re.compile(
    r"(?<![\w.$@])(?:(?:const|let|var|my|our|local)\s++)?[$@]?(?P<name>[A-Za-z_]\w*+)\s*+=\s*+"
    + LITERAL
    + r"\s*+(?=;|\n|,|$|\})",
    re.DOTALL,
)
_SET = re.compile(r"(?<![\w.])[$@]?([A-Za-z_]\w*+)\s*+(?:[-+*|&^%.]|\.\.|<<|\|\|)?=(?![=~>])")
_INSIDE = re.compile(r"\$\{(\w+)\}|\$(\w+)|#\{(\w+)\}")
_PRINTS = re.compile(
    r"\s*+(?:BEGIN\s*+\{)?\s*+(?P<name>print|puts|say|echo|console\.log|printf|io\.write|process\.stdout\.write"
    r"|\$stdout\.puts|STDOUT\.puts|p|putStrLn)\s*+\(?\s*+(?:(?:"
    + LITERAL
    + r")|\$?(?P<variable>[A-Za-z_]\w*+))\s*+\)?\s*+(?:[;\n}]|$)",
    re.DOTALL,
)
_WITH_NEWLINE = frozenset({"puts", "say", "console.log", "$stdout.puts", "STDOUT.puts", "p", "putStrLn"})


def text_of(found: re.Match[str]) -> str:
    """The text of a literal that was matched by a pattern with LITERAL in it."""
    if found["double"] is not None:
        return ansi(found["double"])
    return next((found[name] for name in ("single", "tick", "w1", "w2", "w3", "w4") if found[name] is not None), "")


def is_list(found: re.Match[str]) -> bool:
    """Whether it is a list of words (``qw(a b)``, ``%w[a b]``)."""
    return found[0].startswith(("qw", "%w"))


def assigned(source: str) -> dict[str, str]:
    """Variables that are given a literal, and nothing else."""
    often = Counter(_SET.findall(source))
    found = ((each["name"], each) for each in _ASSIGNED.finditer(source))
    return {name: text_of(each) for name, each in found if often[name] < 2}


def interpolated(text: str, names: dict[str, str]) -> str:
    """Variables inside a literal filled in."""
    if not names or ("$" not in text and "#{" not in text):
        return text
    return _INSIDE.sub(lambda found: names.get(found[1] or found[2] or found[3], found[0]), text)


class Evaluated(NamedTuple):
    """A literal that is source itself, and where it stands."""

    text: str
    span: tuple[int, int]


def evaluated(source: str) -> list[Evaluated]:
    """Literals that are given to eval and its like."""
    found = (each for each in islice(_EVALUATES.finditer(source), MAX_EVALUATED))
    return [Evaluated(text_of(each), each.span()) for each in found]


MAX_EVALUATED = 16
_EVALUATES = re.compile(
    r"(?<![\w])(?:eval|evalc|EVAL|load|loadstring|assert|create_function|Function|instance_eval|class_eval|module_eval"
    r"|runIn(?:New|This)?Context|compile|Script|exec-string|eval-string|Worker|parse|do_string|dostring|assert_options)\s*+\(?\s*+"
    r"(?:(?:\"[^\"]*+\"|'[^']*+'|text\s*+=)\s*+,?\s*+)*?" + LITERAL + r"(?!\s*+[,.+]\s*+[\"'])",
    re.DOTALL,
)


def printed(source: str, language: str) -> str:
    """What source prints that does nothing but print literals; else nobody knows."""
    names = assigned(source)
    source = _ASSIGNED.sub("", source).strip(" \t\n;")
    made, at = "", 0
    while found := _PRINTS.match(source, at):
        if found.end() == at:
            break
        name = found["variable"]
        made += interpolated(names.get(name, UNKNOWN) if name else text_of(found), names)
        made += "\n" if found["name"] in _WITH_NEWLINE or (language == "awk" and found["name"] == "print") else ""
        at = found.end()
    return made if made and not source[at:].strip(" \t\n;}") else UNKNOWN

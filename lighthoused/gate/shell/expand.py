"""Expands words into fields: tilde, parameters, substitutions, splitting (bash(1), EXPANSION). Patterns stay marked.

Must not know what commands do: a `capture` callable gives the output of substitutions.
"""

import re
from collections.abc import Callable

from lighthoused.gate.shell import ast
from lighthoused.gate.shell.bounds import Unresolvable
from lighthoused.gate.shell.parameters import parameter
from lighthoused.gate.shell.state import Input, State
from lighthoused.gate.shell.text import UNKNOWN, opaque, unmarked

Capture = Callable[[ast.Command, State], str]
_PATTERN = re.compile("(?<!\ue003)([*?\\[])")
_BLANK = " \t\n"
MAX_FIELDS = 2048
MAX_TEXT = 1 << 20


class Expander:
    """Expands in a State; what substitutions print comes from `capture`."""

    def __init__(self, capture: Capture, charge: Callable[[int], None]) -> None:
        self._capture = capture
        self._charge = charge

    def fields(self, words: tuple[ast.Word, ...], state: State) -> list[str]:
        """All fields of these words."""
        made: list[str] = []
        for word in words:
            if len(word.parts) == 1 and isinstance(only := word.parts[0], ast.Lit) and only.text[:1] != "~":
                made.append(only.text)
            else:
                made.extend(self._fields(word, state))
            if len(made) > MAX_FIELDS:
                raise Unresolvable(f"A command has more than {MAX_FIELDS} words.")
        self._charge(len(made) >> 6)
        return made

    def text(self, word: ast.Word, state: State) -> str:
        """The word as one string, without splitting: assignments, here-documents, redirection targets."""
        pieces = []
        for number, part in enumerate(word.parts):
            if isinstance(part, ast.Lit):
                pieces.append(self._literal(part, number == 0, state))
            else:
                pieces.append(" ".join(self._values(part, state)))
        text = "".join(pieces)
        return text if len(text) <= MAX_TEXT else UNKNOWN

    def run(self, parts: tuple[ast.Part, ...], state: State) -> None:
        """Only run the substitutions."""
        for part in parts:
            if not isinstance(part, ast.Lit):
                self._values(part, state)

    def _fields(self, word: ast.Word, state: State) -> list[str]:
        done: list[str] = []
        current: str | None = "" if word.quoted else None
        for number, part in enumerate(word.parts):
            if isinstance(part, ast.Lit):
                current = (current or "") + self._literal(part, number == 0, state)
                continue
            values = self._values(part, state)
            if _is_quoted(part):
                current = _add_whole(done, current, values, word)
            else:
                current = _add_split(done, current, values)
        if current is not None:
            done.append(current)
        return done

    def _literal(self, part: ast.Lit, first: bool, state: State) -> str:
        if first and part.bare and part.text.startswith("~"):
            return _tilde(part.text, state)
        return part.text

    def _values(self, part: ast.Part, state: State) -> list[str]:
        """The values of an expansion: several only for ``$@`` and arrays."""
        if isinstance(part, ast.Param):
            return parameter(part, state, lambda word: self.text(word, state), self._charge)
        if isinstance(part, ast.Subst):
            return [self._capture(part.body, state.fork()).rstrip("\n")]
        if isinstance(part, ast.Process):
            return [self._process(part, state)]
        if isinstance(part, ast.Arith):
            self.run(part.parts, state)
            return [_number(part.text)]
        return [part.text]

    def _process(self, part: ast.Process, state: State) -> str:
        """A file with the output; what is written into ``>(...)`` is not known to it."""
        output = self._capture(part.body, state.fork(None if part.reads else Input(UNKNOWN)))
        path = f"/dev/fd/{63 - len(state.files) % 50}"
        if part.reads:
            state.write(path, output, False)
        return path


def _is_quoted(part: ast.Part) -> bool:
    return part.quoted if isinstance(part, ast.Param | ast.Subst) else True


def _add_whole(done: list[str], current: str | None, values: list[str], word: ast.Word) -> str | None:
    """Quoted values: each but the last ends a field; none at all leaves no field of an otherwise empty word."""
    if not values:
        return None if current == "" and len(word.parts) == 1 else current
    for value in values[:-1]:
        done.append((current or "") + value)
        current = ""
    return (current or "") + values[-1]


def _add_split(done: list[str], current: str | None, values: list[str]) -> str | None:
    """Unquoted values are split at blanks, and their pattern characters become active."""
    for number, value in enumerate(values):
        pieces = value.split()
        if not pieces:
            if value and current is not None:
                done.append(current)
                current = None
            continue
        if current is not None and (number or value[0] in _BLANK):
            done.append(current)
            current = None
        pieces = [_PATTERN.sub("\ue003\\1", piece) for piece in pieces]
        done.extend(((current or "") + pieces[0], *pieces[1:-1]) if len(pieces) > 1 else ())
        current = pieces[-1] if len(pieces) > 1 else (current or "") + pieces[0]
        if value[-1] in _BLANK:
            done.append(current)
            current = None
    return current


def _tilde(text: str, state: State) -> str:
    user, slash, rest = text[1:].partition("/")
    if user == "":
        base = (state.value("HOME") or (UNKNOWN,))[0]
    elif user == "+":
        base = state.cwd
    elif user == "-":
        base = (state.value("OLDPWD") or (UNKNOWN,))[0]
    elif re.fullmatch(r"[a-z_][a-z0-9_.-]*", user):
        base = "/root" if user == "root" else f"/home/{user}"
    else:
        return text
    return base + slash + rest


def _number(source: str) -> str:
    """Sums of literal numbers are computed; anything else is some number."""
    inner = unmarked(source)[3:-2] if source.startswith("$((") else ""
    found = re.fullmatch(r"\s*(\d{1,9})\s*(?:([-+*])\s*(\d{1,9})\s*)?", inner)
    if found is None or opaque(inner):
        return UNKNOWN
    first, second = int(found[1]), int(found[3] or 0)
    return str({"+": first + second, "-": first - second, "*": first * second}.get(found[2] or "+", 0))

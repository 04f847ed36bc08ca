"""Expands words into fields: tilde, parameters, substitutions, splitting (bash(1), EXPANSION). Patterns stay marked.

Must not know what commands do: a `capture` callable gives the output of substitutions.
"""

import re
from collections.abc import Callable
from functools import partial

from lighthoused.gate.shell import ast
from lighthoused.gate.shell.arithmetic import evaluate
from lighthoused.gate.shell.bounds import Unresolvable, decimal
from lighthoused.gate.shell.parameters import chosen, parameter
from lighthoused.gate.shell.splitting import split
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import ENDLESS, UNKNOWN, ended, opaque, unmarked

Capture = Callable[[ast.Command, State], str]
_PATTERN = re.compile("(?<!\ue003)([*?\\[])")
MAX_FIELDS = 2048
MAX_TEXT = 1 << 20


class Expander:
    """Expands in a State; what substitutions print comes from `capture`."""

    def __init__(
        self,
        capture: Capture,
        read: Callable[[str], ast.Command],
        charge: Callable[[int], None],
        overflow: Callable[[], None],
        sink: Callable[[ast.Command, State], str],
    ) -> None:
        """`overflow` is called where output that never ends would be kept; `sink` gives a file that feeds a command."""
        self._sink = sink
        self._overflow = overflow
        self._capture = capture
        self._read = read
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
                star = isinstance(part, ast.Param) and "*" in (part.name, part.subscript)
                pieces.append((state.separators[:1] if star else " ").join(self._values(part, state)))
        text = "".join(pieces)
        return text if len(text) <= MAX_TEXT else UNKNOWN

    def run(self, parts: tuple[ast.Part, ...], state: State) -> None:
        """Only run the substitutions."""
        for part in parts:
            if not isinstance(part, ast.Lit):
                self._values(part, state)

    def _fields(self, word: ast.Word, state: State) -> list[str]:
        done: list[str] = []
        current = self._parts(word, state, done, None)
        if current is not None:
            done.append(current)
        return done

    def _parts(self, word: ast.Word, state: State, done: list[str], current: str | None) -> str | None:
        """Add the word's fields to those that are done; gives the one that is still open."""
        for number, part in enumerate(word.parts):
            if isinstance(part, ast.Lit):
                current = (current or "") + self._literal(part, number == 0 or (number == 1 and not current), state)
                continue
            values = self._values(part, state)
            if values == [UNKNOWN] and isinstance(part, ast.Param) and part.name in _UNSET and len(word.parts) > 1:
                values = [""]
            if _is_quoted(part):
                current = _add_whole(done, current, values, word)
            elif isinstance(part, ast.Param) and part.argument and (given := chosen(part, state)):
                current = self._argument(given, state, done, current)
            else:
                current = _add_split(done, current, values, state.separators)
        return current

    def _argument(self, word: ast.Word, state: State, done: list[str], current: str | None) -> str | None:
        """The word after ``:-`` or ``:+``: what is quoted in it stays whole."""
        for part in word.parts:
            if isinstance(part, ast.Lit) and part.bare:
                current = _add_split(done, current, [part.text], state.separators)
            elif isinstance(part, ast.Lit):
                current = (current or "") + part.text
            else:
                current = self._parts(ast.Word((part,), True), state, done, current)
        return current

    def _literal(self, part: ast.Lit, first: bool, state: State) -> str:
        if first and part.bare and part.text.startswith("~"):
            return _tilde(part.text, state)
        return part.text

    def _values(self, part: ast.Part, state: State) -> list[str]:
        """The values of an expansion: several only for ``$@`` and arrays."""
        if isinstance(part, ast.Param):
            if part.op == "@" and part.argument and self.text(part.argument, state) == "P":
                self.hidden("".join(state.value(part.name) or ()), state)
            return parameter(part, state, lambda word: self.text(word, state), self._charge)
        if isinstance(part, ast.Subst):
            return [self._whole(self._capture(part.body, state.fork()).rstrip("\n"))]
        if isinstance(part, ast.Process):
            return [self._process(part, state)]
        if isinstance(part, ast.Arith):
            return [self.arithmetic(part, state)]
        return [part.text]

    def _whole(self, output: str) -> str:
        """What a substitution prints is kept in memory."""
        if ENDLESS in output:
            self._overflow()
        return ended(output)

    def arithmetic(self, part: ast.Arith, state: State) -> str:
        """The number, as far as it is known. Parameters and substitutions in it are expanded first."""
        if part.word is None:
            self.run(part.parts, state)
            return UNKNOWN
        return self.number(self.text(part.word, state), state)

    def number(self, source: str, state: State) -> str:
        """The value of an arithmetic expression, which may change variables and, in subscripts, run commands."""
        if "$(" in source or "`" in source:
            self.hidden(source, state)
        if opaque(source):
            return UNKNOWN
        value = evaluate(unmarked(source), partial(self._variable, state), partial(_assign, state))
        return UNKNOWN if value is None else str(value)

    def hidden(self, text: str, state: State) -> None:
        """Run the substitutions of text that the shell expands again, such as a subscript in a variable's value."""
        if "$(" in text or "`" in text:
            self._charge(1)
            quoted = unmarked(text).replace('"', '\\"')
            self._capture(self._read(f': "{quoted}"'), state.fork())

    def source(self, text: str, state: State) -> str:
        """What source such as a subscript expands to."""
        self._charge(1)
        return self._capture(self._read(f"printf %s {text}" if '"' in text else f'printf %s "{text}"'), state.fork())

    def _variable(self, state: State, name: str) -> str | None:
        base, bracket, index = name.partition("[")
        values = state.value(base)
        if values is None:
            return "0" if base in state.numbers else None
        at = decimal(self.number(index[:-1], state)) if bracket else 0
        if at is None or not -len(values) <= at < len(values):
            return None if at is None else "0"
        self.hidden(values[at], state)
        return None if opaque(values[at]) or "$(" in values[at] else values[at]

    def _process(self, part: ast.Process, state: State) -> str:
        """A file with the output, or for ``>(...)`` one that takes its input."""
        if not part.reads:
            return self._sink(part.body, state)
        output = self._capture(part.body, state.fork())
        path = f"/dev/fd/{63 - len(state.files) % 50}"
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


def _add_split(done: list[str], current: str | None, values: list[str], separators: str) -> str | None:
    """Unquoted values are split at the separators of IFS, and their pattern characters become active."""
    if len(values) > 1 and separators[:1].strip():
        values = [separators[0].join(values)]
    for number, value in enumerate(values):
        pieces = split(value, separators)
        if current is not None and number:
            done.append(current)
            current = None
        if not pieces:
            if value and current is not None:
                done.append(current)
                current = None
            continue
        if current is not None and value[0] in separators:
            done.append(current)
            current = None
        pieces = [_PATTERN.sub("\ue003\\1", piece) for piece in pieces]
        done.extend(((current or "") + pieces[0], *pieces[1:-1]) if len(pieces) > 1 else ())
        current = pieces[-1] if len(pieces) > 1 else (current or "") + pieces[0]
        if value[-1] in separators:
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


def _assign(state: State, name: str, value: int) -> None:
    if name.isidentifier():
        state.assign(name, (str(value),))


_UNSET = frozenset({"@", "*", *"456789"})
"""Parameters that are taken as empty inside a word where nobody says what they are: that is what they hide."""

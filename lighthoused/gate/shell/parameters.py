"""Parameter expansion (bash(1), Parameter Expansion). A parameter that is not known may come from the environment."""

import re
from collections.abc import Callable

from lighthoused.gate.shell import ast
from lighthoused.gate.shell.state import State, Value
from lighthoused.gate.shell.text import UNKNOWN, opaque, unmarked

Text = Callable[[ast.Word], str]
_DIGITS = re.compile(r"-?\d+")


def parameter(part: ast.Param, state: State, text: Text) -> list[str]:
    """The values that ``$name`` or ``${...}`` gives; several only for ``$@``, ``$*`` and arrays."""
    value = _lookup(part, state)
    if part.indirect and value and not part.subscript:
        name = value[0]
        value = state.value(name) if not opaque(name) else None
    if part.length:
        return [UNKNOWN if value is None or any(map(opaque, value)) else str(_length(part, value))]
    if part.op:
        value = _operate(part, value, state, text)
    if value is None:
        return [UNKNOWN]
    if part.quoted and (part.name == "*" or part.subscript == "*"):
        return [" ".join(value)]
    return list(value)


def _length(part: ast.Param, value: Value) -> int:
    return len(value) if part.name in "@*" or part.subscript in ("@", "*") else len(value[0]) if value else 0


def _lookup(part: ast.Param, state: State) -> Value | None:
    name = part.name
    if name in ("@", "*"):
        return state.params
    if name.isdigit():
        return _positional(int(name), state)
    if name in _SPECIAL:
        return (_SPECIAL[name],) if name != "#" or state.params is None else (str(len(state.params)),)
    value = state.value(name)
    if value is None or not value:
        return value
    return value if part.subscript in ("@", "*") else _element(value, part.subscript)


_SPECIAL = {"#": UNKNOWN, "?": "0", "$": UNKNOWN, "!": UNKNOWN, "-": "", "_": UNKNOWN, "RANDOM": UNKNOWN}


def _positional(number: int, state: State) -> Value | None:
    if number == 0:
        return ("bash",)
    if state.params is None:
        return None
    return (state.params[number - 1],) if number <= len(state.params) else ("",)


def _element(value: Value, index: str) -> Value:
    if index == "":
        return value[:1]
    if not _DIGITS.fullmatch(index):
        return (UNKNOWN,)
    number = int(index)
    return (value[number],) if -len(value) <= number < len(value) else ("",)


def _operate(part: ast.Param, value: Value | None, state: State, text: Text) -> Value | None:
    op = part.op
    argument = text(part.argument) if part.argument else ""
    if op in (":-", "-", ":=", "="):
        if value is None or (op[0] == ":" and not any(value)):
            if op in (":=", "="):
                state.assign(part.name, (argument,))
            return (argument,)
        return value
    if op in (":+", "+"):
        return (argument,) if value is None or any(value) else ("",)
    if op in (":?", "?", "@"):
        return value
    if value is None or any(map(opaque, value)) or opaque(argument):
        return None
    return tuple(_edit(op, each, argument) for each in value)


def _edit(op: str, value: str, argument: str) -> str:
    if op in ("#", "##", "%", "%%"):
        return _strip(op, value, argument)
    if op[0] == "/":
        pattern, _, new = argument.partition("/")
        regex = _regex(pattern)
        regex = {"#": "^" + regex, "%": regex + "$"}.get(op[-1], regex) if len(op) > 1 else regex
        return re.sub(regex, lambda _: unmarked(new), value, count=0 if op == "//" else 1)
    if op[0] == "^":
        return value.upper() if op == "^^" else value[:1].upper() + value[1:]
    if op[0] == ",":
        return value.lower() if op == ",," else value[:1].lower() + value[1:]
    return _slice(value, argument)


def _strip(op: str, value: str, pattern: str) -> str:
    """Removes the shortest or longest matching prefix or suffix."""
    regex = re.compile(_regex(pattern), re.DOTALL)
    sizes: list[int] = list(range(len(value) + 1))
    if len(op) == 2:
        sizes.reverse()
    for size in sizes[:4096]:
        piece = value[:size] if op[0] == "#" else value[len(value) - size :]
        if regex.fullmatch(piece):
            return value[size:] if op[0] == "#" else value[: len(value) - size]
    return value


def _regex(pattern: str) -> str:
    """A shell pattern as a regular expression; unmarked characters are literal."""
    return "".join(_PIECES.get(piece[:2]) or re.escape(piece) for piece in _PATTERN.split(pattern))


_PATTERN = re.compile(r"(\ue003[*?]|\ue003\[[^\]]*\]?)")
_PIECES = {"\ue003*": ".*", "\ue003?": ".", "\ue003[": "."}


def _slice(value: str, argument: str) -> str:
    offset, _, length = (piece.strip() for piece in argument.partition(":"))
    if not _DIGITS.fullmatch(offset) or (length and not _DIGITS.fullmatch(length)):
        return UNKNOWN
    rest = value[int(offset) :] if int(offset) >= -len(value) else ""
    return rest[: int(length)] if length else rest

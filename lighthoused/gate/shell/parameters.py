"""Parameter expansion (bash(1), Parameter Expansion). A parameter that is not known may come from the environment."""

import re
from collections.abc import Callable

from lighthoused.gate.shell import ast
from lighthoused.gate.shell.bounds import decimal
from lighthoused.gate.shell.patterns import Pattern
from lighthoused.gate.shell.quoting import ansi, unquoted
from lighthoused.gate.shell.state import State, Value
from lighthoused.gate.shell.text import GLOB, HOLE, KEPT, UNKNOWN, opaque, unmarked

Text = Callable[[ast.Word], str]
Charge = Callable[[int], None]
_SECRET = re.compile(
    r"(?i)\w*(?:TOKEN|SECRET|PASSW(?:OR)?D|PASSPHRASE|API_?KEY|ACCESS_KEY|PRIVATE_KEY|SECRET_KEY|AUTH_KEY|MASTER_KEY"
    r"|ENCRYPTION_KEY|CREDENTIALS?|_PAT|_PWD)\d*"
)
_ACTIVE = re.compile(f"{GLOB}[*?[]")


def parameter(part: ast.Param, state: State, text: Text, charge: Charge) -> list[str]:
    """The values that ``$name`` or ``${...}`` gives; several only for ``$@``, ``$*`` and arrays."""
    value = _lookup(part, state)
    if part.indirect and value and not part.subscript:
        name, _, index = value[0].rstrip("]").partition("[")
        value = state.value(name) if not opaque(name) else None
        if value and index in ("@", "*"):
            part = part._replace(subscript=index)
        elif value and index:
            value = _element(value, index)
    if part.length:
        return [UNKNOWN if value is None or any(map(opaque, value)) else str(_length(part, value))]
    if part.op:
        value = _operate(part, value, state, text, charge)
    if value is None:
        return [environment(part.name)]
    if not value and part.name not in "@*" and part.subscript not in ("@", "*"):
        return [""]
    if part.quoted and (part.name == "*" or part.subscript == "*"):
        return [state.separators[:1].join(value)]
    return list(value)


def environment(name: str) -> str:
    """What a variable holds that only the environment knows."""
    return KEPT if _SECRET.fullmatch(name) else UNKNOWN


def chosen(part: ast.Param, state: State) -> ast.Word | None:
    """The argument, where the expansion is this instead of the value."""
    if part.op not in (":-", "-", ":+", "+"):
        return None
    value = _lookup(part, state)
    empty = value is None or (part.op[0] == ":" and not any(value)) or value == ()
    return part.argument if empty == (part.op[-1] == "-") and not (value is None and part.op[-1] == "+") else None


def _length(part: ast.Param, value: Value) -> int:
    return len(value) if part.name in "@*" or part.subscript in ("@", "*") else len(value[0]) if value else 0


def _lookup(part: ast.Param, state: State) -> Value | None:
    name = part.name
    if name in ("@", "*"):
        return state.params
    if name.isdecimal():
        return _positional(decimal(name), state)
    if name in _SPECIAL:
        return (_SPECIAL[name],) if name != "#" or state.params is None else (str(len(state.params)),)
    if part.subscript and part.subscript not in ("@", "*") and decimal(part.subscript) is None:
        return _keyed(part, state)
    value = state.value(name)
    if part.subscript in ("@", "*") and (keys := state.keys(name)):
        return tuple(keys) if part.indirect else tuple(each for key in keys for each in state.vars[f"{name}[{key}]"][0])
    if value is None or not value:
        return value
    if part.subscript in ("@", "*"):
        return tuple(each for each in value if each != HOLE) if HOLE in value else value
    return _element(value, part.subscript)


def _keyed(part: ast.Param, state: State) -> Value | None:
    """An element by a key or an expression."""
    key = unquoted(part.subscript)
    found = state.value(f"{part.name}[{key}]")
    if found is None and state.keys(part.name):
        return ("",)
    if found is None and (value := state.value(key)) and decimal(value[0]) is not None:
        return _element(state.value(part.name) or (), value[0])
    return found


_SPECIAL = {"#": UNKNOWN, "?": "0", "$": UNKNOWN, "!": UNKNOWN, "-": "", "RANDOM": UNKNOWN}


def _positional(at: int | None, state: State) -> Value | None:
    if at == 0:
        return (state.name,)
    if state.params is None or at is None:
        return None
    return (state.params[at - 1],) if at <= len(state.params) else ("",)


def _element(value: Value, index: str) -> Value:
    if index == "":
        return value[:1] if value[:1] != (HOLE,) else ("",)
    at = decimal(index)
    if at is None:
        return (UNKNOWN,)
    return (value[at],) if -len(value) <= at < len(value) and value[at] != HOLE else ("",)


def _operate(part: ast.Param, value: Value | None, state: State, text: Text, charge: Charge) -> Value | None:
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
    if op in (":?", "?"):
        return value
    if op == ":" and part.name in "@*":
        return None if value is None else _some((state.name, *value), argument)
    if op == ":" and part.subscript in ("@", "*") and value is not None:
        return _some(value, argument)
    if value is None or any(map(opaque, value)) or opaque(argument):
        return None
    return tuple(_edit(op, each, argument, charge) for each in value)


def _edit(op: str, value: str, argument: str, charge: Charge) -> str:
    charge(1 + (len(value) >> 8))
    if op in ("#", "##", "%", "%%"):
        return _strip(op, value, argument)
    if op[0] == "/":
        return _replace(op, value, argument, charge)
    if op == "@":
        return _transformed(value, argument)
    if op[0] == "^":
        return value.upper() if op == "^^" else value[:1].upper() + value[1:]
    if op[0] == ",":
        return value.lower() if op == ",," else value[:1].lower() + value[1:]
    return _slice(value, argument)


def _strip(op: str, value: str, source: str) -> str:
    """Removes the shortest or longest matching prefix or suffix."""
    suffix = op[0] == "%"
    text = value[::-1] if suffix else value
    pattern = Pattern(source, reverse=suffix)
    end = pattern.longest(text) if len(op) == 2 else next(pattern.prefixes(text), None)
    rest = text[end or 0 :]
    return rest[::-1] if suffix else rest


def _replace(op: str, value: str, argument: str, charge: Charge) -> str:
    """``/`` the first, ``//`` all, ``/#`` at the beginning, ``/%`` at the end."""
    source, _, new = argument.partition("/")
    new = unmarked(new)
    if op == "/%":
        ends = list(Pattern(source, reverse=True).prefixes(value[::-1]))
        return value[: len(value) - ends[-1]] + new if ends else value
    if op == "/#":
        end = Pattern(source).longest(value)
        return value if end is None else new + value[end:]
    if not source:
        return value
    if _ACTIVE.search(source) is None:
        source = unmarked(source)
        charge(value.count(source) * len(new) >> 10)
        return value.replace(source, new, -1 if op == "//" else 1)
    charge(len(value) ** 2 >> 8)
    return _replace_matches(Pattern(source), value, new, 1 if op == "/" else len(value))


def _replace_matches(pattern: Pattern, value: str, new: str, count: int) -> str:
    made = []
    at = 0
    while at < len(value):
        end = pattern.longest(value, at) if count else None
        if end is None or end == at:
            made.append(value[at])
            at += 1
        else:
            made.append(new)
            count -= 1
            at = end
    return "".join(made)


def _transformed(value: str, letter: str) -> str:
    """``@U``, ``@L``, ``@E``, ...; what ``@P`` runs is for the caller."""
    if letter in "ULu":
        return {"U": value.upper(), "L": value.lower(), "u": value[:1].upper() + value[1:]}[letter]
    return (
        ansi(value)
        if letter in ("E", "P")
        else "'" + value.replace("'", "'\\''") + "'"
        if letter in ("Q", "K")
        else value
    )


def _some(value: Value, argument: str) -> Value | None:
    """The elements that ``:offset:length`` keeps."""
    offset, _, length = (piece.strip() for piece in argument.partition(":"))
    start, size = decimal(offset), decimal(length)
    if start is None or (length and size is None):
        return None
    rest = value[start:]
    return rest if size is None else rest[:size]


def _slice(value: str, argument: str) -> str:
    offset, _, length = (piece.strip() for piece in argument.partition(":"))
    start, size = decimal(offset), decimal(length)
    if start is None or (length and size is None):
        return UNKNOWN
    rest = value[start:] if start >= -len(value) else ""
    return rest if size is None else rest[:size]

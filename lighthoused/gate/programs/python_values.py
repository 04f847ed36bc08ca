"""Computes constant values of Python expressions: strings, lists, the usual encodings. Runs nothing."""

import ast
import base64
import binascii
import codecs
from collections.abc import Callable

from lighthoused.gate.shell.bounds import Unresolvable
from lighthoused.gate.shell.text import FETCHED, UNKNOWN, literal, opaque

Value = str | list["Value"]
MAX_TEXT = 1 << 16
MAX_STEPS = 20_000


class Names:
    """What names mean: modules and functions by their full dotted names, variables by their values."""

    def __init__(self, home: tuple[str, ...], cwd: str) -> None:
        self.modules: dict[str, str] = {}
        self.values: dict[str, Value] = {}
        self.home = home[0]
        self.cwd = cwd
        self._steps = 0

    def charge(self) -> None:
        """Count a step of computing. Raises Unresolvable when there are too many."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise Unresolvable(f"Python code takes more than {MAX_STEPS} steps to understand.")

    def dotted(self, node: ast.expr) -> str:
        """The full name of a function, through aliases, ``__import__`` and getattr; "" where it has none."""
        self.charge()
        if isinstance(node, ast.Name):
            return self.modules.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        if isinstance(node, ast.Call):
            called = self.dotted(node.func)
            first = value_of(node.args[0], self) if node.args else ""
            if called in ("__import__", "importlib.import_module"):
                return flat(first)
            if called == "getattr" and len(node.args) > 1:
                return f"{self.dotted(node.args[0])}.{flat(value_of(node.args[1], self))}"
        return ""


def flat(value: Value) -> str:
    """A value as text."""
    if isinstance(value, str):
        return value
    return " ".join(each if isinstance(each, str) else UNKNOWN for each in value)


def value_of(node: ast.expr, names: Names) -> Value:
    """The value of an expression, with unknown parts. Raises Unresolvable over a bound."""
    names.charge()
    value = _value(node, names)
    _check(_extent(value))
    return value


def _check(size: int) -> None:
    if size > MAX_TEXT:
        raise Unresolvable(f"Python code makes a value of more than {MAX_TEXT} characters.")


def _extent(value: Value) -> int:
    """Characters of a text; of a list those of its members, which have passed this bound themselves."""
    if isinstance(value, str):
        return len(value)
    return sum(64 + (len(each) if isinstance(each, str) else 64 * len(each)) for each in value)


def _value(node: ast.expr, names: Names) -> Value:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bytes):
            return literal(node.value.decode("latin-1"))
        return literal(str(node.value)) if not isinstance(node.value, int) or abs(node.value) < 10**9 else UNKNOWN
    if isinstance(node, ast.Name):
        return names.values.get(node.id, UNKNOWN)
    if isinstance(node, ast.JoinedStr):
        return "".join(flat(value_of(part, names)) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return value_of(node.value, names)
    if isinstance(node, ast.List | ast.Tuple):
        return [value_of(each, names) for each in node.elts]
    if isinstance(node, ast.BinOp):
        return _operation(node, names)
    if isinstance(node, ast.Call):
        return _call(node, names)
    if isinstance(node, ast.Subscript):
        return _subscript(node, names)
    if isinstance(node, ast.IfExp):
        return value_of(node.body, names)
    return UNKNOWN


def _operation(node: ast.BinOp, names: Names) -> Value:
    left, right = value_of(node.left, names), value_of(node.right, names)
    if isinstance(node.op, ast.Add):
        if isinstance(left, list) and isinstance(right, list):
            return left + right
        return flat(left) + flat(right)
    if isinstance(node.op, ast.Div):
        return f"{flat(left)}/{flat(right)}"
    if isinstance(node.op, ast.Mod) and isinstance(left, str):
        pieces = list(right) if isinstance(right, list) else [right]
        while "%s" in left and pieces:
            left = left.replace("%s", flat(pieces.pop(0)), 1)
        return left
    return UNKNOWN


def _subscript(node: ast.Subscript, names: Names) -> Value:
    value = value_of(node.value, names)
    if names.dotted(node.value) == "os.environ":
        return names.home if flat(value_of(node.slice, names)) == "HOME" else UNKNOWN
    reverses = isinstance(node.slice, ast.Slice) and node.slice.lower is None and node.slice.upper is None
    if reverses and isinstance(node.slice, ast.Slice) and node.slice.step is not None:
        step = node.slice.step
        if isinstance(step, ast.UnaryOp) and isinstance(step.operand, ast.Constant) and step.operand.value == 1:
            return value[::-1]
    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int) and isinstance(value, list):
        return value[node.slice.value] if -len(value) <= node.slice.value < len(value) else UNKNOWN
    return UNKNOWN


def _call(node: ast.Call, names: Names) -> Value:
    name = names.dotted(node.func)
    values = [value_of(argument, names) for argument in node.args]
    first = flat(values[0]) if values else UNKNOWN
    function = _FUNCTIONS.get(name)
    if function is not None:
        return _guarded(function, first)
    if name in ("os.path.expanduser", "Path.home", "pathlib.Path.home"):
        return names.home if name.endswith("home") else first.replace("~", names.home, 1)
    if name in ("os.getcwd", "Path.cwd", "pathlib.Path.cwd"):
        return names.cwd
    if name in ("os.path.join", "Path", "pathlib.Path"):
        return "/".join(map(flat, values)) if values else "."
    if name == "codecs.decode" and len(values) > 1:
        return _guarded(lambda text: codecs.decode(text, "rot13"), first) if "rot" in flat(values[1]) else UNKNOWN
    if name == "os.listdir":
        return [f"some{UNKNOWN}"]
    if name.split(".")[-1] in ("urlopen", "get", "post") and name.split(".")[0] in ("urllib", "requests", "httpx"):
        return FETCHED
    return _method(node, values, names)


def _method(node: ast.Call, values: list[Value], names: Names) -> Value:
    """Methods of strings and lists."""
    if not isinstance(node.func, ast.Attribute):
        return UNKNOWN
    owner = value_of(node.func.value, names)
    method = node.func.attr
    first = values[0] if values else ""
    if method in ("decode", "encode", "strip", "read", "expanduser", "resolve", "absolute", "as_posix", "text"):
        return owner.strip() if method == "strip" and isinstance(owner, str) else owner
    if method == "join" and isinstance(owner, str) and isinstance(first, list):
        _check(len(owner) * len(first))
        return owner.join(map(flat, first))
    if method == "split" and isinstance(owner, str):
        return list(owner.split(flat(first) or None))
    if method == "replace" and isinstance(owner, str) and len(values) > 1:
        return _replaced(owner, flat(first), flat(values[1]))
    if method == "format" and isinstance(owner, str):
        for each in values:
            owner = owner.replace("{}", flat(each), 1)
        return owner
    if method == "joinpath":
        return "/".join([flat(owner), *map(flat, values)])
    return UNKNOWN if FETCHED not in flat(owner) else FETCHED


def _replaced(text: str, old: str, new: str) -> str:
    if not old:
        return text
    _check(text.count(old) * len(new))
    return text.replace(old, new)


def _guarded(function: Callable[[str], str], text: str) -> str:
    if opaque(text):
        return FETCHED if FETCHED in text else UNKNOWN
    try:
        return literal(function(text))
    except (ValueError, OverflowError, binascii.Error, TypeError):
        return UNKNOWN


_FUNCTIONS: dict[str, Callable[[str], str]] = {
    "base64.b64decode": lambda text: base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "replace"),
    "base64.b32decode": lambda text: base64.b32decode(text).decode("utf-8", "replace"),
    "base64.urlsafe_b64decode": lambda text: base64.urlsafe_b64decode(text).decode("utf-8", "replace"),
    "bytes.fromhex": lambda text: bytes.fromhex(text).decode("utf-8", "replace"),
    "binascii.unhexlify": lambda text: binascii.unhexlify(text).decode("utf-8", "replace"),
    "bytearray.fromhex": lambda text: bytes.fromhex(text).decode("utf-8", "replace"),
    "chr": lambda text: chr(int(text)),
    "str": str,
    "bytes": str,
    "repr": str,
    "shlex.quote": str,
}

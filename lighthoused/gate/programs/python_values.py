"""Computes constant values of Python expressions: strings, lists, the usual encodings. Runs nothing."""

import ast
import codecs
import posixpath
import re
import shlex
from collections.abc import Callable
from typing import Any

from lighthoused.gate.programs.python_constants import Constants, NotConstant
from lighthoused.gate.programs.python_encodings import ENCODINGS, MAX_TEXT, decoded, guarded
from lighthoused.gate.shell.bounds import Unresolvable
from lighthoused.gate.shell.parameters import environment
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import FETCHED, GLOB, KEPT, UNKNOWN, literal, opaque, origin

Value = str | list["Value"]
MAX_STEPS = 20_000
MAX_ITEMS = 2048
MAX_COMPUTED = 256
"""Expressions of one source that are tried to be computed."""


class Names:
    """What names mean: modules and functions by their full dotted names, variables by their values."""

    def __init__(self, state: State, content: Callable[[str], str] = lambda _: UNKNOWN) -> None:
        """`content`: the text of a file by its path."""
        self.modules: dict[str, str] = {}
        self.values: dict[str, Value] = {}
        self.home = (state.value("HOME") or (UNKNOWN,))[0]
        self.cwd = state.cwd
        self.constants: dict[str, Any] = {}
        self.state = state
        self.content = content
        self._steps = 0
        self._computing = False
        self._tried = 0

    def bind(self, target: ast.expr, value: Value) -> None:
        """Give a name, an attribute or several names their values."""
        if isinstance(target, ast.Name):
            self.values[target.id] = value
            self.constants.pop(target.id, None)
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            self.values[f"{target.value.id}.{target.attr}"] = value
        elif isinstance(target, ast.Tuple | ast.List):
            parts: list[Value] = list(value) if isinstance(value, list) else []
            parts = parts if len(parts) == len(target.elts) else [origin(flat(value)) or UNKNOWN] * len(target.elts)
            for each, part in zip(target.elts, parts, strict=True):
                self.bind(each, part)

    def variable(self, name: str) -> str:
        """A variable of the environment."""
        return (self.state.value(name) or (environment(name),))[0]

    @property
    def arguments(self) -> Value:
        """``sys.argv``."""
        return UNKNOWN if self.state.params is None else ["-c", *self.state.params]

    @property
    def stdin(self) -> str:
        return UNKNOWN if self.state.stdin.text is None else self.state.stdin.text

    def written(self, path: str) -> str | None:
        """What a file holds that was written before; None where nobody knows."""
        if not self.state.files or opaque(path):
            return None
        found = self.state.files.get(path if path.startswith("/") else f"{self.cwd}/{path.removeprefix('./')}")
        return None if found is None else str(found)

    def hold(self, target: ast.expr, made: Any) -> None:
        """Give a name, or several, constants."""
        if isinstance(target, ast.Name):
            self.values[target.id] = _as_value(made)
            self.constants[target.id] = made
        elif isinstance(target, ast.Tuple | ast.List) and isinstance(made, list | tuple):
            for each, part in zip(target.elts, made, strict=False):
                self.hold(each, part)

    def charge(self) -> None:
        """Count a step of computing. Raises Unresolvable when there are too many."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise Unresolvable(f"Python code takes more than {MAX_STEPS} steps to understand.")

    def computed(self, node: ast.expr, otherwise: Value) -> Value:
        """The value of an expression of constants; `otherwise` where it has other parts."""
        try:
            return _as_value(self.constant(node))
        except NotConstant:
            return otherwise

    def constant(self, node: ast.expr) -> Any:
        """The value of an expression of constants with its type. Raises NotConstant."""
        if self._computing or self._tried >= MAX_COMPUTED:
            raise NotConstant
        self._tried += 1
        self._computing = True
        try:
            return Constants(dict(self.constants), self.dotted, self._other, self.charge).value(node)
        finally:
            self._computing = False

    def keep(self, name: str, node: ast.expr) -> None:
        """A variable is given the value of an expression."""
        self.values[name] = value_of(node, self)
        try:
            self.constants[name] = node.value if isinstance(node, ast.Constant) else self.constant(node)
        except NotConstant:
            self.constants.pop(name, None)

    def _other(self, node: ast.expr) -> Any:
        """What an expression is that is no constant: arguments, the environment, standard input."""
        value = value_of(node, self)
        texts: list[Value] = [value] if isinstance(value, str) else value
        known = (isinstance(each, str) and not opaque(each) and GLOB not in each for each in texts)
        if not isinstance(node, ast.Call | ast.Subscript | ast.Attribute) or not all(known):
            raise NotConstant
        return value

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
            if called in ("ctypes.CDLL", "ctypes.PyDLL", "ctypes.cdll.LoadLibrary"):
                return called
            if called in ("vars", "globals", "locals", "dir") and node.args:
                return self.dotted(node.args[0])
            if called == "operator.attrgetter":
                return ""
            if called == "getattr" and len(node.args) > 1:
                return f"{self.dotted(node.args[0])}.{flat(value_of(node.args[1], self))}"
        if isinstance(node, ast.Subscript):
            return self._member(node)
        return ""

    def _member(self, node: ast.Subscript) -> str:
        """A function or module out of a dictionary of such: ``os.__dict__["system"]``, ``sys.modules["os"]``."""
        owner = self.dotted(node.value)
        if owner == "sys.modules":
            return flat(value_of(node.slice, self))
        if owner.endswith(".__dict__") or (isinstance(node.value, ast.Call) and owner):
            return f"{owner.removesuffix('.__dict__')}.{flat(value_of(node.slice, self))}"
        return ""


def _as_value(made: Any) -> Value:
    """A constant as a value here."""
    if isinstance(made, bytes):
        return literal(decoded(made))
    if isinstance(made, list):
        return [_as_value(each) for each in made[:MAX_ITEMS]]
    return literal(str(made))


def flat(value: Value) -> str:
    """A value as text."""
    if isinstance(value, str):
        return value
    return " ".join(each if isinstance(each, str) else UNKNOWN for each in value)


def value_of(node: ast.expr, names: Names) -> Value:
    """The value of an expression, with unknown parts. Raises Unresolvable over a bound."""
    names.charge()
    value = _value(node, names)
    if isinstance(node, _COMPUTED) and (isinstance(node, ast.BinOp) or any(map(opaque, _texts(value)))):
        value = names.computed(node, value)
    _check(_extent(value))
    return value


_COMPUTED = (ast.BinOp, ast.Call, ast.Subscript, ast.ListComp, ast.GeneratorExp, ast.NamedExpr, ast.IfExp, ast.BoolOp)


def _texts(value: Value) -> list[str]:
    return [value] if isinstance(value, str) else [each for each in value if isinstance(each, str)]


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
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return f"-{flat(value_of(node.operand, names))}"
    if isinstance(node, ast.IfExp):
        return value_of(node.body, names)
    if isinstance(node, ast.ListComp | ast.GeneratorExp):
        return _comprehension(node, names)
    if isinstance(node, ast.Attribute):
        return _attribute(node, names)
    if isinstance(node, ast.Await | ast.NamedExpr | ast.Starred):
        return value_of(node.value, names)
    return UNKNOWN


def _attribute(node: ast.Attribute, names: Names) -> Value:
    """``sys.argv``, an attribute that was set, a part of a path, what a reply or an entry of a directory holds."""
    name = names.dotted(node)
    if name == "sys.argv":
        return names.arguments
    if name.startswith(("os.O_", "stat.S_IS")):
        return node.attr
    if name in _CONSTANTS or name in names.values:
        return _CONSTANTS.get(name) or names.values[name]
    owner = value_of(node.value, names)
    if isinstance(owner, str) and node.attr in ("parent", "name", "stem", "suffix"):
        return _part_of_path(owner, node.attr)
    if node.attr == "path" or (node.attr in _CARRIES and opaque(flat(owner))):
        return owner
    return origin(flat(owner)) or UNKNOWN


_CONSTANTS = {
    "sys.executable": "python3",
    "os.sep": "/",
    "os.path.sep": "/",
    "os.curdir": ".",
    "os.pardir": "..",
    "os.devnull": "/dev/null",
}
_CARRIES = frozenset({"text", "content", "body", "data", "raw", "stdout"})


def _part_of_path(path: str, name: str) -> str:
    if path.startswith(_TEMPORARY) and name == "name":
        return path
    if opaque(path) and name != "parent":
        return UNKNOWN
    if name == "parent":
        return posixpath.dirname(path) or "."
    base = posixpath.basename(path)
    return base if name == "name" else posixpath.splitext(base)[0 if name == "stem" else 1]


def _comprehension(node: ast.ListComp | ast.GeneratorExp, names: Names) -> Value:
    """A list of its elements, where it goes over one list that is known."""
    first = node.generators[0]
    values = value_of(first.iter, names)
    if len(node.generators) > 1 or not isinstance(values, list):
        return origin(flat(values)) or UNKNOWN
    made = []
    for item in values[:MAX_ITEMS]:
        some = isinstance(item, str) and first.ifs and GLOB in item
        names.bind(first.target, item.replace(GLOB + "*", f"some{UNKNOWN}") if some and isinstance(item, str) else item)
        made.append(value_of(node.elt, names))
    return (
        UNKNOWN
        if first.ifs and not any(GLOB in flat(each) or "some" + UNKNOWN in flat(each) for each in made)
        else made
    )


def _operation(node: ast.BinOp, names: Names) -> Value:
    left, right = value_of(node.left, names), value_of(node.right, names)
    if isinstance(node.op, ast.Add):
        if isinstance(left, list) and isinstance(right, list):
            return left + right
        return flat(left) + flat(right)
    if isinstance(node.op, ast.BitOr):
        return f"{flat(left)}|{flat(right)}"
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
        return names.variable(flat(value_of(node.slice, names)))
    reverses = isinstance(node.slice, ast.Slice) and node.slice.lower is None and node.slice.upper is None
    if reverses and isinstance(node.slice, ast.Slice) and node.slice.step is not None:
        step = node.slice.step
        if isinstance(step, ast.UnaryOp) and isinstance(step.operand, ast.Constant) and step.operand.value == 1:
            return value[::-1]
    if isinstance(node.slice, ast.Slice) and node.slice.step is None and value != UNKNOWN:
        part = _part(node.slice)
        return (origin(flat(value)) or UNKNOWN) if part is None or opaque(flat(value)) else value[part]
    if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int) and isinstance(value, list):
        return value[node.slice.value] if -len(value) <= node.slice.value < len(value) else UNKNOWN
    return origin(flat(value)) or UNKNOWN


def _part(node: ast.Slice) -> slice | None:
    """``[lower:upper]``, None where a bound is not known."""
    bounds: list[int | None] = []
    for bound in (node.lower, node.upper):
        negative = isinstance(bound, ast.UnaryOp) and isinstance(bound.op, ast.USub)
        inner = bound.operand if isinstance(bound, ast.UnaryOp) else bound
        if inner is None:
            bounds.append(None)
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, int):
            bounds.append(-inner.value if negative else inner.value)
        else:
            return None
    return slice(*bounds)


def _call(node: ast.Call, names: Names) -> Value:
    name = names.dotted(node.func)
    values = [value_of(argument, names) for argument in node.args]
    first = flat(values[0]) if values else UNKNOWN
    if name in _LISTS and values and isinstance(values[-1], list):
        return _from_list(name, node, values)
    if name in ("os.getenv", "os.environ.get"):
        return names.variable(first)
    if name in ("sys.stdin.read", "input", "sys.stdin.readline", "sys.stdin.buffer.read"):
        return names.stdin.rstrip("\n")
    if name in ("open", "io.open", "codecs.open"):
        return names.written(first) or names.content(first)
    if name in ("fileinput.input", "sys.stdin.readlines") and not node.args:
        return [line for line in names.stdin.split("\n") if line]
    if name == "shlex.split":
        return list(first.split()) if not set(first) & set("'\"\\") else _words(first)
    if name == "compile":
        return first
    function = ENCODINGS.get(name)
    if function is not None:
        return guarded(function, first)
    if name in ("open", "io.open", "codecs.open", "gzip.open", "os.open") and values:
        return names.content(first)
    if name in ("sorted", "set", "iter") and values:
        return values[0]
    if name in ("random.choice", "next") and values:
        return values[0][0] if values[0] and isinstance(values[0], list) else origin(flat(values[0])) or UNKNOWN
    if name in ("urllib.request.urlretrieve", "urllib.urlretrieve"):
        return [flat(values[1]) if len(values) > 1 else RETRIEVED, UNKNOWN]
    if name == "psutil.Process":
        return first
    if name in _TEMPORARIES:
        return f"{_TEMPORARY}{UNKNOWN}" if not {each.arg for each in node.keywords} & {"dir"} else UNKNOWN
    if name in _PATHS and not opaque(first):
        return _PATHS[name](first.replace("$HOME", names.home, 1))
    if name in ("getpass.getpass", "pwinput.pwinput") or (name == "input" and _ASKS.search(first)):
        return KEPT
    if name in ("json.dumps", "dict", "str", "repr", "bytes") and opaque(first):
        return origin(first)
    if name in ("os.environ.items", "os.environ.values"):
        return [[UNKNOWN, KEPT]] if name.endswith("items") else [KEPT]
    if name == "os.walk":
        return [[first, [f"{GLOB}*"], [f"{GLOB}*"]]]
    if name == "os.scandir":
        return [f"{first if values else '.'}/{GLOB}*"]
    if name in ("os.path.expanduser", "Path.home", "pathlib.Path.home"):
        return names.home if name.endswith("home") else first.replace("~", names.home, 1)
    if name in ("os.getcwd", "Path.cwd", "pathlib.Path.cwd"):
        return names.cwd
    if name in ("os.path.join", "Path", "pathlib.Path"):
        return "/".join(map(flat, values)) if values else "."
    if name == "codecs.decode" and len(values) > 1:
        return guarded(lambda text: codecs.decode(text, "rot13"), first) if "rot" in flat(values[1]) else UNKNOWN
    if name == "os.listdir":
        return [f"{GLOB}*"]
    if name in ("glob.glob", "glob.iglob"):
        return [_globbed(first)]
    if name.split(".")[-1] in ("urlopen", "get", "post") and name.split(".")[0] in ("urllib", "requests", "httpx"):
        return FETCHED
    return _method(node, values, names)


RETRIEVED = "/tmp/retrieved"
"""Where urlretrieve puts what it is given no name for."""
_TEMPORARY = "/tmp/tmp"
_TEMPORARIES = frozenset(
    {"tempfile.mkdtemp", "tempfile.mktemp", "tempfile.TemporaryDirectory", "tempfile.NamedTemporaryFile"}
)
_PATHS: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(
        ("os.path.abspath", "os.path.realpath", "os.path.normpath", "os.fspath", "os.path.expandvars"), str
    ),
    "os.path.dirname": posixpath.dirname,
    "os.path.basename": posixpath.basename,
}
_ASKS = re.compile(r"(?i)pass(word|phrase|code)|\bPIN\b|credit card|seed phrase|\bCVV\b|security code")
_LISTS = frozenset({"bytes", "bytearray", "map", "list", "tuple", "reversed", "filter"})


def _from_list(name: str, node: ast.Call, values: list[Value]) -> Value:
    """``bytes([...])``, ``map(chr, [...])``, ``list([...])``."""
    items: list[Value] = list(values[-1])
    if name in ("bytes", "bytearray"):
        return "".join(guarded(ENCODINGS["chr"], flat(item)) for item in items[:MAX_ITEMS])
    if name == "map":
        function = ENCODINGS.get(node.args[0].id) if isinstance(node.args[0], ast.Name) else None
        return [guarded(function, flat(item)) for item in items[:MAX_ITEMS]] if function else UNKNOWN
    return items[::-1] if name == "reversed" else items if name in ("list", "tuple") else UNKNOWN


def _words(text: str) -> Value:
    try:
        return list(shlex.split(text))
    except ValueError:
        return UNKNOWN


def _method(node: ast.Call, values: list[Value], names: Names) -> Value:
    """Methods of strings and lists."""
    if not isinstance(node.func, ast.Attribute):
        return UNKNOWN
    owner = value_of(node.func.value, names)
    method = node.func.attr
    first = values[0] if values else ""
    if method in ("read_text", "read_bytes") and (known := names.written(flat(owner))) is not None:
        return known
    if method in ("read_text", "read_bytes", "open") and isinstance(owner, str) and owner[:1] in ("/", "."):
        return names.content(owner)
    if method in ("decode", "encode", "strip", "read", "expanduser", "resolve", "absolute", "as_posix", "text"):
        return owner.strip() if method == "strip" and isinstance(owner, str) else owner
    if method in ("get_credentials", "get_frozen_credentials"):
        return KEPT
    if method in ("with_suffix", "with_name") and isinstance(owner, str):
        return f"{posixpath.dirname(owner)}/{UNKNOWN}" if owner != UNKNOWN else UNKNOWN
    if method == "join" and isinstance(owner, str) and isinstance(first, list):
        _check(len(owner) * len(first))
        return owner.join(map(flat, first))
    if method == "split" and isinstance(owner, str):
        return list(owner.split(flat(first) or None))
    if method == "replace" and isinstance(owner, str) and len(values) > 1:
        return _replaced(owner, flat(first), flat(values[1]))
    if method == "format" and isinstance(owner, str):
        for at, each in enumerate(values):
            owner = (
                owner.replace(f"{{{at}}}", flat(each)) if f"{{{at}}}" in owner else owner.replace("{}", flat(each), 1)
            )
        return owner
    if method in ("iterdir", "rglob", "glob"):
        pattern = "*" if method == "iterdir" else flat(first)
        return [f"{flat(owner)}/{_globbed(pattern)}"]
    if method == "joinpath":
        return "/".join([flat(owner), *map(flat, values)])
    return origin(flat(owner)) or UNKNOWN


def _globbed(pattern: str) -> str:
    """The text of a pattern as one."""
    return re.sub(r"[*?\[]", lambda found: GLOB + found[0], pattern)


def _replaced(text: str, old: str, new: str) -> str:
    if not old:
        return text
    _check(text.count(old) * len(new))
    return text.replace(old, new)

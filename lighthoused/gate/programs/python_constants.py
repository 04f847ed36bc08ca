"""Evaluates Python expressions of constants as Python would: arithmetic, slices, comprehensions, the usual decoders.

A small interpreter of pure expressions on plain values. Nothing else can be reached from it: attributes are those
methods of text, bytes, numbers and lists that are named here. Every size is bounded before it is made.
"""

import ast
import base64
import binascii
import bz2
import codecs
import html
import json
import lzma
import operator
import re
import shlex
import textwrap
import urllib.parse
import zlib
from collections.abc import Callable, Sequence
from typing import Any

MAX_SIZE = 1 << 16
MAX_COUNT = 4096
MAX_BITS = 1 << 19
_WIDE = re.compile(r"\d{4}|\*")


class NotConstant(Exception):
    """The expression has parts that only a run would know."""


Lookup = Callable[[ast.expr], Any]
"""What an expression is that cannot be computed here. Raises NotConstant."""
Dotted = Callable[[ast.expr], str]
"""The full name of a function; "" where it has none."""


class Constants:
    """Evaluates expressions. `known`: variables by name. Raises NotConstant from every method."""

    def __init__(self, known: dict[str, Any], dotted: Dotted, lookup: Lookup, charge: Callable[[], None]) -> None:
        self._known = known
        self._dotted = dotted
        self._lookup = lookup
        self._charge = charge

    def value(self, node: ast.expr) -> Any:
        """The value of an expression."""
        self._charge()
        evaluate = _NODES.get(type(node))
        try:
            made = evaluate(self, node) if evaluate else self._lookup(node)
        except _ERRORS:
            raise NotConstant from None
        return _checked(made)

    def _name(self, node: ast.Name) -> Any:
        return self._known[node.id] if node.id in self._known else self._lookup(node)

    def _many(self, node: ast.List | ast.Tuple | ast.Set) -> Any:
        return self._spread(node.elts)

    def _dict(self, node: ast.Dict) -> Any:
        return {self.value(key): self.value(each) for key, each in zip(node.keys, node.values, strict=True) if key}

    def _binary(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, ast.Mod) and isinstance(left, str | bytes):
            return _formatted(left, right)
        if isinstance(node.op, ast.Mult) and not (isinstance(left, int) and isinstance(right, int)):
            size, times = (len(left), right) if isinstance(right, int) else (len(right), left)
            _bounded(size * times)
        if isinstance(node.op, ast.Pow | ast.LShift):
            _bounded(right if isinstance(right, int) else MAX_SIZE + 1, MAX_BITS >> 8)
        return _OPERATORS[type(node.op)](left, right)

    def _unary(self, node: ast.UnaryOp) -> Any:
        return _UNARY[type(node.op)](self.value(node.operand))

    def _compare(self, node: ast.Compare) -> Any:
        left = self.value(node.left)
        for each, other in zip(node.ops, node.comparators, strict=True):
            right = self.value(other)
            if not _COMPARED[type(each)](left, right):
                return False
            left = right
        return True

    def _bool(self, node: ast.BoolOp) -> Any:
        made: Any = None
        for each in node.values:
            made = self.value(each)
            if bool(made) != isinstance(node.op, ast.And):
                break
        return made

    def _if(self, node: ast.IfExp) -> Any:
        return self.value(node.body if self.value(node.test) else node.orelse)

    def _subscript(self, node: ast.Subscript) -> Any:
        owner = self.value(node.value)
        if not isinstance(node.slice, ast.Slice):
            return owner[self.value(node.slice)]
        bounds = (node.slice.lower, node.slice.upper, node.slice.step)
        return owner[slice(*(None if bound is None else self.value(bound) for bound in bounds))]

    def _joined(self, node: ast.JoinedStr) -> Any:
        return "".join(str(self.value(each)) for each in node.values)

    def _field(self, node: ast.FormattedValue) -> Any:
        made = self.value(node.value)
        pattern = self.value(node.format_spec) if node.format_spec else ""
        _narrow(pattern)
        return format(made, pattern)

    def _walrus(self, node: ast.NamedExpr) -> Any:
        self._known[node.target.id] = made = self.value(node.value)
        return made

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> Any:
        made: list[Any] = []
        self._rounds(node.generators, lambda: made.append(self.value(node.elt)))
        return made

    def _dict_comprehension(self, node: ast.DictComp) -> Any:
        made: dict[Any, Any] = {}
        self._rounds(node.generators, lambda: made.update({self.value(node.key): self.value(node.value)}))
        return made

    def _rounds(self, generators: list[ast.comprehension], element: Callable[[], None]) -> None:
        if not generators:
            element()
            return
        first, *rest = generators
        for item in _items(self.value(first.iter)):
            self._bind(first.target, item)
            if all(self.value(test) for test in first.ifs):
                self._rounds(rest, element)

    def _bind(self, target: ast.expr, item: Any) -> None:
        if isinstance(target, ast.Name):
            self._known[target.id] = item
        elif isinstance(target, ast.Tuple):
            for each, part in zip(target.elts, _items(item), strict=True):
                self._bind(each, part)
        else:
            raise NotConstant

    def _called(self, node: ast.Call) -> Any:
        if any(each.arg is None for each in node.keywords):
            raise NotConstant
        name = self._dotted(node.func)
        if name in ("map", "filter", "functools.reduce") and len(node.args) > 1:
            return self._mapped(name, node)
        function = _FUNCTIONS.get(name)
        if function is not None:
            return function(*self._spread(node.args), **self._keywords(node))
        if isinstance(node.func, ast.Lambda):
            return self._applied(node.func, self._spread(node.args))
        if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
            try:
                owner = self._type(node.func.value)
            except NotConstant:
                return self._lookup(node)
            arguments = self._spread(node.args)
            _METHODS[node.func.attr](owner, arguments)
            return getattr(owner, node.func.attr)(*arguments, **self._keywords(node))
        return self._lookup(node)

    def _type(self, node: ast.expr) -> Any:
        """What a method belongs to: a value, or one of the plain types."""
        if isinstance(node, ast.Name) and node.id in _TYPES and node.id not in self._known:
            return _TYPES[node.id]
        return self.value(node)

    def _spread(self, nodes: Sequence[ast.expr]) -> list[Any]:
        """The values of some expressions, those with a star in pieces."""
        made: list[Any] = []
        for each in nodes:
            if isinstance(each, ast.Starred):
                made.extend(_items(self.value(each.value)))
            else:
                made.append(self.value(each))
        return made

    def _keywords(self, node: ast.Call) -> dict[str, Any]:
        return {each.arg: self.value(each.value) for each in node.keywords if each.arg}

    def _mapped(self, name: str, node: ast.Call) -> Any:
        function = node.args[0]
        lists = [_items(self.value(each)) for each in node.args[1:]]

        def apply(*arguments: Any) -> Any:
            self._charge()
            if isinstance(function, ast.Lambda):
                return self._applied(function, list(arguments))
            found = _FUNCTIONS.get(self._dotted(function))
            if found is None:
                raise NotConstant
            return _checked(found(*arguments))

        if name == "map":
            return [apply(*each) for each in zip(*lists, strict=False)]
        if name == "filter":
            return [each for each in lists[0] if apply(each)]
        made, *rest = [*lists[1], *lists[0]] if len(lists) > 1 else lists[0]
        for each in rest:
            made = apply(made, each)
        return made

    def _applied(self, function: ast.Lambda, arguments: list[Any]) -> Any:
        names = [argument.arg for argument in function.args.args]
        self._known.update(zip(names, arguments, strict=True))
        return self.value(function.body)


def _items(value: Any) -> list[Any]:
    _bounded(len(value), MAX_SIZE)
    return list(value)


def _bounded(size: int, most: int = MAX_SIZE) -> None:
    if size > most:
        raise NotConstant


def _checked(value: Any) -> Any:
    """A value that is plain and not too large."""
    if isinstance(value, str | bytes | list | dict):
        _bounded(len(value))
    elif isinstance(value, int):
        _bounded(value.bit_length(), MAX_BITS)
    elif not isinstance(value, _PLAIN):
        raise NotConstant
    return value


def _narrow(pattern: Any) -> None:
    """A format that pads a lot is not tried."""
    if _WIDE.search(pattern if isinstance(pattern, str) else pattern.decode("latin-1")):
        raise NotConstant


def _formatted(pattern: Any, given: Any) -> Any:
    _narrow(pattern)
    return pattern % (tuple(given) if isinstance(given, list) else given)


def _any(owner: Any, arguments: list[Any]) -> None:
    """Methods that make nothing much larger than what they get."""


def _joins(owner: Any, arguments: list[Any]) -> None:
    _bounded((len(owner) + 1) * len(arguments[0]) + sum(map(len, arguments[0])))


def _replaces(owner: Any, arguments: list[Any]) -> None:
    old, new, *_ = arguments
    _bounded(len(owner) + (owner.count(old) if old else len(owner) + 1) * len(new))


def _pads(owner: Any, arguments: list[Any]) -> None:
    _bounded(max(each for each in arguments if isinstance(each, int)))


def _formats(owner: Any, arguments: list[Any]) -> None:
    if re.search(r"\{[^}]*[.\[]|\{[^}]*\{", owner):
        raise NotConstant
    _narrow(owner)


_SIMPLE = """
split rsplit splitlines partition rpartition strip lstrip rstrip upper lower swapcase title capitalize casefold
removeprefix removesuffix decode encode hex fromhex from_bytes maketrans get items keys values index find count
startswith endswith isalpha isdigit isalnum isupper islower isspace bit_length
"""
_METHODS: dict[str, Callable[[Any, list[Any]], None]] = {
    **dict.fromkeys(_SIMPLE.split(), _any),
    **dict.fromkeys(("ljust", "rjust", "center", "zfill", "to_bytes"), _pads),
    "join": _joins,
    "replace": _replaces,
    "translate": _any,
    "format": _formats,
}
_TYPES: dict[str, Any] = {"str": str, "bytes": bytes, "int": int, "bytearray": bytes, "dict": dict}
_PLAIN = (str, bytes, int, float, list, dict, tuple, type(None))
_ERRORS = (
    *(ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, ZeroDivisionError, LookupError),
    *(binascii.Error, zlib.error, OSError, EOFError, lzma.LZMAError, RecursionError, MemoryError, SyntaxError),
)
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_UNARY: dict[type, Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
}
_COMPARED: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
    ast.Is: lambda one, other: one is other,
    ast.IsNot: lambda one, other: one is not other,
}


def _bytes(text: Any) -> bytes:
    return text.encode() if isinstance(text, str) else bytes(text)


def _range(*bounds: int) -> list[int]:
    made = range(*bounds)
    _bounded(len(made), MAX_COUNT)
    return list(made)


def _made_bytes(*given: Any) -> bytes:
    if given and isinstance(given[0], int):
        _bounded(given[0])
    return bytes(*given)


def _codec(text: Any, name: str = "utf-8") -> Any:
    if name.replace("_codec", "") in ("zlib", "bz2", "zip"):
        raise NotConstant
    return codecs.decode(_bytes(text) if name in ("hex", "hex_codec", "base64", "base64_codec") else text, name)


def _inflated(text: Any, *_: Any) -> bytes:
    return zlib.decompressobj(wbits=47).decompress(_bytes(text), MAX_SIZE)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{each.__name__: each for each in (chr, ord, str, int, len, sum, min, max, abs, hex, oct, bin, bool, dict)},
    **dict.fromkeys(("list", "tuple", "set", "iter"), lambda given=(): _items(given)),
    "bytes": _made_bytes,
    "bytearray": _made_bytes,
    "range": _range,
    "reversed": lambda given: _items(given)[::-1],
    "sorted": lambda given, reverse=False: sorted(_items(given), reverse=bool(reverse)),
    "zip": lambda *given: [list(each) for each in zip(*map(_items, given), strict=False)],
    "enumerate": lambda given, start=0: [list(each) for each in enumerate(_items(given), start)],
    **{f"operator.{name}": getattr(operator, name) for name in ("add", "xor", "sub", "or_", "and_")},
    "base64.b64decode": lambda text, *_: base64.b64decode(_bytes(text) + b"=" * (-len(text) % 4)),
    "base64.urlsafe_b64decode": lambda text: base64.urlsafe_b64decode(_bytes(text)),
    **{f"base64.{name}": getattr(base64, name) for name in ("b32decode", "b16decode", "b85decode", "a85decode")},
    "binascii.unhexlify": binascii.unhexlify,
    "binascii.a2b_hex": binascii.a2b_hex,
    "binascii.a2b_base64": binascii.a2b_base64,
    "binascii.a2b_uu": binascii.a2b_uu,
    "codecs.decode": _codec,
    "codecs.encode": lambda text, name: codecs.encode(text, "rot13") if "rot" in name else text.encode(name),
    **dict.fromkeys(("zlib.decompress", "gzip.decompress"), _inflated),
    "bz2.decompress": lambda text: bz2.BZ2Decompressor().decompress(text, MAX_SIZE),
    "lzma.decompress": lambda text: lzma.LZMADecompressor().decompress(text, MAX_SIZE),
    "urllib.parse.unquote": urllib.parse.unquote,
    "urllib.parse.unquote_plus": urllib.parse.unquote_plus,
    "urllib.parse.unquote_to_bytes": urllib.parse.unquote_to_bytes,
    "html.unescape": html.unescape,
    "json.loads": json.loads,
    "ast.literal_eval": ast.literal_eval,
    "shlex.split": shlex.split,
    "shlex.join": shlex.join,
    "textwrap.dedent": textwrap.dedent,
}
_NODES: dict[type, Callable[[Any, Any], Any]] = {
    ast.Constant: lambda self, node: node.value,
    ast.Name: Constants._name,
    **dict.fromkeys((ast.List, ast.Tuple, ast.Set), Constants._many),
    ast.Dict: Constants._dict,
    ast.BinOp: Constants._binary,
    ast.UnaryOp: Constants._unary,
    ast.Compare: Constants._compare,
    ast.BoolOp: Constants._bool,
    ast.IfExp: Constants._if,
    ast.Subscript: Constants._subscript,
    ast.JoinedStr: Constants._joined,
    ast.FormattedValue: Constants._field,
    ast.NamedExpr: Constants._walrus,
    **dict.fromkeys((ast.ListComp, ast.GeneratorExp, ast.SetComp), Constants._comprehension),
    ast.DictComp: Constants._dict_comprehension,
    ast.Call: Constants._called,
}

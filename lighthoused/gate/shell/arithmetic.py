"""Evaluates arithmetic (bash(1), ARITHMETIC EVALUATION) as far as its operands are known. Bounded; runs nothing."""

import re
from collections.abc import Callable

MAX_TOKENS = 200
MAX_VALUE = 1 << 63
MAX_DEPTH = 30
_TOKEN = re.compile(
    r"\s*(?:(0[xX][0-9a-fA-F]+|[0-9]+#[0-9a-zA-Z@_]+|[0-9]+)|([A-Za-z_]\w*(?:\[[^\]]*\])?)"
    r"|(\*\*|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||\+\+|--|[-+*/%&|^]=|[-+*/%<>=!~&|^?:(),]))"
)
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", ">", "<=", ">="), ("<<", ">>"), ("+", "-"),
    ("*", "/", "%"),
)  # fmt: skip
_APPLY: dict[str, Callable[[int, int], int]] = {
    "||": lambda a, b: int(bool(a or b)),
    "&&": lambda a, b: int(bool(a and b)),
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "&": lambda a, b: a & b,
    "==": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b),
    ">": lambda a, b: int(a > b),
    "<=": lambda a, b: int(a <= b),
    ">=": lambda a, b: int(a >= b),
    "<<": lambda a, b: a << min(max(b, 0), 63),
    ">>": lambda a, b: a >> min(max(b, 0), 63),
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: int(a / b) if abs(a) < 1 << 52 else a // b,
    "%": lambda a, b: a - b * int(a / b) if abs(a) < 1 << 52 else a % b,
}
Look = Callable[[str], str | None]
Assign = Callable[[str, int], None]


class _Unknown(Exception):
    """The value cannot be computed."""


def evaluate(source: str, look: Look, assign: Assign) -> int | None:
    """The value; None where it is not known or no arithmetic."""
    return _evaluate(source, look, assign, 0)


def _evaluate(source: str, look: Look, assign: Assign, depth: int) -> int | None:
    try:
        reading = _Reading(source, look, assign, depth)
        value = reading.comma()
        return value if reading.at == len(reading.tokens) else None
    except (_Unknown, ZeroDivisionError, ValueError, OverflowError):
        return None


class _Reading:
    """One expression, by precedence climbing."""

    def __init__(self, source: str, look: Look, assign: Assign, depth: int) -> None:
        self.tokens = _tokens(source)
        self.at = 0
        self._look = look
        self._assign = assign
        self._depth = depth
        if depth > MAX_DEPTH:
            raise _Unknown

    def comma(self) -> int:
        value = self.choice()
        while self._take(","):
            value = self.choice()
        return value

    def choice(self) -> int:
        name = self._peek()
        following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else ""
        if name[:1].isalpha() and following in _ASSIGNS:
            return self._assigned(name, following)
        value = self._binary(0)
        if not self._take("?"):
            return value
        first = self.choice()
        if not self._take(":"):
            raise _Unknown
        second = self.choice()
        return first if value else second

    def _assigned(self, name: str, op: str) -> int:
        self.at += 2
        value = self.choice()
        if op != "=":
            value = _APPLY[op[:-1]](self._variable(name), value)
        self._assign(name, value)
        return value

    def _binary(self, level: int) -> int:
        if level == len(_LEVELS):
            return self._power()
        value = self._binary(level + 1)
        while self._peek() in _LEVELS[level]:
            op = self._next()
            value = _APPLY[op](value, self._binary(level + 1))
            if abs(value) >= MAX_VALUE:
                raise _Unknown
        return value

    def _power(self) -> int:
        base = self._unary()
        if not self._take("**"):
            return base
        exponent = self._power()
        if not 0 <= exponent <= 62 or abs(base) ** exponent >= MAX_VALUE:
            raise _Unknown
        return int(base**exponent)

    def _unary(self) -> int:
        token = self._next()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Unknown
        value = self._operand(token)
        self._depth -= 1
        return value

    def _operand(self, token: str) -> int:
        if token in ("-", "+", "!", "~"):
            value = self._unary()
            return {"-": -value, "+": value, "!": int(not value), "~": ~value}[token]
        if token in ("++", "--"):
            return self._stepped(self._next(), 1 if token == "++" else -1)
        if token == "(":
            value = self.comma()
            if not self._take(")"):
                raise _Unknown
            return value
        if token[:1].isdigit():
            return _number(token)
        if token[:1].isalpha() or token[:1] == "_":
            value = self._variable(token)
            if self._peek() in ("++", "--"):
                self._stepped(token, 1 if self._next() == "++" else -1)
            return value
        raise _Unknown

    def _stepped(self, name: str, step: int) -> int:
        value = self._variable(name) + step
        self._assign(name, value)
        return value

    def _variable(self, name: str) -> int:
        """A variable's value is an expression itself; one without a value is 0."""
        text = self._look(name)
        if text is None:
            raise _Unknown
        if not text.strip():
            return 0
        value = _evaluate(text, self._look, self._assign, self._depth + 1)
        if value is None:
            raise _Unknown
        return value

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self.at += 1
        return token

    def _take(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self.at += 1
        return True


_ASSIGNS = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="})


def _tokens(source: str) -> list[str]:
    made: list[str] = []
    at = 0
    source = source.strip()
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None or len(made) >= MAX_TOKENS:
            raise _Unknown
        made.append(found[0].strip())
        at = found.end()
    return made


def _number(token: str) -> int:
    if "#" in token:
        base, _, digits = token.partition("#")
        return int(digits, int(base)) if int(base) <= 36 else _fail()
    if token[:2] in ("0x", "0X"):
        return int(token, 16)
    return int(token, 8) if len(token) > 1 and token[0] == "0" else int(token)


def _fail() -> int:
    raise _Unknown

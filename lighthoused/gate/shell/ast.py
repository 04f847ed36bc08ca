"""A small syntax tree of shell commands: what the abstract run needs, and no more. Knows no parser."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


class Lit(NamedTuple):
    """Text that stands for itself. `bare`: unquoted, with pattern characters marked by text.GLOB."""

    text: str
    bare: bool = False


class Param(NamedTuple):
    """``$name`` or ``${name op argument}``. `subscript` is ``@``, ``*``, a number or ""; `length` for ``${#name}``.

    `simple`: unquoted and without braces, so that text which brace expansion puts after it belongs to its name.
    """

    name: str
    quoted: bool
    op: str = ""
    argument: "Word | None" = None
    subscript: str = ""
    length: bool = False
    indirect: bool = False
    simple: bool = False


class Subst(NamedTuple):
    """``$(body)`` or backticks."""

    body: "Command"
    quoted: bool


class Process(NamedTuple):
    """``<(body)`` or ``>(body)``."""

    body: "Command"
    reads: bool


class Arith(NamedTuple):
    """``$((...))``: a number; its substitutions run. `word`: the expression, where it could be read."""

    parts: "tuple[Part, ...]"
    word: "Word | None"


Part: TypeAlias = Lit | Param | Subst | Process | Arith


class Word(NamedTuple):
    """One word of the source; expands to any number of fields. `quoted`: an empty one stays."""

    parts: tuple[Part, ...]
    quoted: bool = False


class Assign(NamedTuple):
    """``name=value``, ``name+=value``, ``name=(values)``."""

    name: str
    value: Word | tuple[Word, ...]
    append: bool = False
    subscript: str = ""


class Redirect(NamedTuple):
    """`op` as in the source, ``<<`` for here-documents and ``<<<`` for here-strings, whose text is `target`."""

    op: str
    target: Word
    fd: str = ""


@dataclass(frozen=True, slots=True)
class Simple:
    """A command with its assignments. `names`: parameters that its words mention. `extra`: nested substitutions.

    `tested`: parameters that are asked for being set (``${x:+y}``).
    """

    assigns: tuple[Assign, ...]
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...] = ()
    names: frozenset[str] = frozenset()
    extra: tuple[Part, ...] = ()
    tested: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Redirected:
    body: "Command"
    redirects: tuple[Redirect, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    parts: "tuple[Command, ...]"


@dataclass(frozen=True, slots=True)
class Sequence:
    """Commands one after the other; ``&&``, ``||`` and ``&`` too: each may run."""

    parts: "tuple[Command, ...]"
    background: bool = False


@dataclass(frozen=True, slots=True)
class Either:
    """``first || second``: the second may run."""

    first: "Command"
    second: "Command"


@dataclass(frozen=True, slots=True)
class Subshell:
    body: "Command"


@dataclass(frozen=True, slots=True)
class Branch:
    """Any of these may run."""

    bodies: "tuple[Command, ...]"


@dataclass(frozen=True, slots=True)
class While:
    condition: "Command"
    body: "Command"


@dataclass(frozen=True, slots=True)
class For:
    name: str
    words: tuple[Word, ...]
    body: "Command"


@dataclass(frozen=True, slots=True)
class Counted:
    """``for ((first; condition; step))``. `names`: variables that these mention."""

    first: Arith
    condition: Arith
    step: Arith
    names: tuple[str, ...]
    body: "Command"


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    body: "Command"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Source that the parser did not understand."""

    text: str


Command: TypeAlias = (
    Simple | Redirected | Pipeline | Sequence | Either | Subshell | Branch | While | For | Counted | Function | Trouble
)
EMPTY = Sequence(())

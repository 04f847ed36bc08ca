"""Removing the shell's quoting from source text (bash(1), QUOTING). Must not know about expansions."""

import re

from lighthoused.gate.shell.text import GLOB, UNKNOWN, literal

_BARE = re.compile(r"\\(\n)|\\(.)|([*?\[])", re.DOTALL)
_DOUBLE = re.compile(r"\\(\n)|\\([$`\"\\])")
_HEREDOC = re.compile(r"\\(\n)|\\([$`\\])")
_BACKTICK = re.compile(r"\\([$`\\])")
_QUOTED_BACKTICK = re.compile(r"\\([$`\"\\])")
_ANSI = re.compile(
    r"\\(?:([abeEfnrtv\\'\"?])|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|c(.)|0?([0-7]{1,3}))",
    re.DOTALL,
)
_TICKS = re.compile(r"\\.|``|`|\"|'[^']*'?|[^\\`\"']+", re.DOTALL)
_CONTROL = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def bare(source: str) -> str:
    """An unquoted word: backslashes removed, pattern characters marked."""
    return _BARE.sub(_bare_part, source)


def _bare_part(found: re.Match[str]) -> str:
    if found[3] is not None:
        return GLOB + found[3]
    return found[2] or ""


def unquoted(source: str) -> str:
    """A key between brackets, without its quotes."""
    return source[1:-1] if len(source) > 1 and source[0] == source[-1] and source[0] in "'\"" else source


def double(source: str) -> str:
    """Text between double quotes."""
    return _DOUBLE.sub(lambda found: found[2] or "", source)


def heredoc(source: str) -> str:
    """Text of a here-document that is expanded."""
    return _HEREDOC.sub(lambda found: found[2] or "", source)


def parted(source: str) -> str:
    """Source in which no two backticks stand together, which the grammar takes for one token."""
    made: list[str] = []
    inside = doubled = False
    at = 0
    while found := _TICKS.match(source, at):
        token = "'" if doubled and found[0][0] == "'" else found[0]
        at += len(token)
        doubled ^= token == '"'
        inside ^= token == "`"
        made.append(token if token != "``" else '`""`' if inside else '""')
    return "".join(made)


def backtick(source: str, doubled: bool = False) -> str:
    """The command between backticks; `doubled`: these stand between double quotes."""
    return (_QUOTED_BACKTICK if doubled else _BACKTICK).sub(r"\1", source)


def ansi(source: str) -> str:
    r"""Text between ``$'`` and ``'``, and what ``echo -e`` and printf make of escapes (``\0NNN`` too)."""
    return literal(_ANSI.sub(_ansi_part, source)) if "\\" in source else source


def _ansi_part(found: re.Match[str]) -> str:
    if found[1]:
        return _CONTROL.get(found[1], found[1])
    for group in (2, 3, 4):
        if found[group]:
            return _character(int(found[group], 16))
    if found[5]:
        return chr(ord(found[5]) & 0x1F)
    return _character(int(found[6], 8) & 0xFF)


def _character(number: int) -> str:
    return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else UNKNOWN

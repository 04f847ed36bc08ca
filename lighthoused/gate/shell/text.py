"""Text of which parts may be unknown: what expansions yield. Must not know about commands.

Unknown parts are single private-use characters inside ordinary strings, so that they survive joining, splitting and
being parsed as code again. `GLOB` before ``*``, ``?`` or ``[`` makes it a pattern; without it the character is itself.
"""

import re

UNKNOWN = "\ue000"
"""Some text nobody knows."""
FETCHED = "\ue001"
"""Some text that came from the network."""
SECRET = "\ue002"
"""Some text that came from a file with secrets."""
GLOB = "\ue003"
HEREDOC = "\ue004"
"""Encloses the number of a here-document that was taken out of the source."""
HOLE = "\ue005"
"""An element of an array that has no value."""
ENDLESS = "\ue006"
"""Some text that goes on until somebody stops it."""
KEPT = "\ue007"
"""Some text that is a secret of the environment."""

_OPAQUE = re.compile(f"[{UNKNOWN}{FETCHED}{SECRET}{ENDLESS}{KEPT}]")
_RESERVED = re.compile("[\ue003-\ue00f\x00]")
_NAMES = {UNKNOWN: "<unknown>", FETCHED: "<fetched>", SECRET: "<secret>", GLOB: "", ENDLESS: "", KEPT: "<secret>"}
_SHOWN = re.compile("[\ue000-\ue003\ue006\ue007]")
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ue004-\ue00f]")


def opaque(text: str) -> bool:
    """Whether any part is unknown."""
    return _OPAQUE.search(text) is not None


def wholly_opaque(text: str) -> bool:
    """Whether no part is known."""
    return _OPAQUE.sub("", text).strip() == ""


def without_opaque(text: str) -> str:
    """Its known parts."""
    return _OPAQUE.sub("", unmarked(text))


def known_prefix(text: str) -> str:
    """The text before the first unknown part."""
    found = _OPAQUE.search(text)
    return text if found is None else text[: found.start()]


def known_suffix(text: str) -> str:
    """The text after the last unknown part."""
    return _OPAQUE.split(text)[-1]


def origin(text: str) -> str:
    """The most telling opaque character in it, SECRET first and UNKNOWN last; "" where all is known."""
    for mark in (SECRET, KEPT, FETCHED, ENDLESS, UNKNOWN):
        if mark in text:
            return mark
    return ""


def ended(text: str) -> str:
    """A beginning of the text, of which the end is not known."""
    if ENDLESS not in text:
        return text
    return text.replace(ENDLESS, "") or UNKNOWN


def literal(source: str) -> str:
    """Source text without characters that have a meaning here: they become unknown."""
    return _RESERVED.sub(UNKNOWN, source)


def unmarked(text: str) -> str:
    """A field as a program would get it if no pattern matched: without pattern marks."""
    return text.replace(GLOB, "") if GLOB in text else text


def shown(text: str) -> str:
    """The text as people and policies see it: unknown parts named, no control characters."""
    return _CONTROL.sub(" ", _SHOWN.sub(lambda found: _NAMES[found[0]], text))

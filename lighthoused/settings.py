"""The kinds of values a setting may have: how each is written in TOML, what is allowed, what it becomes.

Knows neither the names of the settings (`config`) nor files. A kind's `read` raises ValueError for what it refuses; its
`allowed` is the end of the sentence "... must be".
"""

import json
import os
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

_UNITS = {
    "": 1,
    "B": 1,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KIB": 1 << 10,
    "MIB": 1 << 20,
    "GIB": 1 << 30,
    "TIB": 1 << 40,
}
_SIZE = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)\s*([A-Za-z]*)")
_LOOPBACK = ("127.0.0.1", "::1")


class Kind(Protocol):
    """How a setting's value is read."""

    @property
    def allowed(self) -> str: ...

    def read(self, value: Any) -> Any: ...


@dataclass(frozen=True)
class Switch:
    """true or false."""

    allowed: str = "true or false"

    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError
        return value


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        return "one of " + ", ".join(f'"{word}"' for word in self.words)

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise ValueError
        return value


@dataclass(frozen=True)
class Whole:
    """A whole number between two bounds."""

    least: int
    most: int

    @property
    def allowed(self) -> str:
        return f"a whole number from {self.least} to {self.most}"

    def read(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not self.least <= value <= self.most:
            raise ValueError
        return value


@dataclass(frozen=True)
class Seconds:
    """A duration in seconds, whole or not, between two bounds."""

    least: float
    most: float

    @property
    def allowed(self) -> str:
        return f"a number of seconds from {self.least:g} to {self.most:g}"

    def read(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.least <= value <= self.most:
            raise ValueError
        return float(value)


@dataclass(frozen=True)
class Share:
    """A part of all."""

    allowed: str = "a number from 0 (none) to 1 (all)"

    def read(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ValueError
        return float(value)


@dataclass(frozen=True)
class Size:
    """A number of bytes, or text with a unit such as "64MiB", between two bounds."""

    least: int
    most: int

    @property
    def allowed(self) -> str:
        return f'a size such as "64MiB", from {sized(self.least)} to {sized(self.most)}'

    def read(self, value: Any) -> int:
        if isinstance(value, str):
            value = _bytes(value)
        if isinstance(value, bool) or not isinstance(value, int) or not self.least <= value <= self.most:
            raise ValueError
        return value


@dataclass(frozen=True)
class Mode:
    """Permission bits of a socket: TOML's 0o660 or the text "0660"."""

    allowed: str = 'permission bits such as "0660" (or 0o660), readable and writable by the owner, not executable'

    def read(self, value: Any) -> int:
        if isinstance(value, str):
            value = int(value, 8)
        if isinstance(value, bool) or not isinstance(value, int) or value & ~0o666 or value & 0o600 != 0o600:
            raise ValueError
        return value


@dataclass(frozen=True)
class Text:
    """A line of text without control characters, possibly empty."""

    allowed: str = "a line of text"

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or not (value.isprintable() or not value):
            raise ValueError
        return value


class Hidden:
    """Text that is shown nowhere: only who needs it asks for it."""

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        """The text."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hidden) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __str__(self) -> str:
        return "(hidden)" if self._text else ""

    __repr__ = __str__


@dataclass(frozen=True)
class Url:
    """Where something is sent to; "" for nowhere. It may hold a password or token, so it is not shown again."""

    allowed: str = 'a URL that begins with https:// (http:// only to this machine), or "" for none'

    def read(self, value: Any) -> Hidden:
        if not isinstance(value, str) or not value.isprintable() or " " in value:
            raise ValueError
        parts = urlsplit(value)
        _ = parts.port  # raises ValueError for what is none
        allowed = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in (*_LOOPBACK, "localhost"))
        if value and not (allowed and parts.hostname):
            raise ValueError
        return Hidden(value)


@dataclass(frozen=True)
class Argv:
    """A program with its arguments; an empty list for none."""

    most: int = 64

    @property
    def allowed(self) -> str:
        return f'a list of at most {self.most} texts such as ["/usr/local/bin/tell", "--loud"]'

    def read(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > self.most:
            raise ValueError
        if not all(isinstance(item, str) and "\0" not in item for item in value) or value[:1] == [""]:
            raise ValueError
        return tuple(value)


@dataclass(frozen=True)
class Words:
    """Some of a few words."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        return "a list of words out of " + ", ".join(f'"{word}"' for word in self.words)

    def read(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(item in self.words for item in value):
            raise ValueError
        return tuple(value)


@dataclass(frozen=True)
class Loopback:
    """An address that only this machine can reach."""

    allowed: str = "a loopback address: " + ", ".join(f'"{host}"' for host in _LOOPBACK)

    def read(self, value: Any) -> str:
        if value not in _LOOPBACK:
            raise ValueError
        return str(value)


@dataclass(frozen=True)
class Location:
    """An absolute path; a leading ``~`` is the home directory."""

    allowed: str = "an absolute path (or one that begins with ~/)"

    def read(self, value: Any) -> Path:
        if not isinstance(value, str) or "\0" in value:
            raise ValueError
        path = Path(os.path.expanduser(value))
        if not path.is_absolute():
            raise ValueError
        return path


@dataclass(frozen=True)
class Place:
    """A path, or none."""

    allowed: str = f'{Location.allowed}, or "" for none'

    def read(self, value: Any) -> Path | Literal[""]:
        return Location().read(value) if value != "" else ""


@dataclass(frozen=True)
class Locations:
    """A list of paths."""

    most: int = 64

    @property
    def allowed(self) -> str:
        return f"a list of at most {self.most} absolute paths"

    def read(self, value: Any) -> tuple[Path, ...]:
        if not isinstance(value, list) or len(value) > self.most:
            raise ValueError
        return tuple(Location().read(item) for item in value)


@dataclass(frozen=True)
class Counts:
    """A table from words to whole numbers."""

    words: tuple[str, ...]
    most: int = 1_000_000

    @property
    def allowed(self) -> str:
        return (
            f"a table such as {{ {self.words[0]} = 60 }}, with whole numbers from 1 to {self.most} for kinds of effects"
        )

    def read(self, value: Any) -> dict[str, int]:
        if not isinstance(value, dict) or not set(value) <= set(self.words):
            raise ValueError
        return {word: Whole(1, self.most).read(count) for word, count in value.items()}


@dataclass(frozen=True)
class Recipients:
    """Public keys of age."""

    allowed: str = 'a list of age recipients such as ["age1..."]'

    def read(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) and item.startswith("age1") for item in value):
            raise ValueError
        return tuple(value)


@dataclass(frozen=True)
class Users:
    """Users of this machine, or groups with a leading @."""

    most: int = 1000

    @property
    def allowed(self) -> str:
        return f'a list of at most {self.most} users and groups such as ["alice", "@developers"]'

    def read(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > self.most:
            raise ValueError
        if not all(isinstance(item, str) and item.strip("@") and item.isprintable() for item in value):
            raise ValueError
        return tuple(value)


@dataclass(frozen=True)
class Globs:
    """A list of path patterns."""

    most: int = 1000

    @property
    def allowed(self) -> str:
        return f'a list of 1 to {self.most} patterns such as "project/src/**"'

    def read(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not 1 <= len(value) <= self.most:
            raise ValueError
        if not all(isinstance(item, str) and item.strip("/") and "\0" not in item for item in value):
            raise ValueError
        return tuple(value)


@dataclass(frozen=True)
class Ports:
    """TCP ports, or all of them: None."""

    most: int = 1000

    @property
    def allowed(self) -> str:
        return f'"any", or a list of at most {self.most} port numbers'

    def read(self, value: Any) -> tuple[int, ...] | None:
        if value == "any":
            return None
        if not isinstance(value, list) or len(value) > self.most:
            raise ValueError
        return tuple(Whole(0, 65535).read(item) for item in value)


def sized(count: int) -> str:
    """Spell a number of bytes with the largest unit that divides it."""
    for unit, factor in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count and count % factor == 0:
            return f"{count // factor}{unit}"
    return f"{count}B"


def _bytes(text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    if found is None or found[2].upper() not in _UNITS:
        raise ValueError
    return int(Decimal(found[1]) * _UNITS[found[2].upper()])


def in_toml(value: Any, octal: bool = False) -> str:
    """Spell a setting's value as a file would (https://toml.io/en/v1.0.0)."""
    if isinstance(value, tuple | list):
        return "[" + ", ".join(in_toml(item) for item in value) + "]"
    if value is None:
        return '"any"'
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {in_toml(item)}" for name, item in value.items()) + " }"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and octal:
        return f"0o{value:03o}"
    if isinstance(value, str | Path | Hidden):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)

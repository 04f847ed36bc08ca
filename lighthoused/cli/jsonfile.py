"""A JSON file that others write too: its values, and edits of its text that leave every other byte as it is.

Must not know what the values mean.
"""

import json
import os
import re
import secrets
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from lighthoused.core.errors import Invalid

MEND = "Mend it first; it was left alone."
INDENT = "  "
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')

Place = tuple[str | int, ...]
"""Keys and indexes from the root to a value."""


class Node(NamedTuple):
    """Where a value is in the text, and what it holds if it is an object or array."""

    start: int
    end: int
    parts: tuple["Part", ...] = ()


class Part(NamedTuple):
    """A member of an object, or an item of an array (whose `key` is ""); `start` is the key's, if any."""

    key: str
    start: int
    node: Node


class Document:
    """An object as text. `value` is what it says; edits change both."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.value: dict[str, Any] = {}
        self._root = Node(0, 0)
        self._parse()
        margin = self._margin(self._root)
        self._indent = margin.rpartition("\n")[2] or INDENT if "\n" in margin or not self._root.parts else ""
        self._newline = "\r\n" if "\r\n" in text else "\n"

    def set(self, at: Place, key: str, value: Any) -> None:
        """Add a member, which is not there yet, to the object at a path."""
        self._add(at, f"{json.dumps(key)}: ", value)

    def append(self, at: Place, value: Any) -> None:
        """Add an item to the array at a path."""
        self._add(at, "", value)

    def remove(self, at: Place) -> None:
        """Take out the member or item at a path."""
        holder = self._node(at[:-1])
        parts = holder.parts
        index = parts.index(_part(holder, at[-1]))
        if index:
            cut = parts[index - 1].node.end, parts[index].node.end
        elif len(parts) > 1:
            cut = parts[0].start, parts[1].start
        else:
            cut = holder.start + 1, holder.end - 1
        self._replace(*cut, "")

    def _add(self, at: Place, label: str, value: Any) -> None:
        node = self._node(at)
        if node.parts:
            margin = self._margin(node) or " "
            place = node.parts[-1].node.end
            self._replace(place, place, "," + margin + label + self._spelled(value, margin))
        else:
            outer = self._newline + self._line_indent(node) if self._indent else ""
            margin = outer + self._indent
            self._replace(node.start + 1, node.end - 1, margin + label + self._spelled(value, margin) + outer)

    def _spelled(self, value: Any, margin: str) -> str:
        if "\n" not in margin:
            return json.dumps(value, ensure_ascii=False)
        lines = json.dumps(value, ensure_ascii=False, indent=self._indent or INDENT).split("\n")
        return (self._newline + margin.rpartition("\n")[2]).join(lines)

    def _margin(self, node: Node) -> str:
        """The white space before the first part."""
        return self.text[node.start + 1 : node.parts[0].start] if node.parts else ""

    def _line_indent(self, node: Node) -> str:
        line = self.text[self.text.rfind("\n", 0, node.start) + 1 :]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _replace(self, start: int, end: int, text: str) -> None:
        self.text = self.text[:start] + text + self.text[end:]
        self._parse()

    def _parse(self) -> None:
        self.value = json.loads(self.text)
        self._root = _Reader(self.text).node()

    def _node(self, at: Place) -> Node:
        node = self._root
        for step in at:
            node = _part(node, step).node
        return node


class _Reader:
    """Finds where the values of a valid JSON text are."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_TOKEN.finditer(text))
        self._at = 0

    def node(self) -> Node:
        first = self._next()
        if first[0] not in ("{", "["):
            return Node(first.start(), first.end())
        parts = []
        while self._tokens[self._at][0] not in ("}", "]"):
            if self._tokens[self._at][0] == ",":
                self._at += 1
            parts.append(self._part(keyed=first[0] == "{"))
        return Node(first.start(), self._next().end(), tuple(parts))

    def _part(self, keyed: bool) -> Part:
        start = self._tokens[self._at].start()
        key = ""
        if keyed:
            key = json.loads(self._next()[0])
            self._at += 1
        return Part(key, start, self.node())

    def _next(self) -> re.Match[str]:
        self._at += 1
        return self._tokens[self._at - 1]


def _part(node: Node, step: str | int) -> Part:
    """Of several members with one key the last counts, as it does for JSON's readers."""
    if isinstance(step, int):
        return node.parts[step]
    return [part for part in node.parts if part.key == step][-1]


def read_text(path: Path) -> str | None:
    """What a file says, None where there is none. Raises Invalid."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.", "Choose another file, or mend this one.") from None
    except UnicodeDecodeError as error:
        raise Invalid(f"{path} is not UTF-8 text: {error.reason}.", MEND) from None


def checked(text: str) -> str:
    """The text again, if it is a JSON object. Raises ValueError."""
    try:
        is_object = isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"it is not valid JSON: {error}") from None
    if not is_object:
        raise ValueError("it holds no JSON object")
    return text


def write(path: Path, text: str) -> None:
    """Replace a file's text all at once; links to it, its mode and its owner stay. Raises Invalid."""
    target = Path(os.path.realpath(path))
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_new(partial, target, text.encode())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}.", "It was left alone; is it yours?") from None


def _write_new(partial: Path, target: Path, data: bytes) -> None:
    with open(partial, "xb") as file:
        if target.exists():
            like = target.stat()
            if (os.geteuid(), os.getegid()) != (like.st_uid, like.st_gid):
                os.fchown(file.fileno(), like.st_uid, like.st_gid)
            os.fchmod(file.fileno(), like.st_mode & 0o7777)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())

"""What differs between two moments of a project: the trees are walked side by side, equal inodes are passed over."""

import difflib
import stat
from collections.abc import Iterator
from typing import Literal, NamedTuple

from lighthoused.core.inode import Found, Inode
from lighthoused.core.names import shown
from lighthoused.protocol.messages.projects import PathChange
from lighthoused.tree.reading import Reading

MAX_TEXT = 1024 * 1024
"""Bytes of a file up to which its text is compared."""

Kind = Literal["added", "removed", "modified", "mode", "type"]


class Difference(NamedTuple):
    """One path that differs; the inode as it was at either moment, None where it was not there."""

    path: bytes
    before: Inode | None
    after: Inode | None

    @property
    def kind(self) -> Kind:
        """In what it differs; a file whose content and mode both differ is modified."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        if stat.S_IFMT(self.before.mode) != stat.S_IFMT(self.after.mode):
            return "type"
        return "mode" if _same_content(self.before, self.after) else "modified"


def differences(reading: Reading, root: int, path: bytes, since: int, until: int) -> Iterator[Difference]:
    """Everything at and below `path` that differs between two seqs, parents before what is in them."""
    before = reading.walk(root, path, since)
    after = reading.walk(root, path, until)
    todo = [(path.strip(b"/"), before, after)]
    while todo:
        at, old_ino, new_ino = todo.pop()
        old = _stored(reading, old_ino, since)
        new = _stored(reading, new_ino, until)
        if (old is not None or new is not None) and not _equal(old, new):
            yield Difference(at, old, new)
        below = _below(
            reading, at, old_ino if old and old.is_dir else None, new_ino if new and new.is_dir else None, since, until
        )
        todo.extend(reversed(below))


def change_of(reading: Reading, difference: Difference, text: bool) -> PathChange:
    """The difference as clients see it; `text` adds a unified diff where both sides are text."""
    path, before, after = difference
    return PathChange(
        path=shown(path),
        kind=difference.kind,
        size_before=before.size if before else 0,
        size_after=after.size if after else 0,
        text=_unified(reading, difference) if text else "",
    )


def _below(
    reading: Reading, at: bytes, old_ino: int | None, new_ino: int | None, since: int, until: int
) -> list[tuple[bytes, int | None, int | None]]:
    old = _by_name(reading.entries(old_ino, since)) if old_ino else {}
    new = _by_name(reading.entries(new_ino, until)) if new_ino else {}
    prefix = at + b"/" if at else b""
    return [(prefix + name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())]


def _by_name(entries: list[Found]) -> dict[bytes, int]:
    return {entry.name: entry.ino for entry in entries}


def _stored(reading: Reading, ino: int | None, at: int) -> Inode | None:
    inode = reading.inode(ino, at) if ino is not None else None
    return inode if isinstance(inode, Inode) else None


def _same_content(before: Inode, after: Inode) -> bool:
    return (before.size, before.content, before.target) == (after.size, after.content, after.target) or (
        before.is_dir and after.is_dir
    )


def _equal(before: Inode | None, after: Inode | None) -> bool:
    if before is None or after is None:
        return False
    return (before.mode, before.uid, before.gid, before.xattrs) == (
        after.mode,
        after.uid,
        after.gid,
        after.xattrs,
    ) and _same_content(before, after)


def _unified(reading: Reading, difference: Difference) -> str:
    old, new = _lines(reading, difference.before), _lines(reading, difference.after)
    if old is None or new is None or difference.kind == "mode":
        return ""
    name = shown(difference.path)
    lines = difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def _lines(reading: Reading, inode: Inode | None) -> list[str] | None:
    """The lines of a text file, [] for a missing one, None for what is no text or too large."""
    if inode is None:
        return []
    if not inode.is_file or inode.size > MAX_TEXT:
        return None
    content = reading.read(inode, 0, inode.size)
    if b"\0" in content:
        return None
    try:
        return content.decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        return None

"""What one path is on one side, what both were when last equal, and what follows from comparing the three. Pure."""

import stat
from enum import Enum

import msgspec

TEMPORARY = b".lighthouse-mirror-"
"""How names begin that a mirror makes for a moment; never mirrored."""
MIRRORED = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """`kind`: S_IFMT bits; `mode`: permission bits; `digest`: blake3 of the content, or a symlink's target.

    Owners are -1 where they do not count. A directory has neither size, time nor digest.
    """

    kind: int
    mode: int
    uid: int
    gid: int
    size: int = 0
    mtime: int = 0
    digest: bytes = b""

    @property
    def is_dir(self) -> bool:
        return self.kind == stat.S_IFDIR

    @property
    def is_file(self) -> bool:
        return self.kind == stat.S_IFREG

    def holds(self, other: "Entry | None") -> bool:
        """Whether both have the same content."""
        return other is not None and (self.kind, self.digest) == (other.kind, other.digest)


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A path on one side: the number of its inode, and a print that changes whenever the entry may have changed.

    A print of b"" is unlike any other.
    """

    entry: Entry
    ino: int
    mark: bytes


class Equal(msgspec.Struct, frozen=True, array_like=True):
    """A path when both sides were last equal."""

    entry: Entry
    inside: int = 0
    inside_mark: bytes = b""
    outside: int = 0
    outside_mark: bytes = b""


class Step(Enum):
    """What to do about a path."""

    NOTHING = "nothing"
    NOTE = "note"
    OUT = "out"
    IN = "in"
    CONFLICT = "conflict"


def decide(equal: Entry | None, inside: Entry | None, outside: Entry | None) -> Step:
    """What makes both sides equal again without losing what either has."""
    if inside == outside:
        return Step.NOTHING if inside == equal else Step.NOTE
    if outside == equal:
        return Step.OUT
    if inside == equal:
        return Step.IN
    if inside is None:
        return Step.IN
    if outside is None:
        return Step.OUT
    if inside.holds(outside):
        return Step.IN if outside.mtime > inside.mtime else Step.OUT
    return Step.CONFLICT


def kept_though_removed(equal: Entry | None, inside: Entry | None, outside: Entry | None) -> str:
    """The side that removed what the other one changed: "inside", "outside", or "" where that did not happen."""
    if equal is None or equal.is_dir or inside == equal or outside == equal:
        return ""
    if inside is None and outside is not None:
        return "inside"
    return "outside" if outside is None and inside is not None else ""


def below(path: bytes, name: bytes) -> bytes:
    """The path of an entry of a directory; b"" is the root."""
    return path + b"/" + name if path else name


def split(path: bytes) -> tuple[bytes, bytes]:
    """The directory a path is in, and its name there."""
    parent, _, name = path.rpartition(b"/")
    return parent, name

"""What the versioned tree is made of: inode records, directory entries, and the change that an event carries.

Every tree event has the same payload, a `Change`; its rows are derived from it by `rows_of`, so that replaying the log
gives the tables exactly.
"""

import stat
from typing import NamedTuple

import msgspec

from lighthoused.core.events import Row

BLOCK = 128 * 1024
"""Bytes of file content per block (the last one of a file may be shorter)."""
HOLE = b""
"""The hash that stands for a block of zeros, which is not stored."""
MAP_FANOUT = 1024
"""Block hashes per map node, for files of more than `INLINE_BLOCKS` blocks."""
INLINE_BLOCKS = 64
MAX_FILE_SIZE = 1 << 40
NAME_MAX = 255
INODES = "inodes"
DENTRIES = "dentries"


class Inode(msgspec.Struct, frozen=True, array_like=True):
    """One version of an inode. Times in ns since the epoch. `nlink` 0: removed.

    `content` lists the blake3 hashes of the blocks; where `mapped`, of map nodes (msgpack lists of `MAP_FANOUT` block
    hashes, stored as blocks themselves). `target` is a symlink's. `parent` and `name` are the newest link to it: a
    directory's only one, and how a file is called in events; a project's root has parent 0 and the project's name.
    """

    mode: int
    uid: int
    gid: int
    nlink: int
    size: int
    mtime: int
    ctime: int
    atime: int
    btime: int
    rdev: int = 0
    mapped: bool = False
    content: tuple[bytes, ...] = ()
    target: bytes = b""
    xattrs: dict[bytes, bytes] = {}
    parent: int = 0
    name: bytes = b""

    @property
    def is_dir(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)

    @property
    def is_symlink(self) -> bool:
        return stat.S_ISLNK(self.mode)


class Dentry(msgspec.Struct, frozen=True, array_like=True):
    """One version of a directory entry; `ino` 0: the name was removed. `kind` is the inode's S_IFMT bits."""

    ino: int
    kind: int = 0


class Found(NamedTuple):
    """An entry as a listing gives it: its name, the inode's number and kind (S_IFMT bits)."""

    name: bytes
    ino: int
    kind: int


class Change(msgspec.Struct, frozen=True, array_like=True):
    """What one tree event changed: the new inode versions and the new directory entry versions."""

    inodes: tuple[tuple[int, Inode], ...] = ()
    dentries: tuple[tuple[int, bytes, Dentry], ...] = ()


_encode = msgspec.msgpack.Encoder().encode
decode_inode = msgspec.msgpack.Decoder(Inode).decode
decode_dentry = msgspec.msgpack.Decoder(Dentry).decode
decode_change = msgspec.msgpack.Decoder(Change).decode
encode_change = _encode


def inode_key(ino: int) -> bytes:
    """Key prefix of an inode's versions."""
    return ino.to_bytes(8, "big")


def dentry_key(parent: int, name: bytes) -> bytes:
    """Key prefix of a directory entry's versions; NUL ends the name, which cannot contain it."""
    return parent.to_bytes(8, "big") + name + b"\0"


def rows_of(change: Change) -> tuple[Row, ...]:
    """The projection rows of a tree event."""
    inodes = [Row(INODES, inode_key(ino), _encode(inode)) for ino, inode in change.inodes]
    dentries = [Row(DENTRIES, dentry_key(parent, name), _encode(entry)) for parent, name, entry in change.dentries]
    return (*inodes, *dentries)

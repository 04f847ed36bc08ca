"""Attributes of `current/`'s inodes: chmod(2), chown(2), utimensat(2), setxattr(2)."""

import errno
import stat
from dataclasses import dataclass

from lighthoused.core.author import Author
from lighthoused.tree.live import Live
from lighthoused.tree.node import Node
from lighthoused.tree.refusal import existing, refuse

XATTR_NAME_MAX = 255
XATTR_SIZE_MAX = 65_536
XATTRS_MAX = 512
"""Extended attributes per inode; with `XATTR_SIZE_MAX` in all they bound its record."""
SETTABLE = (b"user.", b"trusted.", b"security.")
OWN = b"user.lighthouse."
"""Computed by the daemon, never stored."""


@dataclass(frozen=True, slots=True)
class NewAttributes:
    """What to set; None leaves it. Times in ns since the epoch."""

    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    atime: int | None = None
    mtime: int | None = None


class Attributes:
    """Changes of attributes. Callers have waited for `journal.room()`; nothing here awaits."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def change(self, ino: int, new: NewAttributes, author: Author) -> Node:
        """Set attributes; chown clears the set-id bits as on any Linux filesystem. Raises OSError ENOENT."""
        node = existing(self._live, ino)
        if new.uid is not None or new.gid is not None:
            _change_owner(node, new)
        if new.mode is not None:
            node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(new.mode)
        if new.atime is not None:
            node.atime = new.atime
        if new.mtime is not None:
            node.mtime = new.mtime
        node.ctime = self._live.clock()
        self._live.record("attributes.changed", author, self._live.path(node), (node,))
        return node

    def set_xattr(self, ino: int, name: bytes, value: bytes, author: Author) -> None:
        """Raises OSError EOPNOTSUPP, ERANGE, E2BIG, ENOSPC, EPERM."""
        node = existing(self._live, ino)
        _check_xattr_name(name)
        if len(value) > XATTR_SIZE_MAX:
            raise refuse(errno.E2BIG)
        after = {**node.xattrs, name: value}
        if len(after) > XATTRS_MAX or sum(map(len, (*after, *after.values()))) > XATTR_SIZE_MAX + 1024:
            raise refuse(errno.ENOSPC)
        node.xattrs = after
        self._changed("xattr.changed", node, author)

    def remove_xattr(self, ino: int, name: bytes, author: Author) -> None:
        """Raises OSError ENODATA."""
        node = existing(self._live, ino)
        _check_xattr_name(name)
        if name not in node.xattrs:
            raise refuse(errno.ENODATA)
        node.xattrs = {key: value for key, value in node.xattrs.items() if key != name}
        self._changed("xattr.removed", node, author)

    def _changed(self, kind: str, node: Node, author: Author) -> None:
        node.ctime = self._live.clock()
        self._live.record(kind, author, self._live.path(node), (node,))


def _change_owner(node: Node, new: NewAttributes) -> None:
    if new.uid is not None:
        node.uid = new.uid
    if new.gid is not None:
        node.gid = new.gid
    if not node.is_dir and new.mode is None:
        node.mode &= ~stat.S_ISUID
        if node.mode & stat.S_IXGRP:
            node.mode &= ~stat.S_ISGID
    node.xattrs = {key: value for key, value in node.xattrs.items() if key != b"security.capability"}


def _check_xattr_name(name: bytes) -> None:
    if len(name) > XATTR_NAME_MAX:
        raise refuse(errno.ERANGE)
    if not name.startswith(SETTABLE):
        raise refuse(errno.EOPNOTSUPP)
    if name.startswith(OWN):
        raise refuse(errno.EPERM)

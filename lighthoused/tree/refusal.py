"""Refusals of the tree as the errno that POSIX asks for."""

import errno
import os

from lighthoused.core.inode import NAME_MAX
from lighthoused.tree.live import Live
from lighthoused.tree.node import Node


def refuse(code: int) -> OSError:
    """An OSError with its standard text."""
    return OSError(code, os.strerror(code))


def existing(live: Live, ino: int) -> Node:
    """The node of this number. Raises OSError ENOENT."""
    node = live.node(ino)
    if node is None:
        raise refuse(errno.ENOENT)
    return node


def directory(live: Live, ino: int) -> Node:
    """A directory that new entries may be made in. Raises OSError ENOENT (also where it was removed), ENOTDIR."""
    node = existing(live, ino)
    if not node.is_dir:
        raise refuse(errno.ENOTDIR)
    if not node.nlink:
        raise refuse(errno.ENOENT)
    return node


def check_name(name: bytes) -> None:
    """Raises OSError ENAMETOOLONG or EINVAL: the kernel does not check NAME_MAX for us."""
    if len(name) > NAME_MAX:
        raise refuse(errno.ENAMETOOLONG)
    if not name or name in (b".", b"..") or b"/" in name or b"\0" in name:
        raise refuse(errno.EINVAL)

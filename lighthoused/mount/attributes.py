"""Attributes as pyfuse3 wants them."""

import pyfuse3

from lighthoused.core.inode import Inode
from lighthoused.mount.vnode import FOREVER_S
from lighthoused.tree.attributes import NewAttributes
from lighthoused.tree.node import Node

SECTOR = 512
IO_SIZE = 128 * 1024


def entry_attributes(
    number: int, inode: Inode | Node, timeout_s: float = FOREVER_S, attr_timeout_s: float | None = None
) -> pyfuse3.EntryAttributes:
    """The kernel's view of an inode under this number; its attributes may be valid for longer than its name."""
    entry = pyfuse3.EntryAttributes()
    entry.st_ino = number
    entry.st_mode = inode.mode
    entry.st_nlink = inode.nlink
    entry.st_uid = inode.uid
    entry.st_gid = inode.gid
    entry.st_rdev = inode.rdev
    entry.st_size = inode.size
    entry.st_blksize = IO_SIZE
    entry.st_blocks = -(-inode.size // SECTOR)
    entry.st_mtime_ns = inode.mtime
    entry.st_ctime_ns = inode.ctime
    entry.st_atime_ns = inode.atime
    entry.st_birthtime_ns = inode.btime
    entry.entry_timeout = timeout_s
    entry.attr_timeout = timeout_s if attr_timeout_s is None else attr_timeout_s
    return entry


def missing(timeout_s: float) -> pyfuse3.EntryAttributes:
    """A negative entry: the kernel may remember for so long that there is no such name."""
    entry = pyfuse3.EntryAttributes()
    entry.st_ino = 0
    entry.entry_timeout = timeout_s
    entry.attr_timeout = timeout_s
    return entry


def new_attributes(attr: pyfuse3.EntryAttributes, fields: pyfuse3.SetattrFields) -> NewAttributes | None:
    """What a setattr request sets beside the size; None if nothing."""
    new = NewAttributes(
        mode=attr.st_mode if fields.update_mode else None,
        uid=attr.st_uid if fields.update_uid else None,
        gid=attr.st_gid if fields.update_gid else None,
        atime=attr.st_atime_ns if fields.update_atime else None,
        mtime=attr.st_mtime_ns if fields.update_mtime else None,
    )
    return None if new == NewAttributes() and not fields.update_ctime else new

"""What the kernel's numbers stand for, and what it is told of each.

Numbers below `FIRST_VIRTUAL` are inodes of `current/`; the others, and the mount's root, are virtual and read-only.
Must not know who asks, nor what is open.
"""

import errno
from collections.abc import Sequence

import pyfuse3
from pyfuse3 import EntryAttributes, ReaddirToken

from lighthoused.core.inode import Found
from lighthoused.mount.attributes import entry_attributes
from lighthoused.mount.vnode import FIRST_VIRTUAL, Entry, Vnode, VnodeTable
from lighthoused.tree.reading import Reading
from lighthoused.tree.refusal import refuse

ROOT = int(pyfuse3.ROOT_INODE)
LISTED_TOGETHER = 256
"""Entries whose attributes are read at once."""


def is_current(number: int) -> bool:
    """Whether a number is an inode of `current/`."""
    return ROOT < number < FIRST_VIRTUAL


class Nodes:
    """The inodes of `current/`, as `reading` has them, and the virtual nodes below `root`."""

    def __init__(self, reading: Reading, root: Vnode, virtual: VnodeTable) -> None:
        self._reading = reading
        self._root = root
        self._virtual = virtual

    def virtual(self, number: int) -> Vnode:
        """The virtual node of a number. Raises OSError ESTALE."""
        return self._root if number == ROOT else self._virtual.get(number)

    def current_attributes(self, ino: int) -> EntryAttributes:
        """Of an inode of `current/`. Raises OSError ENOENT."""
        inode = self._reading.status(ino)
        if inode is None:
            raise refuse(errno.ENOENT)
        return entry_attributes(ino, inode)

    def virtual_attributes(self, number: int) -> EntryAttributes:
        """Of a virtual node. Raises OSError ESTALE."""
        node = self.virtual(number)
        return entry_attributes(number, node.attributes(), node.timeout_s, node.attr_timeout_s)

    async def looked_up(self, parent: int, name: bytes) -> EntryAttributes:
        """An entry of a virtual directory, to which the kernel holds one more reference. Raises OSError."""
        node = await self.virtual(parent).lookup(name)
        if isinstance(node, int):
            return self.current_attributes(node)
        await node.measure()
        number = self._virtual.number(node, parent, name)
        self._virtual.looked_up(number)
        return self.virtual_attributes(number)

    def list_current(self, token: ReaddirToken, entries: Sequence[Found], start: int) -> None:
        """Reply with entries of a directory of `current/` from this position on, as many as there is room for."""
        for first in range(start, len(entries), LISTED_TOGETHER):
            part = entries[first : first + LISTED_TOGETHER]
            statuses = self._reading.statuses([entry.ino for entry in part])
            for position, (entry, inode) in enumerate(zip(part, statuses, strict=True), first + 1):
                if inode is None or not inode.nlink:
                    continue
                if not pyfuse3.readdir_reply(token, entry.name, entry_attributes(entry.ino, inode), position):
                    return

    def list_virtual(self, token: ReaddirToken, directory: Vnode, entries: Sequence[Entry], start: int) -> None:
        """Reply with entries of a virtual directory; each that there is room for is one more reference to its node."""
        known = self._virtual.known(directory.key)
        parent = ROOT if known is None else known
        for position, (name, node) in enumerate(entries[start:], start + 1):
            number = node if isinstance(node, int) else self._virtual.number(node, parent, name)
            attributes = self.current_attributes(number) if isinstance(node, int) else self.virtual_attributes(number)
            listed = pyfuse3.readdir_reply(token, name, attributes, position)
            if number >= FIRST_VIRTUAL:
                if listed:
                    self._virtual.looked_up(number)
                else:
                    self._virtual.unused(number)
            if not listed:
                return

"""Virtual inodes: what the mount shows beside `current/`. Their numbers are given out as the kernel looks them up."""

import errno
import stat
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from lighthoused.core.inode import Inode
from lighthoused.mount.holds import Holds
from lighthoused.tree.refusal import refuse

FIRST_VIRTUAL = 1 << 48
"""Numbers from here on are virtual, those below are inodes of `current/` (and 1, the mount's root)."""
UNCOUNTED = 1 << 62
"""References of a node to which no number of FORGETs adds up."""
FOREVER_S = 86_400.0 * 365
"""Timeout of what only we can change, and tell the kernel when we do."""


class Entry(NamedTuple):
    """A name in a virtual directory: a virtual node, or the number of an inode of `current/`."""

    name: bytes
    node: "Vnode | int"


class Vnode(ABC):
    """A virtual file or directory, read-only. Equal `key`s are the same node; `timeout_s` bounds kernel caching.

    `found_as`: how the next process finds it, where that is not by the name that it was looked up by. Such a node is
    its reader's own: what the kernel gives back of it is all there is.
    """

    timeout_s: float = 0.0
    attr_timeout_s: float | None = None
    """Of its attributes, where they are valid for longer than its name."""
    found_as: bytes = b""
    key: Hashable = None

    @abstractmethod
    def attributes(self) -> Inode:
        """Present attributes."""

    async def lookup(self, name: bytes) -> "Vnode | int":
        """The entry of this name. Raises OSError ENOENT, ENOTDIR."""
        raise refuse(errno.ENOTDIR)

    async def entries(self) -> Sequence[Entry]:
        """All listed entries; more may be found by `lookup`. Raises OSError ENOTDIR."""
        raise refuse(errno.ENOTDIR)

    async def measure(self) -> None:
        """Bring up to date what `attributes` tells, where that takes long; listings do without."""
        return

    async def content(self) -> bytes | None:
        """The whole content at open, for a file made up on the spot; None where `read` looks it up."""
        return None

    @property
    def grows(self) -> bool:
        """Whether `read` may give more later: the kernel then keeps nothing of it."""
        return False

    async def read(self, offset: int, size: int) -> bytes:
        """Bytes from an offset on, at most `size`, of a file whose `content` is None. Raises OSError."""
        raise refuse(errno.EINVAL)

    def forgotten(self) -> None:
        """The kernel no longer knows it: nobody has it open."""
        return


class Owner(NamedTuple):
    """Whom virtual files belong to, and since when (ns) they are there."""

    uid: int
    gid: int
    since: int

    def attributes(self, mode: int, nlink: int = 1) -> Inode:
        """Of an empty virtual file of theirs; `mode` with its S_IFMT bits."""
        return Inode(
            mode=mode,
            uid=self.uid,
            gid=self.gid,
            nlink=nlink,
            size=0,
            mtime=self.since,
            ctime=self.since,
            atime=self.since,
            btime=self.since,
        )


class Vdir(Vnode):
    """A virtual directory: subclasses say what is in it. It is never removed, so the kernel may keep it."""

    mode = 0o555
    timeout_s = FOREVER_S

    def __init__(self, owner: Owner, key: Hashable) -> None:
        self.owner = owner
        self.key = key

    def attributes(self) -> Inode:
        return self.owner.attributes(stat.S_IFDIR | self.mode, nlink=2)

    async def lookup(self, name: bytes) -> Vnode | int:
        for entry in await self.entries():
            if entry.name == name:
                return entry.node
        raise refuse(errno.ENOENT)


class VnodeTable:
    """Numbers of virtual nodes, as long as the kernel knows them: a lookup count each, and FORGET takes it down."""

    def __init__(self, holds: Holds | None = None) -> None:
        self._holds = holds
        self._nodes: dict[int, Vnode] = {}
        self._counts: dict[int, int] = {}
        self._numbers: dict[Hashable, int] = {}
        self._next = FIRST_VIRTUAL

    def __len__(self) -> int:
        return len(self._nodes)

    def number(self, node: Vnode, parent: int, name: bytes) -> int:
        """The number of a node that is found by this name; the same for an equal key while the kernel knows it."""
        known = self._numbers.get(node.key)
        if known is not None:
            return known
        number = self._next
        self._keep(number, node)
        if self._holds is not None:
            self._holds.named(number, parent, node.found_as or name)
        return number

    def restore(self, number: int, node: Vnode) -> None:
        """A node that the kernel knows since before we were started; how often it looked it up is not known."""
        self._keep(number, node)
        self._counts[number] = 1 if node.found_as else UNCOUNTED

    def known(self, key: Hashable) -> int | None:
        """The number of the node with this key, None where the kernel does not know it."""
        return self._numbers.get(key)

    def nodes(self) -> Sequence[Vnode]:
        """All nodes that the kernel knows."""
        return list(self._nodes.values())

    def get(self, number: int) -> Vnode:
        """The node of this number. Raises OSError ESTALE."""
        node = self._nodes.get(number)
        if node is None:
            raise refuse(errno.ESTALE)
        return node

    def looked_up(self, number: int) -> None:
        """The kernel holds one more reference."""
        self._counts[number] += 1

    def unused(self, number: int) -> None:
        """The number was not given to the kernel after all."""
        if not self._counts[number]:
            self._drop(number)

    def forget(self, number: int, count: int) -> None:
        """The kernel gave `count` references back."""
        if number in self._counts:
            self._counts[number] -= count
            if self._counts[number] <= 0:
                self._drop(number)

    def forget_all(self) -> None:
        """The kernel knows none of them any more."""
        for number in list(self._nodes):
            self._drop(number)

    def _keep(self, number: int, node: Vnode) -> None:
        self._next = max(self._next, number + 1)
        self._numbers[node.key] = number
        self._nodes[number] = node
        self._counts[number] = 0

    def _drop(self, number: int) -> None:
        if self._holds is not None:
            self._holds.forgotten(number)
        node = self._nodes.pop(number)
        del self._counts[number]
        del self._numbers[node.key]
        node.forgotten()

"""``history/<moment>/``: a project as it was at one seq, read-only."""

import contextlib
import errno

from lighthoused.core.inode import Inode
from lighthoused.mount.vnode import FOREVER_S, Entry, Vnode
from lighthoused.tree.reading import Reading
from lighthoused.tree.refusal import refuse


class Past(Vnode):
    """One inode at one moment. `view` names the directory it was entered by: the same moment entered by two names is
    two trees to the kernel, which allows a directory only one place."""

    timeout_s = FOREVER_S

    def __init__(self, reading: Reading, view: bytes, ino: int, at: int) -> None:
        inode = reading.inode(ino, at)
        if not isinstance(inode, Inode):
            raise refuse(errno.ENOENT)
        self.key = (view, at, ino)
        self.at = at
        self._reading = reading
        self.view = view
        self.ino = ino
        self.inode = inode

    def attributes(self) -> Inode:
        return self.inode

    async def lookup(self, name: bytes) -> Vnode:
        entry = self._reading.entry(self.ino, name, self.at)
        if entry is None:
            raise refuse(errno.ENOENT)
        return self._child(entry.ino)

    async def entries(self) -> list[Entry]:
        """All that is kept: of a file that is not versioned, this moment's content may be gone."""
        entries = []
        for found in self._reading.entries(self.ino, self.at):
            with contextlib.suppress(FileNotFoundError):
                entries.append(Entry(found.name, self._child(found.ino)))
        return entries

    async def read(self, offset: int, size: int) -> bytes:
        return self._reading.read(self.inode, offset, size)

    def _child(self, ino: int) -> "Past":
        return Past(self._reading, self.view, ino, self.at)


class Moving(Past):
    """A project's root by a name that may mean another moment next time."""

    timeout_s = 0.0

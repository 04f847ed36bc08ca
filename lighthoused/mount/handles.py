"""Open files and directories, by the number the kernel holds for each."""

import errno
from collections.abc import Sequence
from dataclasses import dataclass

from lighthoused.core.author import Author
from lighthoused.core.inode import Found
from lighthoused.mount.holds import DIRECTORY, FILE, VIRTUAL_DIRECTORY, VIRTUAL_FILE, Holds
from lighthoused.mount.vnode import Entry, Vnode
from lighthoused.tree.node import Node
from lighthoused.tree.refusal import refuse

MAX_HANDLES = 100_000


@dataclass(slots=True)
class OpenFile:
    """An open file of `current/`; `author` opened it and is whose writes these are."""

    node: Node
    author: Author


@dataclass(slots=True)
class OpenVirtual:
    """An open virtual file: its content as of the open, or the node to read from."""

    node: Vnode
    content: bytes | None


@dataclass(slots=True)
class OpenDirectory:
    """An open directory of `current/`: its entries as of the first read or the last rewind."""

    ino: int
    entries: Sequence[Found] | None = None


@dataclass(slots=True)
class OpenVirtualDirectory:
    """An open virtual directory, like `OpenDirectory`."""

    node: Vnode
    entries: Sequence[Entry] | None = None


Handle = OpenFile | OpenVirtual | OpenDirectory | OpenVirtualDirectory
KINDS: dict[type[Handle], str] = {
    OpenFile: FILE,
    OpenVirtual: VIRTUAL_FILE,
    OpenDirectory: DIRECTORY,
    OpenVirtualDirectory: VIRTUAL_DIRECTORY,
}


class Handles:
    """Numbers for open handles, at most `MAX_HANDLES`."""

    def __init__(self, holds: Holds | None = None) -> None:
        self._open: dict[int, Handle] = {}
        self._next = 1
        self._holds = holds

    def __len__(self) -> int:
        return len(self._open)

    def check_room(self) -> None:
        """Raises OSError ENFILE."""
        if len(self._open) >= MAX_HANDLES:
            raise refuse(errno.ENFILE)

    def add(self, handle: Handle, inode: int) -> int:
        """A number for the handle, of an inode of this number."""
        number = self._next
        self._next += 1
        self._open[number] = handle
        if self._holds is not None:
            self._holds.opened(number, KINDS[type(handle)], inode, getattr(handle, "author", None))
        return number

    def numbers(self) -> Sequence[int]:
        """Of all open handles."""
        return list(self._open)

    def restore(self, number: int, handle: Handle) -> None:
        """A handle that the kernel holds since before we were started."""
        self._open[number] = handle
        self._next = max(self._next, number + 1)

    def get(self, number: int) -> Handle:
        """Raises OSError EBADF."""
        handle = self._open.get(number)
        if handle is None:
            raise refuse(errno.EBADF)
        return handle

    def file(self, number: int) -> OpenFile:
        """An open file of `current/`. Raises OSError EBADF."""
        handle = self._open.get(number)
        if type(handle) is not OpenFile:
            raise refuse(errno.EBADF)
        return handle

    def remove(self, number: int) -> Handle:
        """Raises OSError EBADF."""
        handle = self.get(number)
        del self._open[number]
        if self._holds is not None:
            self._holds.closed(number)
        return handle

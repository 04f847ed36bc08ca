"""What the kernel holds of us: open handles, and virtual inodes by their names. Kept for the next process.

The kernel does not notice that the daemon was restarted: it goes on using these numbers. Must not know FUSE.
"""

import msgspec

from lighthoused.core.author import Author
from lighthoused.survival.kept import KeptLog

HOLDS_NAME = "kernel-holds"
FILE, DIRECTORY, VIRTUAL_FILE, VIRTUAL_DIRECTORY = "file", "directory", "virtual-file", "virtual-directory"
SPARE = 10_000
"""Records that no longer count, beyond four times those that do, at which the log is rewritten."""


class OpenedHandle(msgspec.Struct, frozen=True, array_like=True, tag="o"):
    """A handle was given to the kernel. `number`: of its inode. `author`: who opened it."""

    handle: int
    kind: str
    number: int
    author: tuple[str, str, int, int, int] = Author()


class NamedNode(msgspec.Struct, frozen=True, array_like=True, tag="n"):
    """A virtual inode was given to the kernel, as this name in this directory."""

    number: int
    parent: int
    name: bytes


class ClosedHandle(msgspec.Struct, frozen=True, array_like=True, tag="c"):
    """The kernel gave a handle back."""

    handle: int


class ForgottenNode(msgspec.Struct, frozen=True, array_like=True, tag="f"):
    """The kernel forgot a virtual inode."""

    number: int


class Parted(msgspec.Struct, frozen=True, array_like=True, tag="p"):
    """The process ended in order: every request that it had read was answered. Not `over`: the next one has begun."""

    over: bool = True


Record = OpenedHandle | NamedNode | ClosedHandle | ForgottenNode | Parted
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode


class Holds:
    """The handles and virtual nodes in force, in memory and in a kept log."""

    def __init__(self, kept: KeptLog) -> None:
        self.handles: dict[int, OpenedHandle] = {}
        self.nodes: dict[int, NamedNode] = {}
        self.parted = False
        """Whether the process before us ended in order."""
        self._kept = kept
        self._records = 0
        for record in kept.records():
            self._apply(_decode(record))

    def opened(self, handle: int, kind: str, number: int, author: Author | None = None) -> None:
        """A handle goes to the kernel."""
        self._add(OpenedHandle(handle, kind, number, author or Author()))

    def closed(self, handle: int) -> None:
        """The kernel gave it back."""
        if handle in self.handles:
            self._add(ClosedHandle(handle))

    def named(self, number: int, parent: int, name: bytes) -> None:
        """A virtual inode goes to the kernel for the first time."""
        self._add(NamedNode(number, parent, name))

    def forgotten(self, number: int) -> None:
        """The kernel forgot it."""
        if number in self.nodes:
            self._add(ForgottenNode(number))

    def begin(self) -> None:
        """This process reads requests from now on."""
        if self.parted:
            self._add(Parted(over=False))

    def part(self) -> None:
        """This process has answered all that it read, and reads no more."""
        self._add(Parted())

    def _add(self, record: Record) -> None:
        self._apply(record)
        self._kept.append(_encode(record))
        if self._records > 4 * (len(self.handles) + len(self.nodes)) + SPARE:
            self._kept.rewrite(_encode(one) for one in (*self.nodes.values(), *self.handles.values()))
            self._records = len(self.handles) + len(self.nodes)

    def _apply(self, record: Record) -> None:
        self._records += 1
        self.parted = isinstance(record, Parted) and record.over
        match record:
            case OpenedHandle():
                self.handles[record.handle] = record
            case NamedNode():
                self.nodes[record.number] = record
            case ClosedHandle():
                self.handles.pop(record.handle, None)
            case ForgottenNode():
                self.nodes.pop(record.number, None)

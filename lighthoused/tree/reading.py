"""Looking at the tree: one code path for now and for any past moment. `at` is a seq; NOW includes the overlay."""

import threading
from collections.abc import Iterator, Sequence

from lighthoused.core.bytecache import ByteCache
from lighthoused.core.inode import BLOCK, Dentry, Found, Inode
from lighthoused.store.blocks import Blocks
from lighthoused.store.schema import NOW
from lighthoused.store.versions import Versions
from lighthoused.tree.blockmap import BlockMap, Load
from lighthoused.tree.live import Live
from lighthoused.tree.node import Node

LISTING_PAGE = 4096
ZEROS = bytes(BLOCK)
ENTRY_COST = 400
"""Bytes that a cached block takes beside its content."""


class BlockCache(ByteCache[bytes, bytes]):
    """Blocks by hash, bounded in bytes, over the store. Worker threads read through it too, hence the lock."""

    def __init__(self, blocks: Blocks, capacity: int) -> None:
        super().__init__(capacity, lambda content: len(content) + ENTRY_COST)
        self._blocks = blocks
        self._lock = threading.Lock()

    def load(self, key: bytes) -> bytes:
        """Content of a block. Raises core.errors.Corrupt if the store does not have it."""
        with self._lock:
            found = self.look_up(key)
        if found is None:
            found = self._blocks.get(key)
            self.keep(key, found)
        return found

    def keep(self, key: bytes, content: bytes) -> None:
        """Remember a block that is likely to be read again."""
        with self._lock:
            self.remember(key, content)


class Reading:
    """Inodes, entries and content at a moment."""

    def __init__(self, versions: Versions, live: Live, load: Load) -> None:
        self._versions = versions
        self._live = live
        self._load = load

    def inode(self, ino: int, at: int = NOW) -> Inode | Node | None:
        """The inode as it was; None if it did not exist, or had been removed, then. For NOW its live node."""
        if at == NOW:
            return self._live.node(ino)
        inode = self._versions.inode(ino, at)
        return inode if inode is not None and inode.nlink else None

    def recent(self, ino: int, limit: int) -> Iterator[Inode]:
        """The newest stored versions of an inode, newest first."""
        for _, inode in self._versions.inode_versions(ino, limit=limit):
            yield inode

    def status(self, ino: int) -> Inode | Node | None:
        """Present attributes, without taking the inode into the overlay."""
        return self._live.peek(ino) or self._versions.inode(ino, NOW)

    def statuses(self, inos: Sequence[int]) -> list[Inode | Node | None]:
        """Present attributes of many inodes, in their order."""
        peek = self._live.peek
        found: list[Inode | Node | None] = [peek(ino) for ino in inos]
        unknown = [place for place, inode in enumerate(found) if inode is None]
        for place, inode in zip(unknown, self._versions.inodes([inos[place] for place in unknown]), strict=True):
            found[place] = inode
        return found

    def entry(self, parent: int, name: bytes, at: int = NOW) -> Dentry | None:
        """What a name stood for in a directory; None if there was none."""
        if at == NOW:
            pending = self._live.name(parent, name)
            if pending is not None:
                return pending if pending.ino else None
        return self._versions.dentry(parent, name, at)

    def entries(self, parent: int, at: int = NOW) -> list[Found]:
        """All entries of a directory in the order of their bytes, without ``.`` and ``..``."""
        stored: list[Found] = []
        while True:
            page = self._versions.entries(parent, at, stored[-1].name if stored else b"", LISTING_PAGE)
            stored += page
            if len(page) < LISTING_PAGE:
                break
        pending = self._live.names(parent) if at == NOW else {}
        if not pending:
            return stored
        fresh = [Found(name, entry.ino, entry.kind) for name, entry in pending.items() if entry.ino]
        return sorted([*(entry for entry in stored if entry.name not in pending), *fresh])

    def is_empty(self, parent: int) -> bool:
        """Whether a directory of `current/` has no entries."""
        pending = self._live.names(parent)
        if any(entry.ino for entry in pending.values()):
            return False
        page = self._versions.entries(parent, NOW, b"", len(pending) + 1)
        return all(entry.name in pending for entry in page)

    def walk(self, root: int, path: bytes, at: int = NOW) -> int | None:
        """The inode number at a relative path (symlinks are not followed); None where there is nothing."""
        ino = root
        for part in path.split(b"/"):
            if part in (b"", b"."):
                continue
            entry = self.entry(ino, part, at)
            if entry is None:
                return None
            ino = entry.ino
        return ino

    def read(self, inode: Inode | Node, offset: int, size: int) -> bytes:
        """Up to `size` bytes of a file from `offset`; short only at its end."""
        size = min(size, inode.size - offset)
        if size <= 0:
            return b""
        blocks = inode.blocks if isinstance(inode, Node) else BlockMap(inode, self._load)
        index, within = divmod(offset, BLOCK)
        if within + size <= BLOCK:
            return self._part(inode, blocks, index, within, size)
        parts = []
        while size:
            part = min(size, BLOCK - within)
            parts.append(self._part(inode, blocks, index, within, part))
            size -= part
            index, within = index + 1, 0
        return b"".join(parts)

    def block(self, inode: Inode | Node, blocks: BlockMap, index: int) -> bytes | bytearray:
        """Present content of a block, b"" for a hole; may be shorter than BLOCK, zeros follow."""
        if isinstance(inode, Node):
            fresh = inode.dirty.get(index)
            if fresh is not None:
                return fresh
            being_sealed = inode.sealing.get(index)
            if being_sealed is not None:
                return being_sealed
        key = blocks.get(index)
        return self._load(key) if key else b""

    def _part(self, inode: Inode | Node, blocks: BlockMap, index: int, within: int, size: int) -> bytes:
        content = self.block(inode, blocks, index)
        part = bytes(content[within : within + size]) if within or size != len(content) else bytes(content)
        return part if len(part) == size else part + ZEROS[: size - len(part)]

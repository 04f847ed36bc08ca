"""Looking at the tree: one code path for now and for any past moment. `at` is a seq; NOW includes the overlay."""

import threading
from typing import NamedTuple

from cachetools import LRUCache

from lighthoused.core.inode import BLOCK, Dentry, Inode
from lighthoused.store.blocks import Blocks
from lighthoused.store.schema import NOW
from lighthoused.store.versions import Versions
from lighthoused.tree.blockmap import BlockMap, Load
from lighthoused.tree.live import Live
from lighthoused.tree.node import Node

LISTING_PAGE = 4096
ZEROS = bytes(BLOCK)


class Found(NamedTuple):
    """A directory entry: its name, the inode's number and kind (S_IFMT bits)."""

    name: bytes
    ino: int
    kind: int


class BlockCache:
    """Blocks by hash, bounded in bytes, over the store. Worker threads read through it too, hence the lock."""

    def __init__(self, blocks: Blocks, capacity: int) -> None:
        self._blocks = blocks
        self._cache: LRUCache[bytes, bytes] = LRUCache(capacity, getsizeof=len)
        self._lock = threading.Lock()

    def load(self, key: bytes) -> bytes:
        """Content of a block. Raises core.errors.Corrupt if the store does not have it."""
        with self._lock:
            found = self._cache.get(key)
        if found is None:
            found = self._blocks.get(key)
            self.keep(key, found)
        return found

    def keep(self, key: bytes, content: bytes) -> None:
        """Remember a block that is likely to be read again."""
        if len(content) <= self._cache.maxsize:
            with self._lock:
                self._cache[key] = content


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

    def status(self, ino: int) -> Inode | Node | None:
        """Present attributes, without taking the inode into the overlay."""
        return self._live.peek(ino) or self._versions.inode(ino, NOW)

    def entry(self, parent: int, name: bytes, at: int = NOW) -> Dentry | None:
        """What a name stood for in a directory; None if there was none."""
        if at == NOW:
            pending = self._live.name(parent, name)
            if pending is not None:
                return pending if pending.ino else None
        return self._versions.dentry(parent, name, at)

    def entries(self, parent: int, at: int = NOW) -> list[Found]:
        """All entries of a directory in the order of their bytes, without ``.`` and ``..``."""
        listed: dict[bytes, Dentry] = {}
        after = b""
        while True:
            page = self._versions.entries(parent, at, after, LISTING_PAGE)
            listed.update(page)
            if len(page) < LISTING_PAGE:
                break
            after = page[-1][0]
        if at == NOW:
            listed.update(self._live.names(parent))
        return [Found(name, listed[name].ino, listed[name].kind) for name in sorted(listed) if listed[name].ino]

    def is_empty(self, parent: int) -> bool:
        """Whether a directory of `current/` has no entries."""
        pending = self._live.names(parent)
        if any(entry.ino for entry in pending.values()):
            return False
        page = self._versions.entries(parent, NOW, b"", len(pending) + 1)
        return all(name in pending for name, _ in page)

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

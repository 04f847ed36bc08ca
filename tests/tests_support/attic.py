"""A project whose clock can be turned forward, in a tree without a mount."""

import stat
import time
from collections.abc import Iterable

from lighthoused.core.author import Author
from lighthoused.core.inode import Inode
from lighthoused.protocol.messages.upkeep import FsckReply, GcReply
from lighthoused.store.schema import BLOCKS, NOW
from lighthoused.tree.gc import Gc
from lighthoused.tree.mending import Fsck
from lighthoused.tree.node import Node
from lighthoused.tree.tree import Tree

ALICE = Author("alice", "s1", 1000, 1000, 1)
HOUR = 3600 * 10**9


async def nobody_caches(inodes: Iterable[int], entries: Iterable[tuple[int, bytes]]) -> None:
    pass


def quiet(what: str, done: int, total: int) -> None:
    pass


class Attic:
    """A project whose clock can be turned forward."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.ahead = 0
        self.tree.clock = tree.live.clock = lambda: time.time_ns() + self.ahead

    async def make(self) -> "Attic":
        self.root = (await self.tree.create_project("p", "", ALICE)).root
        return self

    def directory(self, name: bytes, parent: int = 0) -> int:
        return self.tree.namespace.create(parent or self.root, name, stat.S_IFDIR | 0o755, ALICE).ino

    async def write(self, name: bytes, content: bytes, parent: int = 0, author: Author = ALICE) -> Node:
        parent = parent or self.root
        entry = self.tree.reading.entry(parent, name)
        if entry is None:
            node = self.tree.namespace.create(parent, name, stat.S_IFREG | 0o644, author)
        else:
            found = self.tree.live.node(entry.ino)
            assert found is not None
            node = found
        self.tree.files.opened(node.ino)
        await self.tree.files.truncate(node, 0, author)
        await self.tree.files.write(node, 0, content, author)
        await self.tree.files.released(node)
        return node

    async def head(self) -> int:
        await self.tree.settle()
        return self.tree.store.log.head().seq

    async def gc(self, keep: str = "", dry: bool = False) -> GcReply:
        """Collect, and check that all still holds together."""
        found = await Gc(self.tree).run(keep, dry, ALICE, quiet)
        checked = await self.fsck()
        assert checked.faults == ()
        return found

    async def fsck(self) -> FsckReply:
        return await Fsck(self.tree, nobody_caches).run("", True, False, quiet)

    def read(self, path: bytes, at: int = NOW) -> bytes | None:
        ino = self.tree.reading.walk(self.root, path, at)
        inode = self.tree.reading.inode(ino, at) if ino is not None else None
        if inode is None or not isinstance(inode, Inode | Node):
            return None
        return self.tree.reading.read(inode, 0, inode.size)

    def blocks(self) -> int:
        return sum(len(page) for page in self.tree.store.rows.scan(BLOCKS))

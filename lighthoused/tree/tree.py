"""The versioned tree, put together: overlay, journal, reading, and the changes that `current/` takes."""

import stat
from collections.abc import Callable

import trio

from lighthoused.core.author import Author
from lighthoused.core.errors import NotFound
from lighthoused.core.inode import Inode
from lighthoused.protocol.messages.projects import Project
from lighthoused.store.schema import NOW
from lighthoused.store.store import Store
from lighthoused.tree.attributes import Attributes
from lighthoused.tree.files import Files
from lighthoused.tree.journal import Journal
from lighthoused.tree.live import Live
from lighthoused.tree.moments import resolve
from lighthoused.tree.namespace import Namespace
from lighthoused.tree.node import Node
from lighthoused.tree.projects import Projects
from lighthoused.tree.reading import BlockCache, Reading
from lighthoused.tree.unstored import Unstored, missing_writes

FIRST_INO = 1024
"""Below are the mount's own inodes."""
SEAL_INTERVAL_S = 1.0


class Tree:
    """Everything that can be done to versioned projects. `run` must be running for changes to become durable."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], int],
        cache_bytes: int = 64 * 1024 * 1024,
        unstored: Unstored | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.blocks = cache = BlockCache(store.blocks, cache_bytes)
        self._unstored = unstored
        self.journal = Journal(store.writer.submit, unstored)
        self.live = Live(
            self.journal,
            clock,
            self._stored_node,
            max(FIRST_INO, store.versions.highest_ino() + 1),
            cache_bytes,
        )
        self.load = self.live.loader(cache.load)
        self.reading = Reading(store.versions, self.live, self.load)
        self.namespace = Namespace(self.live, self.reading, self.load)
        self.attributes = Attributes(self.live)
        self.files = Files(self.live, self.reading, cache, unstored)
        self.projects = Projects(store.append, clock)
        self.projects.fold(store.log)
        self.upkeep = trio.Lock()
        """Held by what looks at or removes all rows: fsck and the collection."""
        self.undoing = trio.Lock()
        """Held while old versions are read to become new ones."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Commit changes and make versions of files held open, until `close`."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self.journal.run)
            async with trio.open_nursery() as sealing:
                self._sealing = sealing.cancel_scope
                sealing.start_soon(self._seal_now_and_then)
                if self._unstored is not None:
                    sealing.start_soon(self._store_what_is_kept, self._unstored)
                task_status.started()

    async def close(self) -> None:
        """Make everything durable and let `run` end."""
        self._sealing.cancel()
        await self.files.seal_all()
        self.journal.stop()

    async def redo(self, unstored: Unstored) -> None:
        """Do again what the process before us left undone, then take note of what is done here. Raises OSError."""
        await self.files.redo(missing_writes(unstored.kept))
        await self.settle()
        unstored.begin()

    async def create_project(self, name: str, source: str, author: Author) -> Project:
        """An empty project. Raises core errors Invalid, AlreadyExists."""
        now = self.clock()
        inode = Inode(
            mode=stat.S_IFDIR | 0o755,
            uid=max(author.uid, 0),
            gid=max(author.gid, 0),
            nlink=2,
            size=0,
            mtime=now,
            ctime=now,
            atime=now,
            btime=now,
            name=name.encode(),
        )
        return await self.projects.create(name, source, self.live.allocate_ino(), inode, author)

    async def moment(self, project: str, text: str) -> int:
        """The seq that a moment stands for, everything done before it being durable; see `moments.resolve`.

        Raises NotFound also for a moment before the horizon.
        """
        await self.settle()
        snapshots = {name: made.seq for name, made in self.projects.snapshots(project).items()}
        log = self.store.log
        seq = resolve(text, now=self.clock(), head=log.head().seq, seq_at=log.seq_at, snapshots=snapshots)
        if not self.projects.keeps(project, seq):
            kept = f"history is kept from @{self.projects.horizon} on"
            raise NotFound(f"{text!r} is @{seq}, and {kept}.", "Snapshots are kept, too.")
        return seq

    async def settle(self) -> None:
        """Make all present content and changes durable, so that `at` = head shows what `current/` shows."""
        await self.files.seal_all()
        await self.journal.flush()

    def _stored_node(self, ino: int) -> Node | None:
        inode = self.store.versions.inode(ino, NOW)
        return Node(ino, inode, self.load) if inode is not None else None

    async def _store_what_is_kept(self, unstored: Unstored) -> None:
        while True:
            await unstored.wanted.wait()
            unstored.turn()
            await self._settle_at_last()
            unstored.durable(everything=not self.files.unsealed and not self.journal.uncommitted)

    async def _settle_at_last(self) -> None:
        while True:
            try:
                return await self.settle()
            except OSError:
                await trio.sleep(SEAL_INTERVAL_S)

    async def _seal_now_and_then(self) -> None:
        while True:
            await trio.sleep(SEAL_INTERVAL_S)
            await self.files.seal_old()

"""The collection: rows that nothing can show any more are removed, then blocks that no row refers to.

Order makes it safe. The horizon is raised and logged first. Rows go next, by turns of the writer. Then undo is waited
for, which may have read rows that are gone now. From here on every block that is stored is noted, all content is
sealed, and only then it is marked what the rows refer to: whatever a later version can share with an older one is
either marked or noted. Blocks that are neither are removed, by turns again. Killed at any point it leaves rows and
blocks that the next collection removes.

One run removes what was there when it began, however much is written meanwhile: versions after that seq are passed
over, and so are blocks that were noted.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

import structlog
import trio
from blake3 import blake3

from lighthoused.core.author import Author
from lighthoused.core.errors import Corrupt, Invalid, LighthouseError
from lighthoused.core.inode import Inode, decode_inode
from lighthoused.protocol.messages.upkeep import GcReply
from lighthoused.store.schema import BLOCKS, INODES, Table
from lighthoused.tree.blockmap import BlockMap
from lighthoused.tree.ignore import Rules
from lighthoused.tree.moments import parse_ago
from lighthoused.tree.replay import Progress
from lighthoused.tree.retention import Doomed, Retention
from lighthoused.tree.sketch import Sketch
from lighthoused.tree.tree import Tree

log = structlog.get_logger()

Found = TypeVar("Found")

BATCH = 5000
"""Rows looked for before they are removed."""
PAUSE_S = 0.008
"""Between two turns of the writer."""
EVERY_S = 3600.0


Tell = Callable[[], Awaitable[None]]


async def nobody_looks() -> None:
    """There is no mount."""


class Gc:
    """Collects what is not kept. One run at a time, and none beside fsck (`tree.upkeep`)."""

    def __init__(self, tree: Tree, tell: Tell = nobody_looks) -> None:
        """`tell` is called when moments cannot be shown any more."""
        self._tree = tree
        self._tell = tell
        self._rows = tree.store.rows
        self._collected = 0

    async def now_and_then(self) -> None:
        """Collect what is not versioned, every `EVERY_S` if there was any change."""
        while True:
            await trio.sleep(EVERY_S)
            if self._tree.store.writer.committed == self._collected:
                continue
            try:
                await self.run("", False, Author(), lambda what, done, total: None)
            except (LighthouseError, OSError) as error:
                log.error("gc.failed", error=str(error))
            self._collected = self._tree.store.writer.committed

    async def run(self, keep: str, dry: bool, author: Author, progress: Progress) -> GcReply:
        """Collect; `keep` is a duration like ``30d`` whose history stays ("": all). Raises Invalid, Corrupt."""
        horizon = self._horizon(keep)
        async with self._tree.upkeep:
            if horizon > self._tree.projects.horizon and not dry:
                await self._tree.projects.forget_before(horizon, author)
            if not dry:
                await self._tell()
            await self._tree.settle()
            doomed, rows = await self._prune(max(horizon, self._tree.projects.horizon), dry, progress)
            async with self._tree.undoing:
                pass
            await self._rows.watch(True)
            try:
                await self._tree.settle()
                kept = await trio.to_thread.run_sync(self._marked, doomed, dry, progress, abandon_on_cancel=True)
                blocks, size = await self._sweep(kept, dry, progress)
            finally:
                with trio.CancelScope(shield=True):
                    await self._rows.watch(False)
        return GcReply(horizon=horizon, rows=rows, blocks=blocks, bytes=size, dry_run=dry)

    def _horizon(self, keep: str) -> int:
        now = self._tree.clock()
        if not keep:
            return self._tree.projects.horizon
        since = parse_ago(keep, now)
        if since is None:
            raise Invalid(f"{keep!r} is not a duration.", "Use a number and s, m, h, d or w, like 30d.")
        return max(self._tree.store.log.seq_at(since), self._tree.projects.horizon)

    async def _prune(self, horizon: int, dry: bool, progress: Progress) -> tuple[Sketch, int]:
        """Remove rows; in a dry run hashes of the inode rows' keys are given instead. And how many there are."""
        tree = self._tree
        projects = tree.projects.all()
        snapshots = [made.seq for project in projects for made in tree.projects.snapshots(project.name).values()]
        roots = {project.root: Rules.read(tree.store, tree.reading, project.root) for project in projects}
        found = Retention(self._rows, tree.store.log.head().seq, horizon, snapshots, roots).doomed()
        doomed = Sketch(self._rows.count(INODES) if dry else 0)
        count = 0
        while batch := await trio.to_thread.run_sync(_some, found):
            count += len(batch)
            if dry:
                for row in batch:
                    if row.table is INODES:
                        doomed.add(blake3(row.key).digest())
            else:
                await self._remove(batch)
            progress("rows", count, 0)
        return doomed, count

    async def _remove(self, batch: list[Doomed]) -> None:
        rows: list[tuple[Table, bytes]] = [(row.table, row.key) for row in batch]
        pruned = {row.ino: row.seq for row in sorted(batch, key=lambda row: row.seq) if row.ino}
        while rows:
            done = await self._rows.remove(rows, pruned)
            rows, pruned = rows[done:], {}
            await trio.sleep(PAUSE_S)

    def _marked(self, doomed: Sketch, dry: bool, progress: Progress) -> Sketch:
        """All blocks that rows refer to, map nodes included."""
        kept = Sketch(self._rows.count(BLOCKS))
        done = 0
        for page in self._rows.scan(INODES):
            with _readable():
                for key, value in page:
                    if not (dry and blake3(key).digest() in doomed):
                        self._mark(decode_inode(value), kept)
            done += len(page)
            progress("inodes", done, 0)
        return kept

    def _mark(self, inode: Inode, kept: Sketch) -> None:
        for block in filter(None, inode.content):
            kept.add(block)
        if inode.mapped:
            for _, block in BlockMap(inode, self._tree.store.blocks.get).stored():
                kept.add(block)

    def _unmarked(self, kept: Sketch) -> Iterator[bytes]:
        """Blocks that no row refers to, but for those stored since `watch`; found as it goes, a page at a time."""
        for page in self._rows.keys(BLOCKS):
            yield from (key for key in page if key not in kept and not self._rows.is_watched(key))

    async def _sweep(self, kept: Sketch, dry: bool, progress: Progress) -> tuple[int, int]:
        found = self._unmarked(kept)
        blocks = size = 0
        while keys := await trio.to_thread.run_sync(_some, found):
            if dry:
                blocks += len(keys)
                size += await trio.to_thread.run_sync(self._size, keys, abandon_on_cancel=True)
            while keys and not dry:
                discarded = await self._rows.discard(keys)
                blocks, size, keys = blocks + discarded.blocks, size + discarded.size, keys[discarded.done :]
                progress("blocks", blocks, 0)
                await trio.sleep(PAUSE_S)
        return blocks, size

    def _size(self, keys: list[bytes]) -> int:
        return sum(len(stored or b"") for key in keys for stored in self._rows.values(BLOCKS, (key,)))


def _some(found: Iterator[Found]) -> list[Found]:
    with _readable():
        return list(islice(found, BATCH))


@contextmanager
def _readable() -> Iterator[None]:
    """Raises Corrupt for a row that cannot be read: nothing may be removed where it is unclear what is needed."""
    try:
        yield
    except ValueError as error:
        raise Corrupt(f"A row cannot be read: {error}.", "Run 'lighthousectl fsck --repair'.") from error

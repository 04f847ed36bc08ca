"""fsck of a state directory that no daemon holds."""

from collections.abc import Iterable
from pathlib import Path

import trio

from lighthoused.core.errors import NotFound
from lighthoused.protocol.messages.upkeep import FsckReply
from lighthoused.store.store import Store
from lighthoused.tree.mending import Fsck
from lighthoused.tree.replay import Progress
from lighthoused.tree.tree import Tree


def fsck(state: Path, project: str, deep: bool, repair: bool, progress: Progress) -> FsckReply:
    """Check, and repair, with the store opened here. Raises NotFound, and AlreadyExists where a daemon has it."""
    if not (state / "db").is_dir():
        raise NotFound(f"{state} holds no store.", "Name the daemon's state directory with --state.")
    store = Store(state)
    try:
        return trio.run(_fsck, store, project, deep, repair, progress)
    finally:
        store.close()


async def _fsck(store: Store, project: str, deep: bool, repair: bool, progress: Progress) -> FsckReply:
    store.start(trio.lowlevel.current_trio_token())
    tree = Tree(store, store.clock)
    async with trio.open_nursery() as nursery:
        await nursery.start(tree.run)
        try:
            return await Fsck(tree, _nobody_caches).run(project, deep, repair, progress)
        finally:
            with trio.CancelScope(shield=True):
                await tree.close()


async def _nobody_caches(inodes: Iterable[int], entries: Iterable[tuple[int, bytes]]) -> None:
    """There is no mount."""

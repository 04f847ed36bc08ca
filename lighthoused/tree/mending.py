"""Repair of what `tree.fsck` found: rows are restored from the log; names and links are mended by events of the daemon.

The log itself is never rewritten, and lost content cannot be made up: both are only told.
"""

import stat
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import islice

import msgspec
import trio

from lighthoused.core.author import DAEMON
from lighthoused.core.errors import Conflict
from lighthoused.core.inode import Dentry
from lighthoused.core.names import raw
from lighthoused.protocol.messages.upkeep import Fault, FsckReply
from lighthoused.tree.fsck import Findings, examine
from lighthoused.tree.live import Changed, Naming
from lighthoused.tree.namespace import GONE
from lighthoused.tree.node import Node
from lighthoused.tree.picture import Name
from lighthoused.tree.replay import Progress
from lighthoused.tree.tree import Tree

LOST_AND_FOUND = b"lost+found"
ATTEMPTS = 5
PER_EVENT = 50
MAX_TOLD = 5000

Invalidate = Callable[[Iterable[int], Iterable[tuple[int, bytes]]], Awaitable[None]]
"""Makes the kernel forget inodes and directory entries."""
Part = Node | Naming


class Fsck:
    """Examines a tree's store and mends it. One run at a time, and none beside a collection (`tree.upkeep`)."""

    def __init__(self, tree: Tree, invalidate: Invalidate) -> None:
        self._tree = tree
        self._invalidate = invalidate

    async def run(self, project: str, deep: bool, repair: bool, progress: Progress) -> FsckReply:
        """Check all projects, or one. Raises NotFound, and Conflict where a tree changes too fast to be mended."""
        if project:
            self._tree.projects.get(project)
        async with self._tree.upkeep:
            found = await self._examine(deep, progress)
            faults = {fault.message: fault for fault in found.faults}
            if repair and found.mendable:
                found = await self._mend(found, faults, deep, progress)
        left = {fault.message for fault in found.faults}
        told = tuple(
            msgspec.structs.replace(fault, mended=fault.message not in left)
            for fault in faults.values()
            if not project or fault.project in ("", project)
        )
        return FsckReply(
            ok=all(fault.mended for fault in told),
            head=found.head,
            events=found.events,
            inodes=len(found.picture.inodes),
            entries=len(found.picture.entries),
            blocks=found.blocks,
            faults=told[:MAX_TOLD],
            more=max(0, len(told) - MAX_TOLD),
        )

    async def _mend(self, found: Findings, faults: dict[str, Fault], deep: bool, progress: Progress) -> Findings:
        """Rows first: what is wrong with names and links then is so in the log, too."""
        for _ in range(ATTEMPTS):
            if found.wrong:
                await self._restore(found)
            elif self._tree.journal.recorded == self._recorded:
                self._record(found)
                await self._tree.journal.flush()
            found = await self._examine(deep, progress)
            for fault in found.faults:
                faults.setdefault(fault.message, fault)
            if not found.mendable:
                return found
        raise Conflict("The tree keeps changing while it is repaired.", "Try again when less is going on.")

    async def _examine(self, deep: bool, progress: Progress) -> Findings:
        await self._tree.settle()
        self._recorded = self._tree.journal.recorded
        roots = {project.root: project.name for project in self._tree.projects.all()}
        horizon = self._tree.projects.horizon
        return await trio.to_thread.run_sync(
            examine, self._tree.store, roots, horizon, deep, progress, abandon_on_cancel=True
        )

    async def _restore(self, found: Findings) -> None:
        await self._tree.store.rows.restore([(wrong.table, wrong.key, wrong.value) for wrong in found.wrong])
        inodes = [wrong.inode for wrong in found.wrong if wrong.inode]
        for ino in inodes:
            node, stored = self._tree.live.peek(ino), self._tree.store.versions.inode(ino)
            if node is not None and stored is not None and node.is_idle:
                node.reset(stored, self._tree.load)
        self._tree.live.forget_paths()
        await self._invalidate(inodes, [wrong.name for wrong in found.wrong if wrong.name])

    def _record(self, found: Findings) -> None:
        """Make the events, without waiting: nothing may change between the check and them."""
        mended, tree = found.mended, self._tree
        names: dict[Name, Dentry] = {**dict.fromkeys(mended.removed, GONE), **mended.kinds}
        links, places = dict(mended.links), dict(mended.places)
        for ino in mended.adopted:
            home = self._home(found, ino)
            name = b"#%d" % ino
            names[home, name] = Dentry(ino, stat.S_IFMT(found.picture.inodes[ino].mode))
            places[ino] = (home, name)
            links[home] = links.get(home, self._links(home)) + found.picture.inodes[ino].is_dir
        nodes = {ino: tree.live.node(ino) for ino in {*links, *places, *(parent for parent, _ in names)}}
        now = tree.clock()
        for ino, node in nodes.items():
            if node is not None:
                node.nlink = links.get(ino, node.nlink)
                node.parent, node.name = places.get(ino, (node.parent, node.name))
                node.ctime = now
        tree.live.forget_paths()
        self._journal(found, [node for node in nodes.values() if node is not None], names)

    def _journal(self, found: Findings, nodes: list[Node], names: dict[Name, Dentry]) -> None:
        of_project: dict[str, list[Part]] = {}
        for node in nodes:
            of_project.setdefault(self._project(found, node.ino), []).append(node)
        for (parent, name), entry in names.items():
            of_project.setdefault(self._project(found, parent), []).append((parent, name, entry))
        changes = [
            Changed(
                (raw(project),),
                [part for part in parts if isinstance(part, Node)],
                [part for part in parts if not isinstance(part, Node)],
            )
            for project, all_parts in sorted(of_project.items())
            for parts in _chunks(all_parts)
        ]
        self._tree.live.record_together("tree.repaired", DAEMON, changes)

    def _home(self, found: Findings, ino: int) -> int:
        """The lost+found of the project that an inode is of."""
        root = self._tree.projects.get(self._project(found, ino)).root
        there = self._tree.reading.entry(root, LOST_AND_FOUND)
        if there is not None:
            return there.ino
        owner = self._tree.live.node(root)
        assert owner is not None
        author = DAEMON._replace(uid=owner.uid, gid=owner.gid)
        return self._tree.namespace.create(root, LOST_AND_FOUND, stat.S_IFDIR | 0o700, author).ino

    def _links(self, ino: int) -> int:
        node = self._tree.live.node(ino)
        assert node is not None
        return node.nlink

    def _project(self, found: Findings, ino: int) -> str:
        """The project whose stream made an inode's newest version; the first one for a directory that never was."""
        known = found.picture.inodes.get(ino)
        stored = self._tree.store.log.get(known.seq) if known is not None else None
        if stored is not None:
            return stored.event.stream.partition("/")[2]
        return self._tree.projects.all()[0].name


def _chunks(parts: list[Part]) -> Iterator[list[Part]]:
    remaining = iter(parts)
    while chunk := list(islice(remaining, PER_EVENT)):
        yield chunk

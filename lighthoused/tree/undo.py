"""Undo: what an agent or a session changed, or everything since a moment, taken back by new events."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing
from itertools import islice

import msgspec
import trio

from lighthoused.core.author import Author
from lighthoused.core.errors import Conflict, Invalid
from lighthoused.core.events import Event
from lighthoused.core.inode import Dentry
from lighthoused.core.names import raw
from lighthoused.protocol.messages.log import Filter
from lighthoused.protocol.messages.projects import Project, UndoReply, UndoRequest
from lighthoused.tree.live import Changed
from lighthoused.tree.namespace import GONE
from lighthoused.tree.renames import Followed, Move
from lighthoused.tree.tree import Tree
from lighthoused.tree.undoing import Name, Plan, Planner, Touched

PATHS_PER_EVENT = 50
MOVES = {"entry.renamed": False, "entries.exchanged": True}
"""Kinds of events that change paths, and whether both ways."""
ATTEMPTS = 5

Invalidate = Callable[[Iterable[int], Iterable[tuple[int, bytes]]], Awaitable[None]]
"""Makes the kernel forget inodes and directory entries."""


class Undo:
    """Plans and applies undo requests."""

    def __init__(self, tree: Tree, invalidate: Invalidate) -> None:
        self._tree = tree
        self._invalidate = invalidate

    async def run(self, request: UndoRequest, author: Author) -> UndoReply:
        """Plan, and where `request.apply`, carry it out. Raises NotFound, Invalid, Conflict."""
        project = self._tree.projects.get(request.project)
        if not (request.agent or request.session or request.since):
            raise Invalid(
                "Undo needs to know what to take back.",
                "Name --agent, --session or --since (a time, @seq or snapshot).",
            )
        for _ in range(ATTEMPTS):
            async with self._tree.undoing:
                plan, recorded, horizon = await self._plan(project, request)
                if not request.apply or not (plan.names or plan.inodes):
                    return UndoReply(tuple(plan.steps), applied=False, seq=0, horizon=horizon)
                if self._tree.journal.recorded == recorded:
                    self._apply(plan, author)
                    await self._invalidate(plan.inodes, plan.names)
                    await self._tree.journal.flush()
                    head = self._tree.store.log.head().seq
                    return UndoReply(tuple(plan.steps), applied=True, seq=head, horizon=horizon)
        raise Conflict(f"Project {project.name!r} keeps changing while undo is planned.", "Try again in a moment.")

    async def _plan(self, project: Project, request: UndoRequest) -> tuple[Plan, int, int]:
        """What to do, how many changes had been recorded then, and the horizon if it is in the way."""
        since = await self._tree.moment(project.name, request.since) if request.since else 0
        await self._tree.settle()
        recorded = self._tree.journal.recorded
        horizon, start = self._tree.projects.horizon, max(since, self._birth(project))
        followed = await self._followed(project, request.paths, start)
        chosen = Filter(stream=f"tree/{project.name}", agent=request.agent, session=request.session)
        stopped = await self._has_some(chosen, start, horizon, followed)
        touched = Touched()
        async for event in self._events(chosen, max(start, horizon)):
            if followed.match(event.paths, event.seq):
                touched.add(event)
        planner = Planner(self._tree.reading, self._tree.store.versions, self._tree.store.log.head().seq)
        return planner.plan(touched), recorded, horizon if stopped else 0

    async def _followed(self, project: Project, paths: tuple[str, ...], start: int) -> Followed:
        wanted = []
        for path in paths:
            there = self._tree.reading.walk(project.root, raw(path)) is not None
            wanted.append((f"{project.name}/{path}".rstrip("/"), there))
        moves = []
        for kind, swapped in MOVES.items() if paths else ():
            async for event in self._events(Filter(stream=f"tree/{project.name}", type=kind), start):
                after, before = event.paths
                moves.append(Move(event.seq, before, after, swapped))
        return Followed(wanted, sorted(moves))

    async def _has_some(self, chosen: Filter, after: int, until: int, followed: Followed) -> bool:
        """Whether there are any of the chosen events after one seq and up to another."""
        if after >= until:
            return False
        async with aclosing(self._events(chosen, after)) as events:
            async for event in events:
                if event.seq > until or followed.match(event.paths, event.seq):
                    return event.seq <= until
        return False

    async def _events(self, chosen: Filter, after: int) -> AsyncGenerator[Event, None]:
        while True:
            page = self._tree.store.log.query(chosen, cursor=after, limit=500)
            for stored in page.events:
                yield stored.event
            await trio.lowlevel.checkpoint()
            if not page.cursor:
                return
            after = page.cursor

    def _birth(self, project: Project) -> int:
        """seq of the event that made the project's root, which is never undone."""
        page = self._tree.store.log.query(Filter(stream=f"tree/{project.name}"), limit=1)
        return page.events[0].event.seq

    def _apply(self, plan: Plan, author: Author) -> None:
        now = self._tree.clock()
        live = self._tree.live
        nodes = {}
        for ino, inode in plan.inodes.items():
            node = live.node(ino)
            if node is not None:
                node.reset(msgspec.structs.replace(inode, ctime=now), self._tree.load)
                nodes[ino] = node
        live.forget_paths()
        changes = []
        for keys in _chunks(plan.paths, PATHS_PER_EVENT):
            inodes = [nodes[key] for key in keys if isinstance(key, int)]
            names = [(*key, _entry(plan, key)) for key in keys if not isinstance(key, int) and key in plan.names]
            changes.append(Changed(tuple(dict.fromkeys(plan.paths[key] for key in keys)), inodes, names))
        live.record_together("tree.undone", author, changes)


def _entry(plan: Plan, key: Name) -> Dentry:
    return plan.names[key] or GONE


def _chunks(keys: Iterable[int | Name], size: int) -> Iterator[list[int | Name]]:
    remaining = iter(keys)
    while chunk := list(islice(remaining, size)):
        yield chunk

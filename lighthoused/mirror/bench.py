"""What the parts of one mirror share: both sides, the base, and the paths still to be looked at."""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import trio

from lighthoused.core.author import Author
from lighthoused.mirror.base import Base
from lighthoused.mirror.entry import TEMPORARY, Entry, Equal, Seen
from lighthoused.mirror.inside import Inside, State
from lighthoused.mirror.outside import Outside
from lighthoused.mirror.queue import Queue
from lighthoused.protocol.messages.projects import Project
from lighthoused.tree.tree import Tree

SETTLE_S = 0.05
"""How long changes gather before a round."""
AGENT = "external"

Invalidate = Callable[[Iterable[int], Iterable[tuple[int, bytes]]], Any]
"""Has the kernel forget inodes and directory entries."""


class Occupied(Exception):
    """A directory that was to go holds something that stays."""


class Sight(NamedTuple):
    """One path as a round sees it."""

    path: bytes
    equal: Equal | None
    state: State | None
    inside: Seen | None
    outside: Seen | None


class Bench:
    """`identity` begins the sessions of the mirror's own events; `walk`: directories that are to be compared."""

    def __init__(
        self, tree: Tree, project: Project, outside: Outside, base: Base, identity: str, invalidate: Invalidate
    ) -> None:
        self.tree = tree
        self.project = project
        self.outside = outside
        self.base = base
        self.identity = identity
        self.invalidate = invalidate
        self.inside = Inside(tree, project, owners=os.geteuid() == 0)
        self.queue = Queue()
        self.walk: list[bytes] = []
        self._serial = time.time_ns()

    def token(self) -> tuple[str, bytes]:
        """A session for events, and a temporary name, that were never used."""
        self._serial += 1
        return f"{self.identity}-{self._serial:x}", TEMPORARY + b"%x" % self._serial

    async def add_links(self, side: str, *inodes: int) -> None:
        """Look at all names of these inodes: an event names only one of them."""
        for path in await trio.to_thread.run_sync(self.base.paths_of, side, inodes):
            self.queue.add(path)


def external(session: str) -> Author:
    """Who changed what comes from outside."""
    return Author(AGENT, session, os.geteuid(), os.getegid(), os.getpid())


def entry_of(seen: Seen | None) -> Entry | None:
    """What was seen, if anything."""
    return seen.entry if seen is not None else None

"""The log's newest events as lines, made once for all who follow a project.

The newest lines are kept, up to `RING` bytes. Who is further behind has them made from the log anew, one reader at a
time. Making lines takes at most a share of the daemon's time, however much is written and however many follow.
"""

import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import NamedTuple

import trio

from lighthoused.core.events import Event
from lighthoused.protocol.messages.log import Filter
from lighthoused.store.feed import Feed
from lighthoused.store.log import Log, Stored

RING = 1024 * 1024
CHUNK_COST = 200
PIECE = 50
"""Events made into lines without a turn for others."""
PAUSE_S = 0.01
REST = 3
"""Making lines rests so many times as long as it worked."""
OF_ALL_PROJECTS = ("gate/", "approvals/")
"""Streams of what is not about the files of one project."""

Line = Callable[[Stored], bytes]
"""An event as one line of JSON."""


def concerns(event: Event, project: str) -> bool:
    """Whether who follows a project wants to see an event."""
    below = project + "/"
    return event.stream.startswith(OF_ALL_PROJECTS) or any(
        path == project or path.startswith(below) for path in event.paths
    )


class Chunk(NamedTuple):
    """The lines of all events with `after` < seq <= `upto`."""

    after: int
    upto: int
    lines: bytes


class Ring:
    """The newest lines of one project, for events with `start` < seq <= `upto`."""

    def __init__(self, start: int) -> None:
        self.start = self.upto = start
        self.followers = 0
        self.grown = trio.lowlevel.ParkingLot()
        self.growing = trio.CancelScope()
        self._chunks: deque[Chunk] = deque()
        self._size = 0

    def add(self, chunk: Chunk) -> None:
        """The next chunk; the oldest go."""
        self.upto = chunk.upto
        if not chunk.lines:
            return
        self._chunks.append(chunk)
        self._size += len(chunk.lines) + CHUNK_COST
        while self._size > RING:
            gone = self._chunks.popleft()
            self._size -= len(gone.lines) + CHUNK_COST
            self.start = gone.upto
        self.grown.unpark_all()

    def next(self, after: int) -> Chunk | None:
        """The first chunk with events after a seq; None if there is none so far."""
        found = None
        for chunk in reversed(self._chunks):
            if chunk.upto <= after:
                break
            found = chunk
        return found


class Following:
    """Makes lines for followers of any project, while `run` is running."""

    def __init__(self, log: Log, feed: Feed, line: Line) -> None:
        self._log = log
        self._feed = feed
        self._line = line
        self._rings: dict[str, Ring] = {}
        self._catching_up = trio.Lock()
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            await trio.sleep_forever()

    def head(self) -> int:
        """seq of the newest event."""
        return self._log.head().seq

    async def lines(self, project: str, after: int) -> AsyncGenerator[Chunk, None]:
        """Lines of a project's events after a seq, without gap or duplicate, some at a time; never ends.

        However they are divided into chunks, all of them together are always the same.
        """
        ring = self._joined(project)
        try:
            while True:
                chunk = ring.next(after)
                if after < ring.start:
                    chunk = await self._from_log(project, after, ring.start)
                elif chunk is None:
                    await ring.grown.park()
                    continue
                elif chunk.after < after:
                    chunk = await self._from_log(project, after, chunk.upto)
                before, after = after, chunk.upto
                if chunk.lines:
                    yield Chunk(before, after, chunk.lines)
        finally:
            self._left(project, ring)

    def _joined(self, project: str) -> Ring:
        ring = self._rings.get(project)
        if ring is None:
            assert self._nursery is not None
            ring = self._rings[project] = Ring(self.head())
            self._nursery.start_soon(self._grow, project, ring)
        ring.followers += 1
        return ring

    def _left(self, project: str, ring: Ring) -> None:
        ring.followers -= 1
        if not ring.followers:
            ring.growing.cancel()
            del self._rings[project]

    async def _grow(self, project: str, ring: Ring) -> None:
        with ring.growing:
            async with aclosing(self._feed.events(Filter(), ring.upto)) as pages:
                async for page in pages:
                    began = time.perf_counter()
                    for first in range(0, len(page), PIECE):
                        ring.add(self._chunk(project, page[first : first + PIECE], ring.upto))
                        await trio.lowlevel.checkpoint()
                    await trio.sleep(max(PAUSE_S, REST * (time.perf_counter() - began)))

    async def _from_log(self, project: str, after: int, until: int) -> Chunk:
        async with self._catching_up:
            began = time.perf_counter()
            page = self._log.query(Filter(), cursor=after, limit=PIECE)
            chunk = self._chunk(project, [stored for stored in page.events if stored.event.seq <= until], after)
            await trio.sleep(REST * (time.perf_counter() - began))
            return chunk

    def _chunk(self, project: str, events: Sequence[Stored], after: int) -> Chunk:
        line = self._line
        lines = b"".join(line(stored) for stored in events if concerns(stored.event, project))
        return Chunk(after, events[-1].event.seq, lines)

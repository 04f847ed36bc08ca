"""Live subscriptions. Who is behind reads the log at its own pace; who has seen all of it is handed what is committed.

There is no buffer to overflow: a slow subscriber is behind, never ahead of the disk, and costs the writer nothing. Of a
commit only those hear who asked for an event in it.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence

import trio

from lighthoused.protocol.messages.log import Filter
from lighthoused.store.filters import accepts
from lighthoused.store.log import Log, Stored

PAGE = 100
"""Events read at once: some 1 ms."""


class _Waiting:
    """A subscriber that has seen everything up to `position`; once woken `found` is what it has to see next."""

    __slots__ = ("filter", "found", "position", "woken")

    def __init__(self, filter: Filter, position: int) -> None:
        self.filter = filter
        self.position = position
        self.found: list[Stored] = []
        self.woken = trio.Event()


class Feed:
    """Tells subscribers that there is more to read."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._head = log.head().seq
        self._any_event = trio.lowlevel.ParkingLot()
        self._waiting: dict[str, set[_Waiting]] = {}
        self.subscribers = 0

    def publish(self, seq: int, fresh: Sequence[Stored] = ()) -> None:
        """The log now reaches `seq`, by these events; where they are not all that is new, subscribers read the log."""
        if seq <= self._head:
            return
        is_all = len(fresh) == seq - self._head
        self._head = seq
        self._any_event.unpark_all()
        if is_all:
            self._hand_out(fresh)
        else:
            for waiting in tuple(self._everyone()):
                self._wake(waiting)

    async def beyond(self, seq: int) -> int:
        """Wait until the log reaches past a seq; how far it reaches."""
        while self._head <= seq:
            await self._any_event.park()
        return self._head

    async def events(self, filter: Filter, after: int) -> AsyncGenerator[list[Stored], None]:
        """Pages of events after a seq (-1: from now on), as they come, without gap or duplicate; never ends."""
        position = self._head if after < 0 else after
        self.subscribers += 1
        try:
            while True:
                if position >= self._head:
                    found, position = await self._news(filter, position)
                else:
                    page = self._log.query(filter, cursor=position, limit=PAGE)
                    found, position = page.events, page.cursor or max(page.scanned, position)
                if found:
                    yield found
                await trio.lowlevel.checkpoint()
        finally:
            self.subscribers -= 1

    async def _news(self, filter: Filter, position: int) -> tuple[list[Stored], int]:
        """What is committed next and passes, and how far everything is seen then."""
        waiting = _Waiting(filter, position)
        self._waiting.setdefault(_stream_of(filter), set()).add(waiting)
        try:
            await waiting.woken.wait()
        finally:
            self._dismiss(waiting)
        return waiting.found, waiting.position

    def _hand_out(self, fresh: Sequence[Stored]) -> None:
        found: dict[_Waiting, None] = {}
        for stored in fresh:
            for stream in {stored.event.stream, ""}:
                for waiting in self._waiting.get(stream, ()):
                    if stored.event.seq > waiting.position and accepts(waiting.filter, stored.event):
                        waiting.found.append(stored)
                        found[waiting] = None
        for waiting in found:
            waiting.position = self._head
            self._wake(waiting)

    def _wake(self, waiting: _Waiting) -> None:
        self._dismiss(waiting)
        waiting.woken.set()

    def _dismiss(self, waiting: _Waiting) -> None:
        stream = _stream_of(waiting.filter)
        same = self._waiting.get(stream)
        if same is not None:
            same.discard(waiting)
            if not same:
                del self._waiting[stream]

    def _everyone(self) -> Iterable[_Waiting]:
        return (waiting for same in self._waiting.values() for waiting in same)


def _stream_of(filter: Filter) -> str:
    """The one stream that a filter means, "" where it is not one."""
    return "" if filter.stream.endswith("*") else filter.stream

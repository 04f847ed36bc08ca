"""Live subscriptions: every subscriber reads the log at its own pace and is woken by commits.

There is no buffer to overflow: a slow subscriber is behind, never ahead of the disk, and costs the writer nothing.
"""

from collections.abc import AsyncGenerator

import trio

from lighthoused.protocol.messages.log import Filter
from lighthoused.store.log import Log, Stored

PAGE = 500


class Feed:
    """Tells subscribers that there is more to read."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._head = log.head().seq
        self._waiting = trio.lowlevel.ParkingLot()
        self.subscribers = 0

    def publish(self, seq: int) -> None:
        """The log now reaches `seq`."""
        if seq > self._head:
            self._head = seq
            self._waiting.unpark_all()

    async def beyond(self, seq: int) -> int:
        """Wait until the log reaches past a seq; how far it reaches."""
        while self._head <= seq:
            await self._waiting.park()
        return self._head

    async def events(self, filter: Filter, after: int) -> AsyncGenerator[list[Stored], None]:
        """Pages of events after a seq (-1: from now on), as they come, without gap or duplicate; never ends."""
        position = self._head if after < 0 else after
        self.subscribers += 1
        try:
            while True:
                while position >= self._head:
                    await self._waiting.park()
                page = self._log.query(filter, cursor=position, limit=PAGE)
                if page.events:
                    yield page.events
                position = page.cursor or max(page.scanned, position)
                await trio.lowlevel.checkpoint()
        finally:
            self.subscribers -= 1

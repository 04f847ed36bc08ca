"""What a handler is told about a request, and what it may return.

A handler is called with the request and a `Call` and returns the result at once, or a coroutine (run as a task), an
async generator (its items are sent; it ends with a `Final`), or a `Later` (completed by a callback, without a task).
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from lighthoused.core.author import Author
from lighthoused.core.errors import LighthouseError
from lighthoused.identity.access import Identity

MOST_IN_THREAD_S = 0.1
"""One piece of work in a thread counts as no more."""


class Call:
    """One request's surroundings; `peer` is who asks, proven."""

    __slots__ = ("_began", "connection", "peer")

    def __init__(self, peer: Identity, connection: Any) -> None:
        self.peer = peer
        self.connection = connection
        self._began = 0.0

    @property
    def author(self) -> Author:
        """The peer as events name it."""
        return self.peer.author

    def encoded(self, part: msgspec.Struct) -> msgspec.Raw:
        """A part of a large result as it is sent: encoded in its piece of work, rather than all parts at the end."""
        return msgspec.Raw(self.connection.format.encode(part))

    @asynccontextmanager
    async def in_turn(self) -> AsyncIterator[None]:
        """Around work for this peer in a worker thread: a few at a time, and with rests, as if it were on the loop."""
        share = self.connection.share
        async with share.running:
            await share.rest()
            began = time.perf_counter()
            try:
                yield
            finally:
                share.charge(time.perf_counter() - began, MOST_IN_THREAD_S)

    def begin_piece(self) -> None:
        """What is done from here to the next `breathe` is work for this peer, rather than waiting."""
        self._began = time.perf_counter()

    async def breathe(self) -> None:
        """Let others have their turn, before a long piece of work goes on: for long, if this peer has had much."""
        share = self.connection.share
        share.charge(time.perf_counter() - self._began)
        await share.rest()
        self._began = time.perf_counter()


class Final(msgspec.Struct):
    """The last thing a streaming handler yields: its result."""

    result: Any


class Later:
    """An answer that comes by callback: `complete` may be called once, before or after the server listens."""

    __slots__ = ("_listener", "_outcome")

    def __init__(self) -> None:
        self._outcome: Any = None
        self._listener: Callable[[Any], None] | None = None

    def complete(self, outcome: Any | LighthouseError) -> None:
        """The result, or the error it failed with."""
        self._outcome = outcome
        if self._listener is not None:
            self._listener(outcome)

    def listen(self, listener: Callable[[Any], None]) -> None:
        """Be told the outcome."""
        self._listener = listener
        if self._outcome is not None:
            listener(self._outcome)


Answer = Any | Awaitable[Any] | AsyncIterator[Any] | Later
Handler = Callable[[Any, Call], Answer]

"""What a handler is told about a request, and what it may return.

A handler is called with the request and a `Call` and returns the result at once, or a coroutine (run as a task), an
async generator (its items are sent; it ends with a `Final`), or a `Later` (completed by a callback, without a task).
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec

from lighthoused.core.author import Author
from lighthoused.core.errors import LighthouseError
from lighthoused.identity.access import Identity


class Call:
    """One request's surroundings; `peer` is who asks, proven."""

    __slots__ = ("connection", "peer")

    def __init__(self, peer: Identity, connection: Any) -> None:
        self.peer = peer
        self.connection = connection

    @property
    def author(self) -> Author:
        """The peer as events name it."""
        return self.peer.author

    async def breathe(self) -> None:
        """Let others have their turn, before a stream goes on: for longer the more streams this peer has."""
        await self.connection.breathe()


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

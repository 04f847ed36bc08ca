"""What one peer may take of the server, over all its connections: an agent, or else a process.

Bounds: connections, bytes that wait in memory, requests and streams under way. Beyond them only that peer is refused.
Requests that compute take turns, a few of each peer at a time, so that one that asks a thousand things delays others
by no more than these few. Must not know what is asked.
"""

import trio

from lighthoused.core.author import Author

MAX_CONNECTIONS = 1024
MAX_BUFFERED = 64 << 20
"""Bytes of requests that are not whole, of requests that wait their turn, and of answers not taken."""
MAX_TASKS = 256
"""Each is a task: all of them are ended at once when the peer is given up, and nobody else runs meanwhile."""
MAX_STREAMS = 64
RUNNING = 2
"""Requests of a peer that compute at a time; those that wait for a person are not among them."""

Key = tuple[str, int]


class Share:
    """What a peer has taken."""

    __slots__ = ("buffered", "connections", "running", "streams", "tasks")

    def __init__(self) -> None:
        self.connections = 0
        self.buffered = 0
        self.tasks = 0
        self.streams = 0
        self.running = trio.Semaphore(RUNNING)

    @property
    def is_exceeded(self) -> bool:
        """Whether more bytes wait than may."""
        return self.buffered > MAX_BUFFERED


class Shares:
    """The shares of those who are connected."""

    def __init__(self) -> None:
        self._shares: dict[Key, Share] = {}

    def take(self, author: Author, known: bool) -> tuple[Key, Share] | None:
        """One more connection of a peer, `known` as an agent or not; None where it has as many as it may."""
        key = (author.agent, 0) if known else ("", author.pid)
        share = self._shares.setdefault(key, Share())
        if share.connections >= MAX_CONNECTIONS:
            return None
        share.connections += 1
        return key, share

    def leave(self, key: Key) -> None:
        """One connection fewer."""
        share = self._shares[key]
        share.connections -= 1
        if not share.connections:
            del self._shares[key]

"""What one peer may take of the server, over all its connections: an agent, or else a process.

Bounds: connections, bytes that wait in memory, requests and streams under way. Beyond them only that peer is refused.
Requests that compute take turns, a few of each peer at a time, so that one that asks a thousand things delays others
by no more than these few. Must not know what is asked.
"""

import time

import trio

from lighthoused.core.author import Author
from lighthoused.rpc.turns import Turns

MAX_CONNECTIONS = 1024
MAX_BUFFERED = 32 << 20
"""Bytes of requests that are not whole, of requests that wait their turn, and of answers not taken."""
MAX_TASKS = 256
"""Each is a task: all of them are ended at once when the peer is given up, and nobody else runs meanwhile."""
MAX_STREAMS = 64
MOST_S = 0.003
FEW_STREAMS = 4
"""A peer with more of them rests between their pieces even when it is alone."""
RUNNING = 2
"""Requests of a peer that compute at a time; those that wait for a person are not among them."""

Key = tuple[str, int]


class Share:
    """What a peer has taken. Until `rests_until` (of time.perf_counter) no more work is begun for it."""

    __slots__ = ("_turns", "buffered", "connections", "rests_until", "running", "streams", "tasks")

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.rests_until = 0.0
        self.connections = 0
        self.buffered = 0
        self.tasks = 0
        self.streams = 0
        self.running = trio.Semaphore(RUNNING)

    @property
    def is_exceeded(self) -> bool:
        """Whether more bytes wait than may."""
        return self.buffered > MAX_BUFFERED

    def takes_turn(self) -> None:
        """It is being served."""
        self._turns.takes(self)

    def charge(self, seconds: float, most: float = MOST_S) -> None:
        """So much time was its own; it counts as `most` at most, as what takes longer was mostly somebody else's."""
        least = int(self.streams > FEW_STREAMS)
        self.rests_until = self._turns.rest_after(self.rests_until, min(seconds, most), least)

    async def rest(self) -> None:
        """Wait until it may go on; let others have their turn in any case."""
        due = self.rests_until - time.perf_counter()
        if due > 0:
            await trio.sleep(due)
        else:
            await trio.lowlevel.checkpoint()


class Shares:
    """The shares of those who are connected."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._shares: dict[Key, Share] = {}

    def take(self, author: Author, known: bool) -> tuple[Key, Share] | None:
        """One more connection of a peer, `known` as an agent or not; None where it has as many as it may."""
        key = (author.agent, 0) if known else ("", author.pid)
        share = self._shares.get(key)
        if share is None:
            share = self._shares[key] = Share(self._turns)
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

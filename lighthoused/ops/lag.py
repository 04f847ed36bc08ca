"""The loop lag probe: a task that notices how late it is run, because something held the loop."""

from typing import Protocol

import trio

INTERVAL_S = 0.25


class LagObserver(Protocol):
    """Is told how late the probe was run, in seconds."""

    def late(self, seconds: float) -> None:
        """The loop came back to the probe so many seconds after it should have."""


async def probe(observer: LagObserver, interval: float = INTERVAL_S) -> None:
    """Report the lag every `interval` seconds, until cancelled."""
    while True:
        due = trio.current_time() + interval
        await trio.sleep_until(due)
        observer.late(max(0.0, trio.current_time() - due))

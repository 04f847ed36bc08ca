"""A faster main loop for pyfuse3: while requests are waiting, they are served without going through trio's scheduler.

pyfuse3 takes a ``trio.Lock`` and awaits ``trio.lowlevel.wait_readable`` for every request. It looks both up in its
module's global ``trio`` (the hook that ``pyfuse3.asyncio`` uses), so that another namespace can stand in for it.
"""

import select
import time
from types import SimpleNamespace, TracebackType

import pyfuse3
import trio

TURN_S = 0.001
"""How long requests are served before other tasks of the run get a turn."""


def install() -> None:
    """Make `pyfuse3.main` use this loop from now on, in this process."""
    waiting = _Readable()
    stand_in = SimpleNamespace(
        Lock=_Turn,
        open_nursery=trio.open_nursery,
        ClosedResourceError=trio.ClosedResourceError,
        lowlevel=SimpleNamespace(
            wait_readable=waiting.wait,
            current_task=trio.lowlevel.current_task,
            current_trio_token=trio.lowlevel.current_trio_token,
            notify_closing=trio.lowlevel.notify_closing,
        ),
    )
    vars(pyfuse3)["trio"] = stand_in


class _Turn:
    """Whose turn it is to read: taken without a checkpoint. One who comes straight back takes it again; another gets
    it when the holder suspends while it serves a request."""

    def __init__(self) -> None:
        self._taken = False
        self._invited = False
        self._waiting = trio.lowlevel.ParkingLot()

    async def __aenter__(self) -> None:
        while self._taken:
            await self._waiting.park()
            self._invited = False
        self._taken = True

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._taken = False
        if self._waiting and not self._invited:
            self._invited = True
            self._waiting.unpark()


class _Readable:
    """Waits for /dev/fuse: poll(2) first, trio's own wait where there is nothing to read.

    It must never say so where there is nothing: libfuse's read would block the loop. So a descriptor of a mount before
    is not polled any more.
    """

    def __init__(self) -> None:
        self._poll = select.poll()
        self._watched = -1
        self._since = 0.0

    async def wait(self, descriptor: int) -> None:
        if descriptor != self._watched:
            self._poll = select.poll()
            self._poll.register(descriptor, select.POLLIN)
            self._watched = descriptor
        if self._poll.poll(0):
            if time.perf_counter() - self._since < TURN_S:
                return
            await trio.lowlevel.checkpoint()
            self._since = time.perf_counter()
            if self._poll.poll(0):
                return
        await trio.lowlevel.wait_readable(descriptor)
        self._since = time.perf_counter()

"""Takes notices without waiting and sees to their delivery: each outlet has its own short queue and its own task.

A queue that is full loses its oldest notice. What fails is tried again with growing pauses while it is of use; at last
it is a metric and a line in the log. Must not know what the outlets do.
"""

import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol

import structlog
import trio

from lighthoused.core.author import Author
from lighthoused.notify import notice as notices
from lighthoused.notify.notice import Notice
from lighthoused.notify.outlet import Outlet, Undelivered
from lighthoused.protocol.messages.gate import Approval
from lighthoused.protocol.messages.notifications import Delivery

log = structlog.get_logger()

MAX_QUEUED = 100
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
HEALTH_EVERY_S = 1.0


class Observer(Protocol):
    """Counts what became of notices: ``sent``, ``failed``, ``dropped``."""

    def notice(self, outlet: str, outcome: str) -> None: ...


class Queue:
    """What waits for one outlet."""

    def __init__(self, outlet: Outlet, observer: Observer, now: Callable[[], int]) -> None:
        self.outlet = outlet
        self._observer = observer
        self._now = now
        self.waiting: deque[Notice] = deque()
        self._wake = trio.Event()

    def __len__(self) -> int:
        return len(self.waiting)

    def put(self, notice: Notice) -> None:
        if len(self.waiting) >= MAX_QUEUED:
            self.waiting.popleft()
            self._observer.notice(self.outlet.name, "dropped")
        self.waiting.append(notice)
        self._wake.set()

    async def run(self) -> None:
        """Deliver in order, until cancelled."""
        while True:
            while self.waiting:
                await self._see_to(self.waiting.popleft())
            await self._wake.wait()
            self._wake = trio.Event()

    async def _see_to(self, notice: Notice) -> None:
        try:
            await self._delivered(notice)
            outcome = "sent"
        except trio.Cancelled:
            self.waiting.appendleft(notice)
            raise
        except Undelivered as error:
            outcome = "failed"
            log.warning("notify.failed", outlet=self.outlet.name, notice=notice.kind, reason=error.message)
        except Exception:
            outcome = "failed"
            log.exception("notify.bug", outlet=self.outlet.name)
        self._observer.notice(self.outlet.name, outcome)

    async def _delivered(self, notice: Notice) -> None:
        """Try until it arrives, or trying again is of no use. Raises Undelivered."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                await self.outlet.deliver(notice)
                return
            except Undelivered as error:
                wait = max(error.wait_s, pause * random.uniform(0.5, 1.5))
                if not error.again or self._now() + int(wait * 1e9) >= notice.until:
                    raise
            await trio.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE_S)


class Notifier:
    """All outlets. Only notices of the kinds that are `wanted` are sent. For the trio thread only."""

    def __init__(
        self,
        outlets: Sequence[Outlet],
        wanted: Collection[str],
        observer: Observer,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._observer = observer
        self._now = now
        self._changed = trio.Event()
        self._was_well = True
        self._queues: list[Queue] = []
        self.replace(outlets, wanted)

    def replace(self, outlets: Sequence[Outlet], wanted: Collection[str]) -> None:
        """Other outlets from now on; what waits for one of the same kind waits on."""
        before = {queue.outlet.name: queue for queue in self._queues}
        self._queues = [Queue(outlet, self._observer, self._now) for outlet in outlets]
        for queue in self._queues:
            if queue.outlet.name in before:
                queue.waiting = before[queue.outlet.name].waiting
        self._wanted = wanted
        self._changed.set()

    def requested(self, approval: Approval) -> None:
        self._put(notices.requested(approval, self._now()))

    def answered(self, approval: Approval, answer: str, reason: str, by: Author) -> None:
        self._put(notices.answered(approval, answer, by.agent, reason, self._now()))

    def expired(self, approval: Approval) -> None:
        self._put(notices.expired(approval, self._now()))

    def waiting(self) -> dict[str, int]:
        """Notices that wait, by outlet."""
        return {queue.outlet.name: len(queue) for queue in self._queues}

    async def run(self, checks: Callable[[], Mapping[str, str]]) -> None:
        """Deliver, and look at the daemon's health now and then, until cancelled."""
        while True:
            self._changed = trio.Event()
            async with trio.open_nursery() as nursery:
                for queue in self._queues:
                    nursery.start_soon(queue.run)
                if self._queues:
                    nursery.start_soon(self._watch, checks)
                await self._changed.wait()
                nursery.cancel_scope.cancel()

    async def test(self) -> tuple[Delivery, ...]:
        """Try every outlet once, all at the same time."""
        found: dict[str, Delivery] = {}

        async def attempt(outlet: Outlet) -> None:
            found[outlet.name] = await _tried(outlet, outlet.deliver, notices.test(self._now()))

        async with trio.open_nursery() as nursery:
            for queue in self._queues:
                nursery.start_soon(attempt, queue.outlet)
        return tuple(found[queue.outlet.name] for queue in self._queues)

    def _put(self, notice: Notice) -> None:
        if notice.kind in self._wanted:
            for queue in self._queues:
                queue.put(notice)

    async def _watch(self, checks: Callable[[], Mapping[str, str]]) -> None:
        """Tell when the daemon stops being well, and when it is again."""
        while True:
            problems = checks()
            is_well = not any(problems.values())
            if is_well != self._was_well:
                self._put(notices.health(problems, self._now()))
            self._was_well = is_well
            await trio.sleep(HEALTH_EVERY_S)


async def _tried(outlet: Outlet, deliver: Callable[[Notice], Awaitable[str]], notice: Notice) -> Delivery:
    started = trio.current_time()
    try:
        told, ok = await deliver(notice), True
    except Undelivered as error:
        told, ok = error.message, False
    return Delivery(outlet.name, ok, told, int((trio.current_time() - started) * 1000))

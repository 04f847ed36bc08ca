"""Queues of notices: bounded, in order, tried again while it is of use; the health that is watched."""

import trio
import trio.testing

from lighthoused.notify import notice as notices
from lighthoused.notify.notice import Notice
from lighthoused.notify.notifier import MAX_QUEUED, Notifier, Queue
from lighthoused.notify.outlet import Undelivered


class Kept:
    """An outlet that fails `failures` times, and counts like a metric."""

    name = "kept"

    def __init__(self, failures: int = 0) -> None:
        self.got: list[Notice] = []
        self.counts: list[str] = []
        self.failures = failures
        self.attempts = 0

    async def deliver(self, notice: Notice) -> str:
        self.attempts += 1
        await trio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise Undelivered("not now", again=True)
        self.got.append(notice)
        return "ok"

    def notice(self, outlet: str, outcome: str) -> None:
        self.counts.append(outcome)


def now() -> int:
    return int(trio.current_time() * 1e9)


async def test_a_full_queue_loses_its_oldest(nursery: trio.Nursery, autojump_clock: trio.testing.MockClock) -> None:
    kept = Kept()
    queue = Queue(kept, kept, now)
    for number in range(MAX_QUEUED + 5):
        queue.put(notices.test(number))
    nursery.start_soon(queue.run)
    await trio.sleep(1)
    assert [one.time for one in kept.got] == list(range(5, MAX_QUEUED + 5))
    assert kept.counts == ["dropped"] * 5 + ["sent"] * MAX_QUEUED
    nursery.cancel_scope.cancel()


async def test_trying_again_ends(nursery: trio.Nursery, autojump_clock: trio.testing.MockClock) -> None:
    kept = Kept(failures=3)
    queue = Queue(kept, kept, now)
    queue.put(notices.test(now()))
    nursery.start_soon(queue.run)
    await trio.sleep(60)
    assert (kept.attempts, kept.counts) == (4, ["sent"])
    kept.failures = 10**6
    queue.put(notices.test(now()))
    await trio.sleep(300)
    assert kept.counts == ["sent", "failed"]
    assert kept.attempts < 30
    nursery.cancel_scope.cancel()


async def test_health_is_told_when_it_changes(nursery: trio.Nursery, autojump_clock: trio.testing.MockClock) -> None:
    kept = Kept()
    problems = {"store": ""}
    notifier = Notifier([kept], ("degraded", "recovered"), kept, now)
    nursery.start_soon(notifier.run, lambda: problems)
    await trio.sleep(5)
    problems["store"] = "the disk is full"
    await trio.sleep(5)
    problems["store"] = ""
    await trio.sleep(5)
    assert [(one.kind, one.text) for one in kept.got] == [
        ("degraded", "store: the disk is full"),
        ("recovered", "All components work."),
    ]
    nursery.cancel_scope.cancel()

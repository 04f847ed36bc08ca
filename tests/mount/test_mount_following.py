"""Followers of the log see every event once, however far they fall behind."""

import pytest
import trio
import trio.testing

from lighthoused.core.events import Draft
from lighthoused.mount import following
from lighthoused.mount.following import Following
from lighthoused.store.store import Store


def drafts(count: int, project: str) -> tuple[Draft, ...]:
    return tuple(
        Draft(stream=f"tree/{project}", type="noted", payload=b"\xc0", time=1, paths=(project + "/x",))
        for _ in range(count)
    )


async def test_who_falls_behind_reads_the_log(
    store: Store, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    monkeypatch.setattr(following, "RING", 3000)
    made = Following(store.log, store.feed, lambda stored: b"%d\n" % stored.event.seq)
    await nursery.start(made.run)
    lines = made.lines("demo", 0)
    late = made.lines("demo", 7)
    for _ in range(40):
        await store.append((*drafts(3, "demo"), *drafts(2, "demonstration")))
        await trio.sleep(1)
    seen: list[list[int]] = []
    for follower in (lines, late):
        seqs: list[int] = []
        while not seqs or seqs[-1] < 198:
            seqs += map(int, (await anext(follower)).lines.split())
            await store.append(drafts(1, "other"))
            await trio.sleep(1)
        seen.append(seqs)
        await follower.aclose()
    wanted = [seq for seq in range(1, 201) if seq % 5 in (1, 2, 3)]
    assert seen == [wanted, [seq for seq in wanted if seq > 7]]

"""What the kernel holds of us, from process to process."""

import os

from lighthoused.core.author import Author
from lighthoused.mount.holds import FILE, Holds
from lighthoused.survival.kept import KeptLog

ALICE = Author("alice", "s", 1000, 1000, 42)


def test_the_next_process_knows_what_is_held() -> None:
    kept = KeptLog.create("test")
    before = Holds(kept)
    before.opened(1, FILE, 2000, ALICE)
    before.opened(2, FILE, 2001)
    before.named(1 << 48, 1, b"demo")
    before.named((1 << 48) + 1, 1 << 48, b"history")
    before.closed(2)
    before.forgotten((1 << 48) + 1)
    after = Holds(KeptLog(kept.descriptor))
    assert {number: (one.number, Author(*one.author)) for number, one in after.handles.items()} == {1: (2000, ALICE)}
    assert [(one.parent, one.name) for one in after.nodes.values()] == [(1, b"demo")]
    os.close(kept.descriptor)


def test_what_is_kept_stays_in_proportion_to_what_is_held() -> None:
    kept = KeptLog.create("test")
    holds = Holds(kept)
    holds.opened(1, FILE, 7)
    for number in range(2, 30_000):
        holds.opened(number, FILE, number)
        holds.closed(number)
    assert kept.size < 1 << 20
    assert list(Holds(KeptLog(kept.descriptor)).handles) == [1]
    os.close(kept.descriptor)


def test_an_end_in_order_counts_until_the_next_process_begins() -> None:
    log = KeptLog.create("holds")
    first = Holds(log)
    first.opened(1, FILE, 2000)
    assert not Holds(log).parted
    first.part()
    second = Holds(log)
    assert second.parted
    second.begin()
    assert not Holds(log).parted
    os.close(log.descriptor)

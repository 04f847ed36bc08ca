"""Subscribers at the head are handed what they asked for, and only then woken."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import trio
import trio.testing
from hypothesis import given, settings

from lighthoused.core.events import Draft
from lighthoused.protocol.messages.log import Filter
from lighthoused.store.store import Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(tmp_path)
    opened.start(trio.lowlevel.current_trio_token())
    yield opened
    opened.close()


def draft(stream: str, kind: str = "t") -> Draft:
    return Draft(stream, kind, b"\x80", 1)


class Following:
    """A subscriber; `seen` are the seqs that it was given."""

    def __init__(self, store: Store, wanted: Filter, after: int = -1) -> None:
        self.seen: list[int] = []
        self._events = store.feed.events(wanted, after)

    async def run(self, until: int) -> None:
        async for page in self._events:
            self.seen += [stored.event.seq for stored in page]
            if self.seen[-1] >= until:
                return


async def test_nobody_reads_the_log_for_an_event_that_others_asked_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Filter] = []
    query = store.log.query

    def counted(wanted: Filter, *args: Any, **kwargs: Any) -> Any:
        asked.append(wanted)
        return query(wanted, *args, **kwargs)

    monkeypatch.setattr(store.log, "query", counted)
    others = [Following(store, Filter(stream=f"other-{n}")) for n in range(50)]
    mine = Following(store, Filter(stream="mine"))
    async with trio.open_nursery() as nursery:
        for other in others:
            nursery.start_soon(other.run, 1000)
        nursery.start_soon(mine.run, 20)
        await trio.testing.wait_all_tasks_blocked()
        for _ in range(20):
            await store.append((draft("mine"),))
        while len(mine.seen) < 20:
            await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert mine.seen == list(range(1, 21))
    assert all(wanted.stream == "mine" for wanted in asked)
    assert not any(other.seen for other in others)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(), [1, 2, 3, 4]),
        (Filter(stream="a"), [1, 4]),
        (Filter(stream="a*"), [1, 2, 4]),
        (Filter(type="u"), [3, 4]),
        (Filter(stream="a", type="u"), [4]),
    ],
)
async def test_a_filter_means_the_same_of_news_as_of_the_past(
    store: Store, wanted: Filter, expected: list[int]
) -> None:
    live = Following(store, wanted)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(live.run, expected[-1])
        await trio.testing.wait_all_tasks_blocked()
        await store.append((draft("a"), draft("ab"), draft("b", "u"), draft("a", "u")))
    past = Following(store, wanted, after=0)
    await past.run(expected[-1])
    assert live.seen == past.seen == expected


async def test_news_without_events_are_read_from_the_log(store: Store) -> None:
    await store.append((draft("a"), draft("b")))
    following = Following(store, Filter(stream="a"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(following.run, 4)
        await trio.testing.wait_all_tasks_blocked()
        publish, store.writer._publish = store.writer._publish, lambda seq, fresh: None
        await store.append((draft("a"),))
        store.writer._publish = publish
        await store.append((draft("a"),))
    assert following.seen == [3, 4]


async def test_a_subscriber_that_leaves_is_not_kept(store: Store) -> None:
    following = Following(store, Filter(stream="a"))
    with trio.move_on_after(0.05):
        await following.run(1)
    assert not store.feed._waiting
    await store.append((draft("a"),))


@settings(max_examples=25, deadline=None)
@given(
    groups=st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), min_size=1, max_size=12),
    slow=st.booleans(),
)
def test_every_event_comes_once_and_in_order(groups: list[list[str]], slow: bool, tmp_path_factory: Any) -> None:
    async def run() -> None:
        store = Store(tmp_path_factory.mktemp("feed"))
        store.start(trio.lowlevel.current_trio_token())
        total = sum(map(len, groups))
        seen: list[int] = []

        async def follow() -> None:
            async for page in store.feed.events(Filter(stream="a"), 0):
                seen.extend(stored.event.seq for stored in page)
                if slow:
                    await trio.sleep(0.001)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow)
            for group in groups:
                await store.append(tuple(map(draft, group)))
            wanted = [seq for seq, stream in enumerate("".join("".join(group) for group in groups), 1) if stream == "a"]
            with trio.fail_after(10):
                while seen != wanted:
                    await trio.sleep(0.001)
            nursery.cancel_scope.cancel()
        assert store.feed._head == total
        store.close()

    trio.run(run)

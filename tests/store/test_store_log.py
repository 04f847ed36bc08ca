"""The log's promises: dense, chained, idempotent, all or nothing, and every index finds what it should."""

import os
from pathlib import Path

import msgspec
import pytest
import trio

from lighthoused.core.errors import AlreadyExists, Conflict, Invalid, TooLarge
from lighthoused.core.events import MAX_PAYLOAD, Draft
from lighthoused.protocol.messages.log import Filter
from lighthoused.store.schema import HASH_SIZE, LOG, u64
from lighthoused.store.store import Store

PAYLOAD = msgspec.msgpack.encode({"x": 1})


def draft(stream: str = "s", **fields: object) -> Draft:
    return Draft(**{"stream": stream, "type": "t", "payload": PAYLOAD, "time": 1, **fields})  # type: ignore[arg-type]


async def test_seqs_are_dense_and_versions_count_in_each_stream(store: Store) -> None:
    placed = [*await store.append((draft("a"), draft("b"))), *await store.append((draft("a"),))]
    assert [(at.seq, at.version) for at in placed] == [(1, 1), (2, 1), (3, 2)]


async def test_time_never_goes_back(store: Store) -> None:
    await store.append((draft(time=10**18),))
    (later,) = await store.append((draft(time=5),))
    assert later.time == 10**18 + 1


async def test_a_known_id_is_answered_with_the_event_stored_then(store: Store) -> None:
    (first,) = await store.append((draft(id="once"),))
    (again,) = await store.append((draft(id="once"),))
    assert (again.seq, again.duplicate) == (first.seq, True)
    assert store.log.head().seq == 1


async def test_a_batch_with_some_known_ids_is_refused_whole(store: Store) -> None:
    await store.append((draft(id="once"),))
    with pytest.raises(Conflict):
        await store.append((draft(id="once"), draft(id="new")))
    assert store.log.head().seq == 1


async def test_a_wrong_expected_version_refuses_the_whole_batch_and_only_it(store: Store) -> None:
    await store.append((draft("a"),))
    outcomes: list[object] = []

    async def refused() -> None:
        with pytest.raises(Conflict):
            await store.append((draft("b"), draft("a", expected_version=0)))
        outcomes.append("refused")

    async def accepted() -> None:
        outcomes.extend(await store.append((draft("c"), draft("a", expected_version=1))))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(refused)
        nursery.start_soon(accepted)
    assert "refused" in outcomes
    assert store.log.head().seq == 3
    assert not store.log.query(Filter(stream="b")).events


async def test_what_can_never_be_stored_is_refused_at_once(store: Store) -> None:
    with pytest.raises(TooLarge):
        await store.append((draft(payload=bytes(MAX_PAYLOAD + 1)),))
    with pytest.raises(Invalid):
        await store.append((draft(""),))
    with pytest.raises(TooLarge):
        await store.append((draft("s" * 201),))


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (Filter(), [1, 2, 3, 4, 5]),
        (Filter(stream="a"), [1, 3]),
        (Filter(stream="a*"), [1, 3, 4]),
        (Filter(type="made"), [2, 5]),
        (Filter(agent="alice"), [1, 2]),
        (Filter(agent="alice", type="made"), [2]),
        (Filter(session="s1"), [3]),
        (Filter(correlation="c"), [4]),
        (Filter(path="p/dir"), [1, 5]),
        (Filter(path="p/dir/f"), [5]),
        (Filter(path="p"), [1, 2, 5]),
        (Filter(since=30), [3, 4, 5]),
        (Filter(since=20, until=40), [2, 3, 4]),
    ],
)
async def test_every_index_finds_its_events_in_both_directions(
    store: Store, filter: Filter, expected: list[int]
) -> None:
    await store.append(
        (
            draft("a", agent="alice", time=10, paths=("p/dir",)),
            draft("b", agent="alice", time=20, type="made", paths=("p/dirt", "p/other")),
            draft("a", session="s1", time=30),
            draft("aa", correlation="c", time=40),
            draft("c", type="made", time=50, paths=("p/dir/f",)),
        )
    )
    assert [stored.event.seq for stored in store.log.query(filter).events] == expected
    assert [stored.event.seq for stored in store.log.query(filter, reverse=True).events] == expected[::-1]


async def test_pages_follow_each_other_without_gap_or_duplicate(store: Store) -> None:
    await store.append(tuple(draft("a" if n % 3 else "b") for n in range(100)))
    seen: list[int] = []
    cursor = 0
    while True:
        page = store.log.query(Filter(stream="a"), cursor=cursor, limit=7)
        seen += [stored.event.seq for stored in page.events]
        cursor = page.cursor
        if not cursor:
            break
    assert seen == [n + 1 for n in range(100) if n % 3]


async def test_paths_too_long_for_a_key_are_found_exactly(store: Store) -> None:
    first, second = "p/" + "x" * 900 + "1", "p/" + "x" * 900 + "2"
    await store.append((draft(paths=(first,)), draft(paths=(second,))))
    assert [stored.event.seq for stored in store.log.query(Filter(path=second)).events] == [2]


async def test_the_newest_event_at_a_time_is_found(store: Store) -> None:
    await store.append(tuple(draft(time=n * 10) for n in range(1, 6)))
    assert [store.log.seq_at(time) for time in (5, 10, 29, 30, 99)] == [0, 1, 2, 3, 5]


async def test_the_log_goes_on_where_it_ended(store: Store, tmp_path: Path) -> None:
    await store.append((draft("a", time=7),))
    head = store.log.head()
    store.close()
    again = Store(tmp_path / "state")
    again.start(trio.lowlevel.current_trio_token())
    (placed,) = await again.append((draft("a", time=3),))
    stored = again.log.get(2)
    assert (placed.seq, placed.version, placed.time) == (2, 2, 8)
    assert stored is not None
    assert stored.event.prev == head.hash
    again.close()
    store.close = lambda: None  # type: ignore[method-assign]


async def test_a_second_daemon_is_told_who_has_the_store(store: Store, tmp_path: Path) -> None:
    with pytest.raises(AlreadyExists, match=str(os.getpid())):
        Store(tmp_path / "state")


async def test_a_good_log_verifies_and_progress_is_told(store: Store) -> None:
    await store.append(tuple(draft(str(n), paths=("a/b",), id=f"i{n}") for n in range(50)))
    told: list[tuple[int, int]] = []
    proof = await trio.to_thread.run_sync(store.verify, lambda done, total: told.append((done, total)))
    assert (proof.events, proof.problems) == (50, ())
    assert proof.head == store.log.head().hash
    assert told[-1] == (50, 50)


async def test_a_tampered_event_is_found(store: Store) -> None:
    await store.append(tuple(draft(str(n)) for n in range(5)))
    with store.env.begin_write() as txn:
        table = store.env.table(LOG)
        value = bytearray(txn.get(u64(3), db=table))
        value[HASH_SIZE + 20] ^= 1
        txn.put(u64(3), bytes(value), db=table)
    proof = store.verify(lambda done, total: None)
    assert any("Event 3" in problem for problem in proof.problems)


async def test_a_missing_event_is_found(store: Store) -> None:
    await store.append(tuple(draft(str(n)) for n in range(5)))
    with store.env.begin_write() as txn:
        txn.delete(u64(3), db=store.env.table(LOG))
    proof = store.verify(lambda done, total: None)
    assert any("missing" in problem for problem in proof.problems)


async def test_the_map_grows_by_itself(tmp_path: Path) -> None:
    small = Store(tmp_path / "small", map_size=1 << 20)
    small.start(trio.lowlevel.current_trio_token())
    payload = msgspec.msgpack.encode(bytes(range(256)) * 1000)
    for _ in range(20):
        await small.append((draft(payload=payload),))
    assert small.log.head().seq == 20
    assert small.env.describe()["map_size"] > 1 << 20
    assert not small.verify(lambda done, total: None).problems
    small.close()


async def test_a_subscriber_gets_everything_once_from_where_it_left_off(store: Store) -> None:
    await store.append(tuple(draft("a") for _ in range(10)))
    seen: list[int] = []

    async def follow(after: int, until: int) -> None:
        async for page in store.feed.events(Filter(stream="a"), after):
            seen.extend(stored.event.seq for stored in page)
            if seen[-1] >= until:
                return

    await follow(3, 10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow, 10, 40)
        for _ in range(10):
            await store.append((draft("a"), draft("b"), draft("a")))
    assert seen == [n for n in range(4, 41) if n <= 10 or (n - 11) % 3 != 1]

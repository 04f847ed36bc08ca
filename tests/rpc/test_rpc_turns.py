"""Who rests, for how long, and who never does."""

import time
from types import SimpleNamespace

import pytest
import trio

from lighthoused.core.author import Author
from lighthoused.identity.access import Identity
from lighthoused.rpc import turns
from lighthoused.rpc.call import Call
from lighthoused.rpc.shares import MOST_S, RUNNING, Share
from lighthoused.rpc.turns import GRACE_S, MOST_REST, WINDOW_S, Turns


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(turns, "time", made)
    return made


def served(known: Turns, clock: Clock, peers: int) -> None:
    """All of them, for two windows."""
    for _ in range(2):
        for peer in range(peers):
            known.takes(peer)
        known.others(clock.now)
        clock.now += WINDOW_S * 1.01
    for peer in range(peers):
        known.takes(peer)


def test_who_is_alone_never_rests(clock: Clock) -> None:
    known = Turns()
    served(known, clock, 1)
    assert known.rest_after(0.0, 1.0, least=0) == 0.0


@pytest.mark.parametrize("peers", [2, 3, 8])
def test_among_others_each_has_its_part(clock: Clock, peers: int) -> None:
    known = Turns()
    served(known, clock, peers)
    until = clock.now
    for _ in range(100):
        until = known.rest_after(until, 0.001, least=0)
    assert until - clock.now == pytest.approx(100 * 0.001 * (peers - 1))


def test_among_many_it_still_has_a_tenth(clock: Clock) -> None:
    known = Turns()
    served(known, clock, 1000)
    assert known.rest_after(clock.now, 0.001, least=0) == pytest.approx(clock.now + 0.001 * MOST_REST)


def test_a_little_work_is_not_rested_for(clock: Clock) -> None:
    known = Turns()
    served(known, clock, 2)
    assert known.rest_after(0.0, GRACE_S / 2, least=0) <= clock.now


def test_a_long_interruption_is_not_all_blamed_on_one(clock: Clock) -> None:
    known = Turns()
    served(known, clock, 2)
    share = Share(known)
    share.rests_until = clock.now
    share.charge(5.0)
    assert share.rests_until == pytest.approx(clock.now + MOST_S)


def test_work_under_the_mount_counts_as_somebody(clock: Clock) -> None:
    operations = [0]
    known = Turns(lambda: operations[0])
    served(known, clock, 1)
    assert known.others(clock.now) == 0
    known.takes(0)
    operations[0] += 1
    clock.now += WINDOW_S * 1.01
    assert known.others(clock.now) == 1


def test_who_left_is_forgotten(clock: Clock) -> None:
    known = Turns()
    served(known, clock, 5)
    clock.now += 10
    known.takes(1)
    known.others(clock.now)
    clock.now += WINDOW_S * 1.01
    known.takes(1)
    assert known.others(clock.now) == 0


async def test_work_in_threads_has_a_few_turns_at_a_time() -> None:
    share = Share(Turns())
    call = Call(Identity(Author(), "agent"), SimpleNamespace(share=share))
    going_on: list[int] = []
    most = 0

    async def work(number: int) -> None:
        nonlocal most
        async with call.in_turn():
            going_on.append(number)
            most = max(most, len(going_on))
            await trio.sleep(0.01)
            going_on.remove(number)

    async with trio.open_nursery() as nursery:
        for number in range(8):
            nursery.start_soon(work, number)
    assert most == RUNNING


async def test_who_rests_begins_no_work_in_threads() -> None:
    share = Share(Turns())
    call = Call(Identity(Author(), "agent"), SimpleNamespace(share=share))
    share.rests_until = time.perf_counter() + 0.05
    async with call.in_turn():
        assert time.perf_counter() >= share.rests_until

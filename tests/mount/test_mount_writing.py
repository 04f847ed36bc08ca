"""A reader's pipe over deaths of the daemon: every byte once, wherever the process before died."""

import os
import select
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from lighthoused.mount.following import Chunk
from lighthoused.mount.positions import Place, Positions, Served
from lighthoused.mount.writing import ReaderGone, WritingEnd
from lighthoused.survival.kept import KeptLog

EVENTS = [b"%d " % seq + b"x" * (seq * 7919 % 90_000) + b"\n" for seq in range(1, 13)]


class Killed(BaseException):
    """The process ends here."""


class Dying(Positions):
    """Dies before or after its nth note."""

    def __init__(self, kept: KeptLog, notes: int, after: bool) -> None:
        super().__init__(kept)
        self._left = notes
        self._after = after

    def note(self, served: Served) -> None:
        self._left -= 1
        if not self._left and not self._after:
            raise Killed
        super().note(served)
        if not self._left:
            raise Killed


async def lines(after: int, together: int) -> AsyncIterator[Chunk]:
    """Events after a seq, several in one chunk."""
    for first in range(after, len(EVENTS), together):
        upto = min(first + together, len(EVENTS))
        yield Chunk(first, upto, b"".join(EVENTS[first:upto]))


async def read_some(descriptor: int, seen: bytearray, most: int) -> None:
    """Take what is there, up to so many bytes, as a slow reader does."""
    with suppress(BlockingIOError):
        while most > 0:
            part = os.read(descriptor, min(most, 9000))
            seen += part
            most -= len(part)
            await trio.lowlevel.checkpoint()


Lives = st.lists(
    st.tuples(st.integers(1, 12), st.booleans(), st.integers(1, 5), st.integers(0, 200_000)), min_size=1, max_size=8
)


@settings(deadline=None, max_examples=60)
@given(Lives)
def test_every_byte_comes_once(lives: list[tuple[int, bool, int, int]]) -> None:
    assert trio.run(read_over, lives) == b"".join(EVENTS)


async def read_over(lives: list[tuple[int, bool, int, int]]) -> bytes:
    """All that a reader gets while processes die, until it has as many bytes as there are and nothing more comes."""
    reading, writing = os.pipe2(os.O_NONBLOCK)
    inner, other = os.pipe()
    through = os.open(f"/proc/self/fd/{inner}", os.O_RDWR | os.O_NONBLOCK)
    kept = KeptLog.create("positions")
    Positions(kept).note(Served("one", "demo", Place(0)))
    seen = bytearray()

    async def serve(positions: Positions, together: int, most: int) -> None:
        """One process: it dies at a note, or while the reader does not read on."""
        served = positions.served["one"]
        end = WritingEnd(os.dup(writing), os.dup(through))
        with suppress(Killed):
            async with trio.open_nursery() as nursery:

                async def carry() -> None:
                    try:
                        await end.carry(lines(served.place.after, together), served, positions)
                    except Killed:
                        nursery.cancel_scope.cancel()

                nursery.start_soon(carry)
                for _ in range(10):
                    await read_some(reading, seen, most // 10)
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
        end.close()

    for notes, after, together, most in lives:
        await serve(Dying(kept, notes, after), together, most)
    last = Positions(kept)
    end = WritingEnd(os.dup(writing), os.dup(through))
    served = last.served["one"]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(end.carry, lines(served.place.after, 3), served, last)
        with trio.fail_after(20):
            while len(seen) < sum(map(len, EVENTS)):
                await read_some(reading, seen, 1 << 20)
                await trio.sleep(0.0001)
        nursery.cancel_scope.cancel()
    assert not select.select([reading], [], [], 0)[0]
    end.close()
    for descriptor in (reading, writing, inner, other, through, kept.descriptor):
        os.close(descriptor)
    return bytes(seen)


@pytest.mark.parametrize("is_kept", [True, False])
async def test_a_reader_that_goes_ends_it(is_kept: bool) -> None:
    reading, writing = os.pipe2(os.O_NONBLOCK)
    inner, _other = os.pipe()
    through = os.open(f"/proc/self/fd/{inner}", os.O_RDWR | os.O_NONBLOCK)
    positions = Positions(KeptLog.create("positions")) if is_kept else None
    os.close(reading)
    end = WritingEnd(writing, through)
    with pytest.raises(ReaderGone):
        await end.carry(lines(0, 3), Served("one", "demo", Place(0)), positions)
    with trio.fail_after(20):
        await end.reader_gone()
    end.close()


def test_positions_are_found_again_also_after_many_notes() -> None:
    kept = KeptLog.create("positions")
    positions = Positions(kept)
    positions.note(Served("gone", "demo", Place(0)))
    positions.ended("gone")
    for seq in range(30_000):
        positions.note(Served("one", "demo", Place(seq, 5), whole=bool(seq % 2)))
    assert Positions(kept).served == {"one": Served("one", "demo", Place(29_999, 5), whole=True)}
    assert kept.size < 2_000_000
    os.close(kept.descriptor)

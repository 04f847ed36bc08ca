"""The writing end of one reader's pipe: lines go in as the reader takes them, over the daemon's restarts too.

Where systemd keeps descriptors it keeps this one, and with it the pipe that lines come through (`positions`).
"""

import array
import fcntl
import os
import termios
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import trio

from lighthoused.mount.following import Chunk
from lighthoused.mount.positions import Place, Positions, Served
from lighthoused.survival import notify

KEPT_PREFIX = "stream-"
"""How the names begin under which systemd keeps the ends of pipes."""
THROUGH_SUFFIX = "-through"
PIECE = 64 * 1024


class ReaderGone(Exception):
    """Nobody reads any more."""


class WritingEnd:
    """Of a reader's pipe, and where it is kept the pipe that leads there."""

    def __init__(self, descriptor: int, through: int = -1) -> None:
        self._descriptor = descriptor
        self._through = through

    async def reader_gone(self) -> None:
        """Return once the last reader has closed it: an error condition, which any wait reports; there is no input."""
        await trio.lowlevel.wait_readable(self._descriptor)

    async def carry(self, lines: AsyncIterator[Chunk], served: Served, positions: Positions | None) -> None:
        """Write lines, which begin after ``served.place.after``, from that place on. Raises ReaderGone."""
        if positions is not None:
            await self._resume(served)
        skip = served.place.skip
        async for chunk in lines:
            done = min(skip, len(chunk.lines))
            skip -= done
            rest = memoryview(chunk.lines)
            while done < len(rest):
                if positions is None:
                    done += await self._write(rest[done:])
                else:
                    done += await self._write_through(rest, done, chunk, served, positions)

    def close(self) -> None:
        """This process is done with it; what systemd keeps of it stays."""
        os.close(self._descriptor)
        if self._through >= 0:
            os.close(self._through)

    async def _resume(self, served: Served) -> None:
        """Throw away what was begun, move on what was whole."""
        if served.whole:
            await self._move(_held(self._through))
            return
        with suppress(BlockingIOError):
            while os.read(self._through, PIECE):
                continue

    async def _write_through(
        self, rest: memoryview, done: int, chunk: Chunk, served: Served, positions: Positions
    ) -> int:
        positions.note(Served(served.name, served.project, Place(chunk.after, done)))
        count = os.write(self._through, rest[done : done + PIECE])
        end = Place(chunk.after, done + count) if done + count < len(rest) else Place(chunk.upto)
        positions.note(Served(served.name, served.project, end, whole=True))
        await self._move(count)
        return count

    async def _move(self, count: int) -> None:
        while count:
            try:
                count -= os.splice(self._through, self._descriptor, count, flags=os.SPLICE_F_NONBLOCK)
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._descriptor)
            except BrokenPipeError:
                raise ReaderGone from None

    async def _write(self, part: memoryview) -> int:
        while True:
            try:
                return os.write(self._descriptor, part)
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._descriptor)
            except BrokenPipeError:
                raise ReaderGone from None


def open_writing_end(path: Path, name: str, kept: bool) -> WritingEnd:
    """Open it through the mount, which blocks, and have systemd keep it. Raises OSError, ENXIO without a reader."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not kept:
        return WritingEnd(descriptor)
    reading, writing = os.pipe()
    try:
        through = os.open(f"/proc/self/fd/{reading}", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    finally:
        os.close(reading)
        os.close(writing)
    for suffix, one in (("", descriptor), (THROUGH_SUFFIX, through)):
        notify.notify("FDSTORE=1", f"FDNAME={KEPT_PREFIX}{name}{suffix}", "FDPOLL=0", descriptors=(one,))
    return WritingEnd(descriptor, through)


def kept_writing_ends(passed: notify.Passed) -> dict[str, WritingEnd]:
    """What systemd kept, by the names of pipes; of what is not whole it is told to keep no more."""
    ends: dict[str, WritingEnd] = {}
    names = [kept.removeprefix(KEPT_PREFIX) for kept in passed if kept.startswith(KEPT_PREFIX)]
    for name in names:
        through = passed.get(KEPT_PREFIX + name + THROUGH_SUFFIX)
        if through is not None:
            ends[name] = WritingEnd(passed[KEPT_PREFIX + name][0], through[0])
        elif not name.endswith(THROUGH_SUFFIX) or name.removesuffix(THROUGH_SUFFIX) not in names:
            forget_writing_end(name.removesuffix(THROUGH_SUFFIX))
    return ends


def forget_writing_end(name: str) -> None:
    """Have systemd keep it no longer."""
    for suffix in ("", THROUGH_SUFFIX):
        notify.forget(KEPT_PREFIX + name + suffix)


def _held(descriptor: int) -> int:
    """Bytes in a pipe (FIONREAD, pipe(7))."""
    count = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0]

"""Named pipes under the mount that the daemon writes to: a reader waits in the kernel, not in a FUSE request.

pyfuse3 cannot answer an interrupted request, so a process that waits inside one cannot even be killed. A named pipe is
the kernel's own: reads, poll(2) and signals work as on any pipe (fifo(7)). Every lookup of the name is given a new
inode, and with it a pipe of its own. To open its writing end the daemon goes through its own mount, by a name that only
it knows, in a thread.

Each reader has one pipe of 64 KiB and two tasks. One that does not read fills its pipe, and is waited for. Where the
mount outlives the process, so do the pipes: the next process finds them by their secret names.
"""

import errno
import secrets
import stat
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple

import structlog
import trio

from lighthoused.core.inode import Inode
from lighthoused.mount.following import Chunk
from lighthoused.mount.positions import Place, Positions, Served
from lighthoused.mount.vnode import FOREVER_S, Owner, Vnode
from lighthoused.mount.writing import ReaderGone, WritingEnd, forget_writing_end, open_writing_end
from lighthoused.tree.refusal import refuse

log = structlog.get_logger()

MAX_PIPES = 512
OPENERS = 4
"""Threads that open writing ends."""
FIRST_WAIT_S = 0.001
LONGEST_WAIT_S = 2.0

Source = Callable[[str, int], AsyncGenerator[Chunk, None]]
"""The lines of a project's events after a seq."""


class KeptPipes(NamedTuple):
    """What is kept of pipes: how far each reader was served, and the writing ends that had been opened, by name."""

    positions: Positions
    ends: dict[str, WritingEnd]


class Pipe(Vnode):
    """One reader's pipe. `name` is what the daemon opens it by.

    systemd, which keeps its ends, may ask for their attributes: the kernel must know them without asking a daemon that
    is not there.
    """

    attr_timeout_s = FOREVER_S

    def __init__(self, owner: Owner, name: str, path: Path, forget: Callable[["Pipe"], None]) -> None:
        self.name = name
        self.key = ("pipe", name)
        self.found_as = name.encode()
        self.path = path
        self.gone = trio.CancelScope()
        self._forget = forget
        self._attributes = pipe_attributes(owner)

    def attributes(self) -> Inode:
        return self._attributes

    def forgotten(self) -> None:
        self._forget(self)
        self.gone.cancel()


class Opening:
    """The opening of a writing end in a thread; one that nobody waits for any more is closed again."""

    def __init__(self, pipe: Pipe, kept: bool) -> None:
        self._pipe = pipe
        self._kept = kept
        self._lock = threading.Lock()
        self._end: WritingEnd | None = None
        self._abandoned = False

    def run(self) -> WritingEnd:
        """The end. Raises OSError, ENXIO where nobody reads."""
        end = open_writing_end(self._pipe.path, self._pipe.name, self._kept)
        with self._lock:
            self._end = end
            if self._abandoned:
                end.close()
        return end

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        with self._lock:
            self._abandoned = True
            if self._end is not None:
                self._end.close()


class Pipes:
    """All pipes that the kernel knows; `run` serves them, and goes on with those that are `kept`."""

    def __init__(self, mountpoint: Path, owner: Owner, source: Source, kept: KeptPipes | None = None) -> None:
        self._mountpoint = mountpoint
        self._owner = owner
        self._source = source
        self._kept = kept
        self._pipes: dict[str, Pipe] = {}
        self._openers = trio.CapacityLimiter(OPENERS)
        self._nursery: trio.Nursery | None = None
        if kept is not None:
            for served in list(kept.positions.served.values()):
                self._add(served)
            for name in kept.ends.keys() - self._pipes.keys():
                self._release(name)

    def __len__(self) -> int:
        return len(self._pipes)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve pipes until cancelled; readers of what is not kept then see the end."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            if self._kept is not None:
                for served in list(self._kept.positions.served.values()):
                    nursery.start_soon(self._serve, self._pipes[served.name], served)
            task_status.started()
            await trio.sleep_forever()

    def make(self, project: str, after: int) -> Pipe:
        """A new pipe for the events of a project after a seq. Raises OSError ENFILE."""
        if self._nursery is None or len(self._pipes) >= MAX_PIPES:
            raise refuse(errno.ENFILE)
        served = Served("." + secrets.token_hex(16), project, Place(after))
        pipe = self._add(served)
        if self._kept is not None:
            self._kept.positions.note(served)
        self._nursery.start_soon(self._serve, pipe, served)
        return pipe

    def named(self, name: str) -> Pipe | None:
        """The pipe of a secret name."""
        return self._pipes.get(name)

    def _add(self, served: Served) -> Pipe:
        path = self._mountpoint / served.project / "streams" / served.name
        pipe = self._pipes[served.name] = Pipe(self._owner, served.name, path, self._forget)
        return pipe

    def _forget(self, pipe: Pipe) -> None:
        self._pipes.pop(pipe.name, None)

    async def _serve(self, pipe: Pipe, served: Served) -> None:
        """Until the reader is gone; where the daemon ends before, what is kept stays for the next process."""
        with pipe.gone:
            end = await self._writing_end(pipe)
            try:
                async with aclosing(self._source(served.project, served.place.after)) as lines:
                    await self._carry(end, lines, served)
            finally:
                end.close()
        self._forget(pipe)
        if self._kept is not None:
            self._kept.positions.ended(pipe.name)
            await trio.to_thread.run_sync(forget_writing_end, pipe.name, limiter=self._openers)

    async def _carry(self, end: WritingEnd, lines: AsyncGenerator[Chunk, None], served: Served) -> None:
        positions = self._kept.positions if self._kept is not None else None

        async def watch() -> None:
            await end.reader_gone()
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            try:
                await end.carry(lines, served, positions)
            except ReaderGone:
                nursery.cancel_scope.cancel()

    async def _writing_end(self, pipe: Pipe) -> WritingEnd:
        """Wait for a reader; whoever only looked has the inode forgotten instead, which cancels this."""
        if self._kept is not None and (kept := self._kept.ends.pop(pipe.name, None)) is not None:
            return kept
        wait = FIRST_WAIT_S
        while True:
            opening = Opening(pipe, self._kept is not None)
            try:
                return await trio.to_thread.run_sync(opening.run, abandon_on_cancel=True, limiter=self._openers)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    log.warning("mount.pipe_not_opened", error=str(error))
            except trio.Cancelled:
                opening.abandon()
                raise
            await trio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_S)

    def _release(self, name: str) -> None:
        """What is kept of a pipe that belongs to no mount any more."""
        assert self._kept is not None
        self._kept.ends.pop(name).close()
        forget_writing_end(name)


def pipe_attributes(owner: Owner) -> Inode:
    """Of a pipe; its owner, whom the daemon runs as, may write."""
    return owner.attributes(stat.S_IFIFO | 0o644)

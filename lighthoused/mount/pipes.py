"""Named pipes under the mount that the daemon writes to: a reader waits in the kernel, not in a FUSE request.

pyfuse3 cannot answer an interrupted request, so a process that waits inside one cannot even be killed. A named pipe is
the kernel's own: reads, poll(2) and signals work as on any pipe (fifo(7)). Every lookup of the name is given a new
inode, and with it a pipe of its own. To open its writing end the daemon goes through its own mount, by a name that only
it knows, in a thread.

Each reader has one pipe of 64 KiB and two tasks. One that does not read fills its pipe, and is waited for.
"""

import errno
import os
import secrets
import stat
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import structlog
import trio

from lighthoused.core.inode import Inode
from lighthoused.mount.vnode import Owner, Vnode
from lighthoused.tree.refusal import refuse

log = structlog.get_logger()

MAX_PIPES = 512
OPENERS = 4
"""Threads that open writing ends."""
FIRST_WAIT_S = 0.001
LONGEST_WAIT_S = 2.0

Source = Callable[[], AsyncGenerator[bytes, None]]
"""What a pipe is to carry, from its making on."""


class Pipe(Vnode):
    """One reader's pipe. `name` is what the daemon opens it by."""

    outlives = False

    def __init__(self, owner: Owner, room: Path, forget: Callable[["Pipe"], None]) -> None:
        self.name = "." + secrets.token_hex(16)
        self.key = ("pipe", self.name)
        self.path = room / self.name
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

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._descriptor = -1
        self._abandoned = False

    def run(self) -> int:
        """Its descriptor. Raises OSError, ENXIO where nobody reads."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with self._lock:
            self._descriptor = descriptor
            if self._abandoned:
                os.close(descriptor)
        return descriptor

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        with self._lock:
            self._abandoned = True
            if self._descriptor >= 0:
                os.close(self._descriptor)


class Pipes:
    """All pipes that the kernel knows; `run` serves them."""

    def __init__(self, mountpoint: Path) -> None:
        self._mountpoint = mountpoint
        self._pipes: dict[str, Pipe] = {}
        self._openers = trio.CapacityLimiter(OPENERS)
        self._nursery: trio.Nursery | None = None

    def __len__(self) -> int:
        return len(self._pipes)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve pipes until cancelled; readers then see the end."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            task_status.started()
            await trio.sleep_forever()

    def make(self, owner: Owner, room: str, source: Source) -> Pipe:
        """A new pipe in a directory of the mount. Raises OSError ENFILE."""
        if self._nursery is None or len(self._pipes) >= MAX_PIPES:
            raise refuse(errno.ENFILE)
        pipe = Pipe(owner, self._mountpoint / room, self._forget)
        self._pipes[pipe.name] = pipe
        self._nursery.start_soon(self._serve, pipe, source)
        return pipe

    def named(self, name: str) -> Pipe | None:
        """The pipe of a secret name."""
        return self._pipes.get(name)

    def _forget(self, pipe: Pipe) -> None:
        self._pipes.pop(pipe.name, None)

    async def _serve(self, pipe: Pipe, source: Source) -> None:
        with pipe.gone:
            descriptor = await self._writing_end(pipe)
            try:
                async with aclosing(source()) as lines, trio.open_nursery() as nursery:
                    nursery.start_soon(_until_closed, descriptor, nursery.cancel_scope)
                    await _carry(lines, descriptor)
                    nursery.cancel_scope.cancel()
            finally:
                os.close(descriptor)

    async def _writing_end(self, pipe: Pipe) -> int:
        """Wait for a reader; whoever only looked has the inode forgotten instead, which cancels this."""
        wait = FIRST_WAIT_S
        while True:
            opening = Opening(pipe.path)
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


def pipe_attributes(owner: Owner) -> Inode:
    """Of a pipe; its owner, whom the daemon runs as, may write."""
    return Inode(
        mode=stat.S_IFIFO | 0o644,
        uid=owner.uid,
        gid=owner.gid,
        nlink=1,
        size=0,
        mtime=owner.since,
        ctime=owner.since,
        atime=owner.since,
        btime=owner.since,
    )


async def _until_closed(descriptor: int, scope: trio.CancelScope) -> None:
    """The last reader's close(2) is an error condition on the writing end, which any wait reports; there is no input
    that this could wait for."""
    await trio.lowlevel.wait_readable(descriptor)
    scope.cancel()


async def _carry(lines: AsyncIterator[bytes], descriptor: int) -> None:
    async for part in lines:
        rest = memoryview(part)
        while rest:
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(descriptor)
            except BrokenPipeError:
                return

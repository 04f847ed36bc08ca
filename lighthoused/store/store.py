"""The store, put together: one directory, one daemon."""

import fcntl
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import trio

from lighthoused.core.appended import Appended
from lighthoused.core.errors import AlreadyExists, LighthouseError
from lighthoused.core.events import Draft
from lighthoused.core.spans import within
from lighthoused.store.blocks import Blocks
from lighthoused.store.environment import DEFAULT_MAP_SIZE, MAX_MAP_SIZE, Environment
from lighthoused.store.feed import Feed
from lighthoused.store.log import Log
from lighthoused.store.rows import Rows
from lighthoused.store.schema import META
from lighthoused.store.verify import Proof, Verifier, broken_link
from lighthoused.store.versions import Versions
from lighthoused.store.writer import Batch, Chore, Outcome, Writer


class Store:
    """Log, versions and blocks in one LMDB environment; `start` before anything is appended."""

    def __init__(
        self,
        directory: Path,
        map_size: int = DEFAULT_MAP_SIZE,
        clock: Callable[[], int] = time.time_ns,
        max_size: int = MAX_MAP_SIZE,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory = directory
        self.clock = clock
        self._lock = _locked(directory / "lighthoused.lock")
        self.env = Environment(directory / "db", map_size, max_size)
        self.log = Log(self.env)
        self.versions = Versions(self.env)
        self.blocks = Blocks(self.env)
        self.feed = Feed(self.log)
        self.writer = Writer(self.env, self.log, self.feed.publish, clock)
        self.rows = Rows(self.env, self.writer)

    def start(self, token: trio.lowlevel.TrioToken) -> None:
        """Begin to write; answers arrive on the trio run of `token`."""
        self.writer.start(token.run_sync_soon)

    async def append(
        self, drafts: Sequence[Draft], blocks: tuple[tuple[bytes, bytes], ...] = ()
    ) -> tuple[Appended, ...]:
        """Store events, all or none; returns when they are on disk. Raises core errors.

        A caller cancelled while it waits may still have appended: use idempotency ids where that matters.
        """
        answered = trio.Event()
        outcomes: list[Outcome] = []

        def done(outcome: Outcome) -> None:
            outcomes.append(outcome)
            answered.set()

        with within("store.append", events=len(drafts)):
            self.writer.submit(Batch(tuple(drafts), blocks), done)
            await answered.wait()
        outcome = outcomes[0]
        if isinstance(outcome, LighthouseError):
            raise outcome
        return outcome

    async def try_writing(self) -> None:
        """Commit something that changes nothing, so that the writer's `failure` tells how it is now."""
        done = trio.Event()

        def put(txn: Any) -> None:
            txn.put(b"tried", str(self.clock()).encode(), db=self.env.table(META))

        self.writer.chore(Chore(put, lambda outcome: done.set()))
        await done.wait()

    def verify(self, progress: Callable[[int, int], None]) -> Proof:
        """Prove the log; takes long, call it in a worker thread."""
        return Verifier(self.env, self.log).run(progress)

    def prove_newest(self, count: int) -> str:
        """What is wrong with the hashes of the newest events, or ""; takes long, call it in a worker thread."""
        return broken_link(self.log, max(0, self.log.head().seq - count))

    def close(self) -> None:
        """Write what waits and close."""
        self.writer.close()
        self.env.close()
        os.close(self._lock)


def _locked(path: Path) -> int:
    """A descriptor that holds the lock. Raises AlreadyExists naming the process that has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pid = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise AlreadyExists(
            f"{path.parent} is in use by another lighthoused (pid {pid}).", "Stop it, or choose another --state."
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor

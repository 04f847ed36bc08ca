"""The order in which tree changes reach the log: one batch under way, the rest waiting, none skipped.

Changes are durable a moment after they are made (`LAZY_S`), or when somebody waits in `flush`. If the store refuses,
the batch stays first in line and is tried again: the tree in memory is then ahead of the store, so new changes are
refused until it has caught up. They are also refused, or wait, while somebody wants them held back
(`hold`). It knows nothing of what the changes mean.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Mapping

import trio

from lighthoused.core.errors import Degraded, LighthouseError, StoreFull
from lighthoused.core.events import Draft
from lighthoused.store.writer import Batch, Outcome
from lighthoused.tree.unstored import Unstored

LAZY_S = 0.05
RETRY_S = 0.5
MAX_WAITING = 64 * 1024 * 1024
"""Bytes recorded and not yet committed beyond which `room` waits."""
MAX_BATCH = 4096
"""Changes per batch."""

REFUSED: Mapping[type[LighthouseError], int] = {StoreFull: errno.ENOSPC, Degraded: errno.EROFS}
"""What a change is refused with, by why; EIO for all else."""

Submit = Callable[[Batch, Callable[[Outcome], None]], None]


class _Entry:
    __slots__ = ("blocks", "cost", "drafts", "on_commit")

    def __init__(
        self, drafts: tuple[Draft, ...], blocks: tuple[tuple[bytes, bytes], ...], on_commit: Callable[[], None]
    ) -> None:
        self.drafts = drafts
        self.blocks = blocks
        self.on_commit = on_commit
        self.cost = 512 + sum(2 * len(draft.payload) for draft in drafts) + sum(len(stored) for _, stored in blocks)


class Journal:
    """Records changes in order; `run` must be running for them to reach the store."""

    def __init__(self, submit: Submit, unstored: Unstored | None = None) -> None:
        self._submit = submit
        self._unstored = unstored
        self._waiting: list[_Entry] = []
        self._recorded = 0
        self._committed = 0
        self._bytes = 0
        self._failure: LighthouseError | None = None
        self._held: LighthouseError | None = None
        self._waits = False
        self._wanted = trio.Event()
        self._urgent = trio.Event()
        self._progress = trio.lowlevel.ParkingLot()
        self._stopping = False

    @property
    def failure(self) -> LighthouseError | None:
        """Why the store refuses at present, None when it does not."""
        return self._failure

    @property
    def recorded(self) -> int:
        """How many changes were ever recorded."""
        return self._recorded

    @property
    def uncommitted(self) -> int:
        """Changes recorded that are not durable yet."""
        return self._recorded - self._committed

    @property
    def uncommitted_bytes(self) -> int:
        """Memory that those take, about."""
        return self._bytes

    def record(
        self, drafts: tuple[Draft, ...], on_commit: Callable[[], None], blocks: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        """Queue what must become durable together (events, blocks); `on_commit` is called when it has."""
        entry = _Entry(drafts, blocks, on_commit)
        self._waiting.append(entry)
        self._recorded += 1
        self._bytes += entry.cost
        if self._unstored is not None:
            self._unstored.entered(drafts, blocks)
        self._wanted.set()
        if len(self._waiting) >= MAX_BATCH or self._bytes > MAX_WAITING // 4:
            self._urgent.set()

    def hold(self, refusal: LighthouseError | None, waits: bool = False) -> None:
        """Refuse new changes from now on; or let them wait (`waits`); or neither. What is recorded goes on."""
        self._held = refusal
        self._waits = waits
        self._progress.unpark_all()

    async def room(self) -> None:
        """Wait until another change may be recorded. Raises OSError ENOSPC, EIO or EROFS while there can be none."""
        while self._waits or self._bytes > MAX_WAITING:
            self._raise_refusal(self._failure or self._held)
            self._urgent.set()
            await self._progress.park()
        self._raise_refusal(self._failure or self._held)

    async def flush(self) -> None:
        """Wait until all that was recorded so far is on disk. Raises OSError ENOSPC or EIO if the store refuses."""
        target = self._recorded
        while self._committed < target:
            self._raise_refusal(self._failure)
            self._urgent.set()
            await self._progress.park()

    async def caught_up(self) -> None:
        """Wait until all that was recorded so far is in the log, or the store refuses it."""
        if self.uncommitted:
            with contextlib.suppress(OSError):
                await self.flush()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Commit what is recorded, until `stop`."""
        task_status.started()
        while True:
            if not self._waiting:
                if self._stopping:
                    return
                self._wanted = trio.Event()
                await self._wanted.wait()
            if not self._stopping:
                with trio.move_on_after(LAZY_S):
                    await self._urgent.wait()
            self._urgent = trio.Event()
            await self._commit(self._take())

    def stop(self) -> None:
        """Let `run` return once everything recorded is durable (or the store has refused it)."""
        self._stopping = True
        self._wanted.set()
        self._urgent.set()

    @staticmethod
    def _raise_refusal(refusal: LighthouseError | None) -> None:
        if refusal is None:
            return
        code = REFUSED.get(type(refusal), errno.EIO)
        raise OSError(code, os.strerror(code))

    def _take(self) -> list[_Entry]:
        size = 0
        for count, entry in enumerate(self._waiting):
            size += entry.cost
            if count and (size > MAX_WAITING // 4 or count >= MAX_BATCH):
                taken, self._waiting = self._waiting[:count], self._waiting[count:]
                self._urgent.set()
                return taken
        taken, self._waiting = self._waiting, []
        return taken

    async def _commit(self, entries: list[_Entry]) -> None:
        batch = Batch(
            tuple(draft for entry in entries for draft in entry.drafts),
            tuple(block for entry in entries for block in entry.blocks),
        )
        while True:
            outcome = await self._outcome(batch)
            if not isinstance(outcome, LighthouseError):
                break
            self._failure = outcome
            self._progress.unpark_all()
            if self._stopping:
                return
            await trio.sleep(RETRY_S)
        self._failure = None
        self._committed += len(entries)
        if self._unstored is not None:
            self._unstored.committed(self._committed)
        for entry in entries:
            self._bytes -= entry.cost
            entry.on_commit()
        self._progress.unpark_all()

    async def _outcome(self, batch: Batch) -> Outcome:
        answered = trio.Event()
        outcomes: list[Outcome] = []

        def done(outcome: Outcome) -> None:
            outcomes.append(outcome)
            answered.set()

        try:
            self._submit(batch, done)
        except LighthouseError as refused:
            return refused
        with trio.CancelScope(shield=True):
            await answered.wait()
        return outcomes[0]

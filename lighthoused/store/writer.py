"""The one writer: a thread that takes all that waits, writes it in one transaction, syncs once, and then says so.

A batch is stored whole or not at all. It is checked against the state before anything is put, so that one that is
refused costs the others in its group nothing.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, Protocol

import lmdb
import structlog

from lighthoused.core.appended import Appended
from lighthoused.core.errors import Invalid, LighthouseError, Overloaded, StoreFailed, StoreFull, TooLarge
from lighthoused.core.events import MAX_NAME, MAX_PATH, MAX_PATHS, MAX_PAYLOAD, Draft
from lighthoused.store.environment import Environment
from lighthoused.store.group import Group, Position
from lighthoused.store.log import Log, Stored

log = structlog.get_logger()

MAX_GROUP_BYTES = 32 * 1024 * 1024
MAX_QUEUED = 100_000
MAX_QUEUED_BYTES = 256 * 1024 * 1024


class Batch(NamedTuple):
    """Events and blocks to store together."""

    drafts: tuple[Draft, ...]
    blocks: tuple[tuple[bytes, bytes], ...] = ()


Outcome = tuple[Appended, ...] | LighthouseError
Done = Callable[[Outcome], None]


class Observer(Protocol):
    """Takes note of commits, for metrics."""

    def committed(self, events: int, size: int, seconds: float, sync_seconds: float) -> None:
        """One group is on disk; of `seconds` the last `sync_seconds` were the commit with its sync."""

    def refused(self, batches: int, code: str) -> None:
        """The store could not take a group of batches."""


class Chore(NamedTuple):
    """Work on the write transaction that appends nothing; `done` gets its result, or the core error it failed with."""

    work: Callable[[Any], Any]
    done: Callable[[Any], None]


class _Queued(NamedTuple):
    batch: Batch
    done: Done
    size: int


class Writer:
    """Owns the write side of the environment."""

    def __init__(
        self,
        env: Environment,
        log: Log,
        publish: Callable[[int, Sequence[Stored]], None],
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._env = env
        self._log = log
        self._publish = publish
        self._clock = clock
        self._queue: SimpleQueue[_Queued | Chore | None] = SimpleQueue()
        self._chore: Chore | None = None
        self._queued_bytes = 0
        self._synced_in = 0.0
        self._fresh: Sequence[Stored] = ()
        self._closing = False
        self._position = Position.at(log)
        self._thread: threading.Thread | None = None
        self._deliver: Callable[[Callable[[], None]], Any] | None = None
        self.observer: Observer | None = None
        self.answering: AbstractContextManager[object] = nullcontext()
        """Entered around the answers of one group."""
        self.failure: LighthouseError | None = None
        """Why the newest transaction could not be committed; None where it was."""
        self.failing: Callable[[], None] = lambda: None
        """Called before a group is told that it was refused for such a reason."""
        self.watched: set[bytes] = set()
        self._watching = False

    @property
    def committed(self) -> int:
        """seq of the newest event on disk."""
        return self._position.seq

    @property
    def queued(self) -> int:
        """Batches that wait."""
        return self._queue.qsize()

    @property
    def queued_bytes(self) -> int:
        """About how many bytes wait or are being written."""
        return self._queued_bytes

    def start(self, deliver: Callable[[Callable[[], None]], Any]) -> None:
        """Begin to write; `deliver` runs a function on the thread that answers are wanted on."""
        self._deliver = deliver
        self._thread = threading.Thread(target=self._run, name="lighthouse-writer", daemon=True)
        self._thread.start()

    def submit(self, batch: Batch, done: Done) -> None:
        """Queue a batch; `done` is called once it is on disk or refused. Raises Invalid, TooLarge, Overloaded.

        To be called on the thread that answers are delivered on.
        """
        size = sum(map(check, batch.drafts)) + sum(len(stored) for _, stored in batch.blocks)
        if self._closing:
            raise StoreFailed("The store is closing.")
        if self._queue.qsize() >= MAX_QUEUED or self._queued_bytes + size > MAX_QUEUED_BYTES:
            raise Overloaded("Too many events wait to be written.", "Try again in a moment.")
        self._queued_bytes += size
        self._queue.put(_Queued(batch, done, size))

    def chore(self, chore: Chore) -> None:
        """Do a chore in a transaction of its own, after what waits already. It is to take no more than some ms."""
        if self._closing:
            raise StoreFailed("The store is closing.")
        self._queue.put(chore)

    def watch(self, watching: bool) -> None:
        """Begin to note the keys of stored blocks in `watched`, or end; for a chore alone."""
        self._watching = watching
        self.watched.clear()

    def close(self) -> None:
        """Write what waits, then end."""
        self._closing = True
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        for group in self._groups():
            start = time.perf_counter()
            outcomes = self._store(group)
            if self.observer is not None:
                self._note(self.observer, group, outcomes[0], time.perf_counter() - start)
            self._answer(group, outcomes)

    def _note(self, observer: Observer, group: list[_Queued], outcome: Outcome, seconds: float) -> None:
        """Tell how a group went; where the store fails, it fails for all of it."""
        if isinstance(outcome, StoreFailed | StoreFull):
            observer.refused(len(group), outcome.code)
            return
        events = sum(len(queued.batch.drafts) for queued in group)
        observer.committed(events, sum(queued.size for queued in group), seconds, self._synced_in)

    def _groups(self) -> Iterator[list[_Queued]]:
        """What waits, again and again, until the end is in the queue; a chore comes after the group before it."""
        going_on = True
        while going_on and (first := self._queue.get()) is not None:
            if isinstance(first, Chore):
                self._do(first)
                continue
            group = [first]
            going_on = self._gather(group)
            yield group
            if self._chore is not None:
                chore, self._chore = self._chore, None
                self._do(chore)

    def _gather(self, group: list[_Queued]) -> bool:
        """Add all that waits too; False at the end."""
        size = 0
        while size < MAX_GROUP_BYTES:
            size += group[-1].size
            try:
                queued = self._queue.get_nowait()
            except Empty:
                return True
            if queued is None:
                return False
            if isinstance(queued, Chore):
                self._chore = queued
                return True
            group.append(queued)
        return True

    def _do(self, chore: Chore) -> None:
        outcome: Any
        try:
            with self._env.begin_write(buffers=True) as txn:
                outcome = chore.work(txn)
            self.failure = None
        except lmdb.Error as error:
            outcome = self.failure = self._env.refusal(error, "The store could not be tidied")
            self._revive()
        except Exception as error:
            outcome = StoreFailed(f"The store could not be tidied: {error!r}.")
        assert self._deliver is not None
        self._deliver(lambda: chore.done(outcome))

    def _store(self, group: list[_Queued]) -> list[Outcome]:
        while True:
            try:
                outcomes = self._attempt(group)
            except lmdb.MapFullError:
                try:
                    self._env.grow()
                except (LighthouseError, lmdb.Error, MemoryError) as error:
                    refused = error if isinstance(error, LighthouseError) else StoreFailed(f"The map: {error}.")
                    return self._refused(group, refused)
            except lmdb.Error as error:
                return self._refused(group, self._env.refusal(error, "Events could not be written"))
            except Exception as error:
                return [StoreFailed(f"Events could not be written: {error!r}.")] * len(group)
            else:
                if any(isinstance(outcome, tuple) for outcome in outcomes):
                    self.failure = None
                return outcomes

    def _refused(self, group: list[_Queued], refusal: LighthouseError) -> list[Outcome]:
        self.failure = refusal
        self._revive()
        return [refusal] * len(group)

    def _revive(self) -> None:
        """Go on with a store that LMDB has given up, or try again at the next batch."""
        try:
            if self._env.revive():
                self._position = Position.at(self._log)
                log.error("store.opened_anew")
        except (LighthouseError, lmdb.Error) as error:
            log.error("store.not_opened_anew", reason=str(error))

    def _attempt(self, group: list[_Queued]) -> list[Outcome]:
        with self._env.begin_write() as txn:
            assembled = Group(self._env, txn, self._position)
            outcomes: list[Outcome] = [assembled.add(queued.batch.drafts, queued.batch.blocks) for queued in group]
            assembled.put()
            assembled_at = time.perf_counter()
        self._synced_in = time.perf_counter() - assembled_at
        self._position = assembled.position
        self._fresh = assembled.events
        if self._watching:
            self.watched.update(key for queued in group for key, _ in queued.batch.blocks)
        return outcomes

    def _answer(self, group: list[_Queued], outcomes: list[Outcome]) -> None:
        seq, fresh, self._fresh = self._position.seq, self._fresh, ()

        def answer() -> None:
            if self.failure is not None:
                self.failing()
            with self.answering:
                for queued, outcome in zip(group, outcomes, strict=True):
                    self._queued_bytes -= queued.size
                    queued.done(outcome)
            self._publish(seq, fresh)

        assert self._deliver is not None
        self._deliver(answer)


def check(draft: Draft) -> int:
    """About how many bytes a draft takes. Raises TooLarge, Invalid for one that can never be stored."""
    if len(draft.payload) > MAX_PAYLOAD:
        raise TooLarge(f"A payload of {len(draft.payload)} bytes is too large.", f"At most {MAX_PAYLOAD} bytes.")
    if not draft.stream or not draft.type:
        raise Invalid("An event needs a stream and a type.")
    names = f"{draft.stream}{draft.type}{draft.agent}{draft.session}{draft.id}{draft.correlation}"
    if "\0" in names or len(names) > MAX_NAME // 4:
        _check_names(draft)
    if draft.paths and (len(draft.paths) > MAX_PATHS or max(map(len, draft.paths)) > MAX_PATH):
        raise TooLarge("An event has too many or too long paths.", f"At most {MAX_PATHS} of {MAX_PATH} characters.")
    return 300 + len(draft.payload) + sum([len(row.value) + 40 for row in draft.rows])


def _check_names(draft: Draft) -> None:
    for name in (draft.stream, draft.type, draft.agent, draft.session, draft.id, draft.correlation):
        if len(name) > MAX_NAME // 4 and len(name.encode()) > MAX_NAME:
            raise TooLarge(f"The name {name[:40]!r}... is too long.", f"At most {MAX_NAME} bytes.")
        if "\0" in name:
            raise Invalid(f"The name {name!r} contains a NUL.")

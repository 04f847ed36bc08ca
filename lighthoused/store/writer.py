"""The one writer: a thread that takes all that waits, writes it in one transaction, syncs once, and then says so.

A batch is stored whole or not at all. It is checked against the state before anything is put, so that one that is
refused costs the others in its group nothing.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import lmdb

from lighthoused.core.errors import Invalid, LighthouseError, Overloaded, StoreFailed, TooLarge
from lighthoused.core.events import MAX_NAME, MAX_PATH, MAX_PATHS, MAX_PAYLOAD, Appended, Draft
from lighthoused.store.environment import Environment
from lighthoused.store.group import Group, Position
from lighthoused.store.log import Log

LAZY_S = 0.05
LAZY_BYTES = 4 * 1024 * 1024
MAX_GROUP_BYTES = 32 * 1024 * 1024
MAX_QUEUED = 100_000
MAX_QUEUED_BYTES = 256 * 1024 * 1024


class Batch(NamedTuple):
    """Events and blocks to store together; `urgent` False: may wait a moment for others to join."""

    drafts: tuple[Draft, ...]
    blocks: tuple[tuple[bytes, bytes], ...] = ()
    urgent: bool = True


Outcome = tuple[Appended, ...] | LighthouseError
Done = Callable[[Outcome], None]


class Observer(Protocol):
    """Takes note of commits, for metrics."""

    def committed(self, events: int, size: int, seconds: float) -> None:
        """One group is on disk."""


class _Queued(NamedTuple):
    batch: Batch
    done: Done
    size: int


class Writer:
    """Owns the write side of the environment."""

    def __init__(
        self, env: Environment, log: Log, publish: Callable[[int], None], clock: Callable[[], int] = time.time_ns
    ) -> None:
        self._env = env
        self._publish = publish
        self._clock = clock
        self._queue: deque[_Queued] = deque()
        self._queued_bytes = 0
        self._ready = threading.Condition()
        self._flush = False
        self._closing = False
        self._position = Position.at(log)
        self._thread: threading.Thread | None = None
        self._deliver: Callable[[Callable[[], None]], Any] | None = None
        self.observer: Observer | None = None

    @property
    def committed(self) -> int:
        """seq of the newest event on disk."""
        return self._position.seq

    @property
    def queued(self) -> int:
        """Batches that wait."""
        return len(self._queue)

    def start(self, deliver: Callable[[Callable[[], None]], Any]) -> None:
        """Begin to write; `deliver` runs a function on the thread that answers are wanted on."""
        self._deliver = deliver
        self._thread = threading.Thread(target=self._run, name="lighthouse-writer", daemon=True)
        self._thread.start()

    def submit(self, batch: Batch, done: Done) -> None:
        """Queue a batch; `done` is called once it is on disk or refused. Raises Invalid, TooLarge, Overloaded."""
        size = sum(map(check, batch.drafts)) + sum(len(stored) for _, stored in batch.blocks)
        with self._ready:
            if self._closing:
                raise StoreFailed("The store is closing.")
            if len(self._queue) >= MAX_QUEUED or self._queued_bytes + size > MAX_QUEUED_BYTES:
                raise Overloaded("Too many events wait to be written.", "Try again in a moment.")
            self._queue.append(_Queued(batch, done, size))
            self._queued_bytes += size
            if batch.urgent or self._queued_bytes > LAZY_BYTES:
                self._flush = True
            self._ready.notify()

    def flush(self) -> None:
        """Commit what waits now."""
        with self._ready:
            self._flush = True
            self._ready.notify()

    def close(self) -> None:
        """Write what waits, then end."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            group = self._take()
            if not group:
                return
            start = time.perf_counter()
            outcomes = self._store(group)
            if self.observer is not None:
                events = sum(len(queued.batch.drafts) for queued in group)
                self.observer.committed(events, sum(queued.size for queued in group), time.perf_counter() - start)
            self._answer(group, outcomes)

    def _take(self) -> list[_Queued]:
        with self._ready:
            while not self._queue and not self._closing:
                self._ready.wait()
            if not self._flush and not self._closing:
                self._ready.wait_for(lambda: self._flush or self._closing, LAZY_S)
            self._flush = False
            group: list[_Queued] = []
            size = 0
            while self._queue and (not group or size + self._queue[0].size <= MAX_GROUP_BYTES):
                queued = self._queue.popleft()
                group.append(queued)
                size += queued.size
            self._queued_bytes -= size
            if self._queue:
                self._flush = True
            return group

    def _store(self, group: list[_Queued]) -> list[Outcome]:
        while True:
            try:
                return self._attempt(group)
            except lmdb.MapFullError:
                try:
                    self._env.grow()
                except (LighthouseError, lmdb.Error, MemoryError) as error:
                    refused = error if isinstance(error, LighthouseError) else StoreFailed(f"The map: {error}.")
                    return [refused] * len(group)
            except lmdb.Error as error:
                return [self._env.refusal(error, "Events could not be written")] * len(group)
            except Exception as error:
                return [StoreFailed(f"Events could not be written: {error!r}.")] * len(group)

    def _attempt(self, group: list[_Queued]) -> list[Outcome]:
        with self._env.begin_write() as txn:
            assembled = Group(self._env, txn, self._position)
            outcomes: list[Outcome] = [assembled.add(queued.batch.drafts, queued.batch.blocks) for queued in group]
            assembled.put()
        self._position = assembled.position
        return outcomes

    def _answer(self, group: list[_Queued], outcomes: list[Outcome]) -> None:
        seq = self._position.seq

        def answer() -> None:
            for queued, outcome in zip(group, outcomes, strict=True):
                queued.done(outcome)
            self._publish(seq)

        assert self._deliver is not None
        self._deliver(answer)


def check(draft: Draft) -> int:
    """About how many bytes a draft takes. Raises TooLarge, Invalid for one that can never be stored."""
    if len(draft.payload) > MAX_PAYLOAD:
        raise TooLarge(f"A payload of {len(draft.payload)} bytes is too large.", f"At most {MAX_PAYLOAD} bytes.")
    if not draft.stream or not draft.type:
        raise Invalid("An event needs a stream and a type.")
    for name in (draft.stream, draft.type, draft.agent, draft.session, draft.id, draft.correlation):
        if len(name) > MAX_NAME // 4 and len(name.encode()) > MAX_NAME:
            raise TooLarge(f"The name {name[:40]!r}... is too long.", f"At most {MAX_NAME} bytes.")
        if "\0" in name:
            raise Invalid(f"The name {name!r} contains a NUL.")
    if len(draft.paths) > MAX_PATHS or any(len(path) > MAX_PATH for path in draft.paths):
        raise TooLarge("An event has too many or too long paths.", f"At most {MAX_PATHS} of {MAX_PATH} characters.")
    return 300 + len(draft.payload) + sum(len(row.value) + 40 for row in draft.rows)

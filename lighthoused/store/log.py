"""Reading the event log: by seq, by filter in pages, by time."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from lighthoused.core.errors import Corrupt, Invalid
from lighthoused.core.events import GENESIS, Event, decode_event
from lighthoused.protocol.messages.log import Filter
from lighthoused.store.environment import Environment
from lighthoused.store.filters import accepts, index_of
from lighthoused.store.schema import HASH_SIZE, LOG, STREAMS, TAGS, number, u64

MAX_SCAN = 500
"""Events looked at per page; a page may come back short, with a cursor to go on from."""


class Stored(NamedTuple):
    """An event and its hash."""

    event: Event
    hash: bytes


class Head(NamedTuple):
    """The newest event: seq 0 where there is none."""

    seq: int
    time: int
    hash: bytes


class Page(NamedTuple):
    """Events, and the cursor to go on from (0: no more). `scanned` is the last seq that was looked at."""

    events: list[Stored]
    cursor: int
    scanned: int


class Log:
    """The log as committed."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        env.bind(self._take_tables)

    def _take_tables(self) -> None:
        self._log = self._env.table(LOG)
        self._tags = self._env.table(TAGS)
        self._streams = self._env.table(STREAMS)

    def head(self) -> Head:
        """The newest event's place."""
        with self._env.read() as txn, txn.cursor(db=self._log) as cursor:
            if not cursor.last():
                return Head(0, 0, GENESIS)
            stored = _stored(cursor.value())
            return Head(stored.event.seq, stored.event.time, stored.hash)

    def get(self, seq: int) -> Stored | None:
        """The event of this seq, None if there is none."""
        with self._env.read() as txn:
            value = txn.get(u64(seq), db=self._log)
        return _stored(value) if value is not None else None

    def query(self, filter: Filter, cursor: int = 0, limit: int = 1000, reverse: bool = False) -> Page:
        """A page of events that pass the filter, after seq `cursor` (before it, where `reverse`). Raises Invalid."""
        if cursor < 0:
            raise Invalid(f"The cursor {cursor} is negative.", "Pass the cursor of the page before, or 0.")
        low, high = self._bounds(filter, cursor, reverse)
        found: list[Stored] = []
        scanned = 0
        last = 0
        with self._env.read() as txn:
            for seq in self._candidates(txn, filter, low, high, reverse):
                if len(found) == limit or scanned == MAX_SCAN:
                    return Page(found, last, last)
                scanned += 1
                last = seq
                stored = _stored(txn.get(u64(seq), db=self._log))
                if accepts(filter, stored.event):
                    found.append(stored)
        return Page(found, 0, max(high, cursor) if not reverse else low)

    def seq_at(self, time: int) -> int:
        """The newest seq whose time is at or before `time` (ns); 0 if none."""
        with self._env.read() as txn:
            with txn.cursor(db=self._log) as cursor:
                high = number(cursor.key()) if cursor.last() else 0
            low = 0
            while low < high:
                middle = (low + high + 1) // 2
                if _stored(txn.get(u64(middle), db=self._log)).event.time <= time:
                    low = middle
                else:
                    high = middle - 1
            return low

    def raw(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """(seq, stored bytes) of up to `limit` records after a seq, for verification."""
        with self._env.read() as txn, txn.cursor(db=self._log) as cursor:
            if not cursor.set_range(u64(after + 1)):
                return []
            records = []
            for key, value in cursor.iternext():
                records.append((number(key), value))
                if len(records) == limit:
                    break
            return records

    def _bounds(self, filter: Filter, cursor: int, reverse: bool) -> tuple[int, int]:
        low, high = 1, self.head().seq
        if filter.since:
            low = self.seq_at(filter.since - 1) + 1
        if filter.until:
            high = self.seq_at(filter.until)
        if cursor and reverse:
            high = min(high, cursor - 1)
        elif cursor:
            low = max(low, cursor + 1)
        return low, high

    def _candidates(self, txn: Any, filter: Filter, low: int, high: int, reverse: bool) -> Iterator[int]:
        """seqs in [low, high] that may pass, in order, by the most selective index."""
        index = index_of(filter)
        if index is None:
            return iter(range(high, low - 1, -1) if reverse else range(low, high + 1))
        if index.stream is not None:
            return self._of_stream(txn, index.stream, low, high, reverse)
        if index.prefixes:
            return self._of_prefix(txn, index.key, index.prefixes, low, high, reverse)
        return self._of_tag(txn, index.key, low, high, reverse)

    def _of_tag(self, txn: Any, key: bytes, low: int, high: int, reverse: bool) -> Iterator[int]:
        with txn.cursor(db=self._tags) as cursor:
            if reverse:
                there = cursor.set_range_dup(key, u64(high))
                if not there:
                    there = cursor.set_key(key) and cursor.last_dup()
                elif number(cursor.value()) > high:
                    there = cursor.prev_dup()
                while there and number(cursor.value()) >= low:
                    yield number(cursor.value())
                    there = cursor.prev_dup()
                return
            there = cursor.set_range_dup(key, u64(low))
            while there and number(cursor.value()) <= high:
                yield number(cursor.value())
                there = cursor.next_dup()

    def _of_prefix(
        self, txn: Any, start: bytes, prefixes: tuple[bytes, ...], low: int, high: int, reverse: bool
    ) -> Iterator[int]:
        """Union over all tags that begin so: a path and what is below it."""
        seqs: set[int] = set()
        with txn.cursor(db=self._tags) as cursor:
            for prefix in prefixes:
                there = cursor.set_range(prefix)
                while there and cursor.key().startswith(prefix):
                    key = cursor.key()
                    if key == start or prefix != start:
                        seqs.update(seq for seq in self._of_tag(txn, key, low, high, reverse=False))
                    there = cursor.next_nodup()
                    if prefix == start:
                        break
        return iter(sorted(seqs, reverse=reverse))

    def _of_stream(self, txn: Any, stream: str, low: int, high: int, reverse: bool) -> Iterator[int]:
        prefix = stream.encode() + b"\0"
        with txn.cursor(db=self._streams) as cursor:
            start = self._version_at(txn, prefix, high if reverse else low)
            there = cursor.set_range(prefix + u64(start))
            if reverse and (not there or cursor.key()[:-8] != prefix):
                there = cursor.prev() if there else cursor.last()
            while there and cursor.key()[:-8] == prefix:
                seq = number(cursor.value())
                if (reverse and seq < low) or (not reverse and seq > high):
                    return
                if low <= seq <= high:
                    yield seq
                there = cursor.prev() if reverse else cursor.next()

    def _version_at(self, txn: Any, prefix: bytes, seq: int) -> int:
        """The first version of a stream whose seq is >= `seq` (one past the last, if none)."""
        with txn.cursor(db=self._streams) as cursor:
            low, high = 1, self._versions_of(cursor, prefix) + 1
            while low < high:
                middle = (low + high) // 2
                if number(txn.get(prefix + u64(middle), db=self._streams)) < seq:
                    low = middle + 1
                else:
                    high = middle
            return low

    @staticmethod
    def _versions_of(cursor: Any, prefix: bytes) -> int:
        there = cursor.set_range(prefix + b"\xff" * 8)
        there = cursor.prev() if there else cursor.last()
        return number(cursor.key()[-8:]) if there and cursor.key()[:-8] == prefix else 0


def _stored(value: bytes | None) -> Stored:
    if value is None:
        raise Corrupt("The log has a gap.", "Run 'lighthousectl log verify'.")
    return Stored(decode_event(value[HASH_SIZE:]), value[:HASH_SIZE])

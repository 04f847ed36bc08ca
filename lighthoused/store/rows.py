"""All rows of the tree's tables, in pages, for those who look at every one of them; and small changes to them.

A change here is no event: rows are restored from the log, or removed because nothing can show them any more. Each is a
short transaction between two groups of the writer.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from time import monotonic
from typing import Any, NamedTuple

import trio

from lighthoused.core.errors import LighthouseError
from lighthoused.store.environment import Environment
from lighthoused.store.schema import BLOCKS, DENTRIES, INODES, LOG, PRUNED, Table, number, u64
from lighthoused.store.writer import Chore, Writer

PAGE = 2000
PAGE_BYTES = 4 * 1024 * 1024
TURN_S = 0.002
"""How long one change may keep the writer from appends, the sync apart."""
SHARE = 0.1
"""Of the time that a change had to wait for its turn: behind large groups it may take that much instead."""
MAX_TURN_S = 0.05
LOOK_EVERY = 32
"""Rows between two looks at the clock."""


class Discarded(NamedTuple):
    """How many of the keys were looked at; blocks removed, and their stored size in bytes."""

    done: int
    blocks: int
    size: int


class Rows:
    """Rows as stored: keys and values as `store.schema` has them."""

    def __init__(self, env: Environment, writer: Writer) -> None:
        self._env = env
        self._writer = writer

    def scan(self, table: Table) -> Iterator[list[tuple[bytes, bytes]]]:
        """All rows of a table, by pages; rows written meanwhile may be among them or not."""
        after = b""
        while page := self._page(table, after):
            yield page
            after = page[-1][0]

    def keys(self, table: Table) -> Iterator[list[bytes]]:
        """All keys of a table, by pages."""
        after = b""
        while True:
            with self._env.read() as txn, txn.cursor(db=self._env.table(table)) as cursor:
                there = cursor.set_range(after + b"\0" if after else b"")
                page = list(islice(cursor.iternext(values=False), PAGE)) if there else []
            if not page:
                return
            yield page
            after = page[-1]

    def count(self, table: Table) -> int:
        """How many rows a table has."""
        with self._env.read() as txn:
            rows: int = txn.stat(self._env.table(table))["entries"]
            return rows

    def log(self, after: int, until: int) -> Iterator[list[tuple[int, bytes]]]:
        """(seq, stored record) of the events after one seq and up to another, by pages."""
        while after < until and (page := self._page(LOG, u64(after))):
            yield [(number(key), value) for key, value in page if number(key) <= until]
            after = number(page[-1][0])

    def values(self, table: Table, keys: Sequence[bytes]) -> list[bytes | None]:
        """The value of each key, None where there is none."""
        handle = self._env.table(table)
        with self._env.read() as txn:
            return [txn.get(key, db=handle) for key in keys]

    def at_or_after(self, table: Table, prefix: bytes, tail: int) -> tuple[bytes, bytes] | None:
        """The first row whose key begins so and ends in this number or a greater one."""
        with self._env.read() as txn, txn.cursor(db=self._env.table(table)) as cursor:
            if cursor.set_range(prefix + u64(tail)) and cursor.key()[:-8] == prefix:
                return cursor.key(), cursor.value()
        return None

    def under(self, table: Table, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """The rows whose keys are this prefix and a number: all versions of one thing, newest first."""
        found = []
        with self._env.read() as txn, txn.cursor(db=self._env.table(table)) as cursor:
            there = cursor.set_range(prefix)
            while there and cursor.key()[:-8] == prefix:
                found.append((cursor.key(), cursor.value()))
                there = cursor.next()
        return found

    def pruned(self) -> dict[int, int]:
        """By inode: the newest of its versions that were removed without the horizon having passed them."""
        return {number(ino): number(seq) for page in self.scan(PRUNED) for ino, seq in page}

    async def restore(self, rows: Sequence[tuple[Table, bytes, bytes | None]]) -> None:
        """Let these keys have these values (None: no row), durably. Raises core errors."""
        for start in range(0, len(rows), LOOK_EVERY):
            piece = rows[start : start + LOOK_EVERY]
            await self._chore(partial(_put, self._env, piece))

    async def remove(self, rows: Sequence[tuple[Table, bytes]], pruned: Mapping[int, int]) -> int:
        """Remove version rows, as many as a turn allows, and note what `pruned` says; how many of them are gone.

        An inode's rows may come in several calls, the newest first: what is noted never goes back.
        """
        tables = {table: self._env.table(table) for table in (INODES, DENTRIES)}
        noted = self._env.table(PRUNED)

        asked = monotonic()

        def delete(txn: Any) -> int:
            until = _end_of_turn(asked)
            for ino, seq in pruned.items():
                there = txn.get(u64(ino), db=noted)
                if there is None or number(there) < seq:
                    txn.put(u64(ino), u64(seq), db=noted)
            for done, (table, key) in enumerate(rows):
                if done and not done % LOOK_EVERY and monotonic() > until:
                    return done
                txn.delete(key, db=tables[table])
            return len(rows)

        done: int = await self._chore(delete)
        return done

    def is_watched(self, key: bytes) -> bool:
        """Whether a block was stored since `watch`."""
        return key in self._writer.watched

    async def watch(self, watching: bool) -> None:
        """Remember the blocks that are stored from now on: `discard` leaves them alone."""
        await self._chore(lambda txn: self._writer.watch(watching))

    async def discard(self, keys: Sequence[bytes]) -> Discarded:
        """Remove blocks, as many as a turn allows, but for those stored since `watch`."""
        handle = self._env.table(BLOCKS)
        fresh = self._writer.watched
        asked = monotonic()

        def discard(txn: Any) -> Discarded:
            until = _end_of_turn(asked)
            blocks = size = 0
            for done, key in enumerate(keys):
                if done and not done % LOOK_EVERY and monotonic() > until:
                    return Discarded(done, blocks, size)
                stored = txn.get(key, db=handle) if key not in fresh else None
                if stored is not None:
                    blocks, size = blocks + 1, size + len(stored)
                    txn.delete(key, db=handle)
            return Discarded(len(keys), blocks, size)

        discarded: Discarded = await self._chore(discard)
        return discarded

    def _page(self, table: Table, after: bytes) -> list[tuple[bytes, bytes]]:
        page = []
        size = 0
        with self._env.read() as txn, txn.cursor(db=self._env.table(table)) as cursor:
            if not cursor.set_range(after + b"\0" if after else b""):
                return []
            for key, value in cursor.iternext():
                page.append((key, value))
                size += len(value)
                if len(page) == PAGE or size > PAGE_BYTES:
                    break
        return page

    async def _chore(self, work: Any) -> Any:
        finished = trio.Event()
        outcomes: list[Any] = []

        def done(outcome: Any) -> None:
            outcomes.append(outcome)
            finished.set()

        self._writer.chore(Chore(work, done))
        with trio.CancelScope(shield=True):
            await finished.wait()
        if isinstance(outcomes[0], LighthouseError):
            raise outcomes[0]
        return outcomes[0]


def _end_of_turn(asked: float) -> float:
    """When a turn has to end that was asked for then.

    Were it always `TURN_S`, removal would fall behind writers that fill every group, and never end.
    """
    now = monotonic()
    return now + min(max(TURN_S, (now - asked) * SHARE), MAX_TURN_S)


def _put(env: Environment, rows: Sequence[tuple[Table, bytes, bytes | None]], txn: Any) -> None:
    for table, key, value in rows:
        handle = env.table(table)
        if value is None:
            txn.delete(key, db=handle)
        else:
            txn.put(key, value, db=handle)

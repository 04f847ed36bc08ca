"""Are the tree's rows what the log says? Every event's changes are compared with the rows that are stored.

A row may be missing where retention removed it: at or before the horizon if a newer one is also at or before it, or as
an older version of an unversioned file (`pruned`). Must not repair: `wrong` says what each key should hold.
"""

from collections.abc import Callable
from typing import NamedTuple

from lighthoused.core.events import decode_event
from lighthoused.core.inode import DENTRIES, INODES, decode_change, decode_dentry, decode_inode, rows_of
from lighthoused.store import schema
from lighthoused.store.rows import Rows
from lighthoused.store.schema import HASH_SIZE, NOW, Table, descending, number
from lighthoused.tree.live import STREAM

TABLES = {INODES: schema.INODES, DENTRIES: schema.DENTRIES}
Progress = Callable[[str, int, int], None]
"""Told what is being looked at, how many are done, and of how many (0: unknown)."""


class Wrong(NamedTuple):
    """A row that is not as the log says; `value` None: there should be none."""

    table: Table
    key: bytes
    value: bytes | None
    message: str

    @property
    def inode(self) -> int:
        """The inode it is about, 0 for an entry."""
        return number(self.key[:8]) if self.table is schema.INODES else 0

    @property
    def name(self) -> tuple[int, bytes] | None:
        """The directory entry it is about."""
        return (number(self.key[:8]), self.key[8:-9]) if self.table is schema.DENTRIES else None


class _Said(NamedTuple):
    key: bytes
    value: bytes


class Replay:
    """Goes through the log up to `head` once."""

    def __init__(self, rows: Rows, head: int, horizon: int, progress: Progress) -> None:
        self._rows = rows
        self._head = head
        self._horizon = horizon
        self._progress = progress
        self._pruned = rows.pruned()
        self._newest_before: dict[tuple[Table, bytes], _Said] = {}
        self._found = dict.fromkeys(TABLES.values(), 0)
        self.wrong: list[Wrong] = []

    def run(self) -> list[Wrong]:
        """All rows that are missing, other than the log says, or that no event has."""
        for page in self._rows.log(0, self._head):
            said: dict[Table, list[_Said]] = {table: [] for table in TABLES.values()}
            for seq, record in page:
                for table, one in _said(seq, record):
                    said[table].append(one)
            for table, those in said.items():
                self._compare(table, those)
            self._progress("events", page[-1][0], self._head)
        for (table, _), one in self._newest_before.items():
            if not _is_gone(table, one.value):
                self._missing(table, one)
        for table, found in self._found.items():
            self._leftovers(table, found)
        return self.wrong

    def _compare(self, table: Table, said: list[_Said]) -> None:
        stored = self._rows.values(table, [one.key for one in said])
        for one, value in zip(said, stored, strict=True):
            seq = _seq(one.key)
            before = seq <= self._horizon
            if value is not None:
                self._found[table] += 1
            elif not before and not self._is_pruned(table, one.key):
                self._missing(table, one)
            if before:
                if value is None and not self._is_pruned(table, one.key):
                    self._newest_before[table, one.key[:-8]] = one
                else:
                    self._newest_before.pop((table, one.key[:-8]), None)
            if value is not None and value != one.value:
                message = f"{_what(table, one.key)} is not as event {seq} says."
                self.wrong.append(Wrong(table, one.key, one.value, message))

    def _is_pruned(self, table: Table, key: bytes) -> bool:
        return table is schema.INODES and _seq(key) <= self._pruned.get(number(key[:8]), 0)

    def _missing(self, table: Table, said: _Said) -> None:
        message = f"{_what(table, said.key)} is missing, which event {_seq(said.key)} made."
        self.wrong.append(Wrong(table, said.key, said.value, message))

    def _leftovers(self, table: Table, found: int) -> None:
        """Rows that belong to no event, looked for where there are more rows than events made."""
        there = sum(_seq(key) <= self._head for page in self._rows.scan(table) for key, _ in page)
        if there == found:
            return
        for page in self._rows.scan(table):
            for key, _ in page:
                seq = _seq(key)
                if seq <= self._head and key not in self._keys_of(table, seq):
                    self.wrong.append(Wrong(table, key, None, f"{_what(table, key)} belongs to no event."))

    def _keys_of(self, table: Table, seq: int) -> set[bytes]:
        for page in self._rows.log(seq - 1, seq):
            return {one.key for number, record in page for of, one in _said(number, record) if of is table}
        return set()


def _said(seq: int, record: bytes) -> list[tuple[Table, _Said]]:
    """The rows that an event makes; none where it cannot be read, which the proof of the log tells."""
    try:
        event = decode_event(record[HASH_SIZE:])
        if not event.stream.startswith(STREAM):
            return []
        rows = rows_of(decode_change(event.payload))
    except ValueError:
        return []
    return [(TABLES[row.table], _Said(row.prefix + descending(seq), row.value)) for row in rows]


def _seq(key: bytes) -> int:
    return NOW - number(key[-8:])


def _is_gone(table: Table, value: bytes) -> bool:
    return not (decode_inode(value).nlink if table is schema.INODES else decode_dentry(value).ino)


def _what(table: Table, key: bytes) -> str:
    if table is schema.INODES:
        return f"The version of inode {number(key[:8])} as of @{_seq(key)}"
    return f"The entry {key[8:-9]!r} of inode {number(key[:8])} as of @{_seq(key)}"

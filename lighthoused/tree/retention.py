"""Which rows of those up to a seq nothing can show any more. Reads only; `tree.gc` removes them.

A version is shown at every moment from its seq until the next version's. It has to stay if one of those moments is at
or after the horizon, or a snapshot. Of an unversioned file (all of whose versions were made under rules that ignore it)
only the newest version stays.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from lighthoused.core.inode import Inode, decode_dentry, decode_inode
from lighthoused.store.rows import Rows
from lighthoused.store.schema import DENTRIES, INODES, NOW, Table, number
from lighthoused.tree.ignore import Rules

MAX_DEPTH = 1000


class Version(NamedTuple):
    """One version of an inode or entry; `gone`: it says that there is none any more."""

    seq: int
    gone: bool


class Doomed(NamedTuple):
    """A row to remove; `ino` not 0: as an unversioned version of this inode."""

    table: Table
    key: bytes
    seq: int
    ino: int = 0


class Place(NamedTuple):
    """Where an inode was called what, from a seq on."""

    seq: int
    parent: int
    name: bytes


def superfluous(
    versions: Sequence[Version], horizon: int, snapshots: Sequence[int], versioned: bool = True
) -> list[int]:
    """Indexes of the versions of one thing (newest first) that may be removed; `snapshots` are sorted seqs."""
    kept = []
    for index, (seq, _) in enumerate(versions):
        until = versions[index - 1].seq if index else NOW
        if not index or (versioned and (until > horizon or _any_within(snapshots, seq, until))):
            kept.append(index)
    while kept and versions[kept[-1]].gone and (versions[kept[-1]].seq <= horizon or not versioned):
        kept.pop()
    return sorted(set(range(len(versions))) - set(kept))


class Retention:
    """What may be removed with a horizon; `roots`: projects' root directories with their rules.

    Versions after `head` are passed over: they are made while this goes on, and the next collection's.
    """

    def __init__(
        self, rows: Rows, head: int, horizon: int, snapshots: Sequence[int], roots: Mapping[int, Rules]
    ) -> None:
        self._rows = rows
        self._head = head
        self._horizon = horizon
        self._snapshots = sorted(snapshots)
        self._roots = roots
        self._places: dict[int, list[Place]] = {}
        self._highest = 0

    def doomed(self) -> Iterator[Doomed]:
        """All rows that may be removed; found as it goes, a page at a time."""
        self._look_at_directories()
        yield from self._doomed_inodes()
        yield from self._doomed_entries()

    def _look_at_directories(self) -> None:
        for ino, rows in self._things(INODES):
            self._highest = max(self._highest, number(ino))
            for key, value in reversed(rows):
                inode = decode_inode(value)
                if not inode.is_dir:
                    break
                places = self._places.setdefault(number(ino), [])
                place = Place(_seq(key), inode.parent, inode.name)
                if not places or places[-1][1:] != place[1:]:
                    places.append(place)

    def _doomed_inodes(self) -> Iterator[Doomed]:
        for prefix, rows in self._things(INODES):
            ino = number(prefix)
            inodes = [decode_inode(value) for _, value in rows]
            versions = [Version(_seq(key), not inode.nlink) for (key, _), inode in zip(rows, inodes, strict=True)]
            unversioned = self._is_unversioned(versions, inodes)
            for index in superfluous(versions, self._horizon, self._snapshots, versioned=not unversioned):
                if index or ino != self._highest:
                    yield Doomed(INODES, rows[index][0], versions[index].seq, ino if unversioned else 0)

    def _doomed_entries(self) -> Iterator[Doomed]:
        for _, rows in self._things(DENTRIES):
            versions = [Version(_seq(key), not decode_dentry(value).ino) for key, value in rows]
            for index in superfluous(versions, self._horizon, self._snapshots):
                yield Doomed(DENTRIES, rows[index][0], versions[index].seq)

    def _things(self, table: Table) -> Iterator[tuple[bytes, list[tuple[bytes, bytes]]]]:
        """Rows of one inode or entry, newest first."""
        rows = (row for page in self._rows.scan(table) for row in page if _seq(row[0]) <= self._head)
        for prefix, versions in groupby(rows, key=lambda row: row[0][:-8]):
            yield prefix, list(versions)

    def _is_unversioned(self, versions: Sequence[Version], inodes: Sequence[Inode]) -> bool:
        """Whether a file was ignored whenever it was changed; one with several names counts as versioned."""
        if not inodes[0].is_file or any(inode.nlink > 1 for inode in inodes):
            return False
        return all(self._is_ignored(version.seq, inode) for version, inode in zip(versions, inodes, strict=True))

    def _is_ignored(self, seq: int, inode: Inode) -> bool:
        parts = [inode.name]
        above = inode.parent
        while above not in self._roots:
            places = self._places.get(above)
            if not places or len(parts) > MAX_DEPTH:
                return False
            place = places[max(bisect_right(places, seq, key=lambda place: place.seq) - 1, 0)]
            parts.append(place.name)
            above = place.parent
        rules = self._roots[above]
        return rules.ignores(b"/".join(reversed(parts)), rules.epoch(seq))


def _any_within(snapshots: Sequence[int], start: int, end: int) -> bool:
    return bisect_left(snapshots, start) < bisect_left(snapshots, end)


def _seq(key: bytes) -> int:
    return NOW - number(key[-8:])

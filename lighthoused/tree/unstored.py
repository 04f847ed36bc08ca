"""Changes that the store does not have yet, kept where the process after us finds them: nothing is lost to a SIGKILL.

Journal entries are kept until they are committed, writes until a version has them. After a crash `missing_entries` are
to be stored, then `missing_writes` done again. When much was kept, everything is made durable (`Unstored.wanted`) and
what was kept before is dropped. It knows neither the kernel nor the store.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import msgspec
import structlog
import trio

from lighthoused.core.author import Author
from lighthoused.core.errors import LighthouseError
from lighthoused.core.events import Draft, Event
from lighthoused.core.inode import Change, decode_change

log = structlog.get_logger()

UNSTORED_NAME = "unstored"
TURN_AT = 32 * 1024 * 1024
"""Bytes kept at which everything is made durable."""
FULL_AT = 96 * 1024 * 1024
"""Bytes kept, while that goes on, at which writers wait."""
Block = tuple[bytes, bytes]


class Kept(Protocol):
    """Where the records are (`survival.kept`)."""

    @property
    def size(self) -> int:
        """Bytes of all records since the last turn."""

    def records(self) -> Iterator[bytes]:
        """All records, oldest first."""

    def append(self, record: bytes) -> None:
        """Keep a record of at least one byte. Raises LighthouseError where there is no room."""

    def turn(self) -> None:
        """What comes is kept apart from what is there, until `drop_old`."""

    def drop_old(self) -> None:
        """What was there before the last turn no longer counts."""

    def rewrite(self, records: Iterable[bytes]) -> None:
        """Keep these and no others. Raises LighthouseError where there is no room."""


class Entered(msgspec.Struct, frozen=True, array_like=True, tag="e"):
    """An entry of the journal: events and blocks that become durable together."""

    serial: int
    drafts: tuple[Draft, ...]
    blocks: tuple[Block, ...]


class Committed(msgspec.Struct, frozen=True, array_like=True, tag="c"):
    """The store has all entries up to this one."""

    serial: int


class Written(msgspec.Struct, frozen=True, array_like=True, tag="w"):
    """A write at an offset."""

    ino: int
    author: tuple[str, str, int, int, int]
    time: int
    offset: int
    content: bytes


class Truncated(msgspec.Struct, frozen=True, array_like=True, tag="t"):
    """The size was set."""

    ino: int
    author: tuple[str, str, int, int, int]
    time: int
    size: int


class Sealing(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """A version is being made of what was written before: the next ``file.written`` of this inode has it."""

    ino: int


Write = Written | Truncated
Record = Entered | Committed | Written | Truncated | Sealing
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode


class Unstored:
    """Takes note of changes as they are made and as they become durable, once `begin` was called."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self._serial = 0
        self._noting = False
        self._dropped = trio.lowlevel.ParkingLot()
        self.wanted = trio.Event()
        """Set when everything is to be made durable."""

    def begin(self) -> None:
        """All that was kept before is durable: note what comes."""
        self.kept.rewrite(())
        self._noting = True

    def entered(self, drafts: tuple[Draft, ...], blocks: tuple[Block, ...]) -> None:
        """The journal took an entry."""
        self._serial += 1
        self._add(Entered(self._serial, drafts, blocks))

    def committed(self, count: int) -> None:
        """The store has this many entries, of all that were entered."""
        self._add(Committed(count))

    def written(self, ino: int, offset: int, content: bytes, author: Author, time: int) -> None:
        """A write was done."""
        self._add(Written(ino, author, time, offset, content))

    def truncated(self, ino: int, size: int, author: Author, time: int) -> None:
        """A size was set."""
        self._add(Truncated(ino, author, time, size))

    def sealing(self, ino: int) -> None:
        """The version that comes next has all that was written until now."""
        self._add(Sealing(ino))

    async def room(self) -> None:
        """Wait while too much is kept."""
        while self.kept.size > FULL_AT and self.wanted.is_set():
            await self._dropped.park()

    def turn(self) -> None:
        """What is kept from now on is kept apart; call before everything is made durable."""
        self.kept.turn()

    def durable(self, everything: bool) -> None:
        """What is from before the turn is in the store. After an overflow notes begin again once `everything` is."""
        self.kept.drop_old()
        self._noting = self._noting or everything
        if self._noting:
            self.wanted = trio.Event()
        self._dropped.unpark_all()

    def _add(self, record: Record) -> None:
        if not self._noting:
            return
        try:
            self.kept.append(_encode(record))
        except LighthouseError as error:
            self._overflow(error)
        if self.kept.size > TURN_AT:
            self.wanted.set()

    def _overflow(self, error: LighthouseError) -> None:
        """Half of it would be worse than nothing: until all is durable, a crash loses what no fsync asked for."""
        log.error("unstored.overflow", error=error.message)
        self._noting = False
        self.kept.rewrite(())
        self.wanted.set()


def missing_entries(kept: Kept, newest: Sequence[Event]) -> list[Entered]:
    """Entries that the store does not have: `newest` are its events since the last that was noted as committed."""
    known = set(map(_identity, newest))
    entries: list[Entered] = []
    for record in map(_decode, kept.records()):
        if isinstance(record, Entered):
            entries.append(record)
        elif isinstance(record, Committed):
            entries = [entry for entry in entries if entry.serial > record.serial]
    return [entry for entry in entries if not entry.drafts or any(_identity(one) not in known for one in entry.drafts)]


def missing_writes(kept: Kept) -> list[Write]:
    """Writes that no version has, oldest first."""
    writes: dict[int, list[tuple[int, Write]]] = {}
    sealing: dict[int, int] = {}
    for position, record in enumerate(map(_decode, kept.records())):
        if isinstance(record, Written | Truncated):
            writes.setdefault(record.ino, []).append((position, record))
        elif isinstance(record, Sealing):
            sealing[record.ino] = position
        elif isinstance(record, Entered):
            for ino, until in _versions(record, sealing, position):
                writes[ino] = [write for write in writes.get(ino, ()) if write[0] > until]
    return [write for _, write in sorted((each for one in writes.values() for each in one), key=lambda each: each[0])]


def last_acts(kept: Kept) -> dict[int, Change]:
    """What each process changed last, where that was names: its request may have been done and not answered."""
    acts: dict[int, Change] = {}
    for record in map(_decode, kept.records()):
        if isinstance(record, Written | Truncated):
            acts.pop(record.author[4], None)
        elif isinstance(record, Entered):
            for draft in record.drafts:
                if draft.type != "file.written":
                    acts[draft.pid] = decode_change(draft.payload)
    return acts


def _versions(entry: Entered, sealing: dict[int, int], position: int) -> Iterator[tuple[int, int]]:
    """Inodes that an entry has versions of, each with the position until which these have its writes."""
    for draft in entry.drafts:
        if draft.type not in ("file.written", "tree.undone"):
            continue
        for ino, _ in decode_change(draft.payload).inodes:
            yield ino, position if draft.type == "tree.undone" else sealing.get(ino, -1)


def _identity(event: Draft | Event) -> tuple[str, str, bytes, int]:
    return event.stream, event.type, bytes(event.payload), event.pid

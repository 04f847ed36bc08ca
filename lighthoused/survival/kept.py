"""Records in memory that outlives the process: what one process appended, the next one reads.

A memfd of two halves. `turn` goes on in the other half, `drop_old` empties the one before, each with a single store: a
process that dies anywhere leaves all records that count. Must not know what the records mean.
"""

import mmap
import os
import struct
from collections.abc import Iterable, Iterator

from lighthoused.core.errors import LighthouseError

HALF = 256 * 1024 * 1024
"""Bytes of address space of each half; memory is used as records come."""
_OFFSET = struct.Struct("<Q")
_LENGTH = struct.Struct("<I")
_OLDEST, _NEWEST, _FIRST = 0, _OFFSET.size, mmap.PAGESIZE


class KeptFull(LighthouseError):
    """There is no room for a further record."""

    code = "kept_full"


class KeptLog:
    """Layout: a page with the offsets of the oldest and newest half in use, then two halves of ``length | record``."""

    def __init__(self, descriptor: int) -> None:
        os.ftruncate(descriptor, _FIRST + 2 * HALF)
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _FIRST + 2 * HALF)
        self._oldest = _OFFSET.unpack_from(self._memory, _OLDEST)[0] or _FIRST
        self._newest = _OFFSET.unpack_from(self._memory, _NEWEST)[0] or _FIRST
        self._end = self._newest
        for record in self._half(self._newest):
            self._end += _LENGTH.size + len(record)

    @classmethod
    def create(cls, name: str) -> "KeptLog":
        """An empty one in a new memfd."""
        return cls(os.memfd_create(name, os.MFD_CLOEXEC))

    @property
    def size(self) -> int:
        """Bytes of all records since the last turn."""
        return self._end - self._newest

    @property
    def has_turned(self) -> bool:
        """Whether the old half still counts."""
        return self._oldest != self._newest

    def records(self) -> Iterator[bytes]:
        """All records, oldest first."""
        yield from self._half(self._oldest)
        if self.has_turned:
            yield from self._half(self._newest)

    def append(self, record: bytes) -> None:
        """Add a record of at least one byte: its length is stored last, so that it counts once it is whole.

        Raises KeptFull.
        """
        body = self._end + _LENGTH.size
        if body + len(record) + _LENGTH.size > self._newest + HALF:
            raise KeptFull(f"There is no room for a record of {len(record)} bytes.")
        self._memory[body : body + len(record)] = record
        _LENGTH.pack_into(self._memory, self._end, len(record))
        self._end = body + len(record)

    def turn(self) -> None:
        """Go on in the other half, which must have been dropped."""
        assert not self.has_turned
        self._newest = self._end = _FIRST + HALF if self._oldest == _FIRST else _FIRST
        _OFFSET.pack_into(self._memory, _NEWEST, self._newest)

    def drop_old(self) -> None:
        """What was before the last turn no longer counts."""
        if not self.has_turned:
            return
        old, self._oldest = self._oldest, self._newest
        _OFFSET.pack_into(self._memory, _OLDEST, self._oldest)
        self._memory.madvise(mmap.MADV_REMOVE, old, HALF)

    def rewrite(self, records: Iterable[bytes]) -> None:
        """Have these records and no others; whoever dies in between leaves old and new ones. Raises KeptFull."""
        self.drop_old()
        self.turn()
        for record in records:
            self.append(record)
        self.drop_old()

    def _half(self, start: int) -> Iterator[bytes]:
        offset = start
        while offset + _LENGTH.size <= start + HALF:
            (length,) = _LENGTH.unpack_from(self._memory, offset)
            if not length:
                return
            offset += _LENGTH.size
            yield self._memory[offset : offset + length]
            offset += length

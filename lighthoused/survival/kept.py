"""Records in memory that outlives the process: what one process appended, the next one reads.

A memfd of two halves: records are appended to one; `rewrite` puts what still counts into the other and makes that the
one that counts, with a single store. A process that dies in between leaves what was there before. Must not know what
the records mean.
"""

import mmap
import os
import struct
from collections.abc import Iterable, Iterator

from lighthoused.core.errors import LighthouseError

HALF = 128 * 1024 * 1024
"""Bytes of address space of each half; memory is used as records come."""
_START = struct.Struct("<Q")
_LENGTH = struct.Struct("<I")
_FIRST = mmap.PAGESIZE


class KeptFull(LighthouseError):
    """There is no room for a further record."""

    code = "kept_full"


class KeptLog:
    """Layout: a page with the offset of the half in force (8 bytes), then two halves of ``length | record``, ended by 0."""

    def __init__(self, descriptor: int) -> None:
        os.ftruncate(descriptor, _FIRST + 2 * HALF)
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _FIRST + 2 * HALF)
        self._start = _START.unpack_from(self._memory)[0] or _FIRST
        self._end = self._start
        for record in self.records():
            self._end += _LENGTH.size + len(record)

    @classmethod
    def create(cls, name: str) -> "KeptLog":
        """An empty one in a new memfd."""
        return cls(os.memfd_create(name, os.MFD_CLOEXEC))

    @property
    def size(self) -> int:
        """Bytes of all records since the last rewrite."""
        return self._end - self._start

    def records(self) -> Iterator[bytes]:
        """All records, oldest first."""
        offset = self._start
        while offset + _LENGTH.size <= self._start + HALF:
            (length,) = _LENGTH.unpack_from(self._memory, offset)
            if not length:
                return
            offset += _LENGTH.size
            yield self._memory[offset : offset + length]
            offset += length

    def append(self, record: bytes) -> None:
        """Add a record of at least one byte. Raises KeptFull."""
        self._end = self._put(self._start, self._end, record)

    def rewrite(self, records: Iterable[bytes]) -> None:
        """Have these records and no others. Raises KeptFull; then the old ones stay."""
        before = self._start
        start = _FIRST + HALF if before == _FIRST else _FIRST
        self._memory.madvise(mmap.MADV_REMOVE, start, HALF)
        end = start
        for record in records:
            end = self._put(start, end, record)
        _START.pack_into(self._memory, 0, start)
        self._start, self._end = start, end
        self._memory.madvise(mmap.MADV_REMOVE, before, HALF)

    def _put(self, start: int, end: int, record: bytes) -> int:
        """The length is stored last: a record counts once it is whole."""
        body = end + _LENGTH.size
        if body + len(record) + _LENGTH.size > start + HALF:
            raise KeptFull(f"There is no room for a record of {len(record)} bytes.")
        self._memory[body : body + len(record)] = record
        _LENGTH.pack_into(self._memory, end, len(record))
        return body + len(record)

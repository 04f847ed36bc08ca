"""The LMDB environment: opened, read in short transactions, written by one thread, grown by itself."""

import contextlib
import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import lmdb

from lighthoused.core.errors import Corrupt, LighthouseError, StoreFailed, StoreFull
from lighthoused.store.schema import FORMAT, META, TABLES, Table

DEFAULT_MAP_SIZE = 1 << 40
MAX_MAP_SIZE = 1 << 46
MAX_READERS = 126
LITTLE_ROOM = 64 * 1024 * 1024
"""Free bytes below which a failed write is put down to a full disk."""
REVIVAL_S = 0.5
"""How long a read waits for a store that is being opened anew."""
NO_ROOM = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT)))


class Environment:
    """One directory, one process. Reading threads share one transaction each, begun anew for every `read`."""

    def __init__(self, directory: Path, map_size: int = DEFAULT_MAP_SIZE, max_size: int = MAX_MAP_SIZE) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._map_size = min(map_size, max_size)
        self._max_size = max_size
        self._gate = _Gate()
        self._bound: list[Callable[[], None]] = []
        self._open_all()

    def bind(self, take_tables: Callable[[], None]) -> None:
        """Call it now, and again whenever tables have other handles than before."""
        self._bound.append(take_tables)
        take_tables()

    def table(self, table: Table) -> Any:
        """lmdb's handle of a table."""
        return self._tables[table.name]

    def read(self) -> "_Read":
        """A read transaction, to be left soon: while it lasts, no page is reused and the map cannot grow."""
        return _Read(self, self._gate)

    def begin_write(self, buffers: bool = False) -> Any:
        """The write transaction; for the writer thread alone. `buffers`: values are given without being copied."""
        return self._env.begin(write=True, buffers=True) if buffers else self._env.begin(write=True)

    def grow(self) -> None:
        """Double the map, once no reader is inside. Raises StoreFull at its greatest size."""
        size = self._env.info()["map_size"]
        if size >= self._max_size:
            raise StoreFull("The store has reached its greatest size.", "Raise [store] max_size, or run gc --keep.")
        with self._gate.alone():
            self._map_size = min(2 * size, self._max_size)
            self._env.set_mapsize(self._map_size)

    def revive(self) -> bool:
        """Open the store anew if LMDB has given it up after a failed write; whether it did. For the writer thread.

        LMDB does so where it cannot tell what of its newest page is on disk, and from then on it also refuses to read.
        Raises what opening a store raises; it can then be tried again.
        """
        try:
            self._env.begin().abort()
        except lmdb.Error:
            with self._gate.alone():
                self._env.close()
                self._open_all()
            return True
        return False

    def begin_read(self) -> Any:
        """lmdb's read transaction, for `read` alone."""
        return self._env.begin()

    def describe(self) -> dict[str, int]:
        """Sizes in bytes and counts, for status and metrics."""
        info, stat = self._env.info(), self._env.stat()
        return {
            "map_size": info["map_size"],
            "used": (info["last_pgno"] + 1) * stat["psize"],
            "readers": self._gate.inside,
        }

    def refusal(self, error: lmdb.Error, what: str) -> LighthouseError:
        """A core error for a failed write: a full disk shows as EIO or a short write too, so room is looked at."""
        disk = os.statvfs(self._env.path())
        if disk.f_bavail * disk.f_frsize < LITTLE_ROOM:
            return StoreFull(f"{what}: the disk is full ({error}).", "Free disk space; the daemon goes on by itself.")
        return translate(error, what)

    def close(self) -> None:
        """No transaction may be open any more."""
        self._env.close()

    def _open_all(self) -> None:
        try:
            self._env = lmdb.open(
                str(self._directory),
                map_size=self._map_size,
                max_dbs=len(TABLES),
                max_readers=MAX_READERS,
                readahead=False,
                writemap=False,
                meminit=False,
                max_spare_txns=8,
            )
            self._tables = {table.name: self._open(table) for table in TABLES}
            self._check_format()
        except lmdb.Error as error:
            raise translate(error, f"The store in {self._directory} could not be opened") from error
        for take_tables in self._bound:
            take_tables()

    def _open(self, table: Table) -> Any:
        fixed = table.sorted_values
        return self._env.open_db(table.name.encode(), dupsort=fixed, dupfixed=fixed)

    def _check_format(self) -> None:
        wanted = str(FORMAT).encode()
        with self._env.begin(write=True, db=self._tables[META.name]) as txn:
            there = txn.get(b"format")
            if there is None:
                txn.put(b"format", wanted)
            elif there != wanted:
                raise Corrupt(
                    f"The store has format {bytes(there)!r}, this lighthoused reads {FORMAT}.",
                    "Use the version that wrote it, or another --state.",
                )


class _Gate:
    """Lets any number of readers in, or one who is alone."""

    def __init__(self) -> None:
        self.inside = 0
        self._lock = threading.Lock()
        self._left = threading.Condition(self._lock)

    def enter(self) -> None:
        with self._lock:
            self.inside += 1

    def leave(self) -> None:
        with self._lock:
            self.inside -= 1
            if not self.inside:
                self._left.notify()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nobody is inside; who comes then waits."""
        with self._left:
            while self.inside:
                self._left.wait()
            yield


class _Read:
    """One read transaction, as a context manager."""

    __slots__ = ("_env", "_gate", "_txn")

    def __init__(self, env: Environment, gate: _Gate) -> None:
        self._env = env
        self._gate = gate

    def __enter__(self) -> Any:
        self._gate.enter()
        try:
            self._txn = self._env.begin_read()
        except lmdb.Error as error:
            self._gate.leave()
            self._txn = self._after(error)
        except BaseException:
            self._gate.leave()
            raise
        return self._txn

    def _after(self, error: lmdb.Error) -> Any:
        """Wait a moment: the writer has met a failure too, and opens the store anew. Raises StoreFailed."""
        until = time.monotonic() + REVIVAL_S
        while time.monotonic() < until:
            time.sleep(0.005)
            self._gate.enter()
            try:
                return self._env.begin_read()
            except lmdb.Error as again:
                self._gate.leave()
                error = again
        raise translate(error, "The store cannot be read")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._txn.abort()
        self._gate.leave()


def translate(error: lmdb.Error, what: str) -> LighthouseError:
    """A core error for an lmdb one."""
    full = isinstance(error, (lmdb.MapFullError, lmdb.DiskError)) or any(text in str(error) for text in NO_ROOM)
    if full:
        return StoreFull(f"{what}: no room left ({error}).", "Free disk space; the daemon goes on by itself.")
    return StoreFailed(f"{what}: {error}.", "See the daemon's log.")

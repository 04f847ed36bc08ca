"""What was equal when, and what is being done about it: a small SQLite database per mirror, kept through kill -9.

table    columns
equal    parent, name (primary key) · inside, outside: inode numbers · entry.Equal as msgpack
intents  token · path · base.Intent as msgpack: a change that was begun, and has not been noted as done
facts    key · value: "root" (identity of the directory), "compared" (a full comparison was completed)
"""

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from lighthoused.mirror.entry import Equal, below, split

SCHEMA = """
CREATE TABLE IF NOT EXISTS equal (parent BLOB, name BLOB, inside INTEGER, outside INTEGER, equal BLOB,
    PRIMARY KEY (parent, name)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS equal_inside ON equal (inside);
CREATE INDEX IF NOT EXISTS equal_outside ON equal (outside);
CREATE TABLE IF NOT EXISTS intents (token TEXT, path BLOB, intent BLOB, PRIMARY KEY (token, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
"""

Note = tuple[bytes, Equal | None]
"""A path and how both sides are now equal (None: neither has it)."""


class Intent(msgspec.Struct, frozen=True, array_like=True):
    """A change begun. Outward: `temporary` is the name beside `path` that takes part, `made` the inode it was made as
    (0: it is to take what is removed). Inward: `temporary` is b"", and the token is the session of the events."""

    path: bytes
    after: Equal | None
    temporary: bytes = b""
    made: int = 0


_encode = msgspec.msgpack.Encoder().encode
_equal = msgspec.msgpack.Decoder(Equal).decode
_intent = msgspec.msgpack.Decoder(Intent).decode


class Base:
    """The database. Calls block and are for worker threads, one at a time.

    Commits survive a kill. A power failure may take back the last ones: then what both sides changed in that moment is
    seen as a conflict, of which both versions are kept.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()

    def rows(self, paths: Iterable[bytes]) -> dict[bytes, Equal]:
        """How these paths were when equal; without those that never were."""
        with self._lock:
            found = {}
            for path in paths:
                row = self._db.execute("SELECT equal FROM equal WHERE parent=? AND name=?", split(path)).fetchone()
                if row is not None:
                    found[path] = _equal(row[0])
            return found

    def names(self, path: bytes) -> list[bytes]:
        """Entries of a directory."""
        with self._lock:
            return [row[0] for row in self._db.execute("SELECT name FROM equal WHERE parent=?", (path,))]

    def paths_of(self, side: str, inodes: Sequence[int]) -> list[bytes]:
        """The paths of inodes, `side` being "inside" or "outside"."""
        query = f"SELECT parent, name FROM equal WHERE {'inside' if side == 'inside' else 'outside'}=? LIMIT 1000"
        with self._lock:
            return [below(*row) for ino in inodes for row in self._db.execute(query, (ino,))]

    def begin(self, token: str, intents: Sequence[Intent]) -> None:
        """Durably say what is about to be done."""
        rows = [(token, intent.path, _encode(intent)) for intent in intents]
        self._write("INSERT OR REPLACE INTO intents VALUES (?, ?, ?)", rows, ())

    def note(self, notes: Sequence[Note], token: str = "") -> None:
        """Durably say how paths are now, and that what the token stands for is done."""
        put = [(*split(path), equal.inside, equal.outside, _encode(equal)) for path, equal in notes if equal]
        gone = [split(path) for path, equal in notes if equal is None]
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany("INSERT OR REPLACE INTO equal VALUES (?, ?, ?, ?, ?)", put)
                self._db.executemany("DELETE FROM equal WHERE parent=? AND name=?", gone)
                if token:
                    self._db.execute("DELETE FROM intents WHERE token=?", (token,))
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

    def intents(self) -> list[tuple[str, Intent]]:
        """Changes begun and not noted as done."""
        with self._lock:
            return [(token, _intent(value)) for token, value in self._db.execute("SELECT token, intent FROM intents")]

    def fact(self, key: str) -> bytes:
        """b"" where it is not known."""
        with self._lock:
            row = self._db.execute("SELECT value FROM facts WHERE key=?", (key,)).fetchone()
            return bytes(row[0]) if row else b""

    def state(self, key: str, value: bytes) -> None:
        """Remember a fact."""
        self._write("INSERT OR REPLACE INTO facts VALUES (?, ?)", [(key, value)], ())

    def forget(self) -> None:
        """Nothing is known to be equal any more."""
        self._write("", (), ("DELETE FROM equal", "DELETE FROM intents", "DELETE FROM facts"))

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]], single: Sequence[str]) -> None:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                if rows:
                    self._db.executemany(statement, rows)
                for one in single:
                    self._db.execute(one)
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

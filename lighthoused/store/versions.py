"""Inode and directory entry versions: what they were at a seq. One seek each, whatever the length of the history."""

from collections.abc import Iterable

from lighthoused.core.inode import Dentry, Found, Inode, decode_dentry, decode_inode, dentry_key, inode_key
from lighthoused.store.environment import Environment
from lighthoused.store.schema import DENTRIES, INODES, NOW, descending, number


class Versions:
    """Reads the tree's tables."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        env.bind(self._take_tables)

    def _take_tables(self) -> None:
        self._inodes = self._env.table(INODES)
        self._dentries = self._env.table(DENTRIES)

    def inode(self, ino: int, at: int = NOW) -> Inode | None:
        """The inode's version at a seq (a removed one has nlink 0); None if it did not exist yet."""
        prefix = inode_key(ino)
        with self._env.read() as txn, txn.cursor(db=self._inodes) as cursor:
            if cursor.set_range(prefix + descending(at)) and cursor.key()[:8] == prefix:
                return decode_inode(cursor.value())
        return None

    def inodes(self, inos: Iterable[int]) -> list[Inode | None]:
        """The newest versions of many inodes."""
        found: list[Inode | None] = []
        with self._env.read() as txn, txn.cursor(db=self._inodes) as cursor:
            for ino in inos:
                prefix = inode_key(ino)
                there = cursor.set_range(prefix) and cursor.key().startswith(prefix)
                found.append(decode_inode(cursor.value()) if there else None)
        return found

    def dentry(self, parent: int, name: bytes, at: int = NOW) -> Dentry | None:
        """What a name stood for at a seq; None if it was not there."""
        prefix = dentry_key(parent, name)
        with self._env.read() as txn, txn.cursor(db=self._dentries) as cursor:
            if cursor.set_range(prefix + descending(at)) and cursor.key()[:-8] == prefix:
                entry = decode_dentry(cursor.value())
                return entry if entry.ino else None
        return None

    def entries(self, parent: int, at: int = NOW, after: bytes = b"", limit: int = 4096) -> list[Found]:
        """Up to `limit` entries of a directory at a seq, in byte order, from after a name on."""
        found: list[Found] = []
        prefix = inode_key(parent)
        moment = descending(at)
        with self._env.read() as txn, txn.cursor(db=self._dentries) as cursor:
            there = cursor.set_range(prefix + after + b"\1" if after else prefix)
            key = cursor.key()
            while there and key.startswith(prefix) and len(found) < limit:
                name = key[:-8]
                if key[-8:] < moment:
                    there = cursor.set_range(name + moment)
                    key = cursor.key()
                    if not key.startswith(name):
                        continue
                entry = decode_dentry(cursor.value())
                if entry.ino:
                    found.append(Found(name[8:-1], entry.ino, entry.kind))
                there = cursor.next()
                key = cursor.key()
                if key.startswith(name):
                    there = cursor.set_range(name[:-1] + b"\1")
                    key = cursor.key()
        return found

    def inode_versions(self, ino: int, since: int = 0, until: int = NOW, limit: int = NOW) -> list[tuple[int, Inode]]:
        """(seq, version) of up to `limit` versions of an inode with `since` <= seq <= `until`, newest first."""
        found: list[tuple[int, Inode]] = []
        prefix = inode_key(ino)
        with self._env.read() as txn, txn.cursor(db=self._inodes) as cursor:
            there = cursor.set_range(prefix + descending(until))
            while there and len(found) < limit and cursor.key()[:8] == prefix:
                seq = NOW - number(cursor.key()[8:])
                if seq < since:
                    break
                found.append((seq, decode_inode(cursor.value())))
                there = cursor.next()
        return found

    def highest_ino(self) -> int:
        """The highest inode number ever used, 0 if none."""
        with self._env.read() as txn, txn.cursor(db=self._inodes) as cursor:
            return number(cursor.key()[:8]) if cursor.last() else 0

"""Inode and directory entry versions: what they were at a seq. One seek each, whatever the length of the history."""

from lighthoused.core.inode import Dentry, Inode, decode_dentry, decode_inode, dentry_key, inode_key
from lighthoused.store.environment import Environment
from lighthoused.store.schema import DENTRIES, INODES, NOW, descending, number


class Versions:
    """Reads the tree's tables."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._inodes = env.table(INODES)
        self._dentries = env.table(DENTRIES)

    def inode(self, ino: int, at: int = NOW) -> Inode | None:
        """The inode's version at a seq (a removed one has nlink 0); None if it did not exist yet."""
        prefix = inode_key(ino)
        with self._env.read() as txn, txn.cursor(db=self._inodes) as cursor:
            if cursor.set_range(prefix + descending(at)) and cursor.key()[:8] == prefix:
                return decode_inode(cursor.value())
        return None

    def dentry(self, parent: int, name: bytes, at: int = NOW) -> Dentry | None:
        """What a name stood for at a seq; None if it was not there."""
        prefix = dentry_key(parent, name)
        with self._env.read() as txn, txn.cursor(db=self._dentries) as cursor:
            if cursor.set_range(prefix + descending(at)) and cursor.key()[:-8] == prefix:
                entry = decode_dentry(cursor.value())
                return entry if entry.ino else None
        return None

    def entries(self, parent: int, at: int = NOW, after: bytes = b"", limit: int = 4096) -> list[tuple[bytes, Dentry]]:
        """Up to `limit` entries of a directory at a seq, in byte order, from after a name on."""
        found: list[tuple[bytes, Dentry]] = []
        prefix = inode_key(parent)
        moment = descending(at)
        with self._env.read() as txn, txn.cursor(db=self._dentries) as cursor:
            there = cursor.set_range(prefix + after + b"\1" if after else prefix)
            while there and len(found) < limit:
                key = cursor.key()
                if key[:8] != prefix:
                    break
                name = key[8:-9]
                if key[-8:] < moment:
                    there = cursor.set_range(key[:-8] + moment)
                    if not there or cursor.key()[:-8] != key[:-8]:
                        continue
                entry = decode_dentry(cursor.value())
                if entry.ino:
                    found.append((name, entry))
                there = cursor.set_range(key[:-9] + b"\1")
        return found

    def inode_versions(self, ino: int, since: int = 0, until: int = NOW) -> list[tuple[int, Inode]]:
        """(seq, version) of an inode with `since` <= seq <= `until`, newest first."""
        found = []
        prefix = inode_key(ino)
        with self._env.read() as txn, txn.cursor(db=self._inodes) as cursor:
            there = cursor.set_range(prefix + descending(until))
            while there and cursor.key()[:8] == prefix:
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

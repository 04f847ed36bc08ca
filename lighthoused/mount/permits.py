"""Holds agents to their rights on paths: EACCES, and an event that says so.

A file is called by its newest link, in the past by what it was called then. A directory is moved only if all that is in
it may be written where it is and where it goes, else moving it would lift what its paths are limited to.
"""

import errno
import time
from collections.abc import Callable

from cachetools import LRUCache

from lighthoused.core import names
from lighthoused.core.author import Author
from lighthoused.core.inode import Inode
from lighthoused.identity.rights import READ, WRITE, Rights
from lighthoused.mount.moment import Past
from lighthoused.tree.refusal import existing, refuse
from lighthoused.tree.tree import Tree

REPORTED_PER_S = 10
"""Refusals per second of one agent that become events."""
MAX_MOVED = 5_000
"""Entries below a directory that are looked at before a limited agent may move it."""
MAX_DEPTH = 4096

Report = Callable[[str, dict[str, object], Author], None]


class Permits:
    """Checks of operations; every one raises OSError EACCES."""

    def __init__(self, rights: Rights, tree: Tree, report: Report) -> None:
        self._rights = rights
        self._tree = tree
        self._report = report
        self._reported: LRUCache[tuple[int, str], int] = LRUCache(1000)

    def inode(self, author: Author, ino: int, need: int) -> None:
        """An inode of `current/`."""
        if self._rights.limits(author.agent):
            self._check(author, self._tree.live.path(existing(self._tree.live, ino)), need)

    def entry(self, author: Author, parent: int, name: bytes) -> None:
        """Making or removing a name."""
        if self._rights.limits(author.agent):
            self._check(author, self._path(parent, name), WRITE)

    def move(self, author: Author, old_parent: int, old: bytes, new_parent: int, new: bytes) -> None:
        """A rename, with all that is below."""
        if not self._rights.limits(author.agent):
            return
        before, after = self._path(old_parent, old), self._path(new_parent, new)
        for parent, name, here, there in ((old_parent, old, before, after), (new_parent, new, after, before)):
            self._check(author, here, WRITE)
            entry = self._tree.reading.entry(parent, name)
            if entry is not None:
                self._check_below(author, entry.ino, here, there)

    def past(self, author: Author, node: Past) -> None:
        """Reading an inode as it was."""
        if self._rights.limits(author.agent):
            self._check(author, self._past_path(node), READ)

    def _path(self, parent: int, name: bytes) -> bytes:
        return self._tree.live.child_path(existing(self._tree.live, parent), name)

    def _past_path(self, node: Past) -> bytes:
        parts = []
        inode: object = node.attributes()
        for _ in range(MAX_DEPTH):
            if not isinstance(inode, Inode):
                break
            parts.append(inode.name)
            if not inode.parent:
                break
            inode = self._tree.reading.inode(inode.parent, node.at)
        return b"/".join(reversed(parts))

    def _check_below(self, author: Author, ino: int, here: bytes, there: bytes) -> None:
        todo = [(ino, b"")]
        looked = 0
        while todo:
            directory, within = todo.pop()
            for found in self._tree.reading.entries(directory):
                path = within + b"/" + found.name
                looked += 1
                if looked > MAX_MOVED:
                    self._refused(author, here, WRITE)
                self._check(author, here + path, WRITE)
                self._check(author, there + path, WRITE)
                todo.append((found.ino, path))

    def _check(self, author: Author, path: bytes, need: int) -> None:
        if self._rights.access(author.agent, path) < need:
            self._refused(author, path, need)

    def _refused(self, author: Author, path: bytes, need: int) -> None:
        key = (int(time.monotonic()), author.agent)
        count = self._reported[key] = self._reported.get(key, 0) + 1
        if count <= REPORTED_PER_S:
            wanted = "write" if need == WRITE else "read"
            self._report("security.refused", {"path": names.shown(path), "access": wanted}, author)
        raise refuse(errno.EACCES)

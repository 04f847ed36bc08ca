"""Names and what they stand for: create, link, rename, unlink. rename(2), unlink(2), link(2), mkdir(2)."""

import errno
import stat
from itertools import chain

from lighthoused.core.author import Author
from lighthoused.core.inode import Dentry, Inode
from lighthoused.tree.blockmap import Load
from lighthoused.tree.live import Live, Naming
from lighthoused.tree.node import Node
from lighthoused.tree.reading import Reading
from lighthoused.tree.refusal import check_name, directory, existing, refuse

LINK_MAX = 65_000
GONE = Dentry(0)
PLACES_LOOKED_AT = 1000
"""Versions of an inode, the newest, among which another link of it is looked for."""


class Namespace:
    """Changes of the directory tree of `current/`. Callers have waited for `journal.room()`; nothing here awaits."""

    def __init__(self, live: Live, reading: Reading, load: Load) -> None:
        self._live = live
        self._reading = reading
        self._load = load

    def create(
        self, parent_ino: int, name: bytes, mode: int, author: Author, rdev: int = 0, target: bytes = b""
    ) -> Node:
        """Make an inode of the kind that `mode`'s S_IFMT bits say. Raises OSError EEXIST, EMLINK."""
        check_name(name)
        parent = directory(self._live, parent_ino)
        if self._reading.entry(parent_ino, name) is not None:
            raise refuse(errno.EEXIST)
        is_dir = stat.S_ISDIR(mode)
        if is_dir and parent.nlink >= LINK_MAX:
            raise refuse(errno.EMLINK)
        now = self._live.clock()
        gid = author.gid
        if parent.mode & stat.S_ISGID:
            gid = parent.gid
            mode |= stat.S_ISGID if is_dir else 0
        inode = Inode(
            mode=mode,
            uid=author.uid,
            gid=gid,
            nlink=2 if is_dir else 1,
            size=len(target),
            mtime=now,
            ctime=now,
            atime=now,
            btime=now,
            rdev=rdev,
            target=target,
            parent=parent_ino,
            name=name,
        )
        node = Node(self._live.allocate_ino(), inode, self._load)
        self._live.adopt(node)
        parent.nlink += is_dir
        parent.mtime = parent.ctime = now
        path = self._live.child_path(parent, name)
        naming = (parent_ino, name, Dentry(node.ino, stat.S_IFMT(mode)))
        self._live.record(_CREATED.get(stat.S_IFMT(mode), "node.created"), author, path, (node, parent), (naming,))
        return node

    def link(self, ino: int, parent_ino: int, name: bytes, author: Author) -> Node:
        """Give an inode another name. Raises OSError EPERM for directories, EMLINK, EEXIST."""
        check_name(name)
        node = existing(self._live, ino)
        parent = directory(self._live, parent_ino)
        if node.is_dir:
            raise refuse(errno.EPERM)
        if not node.nlink:
            raise refuse(errno.ENOENT)
        if node.nlink >= LINK_MAX:
            raise refuse(errno.EMLINK)
        if self._reading.entry(parent_ino, name) is not None:
            raise refuse(errno.EEXIST)
        now = self._live.clock()
        before = self._live.path(node)
        node.nlink += 1
        node.ctime = parent.mtime = parent.ctime = now
        node.places.append((node.parent, node.name))
        node.parent, node.name = parent_ino, name
        naming = (parent_ino, name, Dentry(ino, stat.S_IFMT(node.mode)))
        path = self._live.child_path(parent, name)
        self._live.record("link.created", author, path, (node, parent), (naming,), also=(before,))
        return node

    def unlink(self, parent_ino: int, name: bytes, author: Author) -> Node:
        """Remove a name that is not a directory's. Raises OSError ENOENT, EISDIR."""
        parent = existing(self._live, parent_ino)
        node = self._named(parent_ino, name)
        if node.is_dir:
            raise refuse(errno.EISDIR)
        now = self._live.clock()
        path = self._live.child_path(parent, name)
        node.nlink -= 1
        self._call_otherwise(node, (parent_ino, name))
        node.ctime = parent.mtime = parent.ctime = now
        self._live.record("entry.removed", author, path, (node, parent), ((parent_ino, name, GONE),))
        return node

    def rmdir(self, parent_ino: int, name: bytes, author: Author) -> Node:
        """Remove an empty directory. Raises OSError ENOENT, ENOTDIR, ENOTEMPTY."""
        parent = existing(self._live, parent_ino)
        node = self._named(parent_ino, name)
        if not node.is_dir:
            raise refuse(errno.ENOTDIR)
        if not self._reading.is_empty(node.ino):
            raise refuse(errno.ENOTEMPTY)
        now = self._live.clock()
        path = self._live.child_path(parent, name)
        node.nlink = 0
        parent.nlink -= 1
        node.ctime = parent.mtime = parent.ctime = now
        self._live.record("directory.removed", author, path, (node, parent), ((parent_ino, name, GONE),))
        self._live.forget_paths()
        return node

    def rename(
        self, old_parent: int, old: bytes, new_parent: int, new: bytes, author: Author, exclusive: bool = False
    ) -> Node | None:
        """Move a name, replacing what is there unless `exclusive`; the node that was replaced, if any.

        Raises OSError ENOENT, EEXIST, EISDIR, ENOTDIR, ENOTEMPTY, EINVAL (into itself), EMLINK.
        """
        check_name(new)
        source = existing(self._live, old_parent)
        dest = directory(self._live, new_parent)
        node = self._named(old_parent, old)
        replaced = self._replaceable(node, new_parent, new, exclusive)
        if replaced is node:
            return None
        if node.is_dir and old_parent != new_parent:
            self._check_not_inside(node, new_parent)
            if dest.nlink >= LINK_MAX:
                raise refuse(errno.EMLINK)
        now = self._live.clock()
        before = self._live.child_path(source, old)
        after = self._live.child_path(dest, new)
        if replaced is not None:
            replaced.nlink = 0 if replaced.is_dir else replaced.nlink - 1
            self._call_otherwise(replaced, (new_parent, new))
            replaced.ctime = now
            dest.nlink -= replaced.is_dir
        source.nlink -= node.is_dir
        dest.nlink += node.is_dir
        node.parent, node.name = new_parent, new
        for changed in (source, dest):
            changed.mtime = changed.ctime = now
        node.ctime = now
        nodes = _distinct(node, source, dest, replaced)
        namings: tuple[Naming, ...] = (
            (old_parent, old, GONE),
            (new_parent, new, Dentry(node.ino, stat.S_IFMT(node.mode))),
        )
        if node.is_dir:
            self._live.forget_paths()
        self._live.record("entry.renamed", author, after, nodes, namings, also=(before,))
        return replaced

    def exchange(self, old_parent: int, old: bytes, new_parent: int, new: bytes, author: Author) -> None:
        """Swap what two names stand for (RENAME_EXCHANGE). Raises OSError ENOENT, EINVAL."""
        source = existing(self._live, old_parent)
        dest = existing(self._live, new_parent)
        first = self._named(old_parent, old)
        second = self._named(new_parent, new)
        if first is second:
            return
        if first.is_dir:
            self._check_not_inside(first, new_parent)
        if second.is_dir:
            self._check_not_inside(second, old_parent)
        now = self._live.clock()
        before = self._live.child_path(source, old)
        after = self._live.child_path(dest, new)
        moved = second.is_dir - first.is_dir
        source.nlink += moved
        dest.nlink -= moved
        first.parent, first.name, second.parent, second.name = new_parent, new, old_parent, old
        nodes = _distinct(first, second, source, dest)
        for changed in nodes:
            changed.ctime = now
        source.mtime = dest.mtime = now
        namings = (
            (old_parent, old, Dentry(second.ino, stat.S_IFMT(second.mode))),
            (new_parent, new, Dentry(first.ino, stat.S_IFMT(first.mode))),
        )
        self._live.forget_paths()
        self._live.record("entries.exchanged", author, after, nodes, namings, also=(before,))

    def _named(self, parent: int, name: bytes) -> Node:
        if len(name) > 255:
            raise refuse(errno.ENAMETOOLONG)
        entry = self._reading.entry(parent, name)
        if entry is None:
            raise refuse(errno.ENOENT)
        return existing(self._live, entry.ino)

    def _call_otherwise(self, node: Node, removed: tuple[int, bytes]) -> None:
        """Let a file be called by another of its links, where the newest is removed.

        Each of them was the newest once, so it stands in a version of the inode, or in what is not stored yet.
        """
        if not node.nlink or (node.parent, node.name) != removed:
            return
        stored = ((inode.parent, inode.name) for inode in self._reading.recent(node.ino, PLACES_LOOKED_AT))
        for place in chain(reversed(node.places), stored):
            entry = self._reading.entry(*place) if place != removed else None
            if entry is not None and entry.ino == node.ino:
                node.parent, node.name = place
                return

    def _replaceable(self, node: Node, parent: int, name: bytes, exclusive: bool) -> Node | None:
        entry = self._reading.entry(parent, name)
        if entry is None:
            return None
        if exclusive:
            raise refuse(errno.EEXIST)
        there = existing(self._live, entry.ino)
        if there.is_dir and not node.is_dir:
            raise refuse(errno.EISDIR)
        if node.is_dir and not there.is_dir:
            raise refuse(errno.ENOTDIR)
        if there is not node and there.is_dir and not self._reading.is_empty(there.ino):
            raise refuse(errno.ENOTEMPTY)
        return there

    def _check_not_inside(self, node: Node, directory_ino: int) -> None:
        ino = directory_ino
        while ino:
            if ino == node.ino:
                raise refuse(errno.EINVAL)
            ino = existing(self._live, ino).parent


_CREATED = {
    stat.S_IFREG: "file.created",
    stat.S_IFDIR: "directory.created",
    stat.S_IFLNK: "symlink.created",
}


def _distinct(*nodes: Node | None) -> tuple[Node, ...]:
    return tuple({node.ino: node for node in nodes if node is not None}.values())

"""The project's side of a mirror: what `current/` holds at a path, and changes from outside made there, one event each.

Between looking whether the tree still is as it was seen and changing it, nothing waits.
"""

import errno
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec
from blake3 import blake3

from lighthoused.core.author import Author
from lighthoused.core.inode import Dentry, Inode
from lighthoused.mirror.entry import MIRRORED, Entry, Equal, Seen, split
from lighthoused.mirror.outside import PIECE, Changed
from lighthoused.protocol.messages.projects import Project
from lighthoused.store.blocks import encode
from lighthoused.tree.blockmap import BlockMap, Sealed
from lighthoused.tree.live import Changed as Change
from lighthoused.tree.live import Naming
from lighthoused.tree.node import Node
from lighthoused.tree.refusal import directory, refuse
from lighthoused.tree.tree import Tree

StoredBlock = tuple[bytes, bytes, bytes]
"""Hash, stored form and content."""
CREATED = {stat.S_IFREG: "file.created", stat.S_IFDIR: "directory.created", stat.S_IFLNK: "symlink.created"}


class State(NamedTuple):
    """A path of the project now: the inode's number and its newest version."""

    ino: int
    inode: Inode

    @property
    def mark(self) -> bytes:
        one = self.inode
        facts = (self.ino, one.mode, one.uid, one.gid, one.size, one.mtime, one.mapped, one.content, one.target)
        return blake3(msgspec.msgpack.encode(facts)).digest(16)


class Content(NamedTuple):
    """A file's content on its way in."""

    size: int
    sealed: Sealed
    blocks: list[StoredBlock]


class Inside:
    """One project's tree. `owners`: whether they count."""

    def __init__(self, tree: Tree, project: Project, owners: bool) -> None:
        self._tree = tree
        self._project = project
        self._owners = owners
        self.changed: list[int] = []
        """Inodes, and `renamed` names, that the kernel must be told to forget."""
        self.renamed: list[tuple[int, bytes]] = []

    async def settled(self, path: bytes) -> State | None:
        """What is there, content included."""
        ino = self._tree.reading.walk(self._project.root, path)
        node = self._tree.live.node(ino) if ino is not None else None
        if node is not None and (node.is_dirty or node.sealing):
            await self._tree.files.seal(node)
        return self.state(path)

    def state(self, path: bytes) -> State | None:
        """What is there, as of its last version."""
        ino = self._tree.reading.walk(self._project.root, path)
        node = self._tree.live.node(ino) if ino is not None else None
        return State(node.ino, node.record()) if node is not None and node.nlink else None

    def names(self, path: bytes) -> list[bytes]:
        """Entries of a directory; none where it is not one."""
        state = self.state(path)
        if state is None or not state.inode.is_dir:
            return []
        return [found.name for found in self._tree.reading.entries(state.ino)]

    def seen(self, state: State | None, equal: Equal | None) -> Seen | None:
        """The state with its digest; reads the content where it is not as it was. May be called in any thread."""
        if state is None:
            return None
        if equal is not None and equal.inside_mark == state.mark:
            return Seen(equal.entry, state.ino, state.mark)
        return Seen(self._entry(state.inode), state.ino, state.mark)

    def read(self, inode: Inode) -> Callable[[int, int], bytes]:
        """Reads a version's content. May be called in any thread."""
        return lambda offset, size: self._tree.reading.read(inode, offset, size)

    def put(
        self,
        path: bytes,
        expected: State | None,
        inode: Inode,
        content: Content | None,
        author: Author,
        apart: bool = False,
    ) -> State:
        """Let this be at `path`: a new version of the inode there, a new inode if the kind differs or if `apart`.

        Raises Changed where the path is not as expected any more, OSError for a directory that is not there.
        """
        parent, name = self._parent(path)
        self._check(path, expected)
        if content is not None:
            inode = msgspec.structs.replace(
                inode, size=content.size, content=content.sealed.content, mapped=content.sealed.mapped
            )
        blocks = content.blocks if content is not None else []
        same = expected is not None and stat.S_IFMT(expected.inode.mode) == stat.S_IFMT(inode.mode)
        if expected is not None and same and not apart:
            node = self._renewed(expected, inode)
            kind = "file.written" if content is not None else "attributes.changed"
            self._record(kind, author, path, [node], (), blocks)
        else:
            node = self._created(parent, name, path, expected, inode, author, blocks)
        return State(node.ino, node.record())

    def link(self, path: bytes, expected: State | None, ino: int, author: Author) -> State:
        """Let `path` be another name of an inode. Raises as `put` does."""
        parent, name = self._parent(path)
        self._check(path, expected)
        if expected is not None:
            self._remove(parent, name, path, expected, author)
        node = self._tree.namespace.link(ino, parent.ino, name, author)
        self._forget(parent.ino, name, ino)
        return State(ino, node.record())

    def remove(self, path: bytes, expected: State, author: Author) -> bool:
        """Remove a name; False for a directory with something in it. Raises as `put` does."""
        parent, name = self._parent(path)
        self._check(path, expected)
        try:
            self._remove(parent, name, path, expected, author)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            return False
        return True

    def encode(self, pieces: Iterable[bytes]) -> Iterator[tuple[int, list[tuple[int, StoredBlock]]]]:
        """Pieces of content as blocks with their indexes, and how many bytes that were. For a worker thread."""
        index = 0
        for piece in pieces:
            blocks = []
            for start in range(0, len(piece), PIECE // 8):
                part = piece[start : start + PIECE // 8]
                if part.count(0) != len(part):
                    blocks.append((index, (*encode(part), part)))
                index += 1
            yield len(piece), blocks

    def sealed(self, keys: list[tuple[int, bytes]], now: int) -> Sealed:
        """A block map of these hashes."""
        empty = Inode(mode=0, uid=0, gid=0, nlink=0, size=0, mtime=now, ctime=now, atime=now, btime=now)
        blocks = BlockMap(empty, self._tree.load)
        for index, key in keys:
            blocks.set(index, key)
        return blocks.seal()

    def _entry(self, inode: Inode) -> Entry:
        kind, mode = stat.S_IFMT(inode.mode), stat.S_IMODE(inode.mode)
        uid, gid = (inode.uid, inode.gid) if self._owners else (-1, -1)
        if kind not in MIRRORED:
            return Entry(kind, 0, 0, 0)
        if kind == stat.S_IFDIR:
            return Entry(kind, mode, uid, gid)
        if kind == stat.S_IFLNK:
            return Entry(kind, 0o777, uid, gid, len(inode.target), inode.mtime, inode.target)
        digest = blake3()
        for offset in range(0, inode.size, PIECE):
            digest.update(self._tree.reading.read(inode, offset, PIECE))
        return Entry(kind, mode, uid, gid, inode.size, inode.mtime, digest.digest())

    def _check(self, path: bytes, expected: State | None) -> None:
        ino = self._tree.reading.walk(self._project.root, path)
        node = self._tree.live.node(ino) if ino is not None else None
        if node is None or not node.nlink:
            if expected is not None:
                raise Changed
            return
        if expected is None or node.is_dirty or node.sealing or State(node.ino, node.record()).mark != expected.mark:
            raise Changed

    def _parent(self, path: bytes) -> tuple[Node, bytes]:
        parent, name = split(path)
        ino = self._tree.reading.walk(self._project.root, parent)
        if ino is None:
            raise refuse(errno.ENOENT)
        return directory(self._tree.live, ino), name

    def _renewed(self, expected: State, inode: Inode) -> Node:
        node = self._tree.live.node(expected.ino)
        assert node is not None
        was = expected.inode
        version = msgspec.structs.replace(
            was,
            mode=inode.mode,
            uid=inode.uid,
            gid=inode.gid,
            mtime=was.mtime if was.is_dir else inode.mtime,
            ctime=self._tree.clock(),
            size=inode.size,
            content=inode.content,
            mapped=inode.mapped,
            target=inode.target,
        )
        node.reset(version, self._tree.load)
        self.changed.append(node.ino)
        return node

    def _created(
        self,
        parent: Node,
        name: bytes,
        path: bytes,
        expected: State | None,
        inode: Inode,
        author: Author,
        blocks: list[StoredBlock],
    ) -> Node:
        if expected is not None and expected.inode.is_dir:
            self._remove(parent, name, path, expected, author)
            expected = None
        now = self._tree.clock()
        place = msgspec.structs.replace(
            inode, nlink=2 if inode.is_dir else 1, ctime=now, btime=now, parent=parent.ino, name=name, xattrs={}
        )
        node = Node(self._tree.live.allocate_ino(), place, self._tree.load)
        self._tree.live.adopt(node)
        nodes = [node, parent]
        replaced = self._tree.live.node(expected.ino) if expected is not None else None
        if replaced is not None:
            replaced.nlink -= 1
            replaced.ctime = now
            nodes.append(replaced)
        parent.nlink += inode.is_dir
        parent.mtime = parent.ctime = now
        kind = stat.S_IFMT(inode.mode)
        naming = (parent.ino, name, Dentry(node.ino, kind))
        self._record(CREATED[kind], author, path, nodes, (naming,), blocks)
        self._forget(parent.ino, name, replaced.ino if replaced is not None else 0)
        return node

    def _remove(self, parent: Node, name: bytes, path: bytes, expected: State, author: Author) -> None:
        remove = self._tree.namespace.rmdir if expected.inode.is_dir else self._tree.namespace.unlink
        remove(parent.ino, name, author)
        self._forget(parent.ino, name, expected.ino)

    def _record(
        self,
        kind: str,
        author: Author,
        path: bytes,
        nodes: list[Node],
        namings: tuple[Naming, ...],
        blocks: list[StoredBlock],
    ) -> None:
        whole = self._project.name.encode() + b"/" + path
        self._tree.live.record_together(kind, author, (Change((whole,), nodes, namings),), blocks)

    def _forget(self, parent: int, name: bytes, ino: int) -> None:
        self.renamed.append((parent, name))
        self.changed.extend(one for one in (parent, ino) if one)

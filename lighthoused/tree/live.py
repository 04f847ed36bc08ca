"""The overlay of `current/`: nodes and names that are newer than the store, and a bounded cache of nodes that are not.

Every change goes through `record`, which makes the event and pins what it touched until the store has it. Nothing here
waits: between reading and changing the overlay there is no await.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from lighthoused.core import names
from lighthoused.core.author import Author
from lighthoused.core.events import Draft
from lighthoused.core.inode import Change, Dentry, encode_change, rows_of
from lighthoused.tree.blockmap import Load
from lighthoused.tree.journal import Journal
from lighthoused.tree.node import Node

STREAM = "tree/"
NODE_COST = 3500
"""Bytes that a cached node is taken to cost."""

Naming = tuple[int, bytes, Dentry]


class Changed(NamedTuple):
    """What becomes one event: the project paths it is about, nodes in their new state, new directory entries."""

    paths: tuple[bytes, ...]
    nodes: Sequence[Node]
    namings: Sequence[Naming] = ()


class Live:
    """Nodes by inode number and uncommitted names by directory."""

    def __init__(
        self,
        journal: Journal,
        clock: Callable[[], int],
        stored_node: Callable[[int], Node | None],
        first_free_ino: int,
        cache_bytes: int,
    ) -> None:
        self.journal = journal
        self.clock = clock
        self._stored_node = stored_node
        self._nodes: OrderedDict[int, Node] = OrderedDict()
        self._names: dict[int, dict[bytes, tuple[Dentry, int]]] = {}
        self._unstored: dict[bytes, bytes] = {}
        self._paths: dict[int, bytes] = {}
        self._next_ino = first_free_ino
        self._serial = 0
        self._capacity = max(256, cache_bytes // NODE_COST)

    def __len__(self) -> int:
        return len(self._nodes)

    def allocate_ino(self) -> int:
        """An inode number never used before."""
        ino = self._next_ino
        self._next_ino += 1
        return ino

    def node(self, ino: int) -> Node | None:
        """The node, from the overlay or the store; None where there never was one."""
        node = self._nodes.get(ino)
        if node is not None:
            self._nodes.move_to_end(ino)
            return node
        node = self._stored_node(ino)
        if node is not None:
            self.adopt(node)
        return node

    def peek(self, ino: int) -> Node | None:
        """The node if it is in the overlay; does not load it."""
        return self._nodes.get(ino)

    def adopt(self, node: Node) -> None:
        """Keep a node, dropping idle ones while there are too many."""
        self._nodes[node.ino] = node
        if len(self._nodes) > self._capacity:
            self._evict()

    def name(self, parent: int, name: bytes) -> Dentry | None:
        """The uncommitted entry of this name (ino 0: removed), None where the store's is current."""
        pending = self._names.get(parent)
        if pending is None:
            return None
        found = pending.get(name)
        return found[0] if found else None

    def names(self, parent: int) -> dict[bytes, Dentry]:
        """All uncommitted entries of a directory."""
        return {name: entry for name, (entry, _) in self._names.get(parent, {}).items()}

    def block(self, key: bytes) -> bytes | None:
        """Content of a block that the store does not have yet."""
        return self._unstored.get(key)

    def path(self, node: Node) -> bytes:
        """``project/dir/file``, by the newest link; ends at what is left of the way for a removed directory."""
        parent = self._directory_path(node.parent)
        return parent + b"/" + node.name if parent else node.name

    def child_path(self, parent: Node, name: bytes) -> bytes:
        """The path of an entry of a directory."""
        return self._directory_path(parent.ino) + b"/" + name

    def forget_paths(self) -> None:
        """A directory was moved: paths have to be found anew."""
        self._paths.clear()

    def record(
        self,
        kind: str,
        author: Author,
        path: bytes,
        nodes: Sequence[Node],
        namings: Sequence[Naming] = (),
        also: Iterable[bytes] = (),
        blocks: Sequence[tuple[bytes, bytes, bytes]] = (),
    ) -> None:
        """Make an event of the new state of these nodes and names.

        `path` is the project path of what changed, `also` further ones; `blocks` are (hash, stored form, content) of
        content that the nodes now refer to.
        """
        self.record_together(kind, author, (Changed((path, *also), nodes, namings),), blocks)

    def record_together(
        self,
        kind: str,
        author: Author,
        changes: Sequence[Changed],
        blocks: Sequence[tuple[bytes, bytes, bytes]] = (),
    ) -> None:
        """Make an event of each change, all durable at once or not at all."""
        self._serial += 1
        serial = self._serial
        for change in changes:
            for node in change.nodes:
                node.pending += 1
            for parent, name, entry in change.namings:
                self._names.setdefault(parent, {})[name] = (entry, serial)
        for key, _, content in blocks:
            self._unstored[key] = content

        def committed() -> None:
            for change in changes:
                for node in change.nodes:
                    node.pending -= 1
                for parent, name, _ in change.namings:
                    self._settle(parent, name, serial)
            for key, _, _ in blocks:
                self._unstored.pop(key, None)

        drafts = tuple(self._draft(kind, author, change) for change in changes)
        self.journal.record(drafts, committed, tuple((key, stored) for key, stored, _ in blocks))

    def store_blocks(self, blocks: Sequence[tuple[bytes, bytes, bytes]]) -> None:
        """Send content to the store ahead of the version that will refer to it."""
        for key, _, content in blocks:
            self._unstored[key] = content

        def committed() -> None:
            for key, _, _ in blocks:
                self._unstored.pop(key, None)

        self.journal.record((), committed, tuple((key, stored) for key, stored, _ in blocks))

    def loader(self, stored: Load) -> Load:
        """Reads blocks, first those that the store does not have yet."""

        def load(key: bytes) -> bytes:
            content = self._unstored.get(key)
            return stored(key) if content is None else content

        return load

    def _draft(self, kind: str, author: Author, changed: Changed) -> Draft:
        change = Change(tuple((node.ino, node.record()) for node in changed.nodes), tuple(changed.namings))
        return Draft(
            stream=STREAM + names.shown(changed.paths[0].split(b"/", 1)[0]),
            type=kind,
            payload=encode_change(change),
            time=self.clock(),
            agent=author.agent,
            session=author.session,
            uid=author.uid,
            pid=author.pid,
            paths=tuple(map(names.shown, changed.paths)),
            rows=rows_of(change),
        )

    def _settle(self, parent: int, name: bytes, serial: int) -> None:
        pending = self._names.get(parent, {})
        if name in pending and pending[name][1] == serial:
            del pending[name]
            if not pending:
                del self._names[parent]

    def _directory_path(self, ino: int) -> bytes:
        below: list[Node] = []
        while ino and ino not in self._paths:
            node = self.node(ino)
            if node is None:
                break
            below.append(node)
            ino = node.parent
        path = self._paths.get(ino, b"")
        if len(self._paths) > self._capacity:
            self._paths.clear()
        for node in reversed(below):
            path = path + b"/" + node.name if path else node.name
            self._paths[node.ino] = path
        return path

    def _evict(self) -> None:
        for ino in list(self._nodes)[: len(self._nodes) // 8]:
            if self._nodes[ino].is_idle:
                del self._nodes[ino]

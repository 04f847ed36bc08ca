"""fsck: does the store hold together? Log, rows, names, links, sizes and blocks, as of the newest event.

It reads only; `tree.mending` repairs. Meant for a worker thread, beside a daemon at work: what is written meanwhile is
not looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from blake3 import blake3

from lighthoused.core.errors import Corrupt
from lighthoused.core.inode import BLOCK, Inode, decode_dentry, decode_inode
from lighthoused.protocol.messages.upkeep import Fault
from lighthoused.store.blocks import decode
from lighthoused.store.schema import BLOCKS, DENTRIES, INODES, NOW, number
from lighthoused.store.store import Store
from lighthoused.tree.blockmap import BlockMap
from lighthoused.tree.picture import Known, Mended, Picture
from lighthoused.tree.replay import Progress, Replay, Wrong

MAX_FAULTS = 1000
"""Faults of missing blocks that are told; the rest is like them."""


@dataclass(slots=True)
class Findings:
    """What was found, and what `tree.mending` needs to repair it."""

    head: int
    picture: Picture
    faults: list[Fault] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    mended: Mended = field(default_factory=Mended)
    events: int = 0
    blocks: int = 0

    @property
    def mendable(self) -> bool:
        """Whether a repair could mend any of it."""
        return any(fault.remedy for fault in self.faults)


def examine(store: Store, roots: Mapping[int, str], horizon: int, deep: bool, progress: Progress) -> Findings:
    """Check everything. `roots`: the projects' root directories; `horizon`: the seq before which rows may be gone."""
    head = store.log.head().seq
    found = Findings(head, Picture(roots))
    proof = store.verify(lambda done, total: progress("log", done, total))
    found.events = proof.events
    found.faults += [Fault("log", problem) for problem in proof.problems]
    found.wrong = Replay(store.rows, head, horizon, progress).run()
    found.faults += [Fault("row", wrong.message, "it is restored from the log") for wrong in found.wrong]
    content = _Content(store, found)
    _look_at_inodes(store, found, content, progress)
    _look_at_entries(store, found, progress)
    found.faults += content.faults()
    lacks, found.mended = found.picture.check()
    project = found.picture.project
    found.faults += [Fault(lack.kind, lack.message, lack.remedy, project(lack.ino)) for lack in lacks]
    if deep:
        _look_into_blocks(store, found, progress)
    return found


def _look_at_inodes(store: Store, found: Findings, content: "_Content", progress: Progress) -> None:
    inodes = found.picture.inodes
    done = 0
    for page in store.rows.scan(INODES):
        for key, value in page:
            ino, seq = number(key[:8]), NOW - number(key[8:])
            if len(key) != 16 or seq > found.head:
                continue
            try:
                inode = decode_inode(value)
            except ValueError:
                continue
            content.check(ino, seq, inode)
            if ino not in inodes:
                inodes[ino] = Known(seq, inode.mode, inode.nlink, inode.parent, inode.name)
        done += len(page)
        progress("inodes", done, 0)


def _look_at_entries(store: Store, found: Findings, progress: Progress) -> None:
    entries = found.picture.entries
    done = 0
    newest = b""
    for page in store.rows.scan(DENTRIES):
        for key, value in page:
            if NOW - number(key[-8:]) > found.head or key[:-8] == newest:
                continue
            newest = key[:-8]
            try:
                entry = decode_dentry(value)
            except ValueError:
                continue
            if entry.ino:
                entries[number(key[:8]), key[8:-9]] = entry
        done += len(page)
        progress("entries", done, 0)


def _look_into_blocks(store: Store, found: Findings, progress: Progress) -> None:
    done = 0
    wrong = 0
    for page in store.rows.scan(BLOCKS):
        for key, stored in page:
            problem = _problem(key, stored)
            wrong += bool(problem)
            if problem and wrong <= MAX_FAULTS:
                found.faults.append(Fault("block", f"Block {key.hex()} {problem}."))
        done += len(page)
        progress("blocks", done, 0)


def _problem(key: bytes, stored: bytes) -> str:
    """What is wrong with a block, "" if nothing is."""
    try:
        content = decode(stored)
    except Corrupt:
        return "does not decompress"
    if blake3(content).digest() != key:
        return "holds something else"
    return f"has {len(content)} bytes, over {BLOCK}" if len(content) > BLOCK else ""


class _Content:
    """Are the blocks of every version there, and no more of them than its size has room for?"""

    def __init__(self, store: Store, found: Findings) -> None:
        self._store = store
        self._found = found
        self._present: set[bytes] = set()
        self._lacks: list[tuple[int, int, str, str]] = []

    def check(self, ino: int, seq: int, inode: Inode) -> None:
        """Look at one version."""
        if not inode.content or len(self._lacks) == MAX_FAULTS:
            return
        try:
            keys = list(BlockMap(inode, self._store.blocks.get).stored())
        except (Corrupt, ValueError):
            self._lacks.append((ino, seq, "block", "a part of its block map cannot be read"))
            return
        last = keys[-1][0] if keys else -1
        if last >= -(-inode.size // BLOCK) or not inode.is_file:
            self._lacks.append((ino, seq, "size", f"it has {inode.size} bytes, and a block number {last}"))
        for _, key in keys:
            if key not in self._present and not self._store.blocks.has(key):
                self._lacks.append((ino, seq, "block", f"block {key.hex()} is missing"))
                return
            self._present.add(key)
        self._found.blocks = len(self._present)

    def faults(self) -> list[Fault]:
        """What was found, once all inodes are known."""
        picture = self._found.picture
        return [
            Fault(kind, f"{picture.path(ino)} (inode {ino}) as of @{seq}: {what}.", project=picture.project(ino))
            for ino, seq, kind, what in self._lacks
        ]

"""Does the stored tree hold together? Checked on the state directory of a daemon that is not running."""

import stat
from pathlib import Path

import msgspec

from lighthoused.core.inode import BLOCK
from lighthoused.protocol.messages import Filter
from lighthoused.store.store import Store
from lighthoused.tree.blockmap import BlockMap


def problems_of(state: Path) -> list[str]:
    """What is wrong with log and tree, as sentences."""
    store = Store(state)
    try:
        problems = list(store.verify(lambda done, total: None).problems)
        for stored in store.log.query(Filter(stream="projects", type="project.created")).events:
            problems += _tree_problems(store, msgspec.msgpack.decode(stored.event.payload)["root"])
        return problems
    finally:
        store.close()


def _tree_problems(store: Store, root: int) -> list[str]:
    problems = []
    links: dict[int, int] = {}
    subdirectories: dict[int, int] = {root: 0}
    todo = [root]
    while todo:
        parent = todo.pop()
        for entry in store.versions.entries(parent, limit=1_000_000):
            name = entry.name
            inode = store.versions.inode(entry.ino)
            if inode is None or not inode.nlink:
                problems.append(f"{name!r} in {parent} stands for inode {entry.ino}, which is not there.")
                continue
            links[entry.ino] = links.get(entry.ino, 0) + 1
            if stat.S_IFMT(inode.mode) != entry.kind:
                problems.append(f"{name!r} in {parent} has another kind than inode {entry.ino}.")
            if inode.is_dir:
                subdirectories[parent] += 1
                subdirectories[entry.ino] = 0
                todo.append(entry.ino)
    for ino, count in links.items():
        inode = store.versions.inode(ino)
        assert inode is not None
        wanted = 2 + subdirectories[ino] if inode.is_dir else count
        if inode.nlink != wanted:
            problems.append(f"Inode {ino} has {inode.nlink} links, not {wanted}.")
        if inode.is_file:
            blocks = BlockMap(inode, store.blocks.get)
            for index in range(-(-inode.size // BLOCK)):
                key = blocks.get(index)
                if key and len(store.blocks.get(key, verify=True)) > BLOCK:
                    problems.append(f"Inode {ino} has an oversized block.")
    return problems

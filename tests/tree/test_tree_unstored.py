"""A tree whose process ends without storing anything, and the one after it."""

import os
import random
import stat
import time
from collections.abc import Iterator

import pytest
import trio

from lighthoused.core.author import Author
from lighthoused.core.inode import BLOCK
from lighthoused.protocol.messages.log import Filter
from lighthoused.protocol.messages.projects import Project
from lighthoused.store.store import Store
from lighthoused.survival.kept import KeptLog
from lighthoused.tree import unstored as module
from lighthoused.tree.node import Node
from lighthoused.tree.tree import Tree
from lighthoused.tree.unstored import Unstored, last_acts, missing_entries

ALICE = Author("alice", "s", 1000, 1000, 42)
BOB = Author("bob", "s", 1001, 1001, 43)


@pytest.fixture
def kept() -> Iterator[KeptLog]:
    made = KeptLog.create("test")
    yield made
    os.close(made.descriptor)


def picture(tree: Tree, root: int) -> dict[bytes, tuple[int, int, bytes]]:
    """Mode, mtime and content of all below a directory, by path."""
    seen = {}
    for entry in tree.reading.entries(root):
        node = tree.live.node(entry.ino)
        assert node is not None
        if node.is_dir:
            seen |= {entry.name + b"/" + path: what for path, what in picture(tree, node.ino).items()}
        content = tree.reading.read(node, 0, node.size) if node.is_file else b""
        seen[entry.name] = (node.mode, 0 if node.is_dir else node.mtime, content)
    return seen


async def recovered(store: Store, kept: KeptLog, nursery: trio.Nursery) -> Tree:
    unstored = Unstored(kept)
    newest = store.log.query(Filter(), limit=10_000, reverse=True).events
    for entry in missing_entries(kept, [stored.event for stored in newest]):
        await store.append(entry.drafts, entry.blocks)
    tree = Tree(store, time.time_ns, unstored=unstored)
    await nursery.start(tree.run)
    await tree.redo(unstored)
    return tree


async def some_work(tree: Tree, root: int, generator: random.Random, steps: int) -> None:
    nodes: list[Node] = []
    for step in range(steps):
        author = generator.choice((ALICE, BOB))
        match generator.randrange(8):
            case 0 | 1:
                nodes.append(tree.namespace.create(root, b"f%d" % step, stat.S_IFREG | 0o644, author))
            case 2 if nodes:
                await tree.files.truncate(generator.choice(nodes), generator.randrange(3 * BLOCK), author)
            case 3 if nodes:
                await tree.files.seal(generator.choice(nodes))
            case 4 if nodes:
                node = nodes.pop(generator.randrange(len(nodes)))
                tree.namespace.unlink(root, node.name, author)
            case 5 if nodes:
                node = generator.choice(nodes)
                tree.namespace.rename(root, node.name, root, b"r%d" % step, author, False)
            case 6 if generator.random() < 0.3:
                await tree.files.seal_all()
            case _ if nodes:
                node = generator.choice(nodes)
                offset = generator.randrange(4 * BLOCK)
                await tree.files.write(node, offset, generator.randbytes(generator.randrange(1, 5000)), author)


async def at_work(store: Store, kept: KeptLog) -> tuple[Tree, Project]:
    """A tree whose journal nobody empties, with a project: all that is done there is lost, but for what is kept."""
    unstored = Unstored(kept)
    lost = Tree(store, time.time_ns, unstored=unstored)
    unstored.begin()
    return lost, await lost.create_project("p", "", ALICE)


@pytest.mark.parametrize("seed", range(12))
async def test_nothing_is_lost(store: Store, kept: KeptLog, nursery: trio.Nursery, seed: int) -> None:
    generator = random.Random(seed)
    lost, project = await at_work(store, kept)
    await some_work(lost, project.root, generator, 80)
    expected = picture(lost, project.root)
    tree = await recovered(store, kept, nursery)
    assert picture(tree, project.root) == expected
    assert not list(kept.records())
    await tree.close()


async def test_what_was_stored_but_not_noted_is_not_stored_twice(
    store: Store, kept: KeptLog, nursery: trio.Nursery
) -> None:
    lost, project = await at_work(store, kept)
    for number in range(5):
        lost.namespace.create(project.root, b"f%d" % number, stat.S_IFREG | 0o644, ALICE)
    for entry in missing_entries(kept, [])[:3]:
        await store.append(entry.drafts, entry.blocks)
    tree = await recovered(store, kept, nursery)
    events = store.log.query(Filter(), limit=100).events
    assert [stored.event.type for stored in events].count("file.created") == 5
    await tree.close()


async def test_a_crash_while_taking_over_loses_nothing_either(
    store: Store, kept: KeptLog, nursery: trio.Nursery
) -> None:
    lost, project = await at_work(store, kept)
    node = lost.namespace.create(project.root, b"f", stat.S_IFREG | 0o644, ALICE)
    await lost.files.write(node, 0, b"content", ALICE)
    for entry in missing_entries(kept, []):
        await store.append(entry.drafts, entry.blocks)
    half_way = Tree(store, time.time_ns, unstored=Unstored(kept))
    await half_way.files.redo(module.missing_writes(kept))
    tree = await recovered(store, kept, nursery)
    assert picture(tree, project.root)[b"f"][2] == b"content"
    await tree.close()


async def test_much_is_made_durable_and_dropped(
    store: Store, kept: KeptLog, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TURN_AT", 1 << 20)
    monkeypatch.setattr(module, "FULL_AT", 2 << 20)
    tree = await recovered(store, kept, nursery)
    project = await tree.create_project("p", "", ALICE)
    node = tree.namespace.create(project.root, b"f", stat.S_IFREG | 0o644, ALICE)
    content = random.Random(1).randbytes(BLOCK)
    for number in range(200):
        await tree.files.write(node, number * BLOCK, content, ALICE)
        assert kept.size < 8 << 20
        await trio.lowlevel.checkpoint()
    await tree.close()


async def test_a_process_is_known_by_the_names_it_changed_last(store: Store, kept: KeptLog) -> None:
    unstored = Unstored(kept)
    tree = Tree(store, time.time_ns, unstored=unstored)
    unstored.begin()
    project = await tree.create_project("p", "", ALICE)
    node = tree.namespace.create(project.root, b"f", stat.S_IFREG | 0o644, ALICE)
    tree.namespace.create(project.root, b"d", stat.S_IFDIR | 0o755, BOB)
    acts = last_acts(kept)
    assert [(name, entry.ino) for _, name, entry in acts[ALICE.pid].dentries] == [(b"f", node.ino)]
    assert [name for _, name, _ in acts[BOB.pid].dentries] == [b"d"]
    await tree.files.write(node, 0, b"x", ALICE)
    await tree.files.seal(node)
    assert set(last_acts(kept)) == {BOB.pid}

"""A file whose newest link is removed is called by another one, in events and in what is stored."""

import pytest
from tests_support.attic import ALICE, Attic

from lighthoused.core.inode import Inode
from lighthoused.protocol.messages.log import Filter
from lighthoused.tree.tree import Tree


@pytest.fixture
async def attic(tree: Tree) -> Attic:
    return await Attic(tree).make()


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("replaced", [False, True])
async def test_another_link_becomes_its_name(attic: Attic, stored: bool, replaced: bool) -> None:
    sub = attic.directory(b"sub")
    node = await attic.write(b"first", b"1")
    names = attic.tree.namespace
    names.link(node.ino, sub, b"second", ALICE)
    names.link(node.ino, attic.root, b"third", ALICE)
    names.unlink(attic.root, b"first", ALICE)
    names.rename(attic.root, b"sub", attic.root, b"moved", ALICE)
    if stored:
        await attic.head()
        attic.tree.live._nodes.clear()
    if replaced:
        await attic.write(b"other", b"other")
        names.rename(attic.root, b"other", attic.root, b"third", ALICE)
    else:
        names.unlink(attic.root, b"third", ALICE)
    await attic.write(b"second", b"2", sub)
    await attic.head()
    written = attic.tree.store.log.query(Filter(stream="tree/p", type="file.written"), limit=1, reverse=True)
    assert written.events[0].event.paths == ("p/moved/second",)
    now = attic.tree.store.versions.inode(node.ino)
    assert isinstance(now, Inode)
    assert (now.nlink, now.parent, now.name) == (1, sub, b"second")
    assert not (await attic.fsck()).faults


async def test_the_last_link_keeps_its_name(attic: Attic) -> None:
    node = await attic.write(b"only", b"1")
    attic.tree.namespace.unlink(attic.root, b"only", ALICE)
    assert (node.nlink, node.name) == (0, b"only")

"""fsck finds every kind of damage, and mends what the log still knows."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests_support.running import Running

from lighthoused.core.author import Author
from lighthoused.core.errors import AlreadyExists, NotFound
from lighthoused.core.inode import BLOCK, Dentry, dentry_key, inode_key
from lighthoused.protocol.messages.log import Filter
from lighthoused.protocol.messages.upkeep import FsckReply
from lighthoused.store.environment import Environment
from lighthoused.store.schema import BLOCKS, DENTRIES, INODES, LOG, Table, descending, u64
from lighthoused.tree.mending import Fsck
from lighthoused.tree.node import Node
from lighthoused.tree.standalone import fsck
from lighthoused.tree.tree import Tree

ALICE = Author("alice", "s1", 1000, 1000, 1)


async def nobody_caches(inodes: Iterable[int], entries: Iterable[tuple[int, bytes]]) -> None:
    pass


def quiet(what: str, done: int, total: int) -> None:
    pass


class Small:
    """A project `p` with `dir/`, `dir/a` (linked as `b`) and `dir/sub/`."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    async def make(self) -> "Small":
        self.root = (await self.tree.create_project("p", "", ALICE)).root
        self.dir = self.tree.namespace.create(self.root, b"dir", stat.S_IFDIR | 0o755, ALICE).ino
        self.sub = self.tree.namespace.create(self.dir, b"sub", stat.S_IFDIR | 0o755, ALICE).ino
        self.a = (await self.write(self.dir, b"a", os.urandom(3 * BLOCK + 5))).ino
        self.tree.namespace.link(self.a, self.root, b"b", ALICE)
        await self.tree.settle()
        return self

    async def write(self, parent: int, name: bytes, content: bytes) -> Node:
        node = self.tree.namespace.create(parent, name, stat.S_IFREG | 0o644, ALICE)
        self.tree.files.opened(node.ino)
        await self.tree.files.write(node, 0, content, ALICE)
        await self.tree.files.released(node)
        return node

    def newest(self, table: Table, prefix: bytes) -> bytes:
        """Key of the newest row that begins so."""
        with self.tree.store.env.read() as txn, txn.cursor(db=self.tree.store.env.table(table)) as cursor:
            assert cursor.set_range(prefix)
            key: bytes = cursor.key()
            assert key.startswith(prefix)
            return key

    def damage(self, table: Table, key: bytes, value: bytes | None) -> None:
        """Write to LMDB past everything."""
        with self.tree.store.env.begin_write() as txn:
            handle = self.tree.store.env.table(table)
            if value is None:
                assert txn.delete(key, db=handle)
            else:
                txn.put(key, value, db=handle)

    def say(self, *inos: int, names: tuple[tuple[int, bytes, Dentry], ...] = (), **wrong: object) -> None:
        """An event that says something wrong, as a bug in the daemon would."""
        nodes = [self.tree.live.node(ino) for ino in inos]
        for node in nodes:
            assert node is not None
            for name, value in wrong.items():
                setattr(node, name, value)
        self.tree.live.record("attributes.changed", ALICE, b"p/x", [node for node in nodes if node], names)

    async def fsck(self, repair: bool = False, deep: bool = True, project: str = "") -> FsckReply:
        return await Fsck(self.tree, nobody_caches).run(project, deep, repair, quiet)

    async def kinds(self) -> list[str]:
        found = await self.fsck()
        assert found.ok is not bool(found.faults)
        return sorted({fault.kind for fault in found.faults})

    async def assert_mended(self) -> FsckReply:
        found = await self.fsck(repair=True)
        assert found.ok, found.faults
        assert all(fault.mended for fault in found.faults)
        assert not (await self.fsck()).faults
        return found


@pytest.fixture
async def small(tree: Tree) -> Small:
    return await Small(tree).make()


async def test_a_good_store_is_whole(small: Small) -> None:
    found = await small.fsck(project="p")
    assert (found.ok, found.faults) == (True, ())
    assert (found.inodes, found.entries, found.blocks) == (4, 4, 4)
    with pytest.raises(NotFound):
        await small.fsck(project="q")


async def test_rows_that_are_not_as_the_log_says_are_restored(small: Small) -> None:
    inode = small.newest(INODES, inode_key(small.a))
    with small.tree.store.env.read() as txn:
        before = txn.get(inode, db=small.tree.store.env.table(INODES))
    small.damage(INODES, inode, before.replace(b"a", b"z"))
    small.damage(DENTRIES, small.newest(DENTRIES, dentry_key(small.root, b"b")), None)
    small.damage(INODES, inode_key(777) + descending(3), before)
    small.damage(DENTRIES, dentry_key(small.root, b"ghost") + descending(3), b"\x92\x02\x00")
    assert "row" in await small.kinds()
    await small.assert_mended()
    with small.tree.store.env.read() as txn:
        assert txn.get(inode, db=small.tree.store.env.table(INODES)) == before


async def test_a_row_that_is_no_inode_is_restored(small: Small) -> None:
    small.damage(INODES, small.newest(INODES, inode_key(small.sub)), b"\xc1")
    assert "row" in await small.kinds()
    await small.assert_mended()


async def test_wrong_link_counts_are_set(small: Small) -> None:
    small.say(small.a, small.dir, small.root, nlink=9)
    found = await small.assert_mended()
    assert sorted(fault.message.split(" ", 1)[0] for fault in found.faults) == ["p", "p/b", "p/dir"]
    links = [small.tree.live.node(ino) for ino in (small.a, small.dir, small.root)]
    assert [node.nlink for node in links if node] == [2, 3, 3]
    (repaired,) = small.tree.store.log.query(Filter(type="tree.repaired")).events
    assert repaired.event.agent == "lighthoused"


async def test_an_entry_that_leads_nowhere_is_removed(small: Small) -> None:
    small.say(small.root, names=((small.root, b"gone", Dentry(9999, stat.S_IFREG)),))
    assert await small.kinds() == ["entry"]
    await small.assert_mended()
    assert small.tree.reading.entry(small.root, b"gone") is None


async def test_an_entry_below_a_removed_directory_is_removed_and_its_file_is_found_again(small: Small) -> None:
    lost = await small.write(small.sub, b"work", b"precious")
    small.say(small.sub, names=((small.dir, b"sub", Dentry(0)),), nlink=0)
    small.say(small.dir, nlink=2)
    assert await small.kinds() == ["entry", "orphan"]
    await small.assert_mended()
    entry = small.tree.reading.walk(small.root, b"lost+found/#%d" % lost.ino)
    assert entry == lost.ino
    assert small.tree.reading.read(lost, 0, 100) == b"precious"


async def test_orphans_go_to_lost_and_found_with_what_is_below_them(small: Small) -> None:
    small.say(small.root, names=((small.root, b"dir", Dentry(0)),), nlink=2)
    assert await small.kinds() == ["orphan"]
    await small.assert_mended()
    assert small.tree.reading.walk(small.root, b"lost+found/#%d/a" % small.dir) == small.a
    found = small.tree.live.node(small.tree.reading.walk(small.root, b"lost+found") or 0)
    assert found is not None
    assert (found.nlink, stat.S_IMODE(found.mode)) == (3, 0o700)


async def test_a_ring_of_directories_is_opened(small: Small) -> None:
    small.say(
        small.root,
        names=((small.root, b"dir", Dentry(0)), (small.sub, b"up", Dentry(small.dir, stat.S_IFDIR))),
        nlink=2,
    )
    small.say(small.dir, parent=small.sub, name=b"up")
    assert "orphan" in await small.kinds()
    await small.assert_mended()
    assert small.tree.reading.walk(small.root, b"lost+found/#%d/sub" % small.dir) == small.sub


async def test_a_directory_has_one_name_and_knows_it(small: Small) -> None:
    small.say(small.root, names=((small.root, b"again", Dentry(small.sub, stat.S_IFDIR)),))
    small.say(small.dir, name=b"elsewhere")
    small.say(small.a, names=((small.dir, b"a", Dentry(small.a, stat.S_IFLNK)),))
    assert await small.kinds() == ["entry", "kind", "place"]
    await small.assert_mended()
    assert small.tree.reading.entry(small.root, b"again") is None
    entry = small.tree.reading.entry(small.dir, b"a")
    assert entry is not None
    assert entry.kind == stat.S_IFREG


async def test_lost_content_is_told_and_not_mended(small: Small) -> None:
    node = small.tree.live.node(small.a)
    assert node is not None
    first, second = node.sealed.content[:2]
    small.damage(BLOCKS, first, None)
    small.damage(BLOCKS, second, b"\0other")
    found = await small.fsck(repair=True)
    assert not found.ok
    messages = " ".join(fault.message for fault in found.faults)
    assert f"p/b (inode {small.a})" in messages
    assert first.hex() in messages
    assert second.hex() in messages
    assert not any(fault.remedy or fault.mended for fault in found.faults)
    assert second.hex() not in str((await small.fsck(deep=False)).faults)


async def test_a_size_without_room_for_the_blocks_is_told(small: Small) -> None:
    small.say(small.a, sealed_size=10)
    assert await small.kinds() == ["size"]


async def test_a_log_with_a_gap_is_told(small: Small) -> None:
    small.damage(LOG, u64(4), None)
    found = await small.fsck()
    assert any(fault.kind == "log" and "4" in fault.message for fault in found.faults)


async def test_work_goes_on_after_a_repair(small: Small) -> None:
    small.say(small.a, nlink=9)
    await small.assert_mended()
    small.tree.namespace.unlink(small.root, b"b", ALICE)
    small.tree.namespace.unlink(small.dir, b"a", ALICE)
    await small.tree.settle()
    assert not (await small.fsck()).faults


def test_through_the_daemon_and_without_it(running: Running) -> None:
    (running.current / "f").write_text("x" * 1000)
    assert "whole" in running.ctl("fsck", "--deep").stdout
    with pytest.raises(AlreadyExists):
        fsck(running.state, "", deep=False, repair=False, progress=quiet)
    assert running.stop() == 0
    assert '"ok":true' in running.ctl("fsck", "demo", "--json").stdout
    _break(running.state)
    broken = running.ctl("fsck", check=False)
    assert broken.returncode == 1
    assert "restored from the log" in broken.stderr
    assert "(mended)" in running.ctl("fsck", "--repair").stderr
    running.start()
    assert (running.current / "f").read_text() == "x" * 1000
    assert "whole" in running.ctl("fsck").stdout


def test_the_mount_shows_what_was_mended_under_it(running: Running) -> None:
    (running.current / "f").write_text("x")
    assert running.stop() == 0
    _break(running.state)
    running.start()
    assert not (running.current / "f").exists()
    running.ctl("fsck", "--repair")
    assert (running.current / "f").read_text() == "x"


def test_no_store_is_made_where_none_is(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        fsck(tmp_path / "none", "", deep=False, repair=False, progress=quiet)
    assert not (tmp_path / "none").exists()


def _break(state: Path) -> None:
    """Lose the entry `f`."""
    env = Environment(state / "db")
    with env.begin_write() as txn, txn.cursor(db=env.table(DENTRIES)) as cursor:
        there = cursor.first()
        while there:
            there = cursor.delete() if cursor.key()[8:-9] == b"f" else cursor.next()
    env.close()

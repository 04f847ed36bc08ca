"""The collection removes what nothing can show, and nothing else; the log stays whole, whenever it is killed."""

import os
import random
import stat
import time
from collections.abc import Mapping, Sequence
from itertools import chain, count

import pytest
import trio
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st
from tests_support.attic import ALICE, HOUR, Attic, nobody_caches, quiet
from tests_support.running import Running
from tests_support.tree_check import problems_of

from lighthoused.core.errors import Invalid, NotFound
from lighthoused.core.inode import BLOCK
from lighthoused.protocol.messages.projects import UndoRequest
from lighthoused.protocol.messages.upkeep import GcRequest
from lighthoused.store.blocks import encode
from lighthoused.store.rows import Discarded
from lighthoused.store.schema import NOW, Table
from lighthoused.tree.gc import Gc
from lighthoused.tree.ignore import Rules
from lighthoused.tree.retention import Version, superfluous
from lighthoused.tree.sketch import Sketch
from lighthoused.tree.tree import Tree
from lighthoused.tree.undo import Undo

VERSIONS = st.lists(st.booleans(), max_size=8).map(
    lambda gone: [Version(3 * (len(gone) - index), one) for index, one in enumerate(gone)]
)


@pytest.fixture
async def attic(tree: Tree) -> Attic:
    return await Attic(tree).make()


async def test_nothing_is_removed_from_what_is_versioned(attic: Attic) -> None:
    for number in range(5):
        await attic.write(b"f", b"%d" % number)
    attic.tree.namespace.unlink(attic.root, b"f", ALICE)
    at = await attic.head()
    found = await attic.gc()
    assert (found.rows, found.blocks) == (0, 0)
    assert attic.read(b"f", at - 1) == b"4"
    assert attic.blocks() == 5


async def test_blocks_of_nothing_are_removed(attic: Attic) -> None:
    await attic.write(b"f", b"kept")
    await attic.tree.store.append((), (encode(b"spilled by a file that was never closed"),))
    assert (await attic.gc(dry=True)).blocks == 1
    assert attic.blocks() == 2
    found = await attic.gc()
    assert (found.blocks, found.bytes, found.rows) == (1, 40, 0)
    assert attic.read(b"f") == b"kept"


async def test_only_the_newest_version_of_an_ignored_file_is_kept(attic: Attic) -> None:
    cache = attic.directory(b"node_modules")
    for number in range(10):
        await attic.write(b"x.js", b"new %d" % number, cache)
        await attic.write(b"y", b"%d" % number)
    await attic.write(b"gone.js", b"gone", cache)
    attic.tree.namespace.unlink(cache, b"gone.js", ALICE)
    attic.directory(b"newest")
    at = await attic.head()
    would = await attic.gc(dry=True)
    assert attic.read(b"node_modules/x.js", at - 10) is not None
    found = await attic.gc()
    assert (would.rows, would.blocks) == (found.rows, found.blocks)
    assert found.blocks == 10
    assert attic.read(b"node_modules/x.js") == b"new 9"
    assert attic.read(b"node_modules/x.js", at) == b"new 9"
    assert attic.read(b"node_modules/x.js", at - 10) is None
    assert attic.read(b"y", at - 10) is not None
    assert (await attic.gc()).rows == 0


async def test_the_rules_are_those_of_the_moment_and_git_is_always_versioned(attic: Attic) -> None:
    await attic.write(b"old.log", b"1")
    await attic.write(b".lighthouseignore", b"*.log\n/*\n!keep\n[\n.git/\n")
    before = await attic.head()
    git = attic.directory(b".git")
    for number in (2, 3):
        for name in (b"old.log", b"new.log", b"keep", b".lighthouseignore2"):
            await attic.write(name, b"%d" % number)
        await attic.write(b"HEAD", b"%d" % number, git)
    first = await attic.head()
    await attic.gc()
    rules = Rules.read(attic.tree.store, attic.tree.reading, attic.root)
    assert (rules.epoch(0), rules.epoch(before)) == (-1, 1)
    assert not rules.ignores(b"old.log", -1)
    assert rules.ignores(b"__pycache__/x.pyc", -1)
    assert attic.read(b"old.log", before) == b"1"
    assert attic.read(b"new.log", first) == b"3"
    versions = {
        name: len(attic.tree.store.versions.inode_versions(attic.tree.reading.walk(attic.root, name) or 0))
        for name in (b"old.log", b"new.log", b"keep", b".git/HEAD")
    }
    assert versions[b"new.log"] == 1
    assert min(versions[name] for name in (b"old.log", b"keep", b".git/HEAD")) > 2


async def test_a_file_that_was_ever_versioned_stays_so(attic: Attic) -> None:
    cache = attic.directory(b"target")
    await attic.write(b"precious", b"1")
    at = await attic.head()
    attic.tree.namespace.rename(attic.root, b"precious", cache, b"precious", ALICE)
    for number in (2, 3):
        await attic.write(b"precious", b"%d" % number, cache)
    attic.tree.namespace.unlink(cache, b"precious", ALICE)
    await attic.gc()
    assert attic.read(b"precious", at) == b"1"


async def test_a_directory_renamed_to_an_ignored_name_keeps_its_history(attic: Attic) -> None:
    source = attic.directory(b"src")
    for number in range(3):
        await attic.write(b"a", b"%d" % number, source)
    at = await attic.head()
    attic.tree.namespace.rename(attic.root, b"src", attic.root, b"target", ALICE)
    assert (await attic.gc()).rows == 0
    assert attic.read(b"src/a", at - 1) is not None


async def test_keep_forgets_what_is_older_but_for_snapshots(attic: Attic) -> None:
    await attic.write(b"f", b"first")
    await attic.write(b"gone", b"gone")
    attic.directory(b"newest")
    await attic.tree.projects.snapshot("p", "named", await attic.head(), ALICE)
    named = attic.tree.projects.snapshots("p")["named"].seq
    await attic.write(b"f", b"second")
    second = await attic.head()
    attic.tree.namespace.unlink(attic.root, b"gone", ALICE)
    await attic.write(b"f", b"third")
    third = await attic.head()
    attic.ahead += 10 * HOUR
    await attic.write(b"f", b"fourth")
    events = await attic.head()
    found = await attic.gc("5h")
    assert found.horizon == third
    assert found.blocks == 1
    assert [attic.read(b"f", at) for at in (named, third, NOW)] == [b"first", b"third", b"fourth"]
    assert (attic.read(b"gone", named), attic.read(b"gone", third)) == (b"gone", None)
    assert await attic.tree.moment("p", "named") == named
    with pytest.raises(NotFound, match=f"from @{third} on"):
        await attic.tree.moment("p", f"@{second}")
    assert attic.tree.store.log.head().seq == events + 1
    await attic.tree.projects.forget_snapshot("p", "named", ALICE)
    assert (await attic.gc()).blocks == 2
    with pytest.raises(Invalid):
        await attic.gc("soon")


async def test_the_horizon_outlives_the_daemon_and_never_goes_back(attic: Attic) -> None:
    await attic.write(b"f", b"1")
    attic.ahead += 10 * HOUR
    await attic.write(b"f", b"2")
    horizon = (await attic.gc("5h")).horizon
    again = Tree(attic.tree.store, attic.tree.clock)
    assert again.projects.horizon == horizon
    assert (await attic.gc("20h")).horizon == horizon


async def test_numbers_of_inodes_are_never_used_again(attic: Attic) -> None:
    node = await attic.write(b"f", b"1")
    attic.tree.namespace.unlink(attic.root, b"f", ALICE)
    await attic.tree.settle()
    attic.ahead += 10 * HOUR
    await attic.tree.projects.complete("p", ALICE)
    await attic.gc("1h")
    assert Tree(attic.tree.store, attic.tree.clock).live.allocate_ino() > node.ino


async def test_undo_takes_back_what_is_kept_and_tells_what_is_not(attic: Attic) -> None:
    cache = attic.directory(b"node_modules")
    await attic.write(b"x.js", b"1", cache)
    await attic.write(b"f", b"1")
    since = await attic.head()
    await attic.write(b"f", b"2")
    attic.tree.namespace.unlink(cache, b"x.js", ALICE)
    await attic.gc()
    undo = Undo(attic.tree, nobody_caches)
    done = await undo.run(UndoRequest(id=0, project="p", since=f"@{since}", apply=True), ALICE)
    assert [(step.path, step.action) for step in done.steps] == [
        ("p/f", "revert"),
        ("p/node_modules/x.js", "conflict"),
    ]
    assert attic.read(b"f") == b"1"
    assert not (await attic.fsck()).faults


async def test_undo_in_the_midst_of_a_collection_keeps_its_content(attic: Attic) -> None:
    generator = random.Random(1)
    for _ in range(30):
        await attic.write(b"f", generator.randbytes(2 * BLOCK))
    await attic.tree.settle()
    undo = Undo(attic.tree, nobody_caches)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(attic.gc)
        for _ in range(10):
            since = attic.tree.store.log.head().seq - 5
            await undo.run(UndoRequest(id=0, project="p", since=f"@{since}", apply=True), ALICE)
            await attic.write(b"f", generator.randbytes(2 * BLOCK))
    assert not (await attic.fsck()).faults


async def test_content_written_while_collecting_stays(attic: Attic) -> None:
    generator = random.Random(2)
    cache = attic.directory(b"target")
    working = 4

    async def work(name: bytes) -> None:
        nonlocal working
        for _ in range(150):
            await attic.write(name, generator.randbytes(generator.choice((10, 5000, 3 * BLOCK))), cache)
            await attic.write(b"kept-" + name, b"same" * generator.randrange(3), cache)
            await trio.sleep(0)
        working -= 1

    async def spill() -> None:
        """A large file held open: its blocks are stored before any version refers to them."""
        node = attic.tree.namespace.create(attic.root, b"large", stat.S_IFREG | 0o644, ALICE)
        attic.tree.files.opened(node.ino)
        for index in range(200):
            await attic.tree.files.write(node, index * BLOCK, generator.randbytes(BLOCK), ALICE)
            await trio.sleep(0)
        await attic.tree.files.released(node)

    async with trio.open_nursery() as nursery:
        for number in range(working):
            nursery.start_soon(work, b"f%d" % number)
        nursery.start_soon(spill)
        while working:
            await Gc(attic.tree).run("", False, ALICE, quiet)
    assert not (await attic.fsck()).faults
    await attic.gc()
    assert attic.blocks() < 400


async def test_a_run_removes_what_was_there_when_it_began(attic: Attic, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every turn of the writer brings more garbage than it removes: of inodes, names and content."""
    monkeypatch.setattr("lighthoused.tree.gc.BATCH", 10)
    monkeypatch.setattr("lighthoused.store.rows.PAGE", 5)
    cache = attic.directory(b"target")
    for number in range(30):
        await attic.write(b"old", b"%d" % number, cache)
    await attic.write(b"last", b"last", cache)
    await attic.head()
    remove, discard = attic.tree.store.rows.remove, attic.tree.store.rows.discard
    turns = 0

    async def litter() -> None:
        nonlocal turns
        turns += 1
        assert turns < 20, "the collection runs after what is written meanwhile"
        for number in range(20):
            await attic.write(b"new %d" % turns, b"%d of %d" % (number, turns), cache)
        await attic.tree.settle()

    async def littered_remove(rows: Sequence[tuple[Table, bytes]], pruned: Mapping[int, int]) -> int:
        await litter()
        return await remove(rows, pruned)

    async def littered_discard(keys: Sequence[bytes]) -> Discarded:
        await litter()
        return await discard(keys)

    monkeypatch.setattr(attic.tree.store.rows, "remove", littered_remove)
    monkeypatch.setattr(attic.tree.store.rows, "discard", littered_discard)
    found = await Gc(attic.tree).run("", False, ALICE, quiet)
    assert 29 <= found.blocks <= 29 + 20 * turns
    assert not (await attic.fsck()).faults


async def test_many_versions_of_one_file_are_noted_as_removed(attic: Attic, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows come the newest first, in several batches: the newest of them all is what fsck has to know."""
    monkeypatch.setattr("lighthoused.tree.gc.BATCH", 3)
    cache = attic.directory(b"target")
    for number in range(20):
        await attic.write(b"f", b"%d" % number, cache)
    assert (await attic.gc()).blocks == 19


@pytest.mark.parametrize(("waited", "removed"), [(0.0, 32), (0.01, 32), (0.25, 9 * 32), (60.0, 17 * 32)])
async def test_a_turn_that_had_to_wait_for_a_large_group_removes_more(
    attic: Attic, monkeypatch: pytest.MonkeyPatch, waited: float, removed: int
) -> None:
    """Else writers that fill every group make more garbage between two turns than one turn takes away."""
    blocks = tuple(encode(b"%d" % number) for number in range(1000))
    await attic.tree.store.append((), blocks)
    asked_and_after = chain((0.0,), count(waited, 0.003))
    monkeypatch.setattr("lighthoused.store.rows.monotonic", lambda: next(asked_and_after))
    assert (await attic.tree.store.rows.discard([key for key, _ in blocks])).blocks == removed


def test_a_sketch_holds_what_was_added_and_hardly_anything_else() -> None:
    sketch = Sketch(50_000)
    added = [blake3(b"%d" % number).digest() for number in range(50_000)]
    for hash in added:
        sketch.add(hash)
    assert all(hash in sketch for hash in added)
    assert sum(blake3(b"other %d" % number).digest() in sketch for number in range(50_000)) < 50


async def test_appends_do_not_wait_for_it(attic: Attic) -> None:
    await attic.tree.store.append((), tuple(encode(os.urandom(2000)) for _ in range(30_000)))
    turns: list[float] = []
    do = attic.tree.store.writer._do

    def timed(chore: object) -> None:
        start = time.monotonic()
        do(chore)  # type: ignore[arg-type]
        turns.append(time.monotonic() - start)

    attic.tree.store.writer._do = timed  # type: ignore[method-assign]
    found = await attic.gc()
    assert found.blocks == 30_000
    turns.sort()
    assert len(turns) > 5
    assert turns[len(turns) // 2] < 0.010


@given(VERSIONS, st.integers(0, 30), st.lists(st.integers(0, 30), max_size=3))
def test_every_moment_that_is_kept_shows_the_same(versions: list[Version], horizon: int, snapshots: list[int]) -> None:
    removed = superfluous(versions, horizon, sorted(snapshots))
    left = [version for index, version in enumerate(versions) if index not in removed]
    for moment in {*range(horizon, 40), *snapshots}:
        assert _shown(versions, moment) == _shown(left, moment)
    assert superfluous(left, horizon, sorted(snapshots)) == []


def _shown(versions: list[Version], at: int) -> int:
    found = next((version for version in versions if version.seq <= at), None)
    return 0 if found is None or found.gone else found.seq


def test_from_the_command_line_and_through_the_mount(running: Running) -> None:
    modules = running.current / "node_modules"
    modules.mkdir()
    for number in range(5):
        (modules / "x.js").write_text(str(number))
        (running.current / "f").write_text(str(number))
    before = running.head() - 3
    (modules / "x.js").write_text("newest")
    assert "would be removed" in running.ctl("gc", "--dry-run").stdout
    assert '"dry_run":false' in running.ctl("gc", "--json").stdout
    past = running.project / "history" / f"@{before}"
    assert os.listdir(past / "node_modules") == []
    assert sorted(os.listdir(past)) == ["f", "kept.txt", "node_modules"]
    running.restart()
    assert (modules / "x.js").read_text() == "newest"
    listed = running.project / "history"
    assert (listed / "horizon").read_text().endswith("its beginning\n")
    snapshot = running.ctl("snapshot", "create", "named").stdout.split()[2].rstrip(":")
    (running.current / "f").write_text("newest")
    running.ctl("gc", "--keep", "0s")
    assert not past.exists()
    assert "f" in os.listdir(listed / snapshot)
    first, _, why = (listed / "horizon").read_text().partition(" ")
    assert "gc --keep" in why
    assert os.listdir(listed / first) == os.listdir(running.current)
    assert all(os.listdir(listed / name) is not None for name in os.listdir(listed) if name != "horizon")
    assert "whole" in running.ctl("fsck", "--deep").stdout
    assert "whole" in running.ctl("log", "verify").stdout
    refused = running.ctl("diff", f"@{before}", "--project", "demo", check=False)
    assert "history is kept from" in refused.stderr


@pytest.mark.slow
def test_killed_at_any_moment_it_leaves_a_whole_store(running: Running) -> None:
    generator = random.Random(3)
    target = running.current / "target"
    target.mkdir()
    for _ in range(6):
        for number in range(40):
            (target / f"f{number}").write_bytes(generator.randbytes(20_000))
            (running.current / f"g{number % 5}").write_bytes(generator.randbytes(2_000))
        running.settle()
        with running.client() as client:
            client._send([GcRequest(id=1, keep="1s")])
            time.sleep(generator.random() * 0.3)
            running.kill()
        assert problems_of(running.state) == []
        running.start()

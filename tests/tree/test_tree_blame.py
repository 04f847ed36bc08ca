"""Blame: every line is the event's that brought it, through renames and the ways editors save."""

import os
import random
import stat
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests_support.running import Running

from lighthoused.core.author import Author
from lighthoused.core.errors import Invalid, NotFound, TooLarge
from lighthoused.tree.blame import Blame
from lighthoused.tree.lines import matched
from lighthoused.tree.node import Node
from lighthoused.tree.tree import Tree

ALICE, BOB, CAROL = (Author(name, f"{name}-1", 1000, 1000, 1) for name in ("alice", "bob", "carol"))
LINES = st.lists(st.sampled_from([b"a", b"b", b"c", b"d", b"e"]), max_size=30)


class Desk:
    """A project, and agents who save files in it."""

    def __init__(self, tree: Tree, root: int) -> None:
        self.tree = tree
        self.root = root

    async def create(self, name: bytes, text: bytes, author: Author) -> Node:
        node = self.tree.namespace.create(self.root, name, stat.S_IFREG | 0o644, author)
        await self.write(node, text, author)
        return node

    async def write(self, node: Node, text: bytes, author: Author) -> None:
        self.tree.files.opened(node.ino)
        await self.tree.files.truncate(node, 0, author)
        await self.tree.files.write(node, 0, text, author)
        await self.tree.files.released(node)

    async def save(self, name: bytes, text: bytes, author: Author) -> None:
        """As editors do it: a new file, renamed over the old one."""
        await self.create(b".tmp", text, author)
        self.tree.namespace.rename(self.root, b".tmp", self.root, name, author)

    async def blame(self, name: bytes, horizon: int = 0) -> str:
        await self.tree.settle()
        at = self.tree.store.log.head().seq
        found = Blame(self.tree.store, self.tree.reading, horizon).run(self.root, name, at)
        return " ".join(f"{line.text.strip()}:{found.origins[line.origin].agent}" for line in found.lines)


@pytest.fixture
async def desk(tree: Tree) -> Desk:
    return Desk(tree, (await tree.create_project("p", "", ALICE)).root)


async def test_lines_belong_to_who_wrote_them(desk: Desk) -> None:
    node = await desk.create(b"f", b"1\n2\n3\n", ALICE)
    await desk.write(node, b"1\n2\nx\n3\n", BOB)
    await desk.write(node, b"0\n1\nx\n3\n4", CAROL)
    assert await desk.blame(b"f") == "0:carol 1:alice x:bob 3:alice 4:carol"


async def test_a_line_written_again_is_of_the_last_to_write_it(desk: Desk) -> None:
    node = await desk.create(b"f", b"1\n2\n", ALICE)
    await desk.write(node, b"1\n", BOB)
    await desk.write(node, b"1\n2\n", CAROL)
    assert await desk.blame(b"f") == "1:alice 2:carol"


async def test_renames_are_followed(desk: Desk) -> None:
    node = await desk.create(b"f", b"1\n2\n", ALICE)
    desk.tree.namespace.rename(desk.root, b"f", desk.root, b"g", BOB)
    await desk.write(node, b"1\n2\n3\n", CAROL)
    assert await desk.blame(b"g") == "1:alice 2:alice 3:carol"


async def test_a_new_file_in_the_place_of_the_old_one_goes_on_with_its_history(desk: Desk) -> None:
    await desk.save(b"f", b"1\n2\n3\n", ALICE)
    await desk.save(b"f", b"1\n2\nx\n3\n", BOB)
    await desk.save(b"f", b"1\nx\n3\n4\n", CAROL)
    assert await desk.blame(b"f") == "1:alice x:bob 3:alice 4:carol"


async def test_so_does_one_made_right_after_the_old_one_was_removed_or_moved_away(desk: Desk) -> None:
    await desk.create(b"f", b"1\n2\n", ALICE)
    desk.tree.namespace.rename(desk.root, b"f", desk.root, b"f~", BOB)
    await desk.create(b"f", b"1\n2\n3\n", BOB)
    desk.tree.namespace.unlink(desk.root, b"f", CAROL)
    await desk.create(b"f", b"0\n1\n2\n3\n", CAROL)
    assert await desk.blame(b"f") == "0:carol 1:alice 2:alice 3:bob"


async def test_a_file_made_long_after_is_another_one(desk: Desk) -> None:
    await desk.create(b"f", b"1\n", ALICE)
    desk.tree.namespace.unlink(desk.root, b"f", ALICE)
    await desk.tree.settle()
    later = time.time_ns() + 60 * 10**9
    desk.tree.live.clock = lambda: later
    await desk.create(b"f", b"1\n", BOB)
    assert await desk.blame(b"f") == "1:bob"


async def test_what_has_no_lines_is_refused(desk: Desk) -> None:
    await desk.create(b"binary", b"\0\1\2", ALICE)
    await desk.create(b"large", b"x\n" * 600_000, ALICE)
    await desk.create(b"long", b"\n" * 60_000, ALICE)
    await desk.create(b"empty", b"", ALICE)
    with pytest.raises(Invalid, match="binary"):
        await desk.blame(b"binary")
    with pytest.raises(TooLarge, match="bytes"):
        await desk.blame(b"large")
    with pytest.raises(TooLarge, match="lines"):
        await desk.blame(b"long")
    with pytest.raises(Invalid, match="Only files"):
        await desk.blame(b"")
    with pytest.raises(NotFound):
        await desk.blame(b"none")
    assert await desk.blame(b"empty") == ""


async def test_a_text_that_was_binary_or_large_begins_where_it_became_text(desk: Desk) -> None:
    node = await desk.create(b"f", b"1\n\0", ALICE)
    await desk.write(node, b"1\n", BOB)
    await desk.write(node, b"1\n2\n", CAROL)
    assert await desk.blame(b"f") == "1:bob 2:carol"


async def test_many_versions_of_a_long_file_take_bounded_time(desk: Desk) -> None:
    generator = random.Random(1)
    lines = [b"%d\n" % number for number in range(3000)]
    node = await desk.create(b"f", b"".join(lines), ALICE)
    for number in range(200):
        lines[generator.randrange(len(lines))] = b"new%d\n" % number
        lines.insert(generator.randrange(len(lines)), b"\n")
        await desk.write(node, b"".join(lines), BOB)
    start = time.monotonic()
    found = (await desk.blame(b"f")).split()
    assert time.monotonic() - start < 10
    assert all(word.endswith(":bob") for word in found if word.startswith(("new", ":")))
    assert sum(word.endswith(":alice") for word in found) == sum(not line.startswith((b"new", b"\n")) for line in lines)


@given(LINES, LINES)
def test_matches_are_equal_lines_in_order(old: list[bytes], new: list[bytes]) -> None:
    found = sorted(matched(old, new).items())
    assert all(old[was] == new[now] for now, was in found)
    assert [was for _, was in found] == sorted({was for _, was in found})


@given(LINES, LINES, LINES)
def test_what_both_begin_and_end_with_is_matched(start: list[bytes], middle: list[bytes], end: list[bytes]) -> None:
    found = matched([*start, *end], [*start, b"x", *middle, *end])
    assert len(found) >= len(start) + len(end)


def test_from_the_command_line(running: Running) -> None:
    file = running.current / "f.txt"
    for agent in ("alice", "bob"):
        running.ctl("run", "--agent", agent, "--", "sh", "-c", f"echo from {agent} >> f.txt", cwd=running.current)
    shown = running.ctl("blame", str(file)).stdout.splitlines()
    assert ["alice" in shown[0], "bob" in shown[1]] == [True, True]
    assert '"agent":"bob"' in running.ctl("blame", "f.txt", "--json", cwd=running.current).stdout
    os.truncate(file, 3 << 20)
    refused = running.ctl("blame", "f.txt", "--project", "demo", check=False)
    assert refused.returncode == 1
    assert "too large" in refused.stderr

"""A kill at each point of a change, played in order: the change is neither lost nor taken for a conflict."""

import os
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
import trio

from lighthoused.core.author import Author
from lighthoused.mirror.base import Base
from lighthoused.mirror.bench import Bench
from lighthoused.mirror.outside import Outside
from lighthoused.mirror.reconciler import QUIET_S, Progress, Reconciler, Report
from lighthoused.tree.tree import Tree

OWNER = Author("alice", "s", os.geteuid(), os.getegid(), 1)


class Killed(Exception):
    """Stands for kill -9."""


class Mirrored:
    """One mirror without a daemon, whose database can be told to die."""

    def __init__(self, tree: Tree, directory: Path, base: Base) -> None:
        self.tree = tree
        self.directory = directory
        self.base = base
        self.reports: list[Report] = []
        self.dies_at = ""

    async def run(self) -> None:
        """Until both sides are equal, or the kill."""
        live = trio.Event()
        outside = Outside(self.directory, owners=os.geteuid() == 0)
        bench = Bench(self.tree, self.tree.projects.get("demo"), outside, self.base, "mirror-test", self._invalidate)

        async def report(found: Report) -> None:
            self.reports.append(found)

        async def reached() -> None:
            live.set()

        try:
            async with trio.open_nursery() as nursery:
                made = Reconciler(bench, lambda path: False, report, reached, Progress())
                nursery.start_soon(made.run)
                with trio.fail_after(20):
                    await live.wait()
                    nursery.cancel_scope.cancel()
        finally:
            outside.close()

    async def killed(self, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Run, and die when the database is to `begin` or `note`."""

        def die(*arguments: object) -> None:
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(self.base, "note", die)
            if at == "begin":
                patched.setattr(self.base, "begin", die)
            with pytest.raises(BaseExceptionGroup):
                await self.run()

    async def write(self, content: bytes) -> None:
        """Let the project's file hold this."""
        root = self.tree.projects.get("demo").root
        entry = self.tree.reading.entry(root, b"f")
        ino = entry.ino if entry else self.tree.namespace.create(root, b"f", 0o100644, OWNER).ino
        node = self.tree.files.opened(ino)
        await self.tree.files.truncate(node, 0, OWNER)
        await self.tree.files.write(node, 0, content, OWNER)
        await self.tree.files.released(node)
        await self.tree.settle()

    def write_outside(self, content: bytes) -> None:
        """Let the directory's file hold this, since long enough that nobody may still be writing it."""
        file = self.directory / "f"
        file.write_bytes(content)
        before = time.time_ns() - 2 * round(QUIET_S * 1e9)
        os.utime(file, ns=(before, before))

    def inside(self) -> bytes:
        entry = self.tree.reading.entry(self.tree.projects.get("demo").root, b"f")
        node = self.tree.live.node(entry.ino) if entry else None
        return self.tree.reading.read(node, 0, 1000) if node else b""

    async def _invalidate(self, inodes: Iterable[int], names: Iterable[tuple[int, bytes]]) -> None:
        """Nobody caches."""


@pytest.fixture
async def mirrored(tree: Tree, tmp_path: Path) -> AsyncIterator[Mirrored]:
    directory = tmp_path / "mirrored"
    directory.mkdir()
    await tree.create_project("demo", "", OWNER)
    base = Base(tmp_path / "mirror.db")
    made = Mirrored(tree, directory, base)
    await made.write(b"one")
    await made.run()
    assert (directory / "f").read_bytes() == b"one"
    yield made
    base.close()


@pytest.mark.parametrize("at", ["begin", "note"])
async def test_outward(mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    await mirrored.write(b"two")
    await mirrored.killed(at, monkeypatch)
    assert (mirrored.directory / "f").read_bytes() == (b"one" if at == "begin" else b"two")
    if at == "note":
        mirrored.write_outside(b"three, on top of two")
    await mirrored.run()
    assert mirrored.inside() == (mirrored.directory / "f").read_bytes()
    assert mirrored.inside() == (b"two" if at == "begin" else b"three, on top of two")
    assert os.listdir(mirrored.directory) == ["f"]
    assert mirrored.reports == []


@pytest.mark.parametrize("at", ["begin", "note"])
async def test_inward(mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    mirrored.write_outside(b"two")
    await mirrored.killed(at, monkeypatch)
    assert mirrored.inside() == (b"one" if at == "begin" else b"two")
    if at == "note":
        await mirrored.write(b"three, on top of two")
    await mirrored.run()
    assert mirrored.inside() == (mirrored.directory / "f").read_bytes()
    assert mirrored.inside() == (b"two" if at == "begin" else b"three, on top of two")
    assert os.listdir(mirrored.directory) == ["f"]
    assert mirrored.reports == []


async def test_a_real_conflict_is_still_one(mirrored: Mirrored) -> None:
    mirrored.write_outside(b"theirs")
    await mirrored.write(b"ours")
    await mirrored.run()
    assert mirrored.inside() == b"ours"
    assert (mirrored.directory / mirrored.reports[0].copy.decode()).read_bytes() == b"theirs"

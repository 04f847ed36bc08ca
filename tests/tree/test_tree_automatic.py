"""Automatic snapshots: taken when something changed and time has passed, the newest kept."""

from lighthoused.core.author import Author
from lighthoused.tree.automatic import Automatic
from lighthoused.tree.tree import Tree

HOUR_NS = 3_600_000_000_000
ME = Author("me", "", 0, 0, 1)


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000_000_000_000

    def __call__(self) -> int:
        self.now += 1
        return self.now


async def change(tree: Tree, root: int, name: bytes) -> None:
    tree.namespace.create(root, name, 0o100644, ME)
    await tree.settle()


async def test_one_is_taken_when_due_and_changed_and_old_ones_go(tree: Tree) -> None:
    clock = Clock()
    tree.projects._clock = clock
    project = await tree.create_project("demo", "", ME)
    automatic = Automatic(tree.projects, tree.store.log, clock, 3600.0, 2)

    def taken() -> list[int]:
        return sorted(made.seq for made in tree.projects.snapshots("demo").values())

    await automatic.take()
    assert taken() == []
    clock.now += HOUR_NS
    await automatic.take()
    first = taken()
    assert len(first) == 1
    await change(tree, project.root, b"a")
    await automatic.take()
    assert taken() == first
    clock.now += HOUR_NS
    await automatic.take()
    assert len(taken()) == 2
    clock.now += HOUR_NS
    await automatic.take()
    assert len(taken()) == 2
    await tree.projects.snapshot("demo", "mine", 1, ME)
    for name in (b"b", b"c"):
        await change(tree, project.root, name)
        clock.now += HOUR_NS
        await automatic.take()
    names = sorted(tree.projects.snapshots("demo"))
    assert len(names) == 3
    assert names[-1] == "mine"
    assert all(name.startswith("auto-2027-01-15T") for name in names[:2])


async def test_none_is_taken_where_none_is_to_be_kept(tree: Tree) -> None:
    await tree.create_project("demo", "", ME)
    clock = Clock()
    clock.now += 1000 * HOUR_NS
    await Automatic(tree.projects, tree.store.log, clock, 3600.0, 0).take()
    assert tree.projects.snapshots("demo") == {}

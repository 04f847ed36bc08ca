"""Undo says what it cannot take back, and follows paths through renames."""

import pytest
from tests_support.attic import ALICE, HOUR, Attic, nobody_caches

from lighthoused.core.author import Author
from lighthoused.protocol.messages.projects import UndoReply, UndoRequest
from lighthoused.tree.renames import Followed, Move
from lighthoused.tree.tree import Tree
from lighthoused.tree.undo import Undo

BOB = Author("bob", "s2", 1000, 1000, 2)
MOVES = [Move(10, "p/a", "p/b", False), Move(20, "p/b/f", "p/b/g", False), Move(30, "p/b", "p/c", True)]


@pytest.fixture
async def attic(tree: Tree) -> Attic:
    return await Attic(tree).make()


async def undo(attic: Attic, *paths: str, agent: str = "", since: int = 0) -> UndoReply:
    moment = f"@{since}" if since else ""
    request = UndoRequest(id=0, project="p", paths=paths, agent=agent, since=moment, apply=True)
    return await Undo(attic.tree, nobody_caches).run(request, ALICE)


def told(done: UndoReply) -> list[tuple[str, str]]:
    return [(step.path, step.action) for step in done.steps]


async def test_it_says_that_it_stopped_at_the_horizon(attic: Attic) -> None:
    await attic.write(b"f", b"1")
    await attic.write(b"f", b"2", author=BOB)
    await attic.head()
    attic.ahead += 10 * HOUR
    await attic.write(b"g", b"alice")
    await attic.write(b"f", b"3", author=BOB)
    horizon = (await attic.gc("5h")).horizon
    assert (await undo(attic, "g", agent="bob")).horizon == 0
    done = await undo(attic, agent="bob")
    assert (done.horizon, told(done)) == (horizon, [("p/f", "revert")])
    assert attic.read(b"f") == b"2"
    assert (await undo(attic, "f", agent="bob")).horizon == horizon
    assert (await undo(attic, agent="bob", since=horizon)).horizon == 0


async def test_what_was_not_versioned_is_told(attic: Attic) -> None:
    cache = attic.directory(b"target")
    await attic.write(b"edited", b"1", cache)
    await attic.write(b"moved", b"1", cache)
    await attic.write(b"removed", b"1", cache)
    since = await attic.head()
    await attic.write(b"edited", b"2", cache, BOB)
    attic.tree.namespace.rename(cache, b"moved", cache, b"elsewhere", BOB)
    await attic.write(b"elsewhere", b"2", cache, BOB)
    attic.tree.namespace.unlink(cache, b"removed", BOB)
    await attic.write(b"made", b"2", cache, BOB)
    await attic.gc()
    done = await undo(attic, agent="bob", since=since)
    assert sorted(told(done)) == [
        ("p/target/edited", "conflict"),
        ("p/target/elsewhere", "remove"),
        ("p/target/made", "remove"),
        ("p/target/moved", "conflict"),
        ("p/target/moved", "restore"),
        ("p/target/removed", "conflict"),
    ]
    assert {step.detail for step in done.steps} == {"", "its content was not versioned"}
    assert attic.read(b"target/moved") == b"2"
    assert not (await attic.fsck()).faults


async def test_a_path_is_followed_through_renames_of_the_directories_above(attic: Attic) -> None:
    first = attic.directory(b"first")
    inner = attic.directory(b"inner", first)
    await attic.write(b"f", b"1", inner)
    await attic.write(b"other", b"1", inner)
    since = await attic.head()
    await attic.write(b"f", b"2", inner)
    await attic.write(b"other", b"2", inner)
    attic.tree.namespace.rename(attic.root, b"first", attic.root, b"second", BOB)
    await attic.write(b"f", b"3", inner)
    assert told(await undo(attic, "second/inner/f", agent="alice", since=since)) == [("p/first/inner/f", "revert")]
    assert attic.read(b"second/inner/f") == b"1"
    assert attic.read(b"second/inner/other") == b"2"
    assert ("p/first/inner/other", "revert") in told(await undo(attic, "first/inner/other", since=since))
    assert attic.read(b"second/inner/other") == b"1"


@pytest.mark.parametrize(
    ("path", "there", "names"),
    [
        ("p/c/g/x", True, {5: "p/a/f/x", 15: "p/b/f/x", 25: "p/b/g/x", 35: "p/c/g/x"}),
        ("p/b", True, {5: "p/c", 29: "p/c", 31: "p/b"}),
        ("p/a", False, {5: "p/a", 15: "p/b", 31: "p/c"}),
        ("p/ab", True, {5: "p/ab", 35: "p/ab"}),
    ],
)
def test_what_a_path_was_called(path: str, there: bool, names: dict[int, str]) -> None:
    followed = Followed([(path, there)], MOVES)
    others = {"p/a/f/x", "p/b/f/x", "p/b/g/x", "p/c/g/x", "p/a", "p/b", "p/c", "p/ab"}
    for seq, name in names.items():
        assert followed.match([name], seq)
        assert not any(followed.match([other], seq) for other in others if not other.startswith(name))


def test_all_is_matched_where_no_path_is_named() -> None:
    assert Followed((), MOVES).match(["p/anything"], 1)

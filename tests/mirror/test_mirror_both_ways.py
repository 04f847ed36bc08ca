"""A project and a directory, kept equal by a real daemon with a real mount."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support.mirroring import bind, picture, settled, status_of
from tests_support.running import Running
from tests_support.waiting import until


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "mirrored"
    made.mkdir()
    return made


@contextlib.contextmanager
def apart(running: Running, directory: Path) -> Iterator[Path]:
    """The directory is elsewhere for the time of the block, so that both sides can be changed."""
    away = directory.with_name("away")
    os.rename(directory, away)
    until(lambda: status_of(running).state == "paused")
    yield away
    running.settle()
    time.sleep(0.2)
    os.rename(away, directory)


@pytest.fixture
def mirrored(running: Running, directory: Path) -> Running:
    bind(running, directory)
    settled(running, directory)
    return running


def test_what_changes_inside_comes_out(mirrored: Running, directory: Path) -> None:
    inside = mirrored.current
    (inside / "a").write_text("one")
    os.chmod(inside / "a", 0o640)
    os.utime(inside / "a", ns=(10**18, 10**18 + 7))
    (inside / "d" / "e").mkdir(parents=True)
    (inside / "d" / "e" / "big").write_bytes(os.urandom(3_000_000))
    (inside / "empty").mkdir()
    os.symlink("../nowhere", inside / "link")
    os.link(inside / "a", inside / "d" / "also")
    os.unlink(inside / "kept.txt")
    found = settled(mirrored, directory)
    assert found[b"a"] == ("file", 0o640, 10**18 + 7, b"one")
    assert os.stat(directory / "a").st_ino == os.stat(directory / "d" / "also").st_ino
    (inside / "d" / "also").write_text("both")
    settled(mirrored, directory)
    assert (directory / "a").read_text() == "both"
    assert os.stat(directory / "a").st_ino == os.stat(directory / "d" / "also").st_ino
    os.rename(inside / "d", inside / "moved")
    assert b"d" not in settled(mirrored, directory)
    assert not status_of(mirrored).conflicts


def test_what_changes_outside_comes_in(mirrored: Running, directory: Path) -> None:
    inside = mirrored.current
    assert not (inside / "a").exists()
    (directory / "a").write_text("one")
    os.chmod(directory / "a", 0o600)
    (directory / "d" / "e").mkdir(parents=True)
    (directory / "d" / "e" / "big").write_bytes(os.urandom(9_000_000))
    os.symlink("/etc", directory / "link")
    os.link(directory / "a", directory / "d" / "also")
    (directory / "empty").mkdir(mode=0o711)
    (directory / os.fsdecode(b"bytes\xff")).write_text("no text")
    settled(mirrored, directory)
    assert os.stat(inside / "a").st_ino == os.stat(inside / "d" / "also").st_ino
    (directory / "new").write_text("two")
    os.rename(directory / "new", directory / "a")
    os.unlink(directory / "kept.txt")
    os.rename(directory / "d", directory / "moved")
    settled(mirrored, directory)
    assert (inside / "a").read_text() == "two"
    assert (inside / "moved" / "also").read_text() == "one"
    events = mirrored.events(agent="external")
    assert {"file.created", "link.created", "directory.created", "entry.removed"} <= {one.type for one in events}
    assert not status_of(mirrored).conflicts


def test_changes_while_the_daemon_was_down(mirrored: Running, directory: Path) -> None:
    (directory / "d").mkdir()
    (directory / "d" / "x").write_text("x")
    settled(mirrored, directory)
    mirrored.stop()
    (directory / "d" / "x").write_text("y")
    (directory / "kept.txt").unlink()
    (directory / "n").write_text("new")
    mirrored.start()
    found = settled(mirrored, directory)
    assert {name: facts[-1] for name, facts in found.items() if facts[0] == "file"} == {b"d/x": b"y", b"n": b"new"}
    assert not status_of(mirrored).conflicts


def test_a_conflict_keeps_both(mirrored: Running, directory: Path) -> None:
    (mirrored.current / "d").mkdir()
    for name in ("removed inside", "removed outside", "same"):
        (mirrored.current / "d" / name).write_text("old")
    settled(mirrored, directory)
    with apart(mirrored, directory) as away:
        (away / "kept.txt").write_text("from outside")
        (mirrored.current / "kept.txt").write_text("from inside")
        for side in (away, mirrored.current):
            (side / "d" / "same").write_text("new")
        (mirrored.current / "d" / "removed inside").unlink()
        (away / "d" / "removed inside").write_text("changed")
        (away / "d" / "removed outside").unlink()
        (mirrored.current / "d" / "removed outside").write_text("changed")
    found = settled(mirrored, directory)
    conflicts = {one.path: one.copy for one in status_of(mirrored).conflicts}
    copy = conflicts["kept.txt"]
    assert {name: facts[-1] for name, facts in found.items() if facts[0] == "file"} == {
        b"kept.txt": b"from inside",
        copy.encode(): b"from outside",
        b"d/same": b"new",
        b"d/removed inside": b"changed",
        b"d/removed outside": b"changed",
    }
    assert conflicts == {"kept.txt": copy, "d/removed inside": "", "d/removed outside": ""}
    assert mirrored.events(type="mirror.conflict")


def test_the_directory_goes_and_comes_back(mirrored: Running, directory: Path) -> None:
    away = directory.with_name("away")
    os.rename(directory, away)
    until(lambda: status_of(mirrored).state == "paused")
    (mirrored.current / "meanwhile").write_text("inside")
    (away / "also").write_text("outside")
    time.sleep(0.7)
    assert sorted(os.listdir(mirrored.current)) == ["kept.txt", "meanwhile"]
    os.rename(away, directory)
    found = settled(mirrored, directory)
    assert sorted(found) == [b"also", b"kept.txt", b"meanwhile"]
    assert not status_of(mirrored).conflicts
    os.rename(directory, away)
    until(lambda: status_of(mirrored).state == "paused")
    directory.mkdir()
    assert sorted(settled(mirrored, directory)) == [b"also", b"kept.txt", b"meanwhile"]
    assert mirrored.events(type="mirror.paused")


def test_what_cannot_be_mirrored_is_told(mirrored: Running, directory: Path) -> None:
    os.mkfifo(directory / "pipe")
    until(lambda: [one.path for one in status_of(mirrored).refused] == ["pipe"])
    assert not (mirrored.current / "pipe").exists()


def test_symlinks_are_not_followed_out(mirrored: Running, directory: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (mirrored.current / "d").mkdir()
    (mirrored.current / "d" / "f").write_text("f")
    settled(mirrored, directory)
    (directory / "d" / "f").unlink()
    (directory / "d").rmdir()
    os.symlink(victim, directory / "d")
    for number in range(20):
        (mirrored.current / "d" / f"g{number}").write_text("g")
        time.sleep(0.02)
    settled(mirrored, directory)
    assert os.listdir(victim) == []


def test_a_full_directory_needs_to_be_adopted(running: Running, directory: Path) -> None:
    (directory / "kept.txt").write_text("theirs")
    (directory / "other").write_text("other")
    refused = running.ctl("mirror", "add", "demo", str(directory), check=False)
    assert refused.returncode == 1
    assert "--adopt" in refused.stderr
    running.ctl("mirror", "add", "demo", str(directory), "--adopt", "inside")
    found = settled(running, directory)
    assert {key: facts[-1] for key, facts in found.items()} == {b"kept.txt": b"kept", b"other": b"other"}
    head = running.events(agent="external", path="demo/kept.txt")[0].seq
    assert (running.project / "history" / f"@{head}" / "kept.txt").read_text() == "theirs"
    assert "live" in running.ctl("mirror", "status").stdout
    assert str(directory) in running.ctl("mirror", "list", "--json").stdout
    running.ctl("mirror", "remove", "demo")
    (directory / "after").write_text("after")
    time.sleep(0.5)
    assert not (running.current / "after").exists()


def test_the_source_itself_can_be_the_mirror(running: Running) -> None:
    bind(running, running.source)
    settled(running, running.source)
    (running.current / "x").write_text("x")
    settled(running, running.source)
    assert picture(running.source)[b"x"][-1] == b"x"


def test_types_that_change_on_both_sides(mirrored: Running, directory: Path) -> None:
    for name in ("one", "two", "three"):
        (directory / name).mkdir()
        (directory / name / "f").write_text("f")
    settled(mirrored, directory)
    with apart(mirrored, directory) as away:
        shutil.rmtree(mirrored.current / "one")
        (mirrored.current / "one").write_text("a file now")
        (away / "one" / "g").write_text("new in the directory")
        shutil.rmtree(away / "two")
        (away / "two").write_text("a file outside")
        (mirrored.current / "two" / "h").write_text("new in the project")
        shutil.rmtree(mirrored.current / "three")
        (away / "three" / "sub").mkdir()
        (away / "three" / "sub" / "i").write_text("i")
    found = settled(mirrored, directory)
    contents = {facts[-1] for facts in found.values() if facts[0] == "file"}
    assert {b"a file now", b"new in the directory", b"a file outside", b"new in the project", b"i"} <= contents
    assert found[b"one"][-1] == b"a file now"
    assert found[b"two/h"][-1] == b"new in the project"
    assert found[b"three/sub/i"][-1] == b"i"
    assert b"three/f" not in found

"""The mount, for real: what plain programs see of it."""

import errno
import os
import subprocess
import time

import pytest
from tests_support.running import Running

pytestmark = pytest.mark.skipif(not os.path.exists("/dev/fuse"), reason="there is no /dev/fuse here")


def test_files_are_written_read_and_listed(running: Running) -> None:
    here = running.current
    (here / "dir").mkdir()
    (here / "dir" / "file").write_text("hello")
    assert (here / "dir" / "file").read_text() == "hello"
    assert sorted(os.listdir(here)) == ["dir", "kept.txt"]
    (here / "dir" / "file").rename(here / "moved")
    assert not list((here / "dir").iterdir())
    assert (here / "moved").stat().st_size == 5


def test_large_files_survive_overwriting_in_the_middle(running: Running) -> None:
    path = running.current / "large"
    content = bytearray(os.urandom(700_000))
    path.write_bytes(content)
    with open(path, "r+b") as file:
        file.seek(131_000)
        file.write(b"x" * 300_000)
    content[131_000:431_000] = b"x" * 300_000
    assert path.read_bytes() == bytes(content)
    os.truncate(path, 200_001)
    os.truncate(path, 400_000)
    assert path.read_bytes() == bytes(content[:200_001]) + bytes(199_999)


def test_the_past_stays_as_it_was_and_cannot_be_written(running: Running) -> None:
    path = running.current / "kept.txt"
    seq = running.head()
    path.write_text("changed")
    running.settle()
    past = running.project / "history" / f"@{seq}" / "kept.txt"
    assert past.read_text() == "kept"
    assert (running.project / "history" / f"@{running.head()}" / "kept.txt").read_text() == "changed"
    for attempt in (lambda: past.write_text("x"), past.unlink, lambda: (past.parent / "new").mkdir()):
        with pytest.raises(OSError) as refused:
            attempt()
        assert refused.value.errno == errno.EROFS


def test_any_time_can_be_entered_and_impossible_ones_are_not_there(running: Running) -> None:
    stamp = time.time_ns()
    running.current.joinpath("kept.txt").unlink()
    seconds, fraction = divmod(stamp, 10**9)
    name = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{fraction:09d}Z"
    history = running.project / "history"
    assert (history / name / "kept.txt").read_text() == "kept"
    for impossible in ("2026-02-30T00:00:00Z", "9999-01-01T00:00:00Z", "@999999999", "nonsense"):
        with pytest.raises(FileNotFoundError):
            os.stat(history / impossible)


def test_snapshots_appear_under_history(running: Running) -> None:
    running.ctl("snapshot", "create", "before")
    running.current.joinpath("kept.txt").write_text("after")
    assert (running.project / "history/snapshots/before/kept.txt").read_text() == "kept"
    assert "before" in os.listdir(running.project / "history/snapshots")


def test_an_unlinked_file_lives_as_long_as_it_is_open(running: Running) -> None:
    path = running.current / "gone"
    with open(path, "w+") as file:
        file.write("still here")
        file.flush()
        path.unlink()
        file.seek(0)
        assert file.read() == "still here"
        assert os.fstat(file.fileno()).st_nlink == 0


def test_names_are_any_bytes_up_to_255(running: Running) -> None:
    here = os.fsencode(running.current)
    name = b"\xff" + b"n" * 254
    with open(here + b"/" + name, "wb") as file:
        file.write(b"x")
    assert name in os.listdir(here)
    with pytest.raises(OSError) as refused:
        os.stat(here + b"/" + b"n" * 256)
    assert refused.value.errno == errno.ENAMETOOLONG


def test_links_modes_and_times_are_kept(running: Running) -> None:
    path = running.current / "kept.txt"
    os.link(path, running.current / "hard")
    os.symlink("kept.txt", running.current / "soft")
    os.chmod(path, 0o751)
    os.utime(path, ns=(10**18 + 1, 10**18 + 2))
    status = os.stat(running.current / "hard")
    assert (status.st_nlink, status.st_mode & 0o7777, status.st_mtime_ns) == (2, 0o751, 10**18 + 2)
    assert os.readlink(running.current / "soft") == "kept.txt"


def test_status_is_readable(running: Running) -> None:
    assert "store: ok" in (running.project / "status" / "health").read_text()


def test_a_restart_shows_the_same_tree(running: Running) -> None:
    (running.current / "new").write_text("new")
    running.restart()
    assert (running.current / "new").read_text() == "new"
    assert (running.current / "kept.txt").read_text() == "kept"


def test_a_project_is_built_with_make_and_git_works(running: Running) -> None:
    here = running.current
    (here / "Makefile").write_text("out: in\n\tcp in out\n")
    (here / "in").write_text("data")
    subprocess.run(["make", "-s"], cwd=here, check=True)
    assert (here / "out").read_text() == "data"
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q"], cwd=here, check=True)
    subprocess.run([*git, "add", "-A"], cwd=here, check=True)
    subprocess.run([*git, "commit", "-qm", "all"], cwd=here, check=True)
    status = subprocess.run([*git, "status", "--porcelain"], cwd=here, check=True, capture_output=True)
    assert status.stdout == b""
    assert subprocess.run([*git, "fsck", "--strict"], cwd=here, check=False, capture_output=True).returncode == 0

"""What POSIX and Linux promise of a filesystem, asked of the mount by system calls."""

import ctypes
import errno
import fcntl
import mmap
import os
import stat
import subprocess
import sys
from pathlib import Path

import lmdb
import pytest
from tests_support.running import Running

from lighthoused.store.schema import BLOCKS

GIB = 1 << 30
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
AT_FDCWD = -100
libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture
def here(running: Running) -> Path:
    """A directory under the mount."""
    directory = running.current / "posix"
    directory.mkdir()
    return directory


def rename_with(old: Path, new: Path, flags: int) -> None:
    """renameat2(2)."""
    if libc.renameat2(AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def as_user(uid: int, gid: int, code: str, *arguments: str) -> int:
    """Exit code of Python code run as somebody else."""
    return subprocess.run([sys.executable, "-c", code, *arguments], user=uid, group=gid, check=False).returncode


def test_an_unlinked_file_lives_as_long_as_it_is_open(here: Path) -> None:
    with open(here / "f", "w+b") as file:
        file.write(b"still here")
        file.flush()
        os.unlink(here / "f")
        assert os.fstat(file.fileno()).st_nlink == 0
        file.seek(0)
        assert file.read() == b"still here"
        file.write(b" and growing")
        file.flush()
        assert os.fstat(file.fileno()).st_size == 22
    assert list(here.iterdir()) == []


def test_rename_replaces_at_once_and_as_told(here: Path) -> None:
    first, second = here / "a", here / "b"
    first.write_text("a")
    second.write_text("b")
    with pytest.raises(FileExistsError):
        rename_with(first, second, RENAME_NOREPLACE)
    rename_with(first, second, RENAME_EXCHANGE)
    assert (first.read_text(), second.read_text()) == ("b", "a")
    with open(second) as replaced:
        first.rename(second)
        assert replaced.read() == "a"
    assert second.read_text() == "b"
    (here / "d").mkdir()
    for old, new, wanted in ((second, here / "d", errno.EISDIR), (here / "d", second, errno.ENOTDIR)):
        with pytest.raises(OSError) as refused:
            old.rename(new)
        assert refused.value.errno == wanted
    (here / "d" / "e").mkdir()
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        (here / "d").rename(here / "d" / "e" / "f")


def test_hard_links_are_one_file(here: Path) -> None:
    (here / "a").write_text("one")
    os.link(here / "a", here / "b")
    (here / "b").write_text("two")
    assert (here / "a").read_text() == "two"
    assert (here / "a").stat().st_nlink == 2
    assert (here / "a").stat().st_ino == (here / "b").stat().st_ino
    (here / "a").unlink()
    assert (here / "b").stat().st_nlink == 1


def test_directories_count_their_links(here: Path) -> None:
    for name in ("x", "y"):
        (here / name).mkdir()
    (here / "file").touch()
    assert here.stat().st_nlink == 4
    (here / "x").rename(here / "y" / "x")
    assert (here.stat().st_nlink, (here / "y").stat().st_nlink) == (3, 3)
    with pytest.raises(OSError, match=os.strerror(errno.ENOTEMPTY)):
        (here / "y").rmdir()


def test_symlinks_are_followed_kept_and_may_loop(here: Path) -> None:
    (here / "target").write_text("t")
    (here / "link").symlink_to("target")
    assert (here / "link").read_text() == "t"
    assert os.readlink(here / "link") == "target"
    assert (here / "link").lstat().st_size == len("target")
    (here / "loop").symlink_to("loop")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        (here / "loop").read_text()
    long = "x/" * 2000 + "end"
    os.symlink(long, here / "long")
    assert os.readlink(here / "long") == long


def test_names_are_any_255_bytes(here: Path) -> None:
    directory = os.fsencode(here)
    names = [bytes([first]) * 255 for first in range(1, 256) if first not in b"/."] + [b"\xff\xfe", b" ", b"\n", b"-rf"]
    for name in names:
        os.close(os.open(directory + b"/" + name, os.O_CREAT | os.O_WRONLY))
    assert sorted(os.listdir(directory)) == sorted(names)
    for name in (b"x" * 256, b"\xff" * 300):
        for attempt in (os.stat, os.mkdir, os.unlink):
            with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)):
                attempt(directory + b"/" + name)
    for name in names:
        os.unlink(directory + b"/" + name)


def test_times_have_nanoseconds(here: Path) -> None:
    path = here / "f"
    path.touch()
    os.utime(path, ns=(1_000_000_000_123_456_789, -1_000_000_001))
    found = path.stat()
    assert (found.st_atime_ns, found.st_mtime_ns) == (1_000_000_000_123_456_789, -1_000_000_001)
    before = path.stat().st_ctime_ns
    path.chmod(0o600)
    assert path.stat().st_ctime_ns > before


def test_sparse_files_take_no_room(running: Running, here: Path) -> None:
    with open(here / "sparse", "w+b") as file:
        file.truncate(10 * GIB)
        for offset in (0, 5 * GIB + 123, 10 * GIB - 3):
            os.pwrite(file.fileno(), b"end", offset)
        os.fsync(file.fileno())
        assert os.pread(file.fileno(), 5, 5 * GIB + 122) == b"\0end\0"
        assert os.pread(file.fileno(), 100, 7 * GIB) == bytes(100)
        assert os.pread(file.fileno(), 10, 10 * GIB - 3) == b"end"
    stored = sum(path.stat().st_blocks * 512 for path in running.state.rglob("*") if path.is_file())
    assert stored < 64 << 20


def test_a_sparse_file_of_many_blocks_is_read_right_after_it_was_written(here: Path) -> None:
    for number in range(10):
        path = here / f"sparse{number}"
        with open(path, "wb") as file:
            for block in range(0, 200, 7):
                os.pwrite(file.fileno(), b"%d" % block, block * 131_072)
        with open(path, "rb") as file:
            for block in range(0, 200, 7):
                assert os.pread(file.fileno(), 3, block * 131_072).rstrip(b"\0") == b"%d" % block


def test_appends_of_several_processes_do_not_overwrite_each_other(here: Path) -> None:
    code = "import os, sys\nf = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)\n"
    code += "for _ in range(100): os.write(f, sys.argv[2].encode() * 10 + b'\\n')"
    path = here / "log"
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), letter]) for letter in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    lines = path.read_text().splitlines()
    assert sorted(lines) == sorted(letter * 10 for letter in "abc" for _ in range(100))


def test_a_shared_mapping_is_the_file(here: Path) -> None:
    with open(here / "f", "w+b") as file:
        file.truncate(300_000)
        with mmap.mmap(file.fileno(), 0) as first, mmap.mmap(file.fileno(), 0) as second:
            first[200_000:200_005] = b"hello"
            assert second[200_000:200_005] == b"hello"
            first.flush()
    with open(here / "f", "rb") as again:
        again.seek(200_000)
        assert again.read(5) == b"hello"


def test_locks_are_kept_between_processes(here: Path) -> None:
    path = here / "lock"
    code = "import fcntl, sys\nf = open(sys.argv[1], 'r+')\ntry: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    code += "except OSError: sys.exit(7)"
    with open(path, "w+") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 7
        fcntl.lockf(file, fcntl.LOCK_UN)
        assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 0
        fcntl.flock(file, fcntl.LOCK_EX)
        with open(path) as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_set_ids_are_inherited_and_cleared(here: Path) -> None:
    os.chown(here, 0, 1234)
    here.chmod(0o2777)
    (here / "sub").mkdir()
    (here / "file").touch()
    assert (here / "sub").stat().st_gid == (here / "file").stat().st_gid == 1234
    assert (here / "sub").stat().st_mode & stat.S_ISGID
    program = here / "program"
    program.write_text("x")
    program.chmod(0o6777)
    os.chown(program, 1, 1)
    assert not program.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)


def test_extended_attributes(here: Path) -> None:
    path = here / "f"
    path.touch()
    os.setxattr(path, "user.a", b"1", os.XATTR_CREATE)
    with pytest.raises(FileExistsError):
        os.setxattr(path, "user.a", b"2", os.XATTR_CREATE)
    with pytest.raises(OSError, match=os.strerror(errno.ENODATA)):
        os.setxattr(path, "user.b", b"2", os.XATTR_REPLACE)
    os.setxattr(path, "user.a", bytes(60_000))
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        os.setxattr(path, "user.c", bytes(60_000))
    assert len(os.getxattr(path, "user.a")) == 60_000
    os.removexattr(path, "user.a")
    assert "user.a" not in os.listxattr(path)


def test_special_files(here: Path) -> None:
    os.mkfifo(here / "pipe")
    reader = subprocess.Popen(["cat", str(here / "pipe")], stdout=subprocess.PIPE)
    with open(here / "pipe", "w") as pipe:
        pipe.write("through")
    assert reader.communicate()[0] == b"through"
    assert stat.S_ISFIFO((here / "pipe").stat().st_mode)


def test_a_thousand_files_are_open_at_once(here: Path) -> None:
    code = "import resource, sys\nresource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))\n"
    code += "files = [open(f'{sys.argv[1]}/f{n}', 'w+') for n in range(1000)]\n"
    code += "for n, f in enumerate(files): f.write(str(n)); f.flush()\n"
    code += "for n, f in enumerate(files): f.seek(0); assert f.read() == str(n)"
    assert subprocess.run([sys.executable, "-c", code, str(here)], check=False).returncode == 0
    assert len(os.listdir(here)) == 1000


@pytest.mark.slow
def test_a_huge_directory_is_listed_whole_while_it_changes(here: Path) -> None:
    count = 20_000
    for number in range(count):
        os.close(os.open(f"{here}/file-{number}", os.O_CREAT | os.O_WRONLY))
    seen = set()
    with os.scandir(here) as entries:
        for number, entry in enumerate(entries):
            seen.add(entry.name)
            if number % 100 == 0:
                os.unlink(entry.path)
    assert len(seen) == count
    assert len(os.listdir(here)) == count - count // 100


def test_damaged_content_is_an_error_of_that_file_only(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    running = Running(tmp_path, tmp_path / "demo")
    running.start()
    (running.current / "whole").write_bytes(os.urandom(5000))
    (running.current / "lost").write_bytes(os.urandom(200_000))
    running.settle()
    assert running.stop() == 0
    env = lmdb.open(str(running.state / "db"), max_dbs=16, map_size=1 << 40)
    blocks = env.open_db(BLOCKS.name.encode())
    with env.begin(write=True, db=blocks) as txn:
        largest = max(txn.cursor(db=blocks), key=lambda item: len(item[1]))[0]
        txn.delete(largest)
    env.close()
    running.start()
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        (running.current / "lost").read_bytes()
    assert len((running.current / "whole").read_bytes()) == 5000
    (running.current / "new").write_text("goes on")
    assert running.stop() == 0
    assert "is missing" in running.log.read_text()

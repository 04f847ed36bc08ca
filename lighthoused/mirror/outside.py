"""The ordinary directory of a mirror. No symlink is ever followed, and nothing is overwritten that was not looked at.

Every path is opened part by part from the root's descriptor. A new version is written under a temporary name and takes
its place by renameat2(2): RENAME_NOREPLACE where nothing is expected, else RENAME_EXCHANGE, so that what came out can
be compared with what was expected, and be put back. All calls block: they are for worker threads.
"""

import contextlib
import ctypes
import errno
import os
import stat
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3

from lighthoused.core.inode import BLOCK, Inode
from lighthoused.mirror.entry import MIRRORED, TEMPORARY, Entry, Equal, Seen, split

PIECE = 8 * BLOCK
NOREPLACE = 1
EXCHANGE = 2
ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_libc = ctypes.CDLL(None, use_errno=True)

Read = Callable[[int, int], bytes]
"""Content at an offset, up to a size."""


class Changed(Exception):
    """Somebody else was faster: look again."""


class Status(NamedTuple):
    """What lstat(2) says that matters."""

    ino: int
    stat: os.stat_result

    @property
    def mark(self) -> bytes:
        one = self.stat
        return struct.pack("<QIIIQqq", one.st_ino, one.st_mode, one.st_uid, one.st_gid, one.st_size, *self.times)

    @property
    def times(self) -> tuple[int, int]:
        return self.stat.st_mtime_ns, self.stat.st_ctime_ns

    def is_like(self, mark: bytes) -> bool:
        """Whether it is what had this mark, but for the time of its renaming."""
        return self.mark[:-8] == mark[:-8]


class Outside:
    """The directory at `root`, which stays the one opened, wherever it is moved. `owners`: whether they count."""

    def __init__(self, root: Path, owners: bool) -> None:
        self.root = root
        self._owners = owners
        self._fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self._fd)

    @property
    def identity(self) -> bytes:
        """Which directory it is."""
        status = os.fstat(self._fd)
        return b"%d:%d" % (status.st_dev, status.st_ino)

    def check(self) -> None:
        """Raises OSError where the root is not at its place any more."""
        status = os.stat(self.root, follow_symlinks=False)
        if b"%d:%d" % (status.st_dev, status.st_ino) != self.identity:
            raise OSError(errno.ENOENT, "another directory has taken its place")

    def status(self, path: bytes) -> Status | None:
        """None where there is nothing, or no way without a symlink."""
        try:
            with self._parent(path) as (at, name):
                found = os.stat(name, dir_fd=at, follow_symlinks=False)
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise
        return Status(found.st_ino, found)

    def look(self, path: bytes, equal: Equal | None) -> Seen | None:
        """What is there, with its digest. Raises Changed for a file written meanwhile."""
        status = self.status(path)
        if status is None:
            return None
        if equal is not None and equal.outside_mark == status.mark:
            return Seen(equal.entry, status.ino, status.mark)
        kind = stat.S_IFMT(status.stat.st_mode)
        if kind not in MIRRORED:
            return Seen(Entry(kind, 0, 0, 0), status.ino, status.mark)
        return Seen(self._entry(path, kind, status), status.ino, status.mark)

    def names(self, path: bytes) -> list[bytes]:
        """Entries of a directory; none where it is not one."""
        try:
            with self._opened(path, os.O_RDONLY | os.O_DIRECTORY) as fd:
                return [os.fsencode(name) for name in os.listdir(fd) if not os.fsencode(name).startswith(TEMPORARY)]
        except OSError as error:
            if error.errno in ABSENT:
                return []
            raise

    def leftovers(self, path: bytes) -> list[bytes]:
        """Temporary names in a directory."""
        try:
            with self._opened(path, os.O_RDONLY | os.O_DIRECTORY) as fd:
                return [os.fsencode(name) for name in os.listdir(fd) if os.fsencode(name).startswith(TEMPORARY)]
        except OSError:
            return []

    def read(self, path: bytes, status: Status) -> Iterator[bytes]:
        """The content of a file that has this status, by pieces. Raises Changed where it has not, or not any more."""
        with self._opened(path, os.O_RDONLY | os.O_NONBLOCK) as fd:
            _unchanged(fd, status)
            while piece := os.read(fd, PIECE):
                yield piece
            _unchanged(fd, status)

    def target(self, path: bytes) -> bytes:
        """A symlink's target."""
        with self._parent(path) as (at, name):
            return os.readlink(name, dir_fd=at)

    def prepare(self, path: bytes, temporary: bytes, inode: Inode, read: Read, link: bytes | None) -> int:
        """Make what is to be at `path` under a temporary name beside it, a link to `link` if given; its number."""
        with self._parent(path) as (at, _):
            if link is not None:
                with self._parent(link) as (other, name):
                    os.link(name, temporary, src_dir_fd=other, dst_dir_fd=at, follow_symlinks=False)
            elif inode.is_symlink:
                os.symlink(inode.target, temporary, dir_fd=at)
                self._own(temporary, at, inode)
                os.utime(temporary, ns=(inode.mtime, inode.mtime), dir_fd=at, follow_symlinks=False)
            else:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                fd = os.open(temporary, flags, 0o600, dir_fd=at)
                try:
                    _fill(fd, inode, read)
                    self._own(temporary, at, inode)
                    os.fchmod(fd, stat.S_IMODE(inode.mode))
                    os.utime(fd, ns=(inode.mtime, inode.mtime))
                    os.fsync(fd)
                finally:
                    os.close(fd)
            return os.stat(temporary, dir_fd=at, follow_symlinks=False).st_ino

    def place(self, path: bytes, temporary: bytes, expected: bytes) -> Status:
        """Put what was prepared at `path`, where what has the mark `expected` (b"": nothing) is. Raises Changed."""
        with self._parent(path) as (at, name):
            if not expected:
                _rename(at, temporary, name, NOREPLACE)
            else:
                _rename(at, temporary, name, EXCHANGE)
                self._discard(at, temporary, expected, lambda: _exchange_back(at, temporary, name))
            found = os.stat(name, dir_fd=at, follow_symlinks=False)
            return Status(found.st_ino, found)

    def remove(self, path: bytes, temporary: bytes, expected: bytes) -> None:
        """Remove a file or symlink that has the mark `expected`. Raises Changed."""
        with self._parent(path) as (at, name):
            try:
                _rename(at, name, temporary, NOREPLACE)
            except FileNotFoundError:
                return
            self._discard(at, temporary, expected, lambda: _put_back(at, temporary, name))

    def drop(self, path: bytes, temporary: bytes, expected: bytes = b"") -> bool:
        """Remove what was prepared; False where the name stands for what was there before, which `finish` looks at."""
        with contextlib.suppress(OSError), self._parent(path) as (at, _):
            there = os.stat(temporary, dir_fd=at, follow_symlinks=False)
            if expected and Status(there.st_ino, there).mark[:8] == expected[:8]:
                return False
            os.unlink(temporary, dir_fd=at)
        return True

    def finish(self, path: bytes, temporary: bytes, made: int, expected: bytes) -> bool:
        """After a crash: tidy up the temporary name; whether the change had been made."""
        with contextlib.suppress(FileNotFoundError), self._parent(path) as (at, name):
            there = os.stat(temporary, dir_fd=at, follow_symlinks=False)
            if made and there.st_ino == made:
                os.unlink(temporary, dir_fd=at)
                return False
            back = _exchange_back if made else _put_back
            try:
                self._discard(at, temporary, expected, lambda: back(at, temporary, name))
            except Changed:
                return False
        return True

    def make_directory(self, path: bytes, inode: Inode) -> Status:
        """Make a directory, or give the one that is there these attributes."""
        with self._parent(path) as (at, name), contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=at)
        return self.set_attributes(path, inode)

    def remove_directory(self, path: bytes) -> bool:
        """Whether it is gone; False where something is in it."""
        try:
            with self._parent(path) as (at, name):
                os.rmdir(name, dir_fd=at)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return False
            if error.errno not in ABSENT:
                raise
        return True

    def set_attributes(self, path: bytes, inode: Inode) -> Status:
        """Give what is there the mode, owner and (not a directory) time."""
        with self._parent(path) as (at, name):
            self._own(name, at, inode)
            if not inode.is_symlink:
                with self._opened(path, os.O_RDONLY | os.O_NONBLOCK if os.geteuid() == 0 else os.O_RDONLY) as fd:
                    os.fchmod(fd, stat.S_IMODE(inode.mode))
            if not inode.is_dir:
                os.utime(name, ns=(inode.mtime, inode.mtime), dir_fd=at, follow_symlinks=False)
            found = os.stat(name, dir_fd=at, follow_symlinks=False)
            return Status(found.st_ino, found)

    def move_aside(self, path: bytes, suffix: bytes) -> bytes:
        """Give what is at `path` another name beside it, made from its own and `suffix`; the new path."""
        parent, name = split(path)
        with self._parent(path) as (at, _):
            for number in range(1000):
                tail = suffix + (b"-%d" % number if number else b"")
                aside = name[: 255 - len(tail)] + tail
                with contextlib.suppress(Changed):
                    _rename(at, name, aside, NOREPLACE)
                    return parent + b"/" + aside if parent else aside
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    def _entry(self, path: bytes, kind: int, status: Status) -> Entry:
        uid, gid = (status.stat.st_uid, status.stat.st_gid) if self._owners else (-1, -1)
        mode = stat.S_IMODE(status.stat.st_mode)
        if kind == stat.S_IFDIR:
            return Entry(kind, mode, uid, gid)
        mtime = status.stat.st_mtime_ns
        try:
            if kind == stat.S_IFLNK:
                target = self.target(path)
                return Entry(kind, 0o777, uid, gid, len(target), mtime, target)
            digest = blake3()
            for piece in self.read(path, status):
                digest.update(piece)
        except OSError as error:
            if error.errno in (*ABSENT, errno.EINVAL):
                raise Changed from error
            raise
        return Entry(kind, mode, uid, gid, status.stat.st_size, mtime, digest.digest())

    def _discard(self, at: int, temporary: bytes, expected: bytes, put_back: Callable[[], None]) -> None:
        found = os.stat(temporary, dir_fd=at, follow_symlinks=False)
        if not Status(found.st_ino, found).is_like(expected):
            put_back()
            raise Changed
        if not stat.S_ISDIR(found.st_mode):
            os.unlink(temporary, dir_fd=at)
            return
        try:
            os.rmdir(temporary, dir_fd=at)
        except OSError as error:
            put_back()
            raise Changed from error

    def _own(self, name: bytes, at: int, inode: Inode) -> None:
        if self._owners:
            os.chown(name, inode.uid, inode.gid, dir_fd=at, follow_symlinks=False)

    @contextlib.contextmanager
    def _parent(self, path: bytes) -> Iterator[tuple[int, bytes]]:
        """A descriptor of the directory that a path is in, and the name there."""
        parent, name = split(path)
        fd = os.dup(self._fd)
        try:
            for part in parent.split(b"/") if parent else ():
                inner = os.open(part, _DIRECTORY, dir_fd=fd)
                os.close(fd)
                fd = inner
            yield fd, name
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def _opened(self, path: bytes, flags: int) -> Iterator[int]:
        with self._parent(path) as (at, name):
            fd = os.open(name or b".", flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            try:
                yield fd
            finally:
                os.close(fd)


def _fill(fd: int, inode: Inode, read: Read) -> None:
    for offset in range(0, inode.size, PIECE):
        piece = read(offset, PIECE)
        if piece.count(0) != len(piece):
            rest = memoryview(piece)
            while rest:
                written = os.pwrite(fd, rest, offset + len(piece) - len(rest))
                rest = rest[written:]
    os.ftruncate(fd, inode.size)


def _unchanged(fd: int, status: Status) -> None:
    now = os.fstat(fd)
    if Status(now.st_ino, now).mark != status.mark:
        raise Changed


def _rename(at: int, old: bytes, new: bytes, flags: int) -> None:
    """renameat2(2) within a directory. Raises Changed where it finds other names than it should, OSError."""
    if _libc.renameat2(at, old, at, new, flags) == 0:
        return
    code = ctypes.get_errno()
    if code == errno.EEXIST or (code == errno.ENOENT and flags == EXCHANGE):
        raise Changed
    raise OSError(code, os.strerror(code))


def _put_back(at: int, temporary: bytes, name: bytes) -> None:
    """Let what was taken out under a temporary name have its name again, or one like it if that is taken."""
    for number in range(1000):
        with contextlib.suppress(Changed):
            tail = b".conflict-%d" % number if number else b""
            _rename(at, temporary, name[: 255 - len(tail)] + tail, NOREPLACE)
            return


def _exchange_back(at: int, temporary: bytes, name: bytes) -> None:
    """Undo an exchange; what had been prepared goes."""
    try:
        _rename(at, temporary, name, EXCHANGE)
        os.unlink(temporary, dir_fd=at)
    except Changed:
        _put_back(at, temporary, name)

"""Told by the kernel what changes in a directory and below: inotify(7), without following symlinks.

Not watchfiles 1.3: it walks the tree with the interpreter locked (0.37 s for 10,000 directories), follows symlinks
(also into our own mount, whose requests the locked interpreter could not answer), fails for good at a name that is not
UTF-8, and keeps the queue's overflow to itself (its issue 348).
"""

import ctypes
import errno
import os
import struct
from collections.abc import Callable

import trio

from lighthoused.mirror.entry import TEMPORARY, below

_libc = ctypes.CDLL(None, use_errno=True)

IN_MODIFY = 0x2
IN_ATTRIB = 0x4
IN_CLOSE_WRITE = 0x8
IN_MOVED_FROM = 0x40
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_DELETE = 0x200
IN_MOVE_SELF = 0x800
IN_Q_OVERFLOW = 0x4000
IN_IGNORED = 0x8000
IN_ISDIR = 0x40000000
WANTED = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVE_SELF
IN_ONLYDIR = 0x1000000
IN_DONT_FOLLOW = 0x2000000
READ = 256 * 1024
_HEAD = struct.Struct("iIII")


class Watch:
    """Watches `root`; paths are relative to it. `excluded` tells absolute paths that are none of the mirror's."""

    def __init__(self, root: bytes, excluded: Callable[[bytes], bool]) -> None:
        self._root = root
        self._excluded = excluded
        self._fd = _checked(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._paths: dict[int, bytes] = {}
        self.complete = True
        """False where the kernel refused to watch everything (fs.inotify.max_user_watches)."""

    def close(self) -> None:
        os.close(self._fd)

    def add(self, path: bytes) -> None:
        """Watch a directory and all below it. Blocks: for a worker thread."""
        todo = [path]
        while todo:
            at = todo.pop()
            whole = self._root + b"/" + at if at else self._root
            if self._excluded(whole):
                continue
            number = _libc.inotify_add_watch(self._fd, whole, WANTED | IN_ONLYDIR | IN_DONT_FOLLOW)
            if number < 0:
                code = ctypes.get_errno()
                if code == errno.ENOSPC:
                    self.complete = False
                    return
                if code in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES) and at:
                    continue
                raise OSError(code, os.strerror(code), self._root)
            self._paths[number] = at
            todo.extend(below(at, name) for name in _directories(whole))

    async def changes(self) -> dict[bytes, bool] | None:
        """What has changed since: paths, and whether each is a directory that has just appeared.

        None where the kernel has lost track, so that everything has to be compared. Raises OSError where the root was
        moved or removed.
        """
        await trio.lowlevel.wait_readable(self._fd)
        try:
            told = os.read(self._fd, READ)
        except BlockingIOError:
            return {}
        return self._read(told)

    def _read(self, told: bytes) -> dict[bytes, bool] | None:
        found: dict[bytes, bool] = {}
        at = 0
        while at < len(told):
            number, mask, _, length = _HEAD.unpack_from(told, at)
            name = told[at + _HEAD.size : at + _HEAD.size + length].rstrip(b"\0")
            at += _HEAD.size + length
            if mask & IN_Q_OVERFLOW:
                return None
            if mask & IN_IGNORED:
                if self._paths.pop(number, None) == b"":
                    raise OSError(errno.ENOENT, "it was removed")
                continue
            directory = self._paths.get(number)
            if directory is None:
                continue
            if not name:
                if not directory and mask & IN_MOVE_SELF:
                    raise OSError(errno.ENOENT, "it was moved away")
                continue
            if name.startswith(TEMPORARY) or self._excluded(self._root + b"/" + below(directory, name)):
                continue
            path = below(directory, name)
            if mask & IN_ISDIR and mask & IN_MOVED_FROM:
                self._drop(path)
            appeared = bool(mask & IN_ISDIR and mask & (IN_CREATE | IN_MOVED_TO))
            found[path] = found.get(path, False) or appeared
        return found

    def _drop(self, path: bytes) -> None:
        """A directory was moved away: what is told of it from now on is not of this path."""
        for number, at in list(self._paths.items()):
            if at == path or at.startswith(path + b"/"):
                del self._paths[number]
                _libc.inotify_rm_watch(self._fd, number)


def _directories(path: bytes) -> list[bytes]:
    try:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result

"""Export: a project as it was at a moment, written into a new ordinary directory."""

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import trio

from lighthoused.core.errors import AlreadyExists, Invalid
from lighthoused.core.inode import BLOCK, Inode
from lighthoused.core.names import shown
from lighthoused.protocol.messages.log import Progress
from lighthoused.protocol.messages.projects import ExportReply
from lighthoused.tree.reading import Reading

PIECE = 8 * BLOCK
REPORT_EVERY = 64


async def export_project(reading: Reading, root: int, at: int, dest: Path) -> AsyncIterator[Progress | ExportReply]:
    """Write the tree below inode `root` as of seq `at` to `dest`, which must not exist or be empty.

    Yields Progress (entries), last an ExportReply. Owners are set where the daemon may (as root). Raises AlreadyExists,
    Invalid.
    """
    await trio.to_thread.run_sync(_prepare, dest)
    exporting = _Export(reading, at)
    todo = [(os.fsencode(dest), root)]
    directories: list[tuple[bytes, Inode]] = []
    while todo:
        path, ino = todo.pop()
        inode = reading.inode(ino, at)
        if not isinstance(inode, Inode):
            continue
        if inode.is_dir:
            directories.append((path, inode))
            await trio.to_thread.run_sync(_make_directory, path)
            todo.extend((path + b"/" + entry.name, entry.ino) for entry in reversed(reading.entries(ino, at)))
        else:
            await exporting.write(path, ino, inode)
        if exporting.count(inode) % REPORT_EVERY == 0:
            yield Progress(exporting.files, 0, shown(path))
    for path, inode in reversed(directories):
        await trio.to_thread.run_sync(_set_attributes, path, inode)
    yield ExportReply(files=exporting.files, bytes=exporting.bytes, seq=at)


class _Export:
    def __init__(self, reading: Reading, at: int) -> None:
        self._reading = reading
        self._at = at
        self._links: dict[int, bytes] = {}
        self.files = 0
        self.bytes = 0

    def count(self, inode: Inode) -> int:
        self.files += 1
        self.bytes += inode.size if inode.is_file else 0
        return self.files

    async def write(self, path: bytes, ino: int, inode: Inode) -> None:
        first = self._links.get(ino)
        if first is not None:
            await trio.to_thread.run_sync(os.link, first, path)
            return
        if inode.nlink > 1:
            self._links[ino] = path
        if inode.is_file:
            await trio.to_thread.run_sync(self._write_file, path, inode)
        else:
            await trio.to_thread.run_sync(_make_special, path, inode)

    def _write_file(self, path: bytes, inode: Inode) -> None:
        with open(path, "xb", buffering=0) as file:
            for offset in range(0, inode.size, PIECE):
                piece = self._reading.read(inode, offset, PIECE)
                if piece.count(0) != len(piece):
                    file.seek(offset)
                    file.write(piece)
            file.truncate(inode.size)
        _set_attributes(path, inode)


def _prepare(dest: Path) -> None:
    if not dest.is_absolute():
        raise Invalid(f"{dest} is not an absolute path.", "Name the directory to write from the root on.")
    try:
        dest.parent.mkdir(parents=True, exist_ok=True)
        if dest.exists() and any(dest.iterdir()):
            raise AlreadyExists(f"{dest} is not empty.", "Name a new directory.")
    except OSError as error:
        hint = "Choose a new directory whose parent can be written."
        raise Invalid(f"{dest} cannot be written: {error.strerror}.", hint) from error


def _make_directory(path: bytes) -> None:
    os.makedirs(path, exist_ok=True)


def _make_special(path: bytes, inode: Inode) -> None:
    if inode.is_symlink:
        os.symlink(inode.target, path)
    elif stat.S_ISFIFO(inode.mode):
        os.mkfifo(path)
    elif os.geteuid() == 0:
        os.mknod(path, inode.mode, inode.rdev)
    else:
        return
    _set_attributes(path, inode)


def _set_attributes(path: bytes, inode: Inode) -> None:
    if os.geteuid() == 0:
        os.chown(path, inode.uid, inode.gid, follow_symlinks=False)
    if not inode.is_symlink:
        os.chmod(path, stat.S_IMODE(inode.mode))
    os.utime(path, ns=(inode.atime, inode.mtime), follow_symlinks=False)

"""Import of an ordinary directory as a project. A directory is listed and files are read in worker threads; an
interrupted import goes on where it stopped: what is there already with the same size and time is left alone."""

import errno
import os
import pwd
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import trio

from lighthoused.core.author import Author
from lighthoused.core.errors import Invalid
from lighthoused.core.inode import BLOCK
from lighthoused.core.names import shown
from lighthoused.protocol.messages.log import Progress
from lighthoused.protocol.messages.projects import Project
from lighthoused.tree.attributes import NewAttributes
from lighthoused.tree.node import Node
from lighthoused.tree.tree import Tree

READ_CHUNK = 8 * BLOCK
SMALL = 256 * 1024
AHEAD = 64
"""Files read from disk in one go, as long as they are small."""


class Source(NamedTuple):
    """One entry of the directory being imported."""

    path: bytes
    name: bytes
    status: os.stat_result
    content: bytes | None
    """A small file's content, read ahead; None for all else."""
    target: bytes


async def import_directory(
    tree: Tree, source: Path, name: str, author: Author, exclude: Callable[[bytes], bool]
) -> AsyncIterator[Progress | Project]:
    """Import `source` as project `name`: yields Progress (files), last the Project.

    `exclude` tells paths to leave out (the daemon's own state and mount). A project that is complete is left alone.
    Raises Invalid where `source` is no directory or the project has another source.
    """
    await trio.to_thread.run_sync(_check_source, source)
    project = tree.projects.find(name)
    if project is not None and project.source != str(source):
        raise Invalid(
            f"Project {name!r} was imported from {project.source or 'nowhere'}, not from {source}.",
            "Choose another name with --name.",
        )
    if project is None:
        project = await tree.create_project(name, str(source), author)
    if not project.complete:
        total = await trio.to_thread.run_sync(_count, os.fsencode(source), exclude)
        importing = _Import(tree, author, exclude)
        done = 0
        async for copied in importing.directory(os.fsencode(source), project.root):
            done += copied
            yield Progress(done, max(total, done), importing.at)
        await tree.settle()
        project = await tree.projects.complete(name, author)
    yield project


class _Import:
    def __init__(self, tree: Tree, author: Author, exclude: Callable[[bytes], bool]) -> None:
        self._tree = tree
        self._author = author
        self._exclude = exclude
        self._links: dict[tuple[int, int], int] = {}
        self.at = ""

    async def directory(self, path: bytes, ino: int) -> AsyncIterator[int]:
        """Import what is in one directory and below; yields counts of entries as they are done."""
        todo = [(path, ino)]
        while todo:
            path, ino = todo.pop()
            self.at = shown(path)
            listed = await trio.to_thread.run_sync(_listed, path, self._exclude)
            for start in range(0, len(listed), AHEAD):
                group = await trio.to_thread.run_sync(_read_small, listed[start : start + AHEAD])
                for entry in group:
                    below = await self._entry(entry, ino)
                    if below is not None:
                        todo.append((entry.path, below))
                yield len(group)
            await self._finish(path, ino)

    async def _entry(self, entry: Source, parent: int) -> int | None:
        """Import one entry; the inode number of a directory, which is to be imported next."""
        await self._tree.journal.room()
        there = self._tree.reading.entry(parent, entry.name)
        mode = entry.status.st_mode
        if there is not None:
            node = self._tree.live.node(there.ino)
            if node is not None and stat.S_IFMT(node.mode) == stat.S_IFMT(mode):
                if stat.S_ISDIR(mode):
                    return node.ino
                if self._is_same(node, entry):
                    self._remember(entry, node)
                    return None
            self._tree.namespace.unlink(parent, entry.name, self._author)
        linked = self._links.get((entry.status.st_dev, entry.status.st_ino))
        if linked is not None:
            self._tree.namespace.link(linked, parent, entry.name, self._author)
            return None
        node = self._create(entry, parent)
        if stat.S_ISDIR(mode):
            return node.ino
        self._remember(entry, node)
        if stat.S_ISREG(mode) and entry.status.st_size:
            await self._content(node, entry)
        else:
            self._times(node.ino, entry.status)
        return None

    def _create(self, entry: Source, parent: int) -> Node:
        status = entry.status
        author = self._author._replace(uid=status.st_uid, gid=status.st_gid)
        node = self._tree.namespace.create(
            parent, entry.name, status.st_mode, author, status.st_rdev, target=entry.target
        )
        node.gid = status.st_gid
        node.mode = status.st_mode
        return node

    def _is_same(self, node: Node, entry: Source) -> bool:
        return node.mtime == entry.status.st_mtime_ns and node.size == entry.status.st_size

    def _remember(self, entry: Source, node: Node) -> None:
        if entry.status.st_nlink > 1:
            self._links[entry.status.st_dev, entry.status.st_ino] = node.ino

    async def _content(self, node: Node, entry: Source) -> None:
        files = self._tree.files
        files.opened(node.ino)
        try:
            if entry.content is not None:
                if entry.content:
                    await files.write(node, 0, entry.content, self._author)
            else:
                await self._copy(node, entry.path)
            node.mode = entry.status.st_mode
            node.mtime, node.atime = entry.status.st_mtime_ns, entry.status.st_atime_ns
        finally:
            await files.released(node)

    async def _copy(self, node: Node, path: bytes) -> None:
        async with await trio.open_file(path, "rb", buffering=0) as file:
            offset = 0
            while chunk := await file.read(READ_CHUNK):
                if chunk.count(0) != len(chunk):
                    await self._tree.files.write(node, offset, chunk, self._author)
                offset += len(chunk)
            if offset > node.size:
                await self._tree.files.truncate(node, offset, self._author)

    def _times(self, ino: int, status: os.stat_result) -> None:
        new = NewAttributes(mode=status.st_mode, atime=status.st_atime_ns, mtime=status.st_mtime_ns)
        self._tree.attributes.change(ino, new, self._author)

    async def _finish(self, path: bytes, ino: int) -> None:
        await self._tree.journal.room()
        status = await trio.to_thread.run_sync(os.lstat, path)
        node = self._tree.live.node(ino)
        if node is not None:
            node.uid, node.gid = status.st_uid, status.st_gid
            self._times(ino, status)


def _opened(directory: Path | bytes) -> Any:
    """os.scandir of what is to be imported. Raises Invalid for what is no directory, or may not be read."""
    try:
        return os.scandir(directory)
    except PermissionError:
        place, me = shown(os.fsencode(directory)), pwd.getpwuid(os.geteuid()).pw_name
        allow = f"`setfacl -R -m u:{me}:rX {place}`, and `setfacl -m u:{me}:x` on the directories above it"
        raise Invalid(f"{place} cannot be read by the daemon, which runs as {me}.", f"Let it: {allow}.") from None
    except OSError:
        raise Invalid(f"{shown(os.fsencode(directory))} is not a directory.", "Name a directory to import.") from None


def _check_source(source: Path) -> None:
    _opened(source).close()


def _listed(path: bytes, exclude: Callable[[bytes], bool]) -> list[Source]:
    found = []
    with _opened(path) as entries:
        for entry in entries:
            if exclude(entry.path):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
                target = os.readlink(entry.path) if stat.S_ISLNK(status.st_mode) else b""
            except FileNotFoundError:
                continue
            if not stat.S_ISSOCK(status.st_mode):
                found.append(Source(entry.path, entry.name, status, None, target))
    return sorted(found)


def _read_small(entries: list[Source]) -> list[Source]:
    read = []
    for entry in entries:
        if stat.S_ISREG(entry.status.st_mode) and entry.status.st_size <= SMALL:
            try:
                with open(entry.path, "rb", buffering=0) as file:
                    read.append(entry._replace(content=file.read(SMALL * 2)))
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise Invalid(f"{shown(entry.path)} cannot be read: {error.strerror}.") from error
        else:
            read.append(entry)
    return read


def _count(path: bytes, exclude: Callable[[bytes], bool]) -> int:
    total = 0
    todo = [path]
    while todo:
        with _opened(todo.pop()) as entries:
            for entry in entries:
                if exclude(entry.path):
                    continue
                total += 1
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
    return total

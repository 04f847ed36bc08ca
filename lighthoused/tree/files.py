"""File content of `current/`: writes gather in dirty blocks, and versions are made of them.

A version (one event, one author) is made at last close, fsync, before a rename over another file, when another author
writes, and every few seconds for files held open. Small versions are made on the spot; hashing and compressing larger
ones happens in a worker thread while the node's `sealing` keeps what is being stored readable.
"""

import errno
import stat
from collections.abc import Sequence
from typing import NamedTuple

import trio

from lighthoused.core.author import Author
from lighthoused.core.inode import BLOCK, HOLE, MAX_FILE_SIZE
from lighthoused.store.blocks import decode, encode
from lighthoused.tree.blockmap import Sealed
from lighthoused.tree.live import Live
from lighthoused.tree.node import Node
from lighthoused.tree.reading import ZEROS, BlockCache, Reading
from lighthoused.tree.refusal import existing, refuse
from lighthoused.tree.unstored import Unstored, Write, Written

INLINE_SEAL = 64 * 1024
"""Dirty bytes up to which a version is made without a thread."""
SPILL = 16 * 1024 * 1024
"""Dirty bytes of one file that go to the store before its next version."""
VERSION_EVERY_S = 3.0
CAPABILITY = b"security.capability"
SET_IDS = stat.S_ISUID | stat.S_ISGID


class StoredBlock(NamedTuple):
    """A block on its way to the store: its hash, stored form and content."""

    key: bytes
    stored: bytes
    content: bytes


class Files:
    """Content of open and closed files."""

    def __init__(self, live: Live, reading: Reading, cache: BlockCache, unstored: Unstored | None = None) -> None:
        self._live = live
        self._reading = reading
        self._cache = cache
        self._unstored = unstored
        self._sealed = trio.lowlevel.ParkingLot()
        self._unsealed: dict[int, Node] = {}

    @property
    def unsealed(self) -> int:
        """Files whose content is ahead of their last version."""
        return len(self._unsealed)

    def opened(self, ino: int) -> Node:
        """Count an open handle. Raises OSError ENOENT, EISDIR."""
        node = existing(self._live, ino)
        if node.is_dir:
            raise refuse(errno.EISDIR)
        node.opens += 1
        return node

    async def released(self, node: Node) -> None:
        """An open handle is gone; the last one makes a version."""
        node.opens -= 1
        if not node.opens and node.is_dirty:
            await self.seal(node)

    async def write(self, node: Node, offset: int, content: bytes, author: Author) -> int:
        """Write at `offset`; the number of bytes written. Raises OSError EFBIG, ENOSPC, EIO."""
        end = offset + len(content)
        if end > MAX_FILE_SIZE:
            raise refuse(errno.EFBIG)
        await self._room()
        if node.writer is not None and node.writer[:2] != author[:2]:
            await self.seal(node)
        if len(node.dirty) * BLOCK > SPILL:
            await self._spill(node)
        self._dirtied(node, author)
        index, within = divmod(offset, BLOCK)
        done = 0
        while done < len(content):
            part = content[done : done + BLOCK - within]
            _overwrite(self._writable(node, index, whole=not within and len(part) == BLOCK), within, part)
            done += len(part)
            index, within = index + 1, 0
        node.size = max(node.size, end)
        self._strip_privileges(node, author)
        if self._unstored is not None:
            self._unstored.written(node.ino, offset, content, author, node.mtime)
        return len(content)

    async def truncate(self, node: Node, size: int, author: Author) -> None:
        """Set the size; what is beyond it is forgotten, what is added reads as zeros. Raises OSError EFBIG, EINVAL."""
        if size < 0:
            raise refuse(errno.EINVAL)
        if size > MAX_FILE_SIZE:
            raise refuse(errno.EFBIG)
        await self._room()
        if node.writer is not None and node.writer[:2] != author[:2]:
            await self.seal(node)
        await self._sealing_over(node)
        if size < node.size:
            self._cut(node, size)
        node.size = size
        self._dirtied(node, author)
        self._strip_privileges(node, author)
        if self._unstored is not None:
            self._unstored.truncated(node.ino, size, author, node.mtime)

    async def redo(self, writes: Sequence[Write]) -> None:
        """Do again what a process before us did and no version has. What is gone is left out."""
        for write in writes:
            node = self._live.node(write.ino)
            if node is None or not node.is_file:
                continue
            author = Author(*write.author)
            if isinstance(write, Written):
                await self.write(node, write.offset, write.content, author)
            else:
                await self.truncate(node, write.size, author)
            node.mtime = node.ctime = write.time

    async def fsync(self, node: Node) -> None:
        """Return once the content and attributes are on disk. Raises OSError ENOSPC, EIO."""
        if node.is_dirty or node.sealing:
            await self.seal(node)
        await self._live.journal.flush()
        node.synced = True

    async def unlinked(self, node: Node) -> None:
        """A name of it was removed: at once on disk if the file was synced, as SQLite commits by deleting its journal.

        Raises OSError ENOSPC, EIO.
        """
        if node.synced:
            await self._live.journal.flush()

    async def seal(self, node: Node) -> None:
        """Make a version of the present content."""
        await self._sealing_over(node)
        if not node.is_dirty:
            self._unsealed.pop(node.ino, None)
            return
        author, size = node.writer or Author(), node.size
        if self._unstored is not None:
            self._unstored.sealing(node.ino)
        try:
            blocks = await self._seal_blocks(node)
        except BaseException:
            node.writer = node.writer or author
            raise
        sealed = node.blocks.seal()
        node.sealed = Sealed(sealed.content, sealed.mapped)
        node.sealed_size = size
        stored = [*blocks, *((key, body, decode(body)) for key, body in sealed.nodes)]
        path = self._live.path(node)
        self._live.record("file.written", author, path, (node,), blocks=stored)
        if not node.is_dirty:
            self._unsealed.pop(node.ino, None)

    async def seal_old(self) -> None:
        """Make versions of files that have been dirty for `VERSION_EVERY_S`; call now and then."""
        before = self._live.clock() - int(VERSION_EVERY_S * 1e9)
        for node in list(self._unsealed.values()):
            if node.dirty_since < before:
                await self.seal(node)

    async def seal_all(self) -> None:
        """Make versions of everything dirty."""
        for node in list(self._unsealed.values()):
            await self.seal(node)

    async def _seal_blocks(self, node: Node) -> list[StoredBlock]:
        """Turn dirty blocks into stored ones; afterwards the block map refers to them."""
        node.sealing, node.dirty = node.dirty, {}
        node.writer = None
        try:
            if sum(map(len, node.sealing.values())) <= INLINE_SEAL:
                encoded = _encode_blocks(node.sealing)
            else:
                with trio.CancelScope(shield=True):
                    encoded = await trio.to_thread.run_sync(_encode_blocks, node.sealing)
        except BaseException:
            node.dirty = node.sealing | node.dirty
            raise
        else:
            for index, block in encoded.items():
                node.blocks.set(index, block.key)
                if block.key:
                    self._cache.keep(block.key, block.content)
        finally:
            node.sealing = {}
            self._sealed.unpark_all()
        return [block for block in encoded.values() if block.key]

    async def _room(self) -> None:
        await self._live.journal.room()
        if self._unstored is not None:
            await self._unstored.room()

    async def _spill(self, node: Node) -> None:
        """Send blocks ahead of their version; where writes are kept until a version has them, make the version."""
        if self._unstored is not None:
            await self.seal(node)
            return
        await self._sealing_over(node)
        author = node.writer
        try:
            blocks = await self._seal_blocks(node)
        finally:
            node.writer = node.writer or author
        self._live.store_blocks(blocks)

    async def _sealing_over(self, node: Node) -> None:
        while node.sealing:
            await self._sealed.park()

    def _writable(self, node: Node, index: int, whole: bool) -> bytearray:
        block = node.dirty.get(index)
        if block is None:
            start = b"" if whole else self._reading.block(node, node.blocks, index)
            block = node.dirty[index] = bytearray(start)
        return block

    def _cut(self, node: Node, size: int) -> None:
        index, within = divmod(size, BLOCK)
        if within:
            tail = self._writable(node, index, whole=False)
            del tail[within:]
        for beyond in [number for number in node.dirty if number * BLOCK >= size]:
            del node.dirty[beyond]
        node.blocks.truncate(size)

    def _dirtied(self, node: Node, author: Author) -> None:
        now = self._live.clock()
        if node.writer is None:
            node.writer = author
            node.dirty_since = now
            self._unsealed[node.ino] = node
        node.mtime = node.ctime = now

    def _strip_privileges(self, node: Node, author: Author) -> None:
        if CAPABILITY in node.xattrs:
            node.xattrs = {key: value for key, value in node.xattrs.items() if key != CAPABILITY}
        if author.uid == 0 or not node.mode & SET_IDS:
            return
        node.mode &= ~stat.S_ISUID
        if node.mode & stat.S_IXGRP:
            node.mode &= ~stat.S_ISGID


def _overwrite(block: bytearray, within: int, part: bytes) -> None:
    if within > len(block):
        block.extend(ZEROS[: within - len(block)])
    block[within : within + len(part)] = part


def _encode_blocks(blocks: dict[int, bytearray]) -> dict[int, StoredBlock]:
    encoded = {}
    for index, block in blocks.items():
        content = bytes(block)
        if content == ZEROS[: len(content)]:
            encoded[index] = StoredBlock(HOLE, b"", content)
        else:
            key, stored = encode(content)
            encoded[index] = StoredBlock(key, stored, content)
    return encoded

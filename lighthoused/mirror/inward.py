"""Inward: lets the project have what the directory has, as events of the agent `external`."""

import stat
from collections.abc import Iterable
from functools import partial

import msgspec
import trio

from lighthoused.core.author import Author
from lighthoused.core.inode import Inode
from lighthoused.mirror.base import Intent
from lighthoused.mirror.bench import SETTLE_S, Bench, Occupied, Sight, entry_of, external
from lighthoused.mirror.entry import Equal, Seen, below, split
from lighthoused.mirror.inside import Content, State
from lighthoused.mirror.outside import Changed, Status
from lighthoused.store.blocks import decode

INLINE = 4 * 1024 * 1024
"""Bytes of a file that come in as one; of a larger one blocks go to the store ahead of the version."""


class Inward:
    """Changes the project. Raises Changed where somebody was faster, Occupied, OSError."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._base = bench.base
        self._inside = bench.inside
        self._outside = bench.outside
        self._queue = bench.queue
        self._walk = bench.walk
        self._tree = bench.tree
        self._invalidate = bench.invalidate

    async def apply(self, sight: Sight) -> None:
        """Let the project have what the directory has."""
        there = sight.outside
        if there is None:
            await self._remove(sight)
            return
        if not await self.make_parents(sight.path):
            return
        state = sight.state
        if state is not None and state.inode.is_dir and not there.entry.is_dir:
            if not await self._prune(sight.path):
                raise Occupied
            self._queue.add(sight.path)
            return
        status = await trio.to_thread.run_sync(self._outside.status, sight.path)
        if status is None or status.mark != there.mark:
            raise Changed
        await self._bring(sight, there, status)

    async def _bring(self, sight: Sight, there: Seen, status: Status) -> None:
        path = sight.path
        token, _ = self._bench.token()
        author = external(token)
        entry = there.entry
        after = Equal(entry, 0, b"", there.ino, there.mark)
        await trio.to_thread.run_sync(self._base.begin, token, (Intent(path, after),))
        try:
            await self._tree.journal.room()
            made = await self._made(sight, there, status, author)
        except BaseException:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(self._base.note, (), token)
            raise
        await self._finish(path, made, after, token)
        if made.inode.is_dir and sight.state is None:
            self._walk.append(path)
        if made.inode.nlink > 1 and not made.inode.is_dir:
            await self._bench.add_links("inside", made.ino)

    async def _made(self, sight: Sight, there: Seen, status: Status, author: Author) -> State:
        path, state, entry = sight.path, sight.state, there.entry
        link = await self._linked(sight, status)
        if link:
            return self._inside.link(path, state, link, author)
        inode = _inode(status, entry.digest if entry.kind == stat.S_IFLNK else b"", self._tree.clock())
        if entry.is_file and (state is None or not entry.holds(entry_of(sight.inside)) or self._is_apart(sight)):
            return await self._take(sight, inode, status, author)
        if state is not None and entry.is_file:
            was = state.inode
            inode = msgspec.structs.replace(inode, size=was.size, content=was.content, mapped=was.mapped)
        return self._inside.put(path, state, inode, None, author)

    def _is_apart(self, sight: Sight) -> bool:
        """Whether outside one of several names was replaced, so that it is not the others' inode any more."""
        if sight.state is None or sight.state.inode.is_dir or sight.state.inode.nlink < 2:
            return False
        return sight.equal is None or sight.outside is None or sight.equal.outside != sight.outside.ino

    async def _linked(self, sight: Sight, status: Status) -> int:
        """The project's inode of another path that is the same file outside; 0 if there is none."""
        if status.stat.st_nlink < 2 or stat.S_ISDIR(status.stat.st_mode):
            return 0
        for path in await trio.to_thread.run_sync(self._base.paths_of, "outside", (status.ino,)):
            other = await trio.to_thread.run_sync(self._outside.status, path)
            equal = (await trio.to_thread.run_sync(self._base.rows, (path,))).get(path)
            state = self._inside.state(path)
            if path == sight.path or other is None or equal is None or state is None or other.ino != status.ino:
                continue
            same = sight.outside is not None and equal.entry == sight.outside.entry
            if same and state.mark == equal.inside_mark and (sight.state is None or sight.state.ino != state.ino):
                return state.ino
        return 0

    async def _take(self, sight: Sight, inode: Inode, status: Status, author: Author) -> State:
        """A file's content from the directory; the blocks of a large one go ahead, while nothing is collected."""
        path, state, apart = sight.path, sight.state, self._is_apart(sight)
        pieces = self._inside.encode(self._outside.read(path, status))
        if status.stat.st_size <= INLINE:
            content = await trio.to_thread.run_sync(self._read_all, pieces)
            return self._inside.put(path, state, inode, content, author, apart)
        async with self._tree.upkeep:
            keys: list[tuple[int, bytes]] = []
            size = 0
            while (read := await trio.to_thread.run_sync(next, pieces, None)) is not None:
                size += read[0]
                keys.extend((index, block[0]) for index, block in read[1])
                await self._tree.journal.room()
                self._tree.live.store_blocks([block for _, block in read[1]])
            content = self._content(size, keys, [])
            return self._inside.put(path, state, inode, content, author, apart)

    def _read_all(self, pieces: Iterable[tuple[int, list[tuple[int, tuple[bytes, bytes, bytes]]]]]) -> Content:
        read = list(pieces)
        blocks = [one for _, found in read for one in found]
        keys = [(index, block[0]) for index, block in blocks]
        return self._content(sum(size for size, _ in read), keys, [block for _, block in blocks])

    def _content(self, size: int, keys: list[tuple[int, bytes]], blocks: list[tuple[bytes, bytes, bytes]]) -> Content:
        sealed = self._inside.sealed(keys, 0)
        return Content(size, sealed, [*blocks, *((key, body, decode(body)) for key, body in sealed.nodes)])

    async def _remove(self, sight: Sight) -> None:
        path, state = sight.path, sight.state
        assert state is not None
        if await trio.to_thread.run_sync(self._outside.status, path) is not None:
            raise Changed
        if state.inode.is_dir:
            if not await self._prune(path):
                raise Occupied
            return
        await self._unlink(path, state)

    async def _unlink(self, path: bytes, state: State) -> bool:
        token, _ = self._bench.token()
        author = external(token)
        await trio.to_thread.run_sync(self._base.begin, token, (Intent(path, None),))
        await trio.to_thread.run_sync(self._outside.check)
        await self._tree.journal.room()
        gone = self._inside.remove(path, state, author)
        await self._finish(path, None, None, token) if gone else await trio.to_thread.run_sync(
            partial(self._base.note, (), token)
        )
        return gone

    async def _prune(self, path: bytes) -> bool:
        """Remove a directory of the project and what is as it was below it; what is not is looked at."""
        for name in self._inside.names(path):
            one = below(path, name)
            equal = (await trio.to_thread.run_sync(self._base.rows, (one,))).get(one)
            state = await self._inside.settled(one)
            seen = await trio.to_thread.run_sync(self._inside.seen, state, equal)
            gone = await trio.to_thread.run_sync(self._outside.status, one) is None
            if state is None:
                continue
            if gone and seen is not None and equal is not None and seen.entry == equal.entry:
                if state.inode.is_dir:
                    await self._prune(one)
                else:
                    await self._unlink(one, state)
            else:
                self._queue.add(one)
        state = self._inside.state(path)
        return state is None or await self._unlink(path, state)

    async def make_parents(self, path: bytes) -> bool:
        """Make the directories that a path needs; False where one of them is something else, which goes first."""
        parent = split(path)[0]
        if not parent:
            return True
        state = self._inside.state(parent)
        if state is not None and state.inode.is_dir:
            return True
        seen = await trio.to_thread.run_sync(self._outside.look, parent, None)
        if seen is None or not seen.entry.is_dir:
            return False
        if state is not None or not await self.make_parents(parent):
            self._queue.add(parent)
            self._queue.add(path, SETTLE_S)
            return False
        status = await trio.to_thread.run_sync(self._outside.status, parent)
        if status is None:
            return False
        await self._bring(Sight(parent, None, None, None, seen), seen, status)
        return True

    async def _finish(self, path: bytes, made: State | None, after: Equal | None, token: str) -> None:
        await self._tree.journal.flush()
        inodes, names = self._inside.changed, self._inside.renamed
        self._inside.changed, self._inside.renamed = [], []
        await self._invalidate(inodes, names)
        if after is not None and made is not None:
            after = msgspec.structs.replace(after, inside=made.ino, inside_mark=made.mark)
        await trio.to_thread.run_sync(self._base.note, ((path, after),), token)


def _inode(status: Status, target: bytes, now: int) -> Inode:
    one = status.stat
    return Inode(
        mode=one.st_mode,
        uid=one.st_uid,
        gid=one.st_gid,
        nlink=1,
        size=len(target),
        mtime=one.st_mtime_ns,
        ctime=now,
        atime=one.st_atime_ns,
        btime=now,
        target=target,
    )

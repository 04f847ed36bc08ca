"""Outward: lets the directory have what the project has."""

import contextlib
import stat
from functools import partial

import msgspec
import trio

from lighthoused.mirror.base import Intent
from lighthoused.mirror.bench import SETTLE_S, Bench, Occupied, Sight
from lighthoused.mirror.entry import Equal, Seen, below, split
from lighthoused.mirror.outside import Changed, Status


class Outward:
    """Changes the directory. Raises Changed where somebody was faster, Occupied, OSError."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._base = bench.base
        self._inside = bench.inside
        self._outside = bench.outside
        self._queue = bench.queue
        self._walk = bench.walk

    async def apply(self, sight: Sight) -> None:
        """Let the directory have what the project has."""
        if sight.state is None:
            await self._remove(sight)
            return
        inode = sight.state.inode
        if not await self.make_parents(sight.path):
            return
        assert sight.inside is not None
        there = sight.outside
        if there is not None and there.entry.is_dir and not inode.is_dir:
            if not await self._prune(sight.path):
                raise Occupied
            self._queue.add(sight.path)
            return
        if inode.is_dir and there is not None and not there.entry.is_dir:
            await self._remove(sight)
            self._queue.add(sight.path)
            return
        if inode.is_dir:
            status = await trio.to_thread.run_sync(self._outside.make_directory, sight.path, inode)
            await self._note(sight.path, sight.inside, status)
            if there is None:
                self._walk.append(sight.path)
        elif there is not None and sight.inside.entry.holds(there.entry):
            status = await trio.to_thread.run_sync(self._outside.set_attributes, sight.path, inode)
            await self._note(sight.path, sight.inside, status)
            await self._bench.add_links("outside", status.ino)
        else:
            await self._write(sight)

    async def _write(self, sight: Sight) -> None:
        assert sight.state is not None
        assert sight.inside is not None
        inode, path = sight.state.inode, sight.path
        token, temporary = self._bench.token()
        link = await self._linked(sight) if inode.nlink > 1 else None
        after = Equal(sight.inside.entry, sight.inside.ino, sight.inside.mark)
        expected = sight.outside.mark if sight.outside is not None else b""
        read = self._inside.read(inode)

        def write() -> Status:
            made = self._outside.prepare(path, temporary, inode, read, link)
            self._base.begin(token, (Intent(path, after, temporary, made),))
            placed = self._outside.place(path, temporary, expected)
            equal = msgspec.structs.replace(after, outside=placed.ino, outside_mark=placed.mark)
            self._base.note(((path, equal),), token)
            return placed

        try:
            await trio.to_thread.run_sync(write)
        except BaseException:
            with trio.CancelScope(shield=True):
                if await trio.to_thread.run_sync(self._outside.drop, path, temporary, expected):
                    await trio.to_thread.run_sync(partial(self._base.note, (), token))
            raise

    async def _linked(self, sight: Sight) -> bytes | None:
        """Another path of the same inode that both sides agree on, to link to."""
        assert sight.state is not None
        assert sight.inside is not None
        for path in await trio.to_thread.run_sync(self._base.paths_of, "inside", (sight.state.ino,)):
            state = self._inside.state(path)
            if path == sight.path or state is None or state.ino != sight.state.ino:
                continue
            equal = (await trio.to_thread.run_sync(self._base.rows, (path,))).get(path)
            status = await trio.to_thread.run_sync(self._outside.status, path)
            if equal is None or status is None or equal.inside_mark != sight.inside.mark:
                continue
            if status.is_like(equal.outside_mark):
                return path
        return None

    async def _remove(self, sight: Sight) -> None:
        assert sight.outside is not None
        path, expected = sight.path, sight.outside.mark
        if sight.outside.entry.is_dir:
            if not await self._prune(path):
                raise Occupied
            return
        token, temporary = self._bench.token()

        def remove() -> None:
            self._base.begin(token, (Intent(path, None, temporary),))
            self._outside.remove(path, temporary, expected)
            self._base.note(((path, None),), token)

        await trio.to_thread.run_sync(remove)

    async def _prune(self, path: bytes) -> bool:
        """Remove a directory and what is as it was below it; what is not stays, and its path is looked at."""
        for name in await trio.to_thread.run_sync(self._outside.names, path):
            one = below(path, name)
            equal = (await trio.to_thread.run_sync(self._base.rows, (one,))).get(one)
            try:
                seen = await trio.to_thread.run_sync(self._outside.look, one, equal)
            except Changed:
                seen = None
            if seen is not None and equal is not None and seen.entry == equal.entry and self._inside.state(one) is None:
                with contextlib.suppress(Occupied):
                    await self._remove(Sight(one, equal, None, None, seen))
            else:
                self._queue.add(one)
        if not await trio.to_thread.run_sync(self._outside.remove_directory, path):
            return False
        await trio.to_thread.run_sync(self._base.note, ((path, None),))
        return True

    async def make_parents(self, path: bytes) -> bool:
        """Make the directories that a path needs; False where one of them is something else, which goes first."""
        parent = split(path)[0]
        if not parent:
            return True
        status = await trio.to_thread.run_sync(self._outside.status, parent)
        if status is not None and stat.S_ISDIR(status.stat.st_mode):
            return True
        state = self._inside.state(parent)
        if state is None or not state.inode.is_dir:
            return False
        if status is not None or not await self.make_parents(parent):
            self._queue.add(parent)
            self._queue.add(path, SETTLE_S)
            return False
        made = await trio.to_thread.run_sync(self._outside.make_directory, parent, state.inode)
        seen = self._inside.seen(state, None)
        assert seen is not None
        await self._note(parent, seen, made)
        return True

    async def _note(self, path: bytes, inside: Seen, status: Status) -> None:
        equal = Equal(inside.entry, inside.ino, inside.mark, status.ino, status.mark)
        await trio.to_thread.run_sync(self._base.note, ((path, equal),))

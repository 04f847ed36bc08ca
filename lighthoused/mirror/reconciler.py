"""Keeps one project and one directory equal, as long as `run` runs.

Paths come from three places: the log's feed (changes in the project), inotify (changes in the directory), and the walk
of a full comparison. In rounds of some dozen, each path is looked at on both sides and compared with how it was when
last equal (`entry.decide`). A round makes the project's changes durable before it acts on them, says durably what it is
about to do (`base.Intent`), does it, and notes that it is done: after a kill at any point `_recover` can tell.
"""

import errno
import os
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
import trio

from lighthoused.core.author import Author
from lighthoused.core.inode import Inode, decode_change
from lighthoused.core.names import raw
from lighthoused.mirror.base import Base, Intent, Note
from lighthoused.mirror.entry import (
    MIRRORED,
    TEMPORARY,
    Entry,
    Equal,
    Seen,
    Step,
    below,
    decide,
    kept_though_removed,
    split,
)
from lighthoused.mirror.inside import Content, Inside, State
from lighthoused.mirror.outside import Changed, Outside, Status
from lighthoused.mirror.queue import MAX_PATHS, Queue
from lighthoused.mirror.watching import Watch
from lighthoused.protocol.messages import Filter, Project
from lighthoused.store.blocks import decode
from lighthoused.tree.tree import Tree

ROUND = 64
SETTLE_S = 0.05
"""How long changes gather before a round."""
QUIET_S = 0.1
"""A file changed outside so recently may still be being written."""
PATIENT_S = 3.0
"""How long a file may go on being written before what is there is taken."""
REMOVAL_S = 0.3
"""How long something must be gone outside before it is removed inside: the directory itself may be going."""
INLINE = 4 * 1024 * 1024
"""Bytes of a file that come in as one; of a larger one blocks go to the store ahead of the version."""
UNWATCHED_S = 60.0
"""How often everything is compared where the kernel does not watch all."""
REFUSED = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EMLINK, errno.EFBIG, errno.EOPNOTSUPP, errno.EBUSY)
"""Errors that are one path's; any other is the whole mirror's."""
PASSING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY)
"""Errors that mean that somebody else was faster."""
AGENT = "external"


class Report(NamedTuple):
    """A conflict: what was kept where; `copy` is b"" where one side had removed what the other changed."""

    path: bytes
    copy: bytes
    reason: str


class Sight(NamedTuple):
    """One path as a round sees it."""

    path: bytes
    equal: Equal | None
    state: State | None
    inside: Seen | None
    outside: Seen | None


class Progress:
    """What status tells."""

    def __init__(self) -> None:
        self.state = "starting"
        self.reason = ""
        self.compared = 0
        self.pending = 0
        self.refused: dict[bytes, str] = {}


class Reconciler:
    """One mirror.

    `report` makes an event of a conflict, `live` is told of the end of a full comparison, `invalidate` has the kernel
    forget what changed.
    """

    def __init__(
        self,
        tree: Tree,
        project: Project,
        outside: Outside,
        base: Base,
        identity: str,
        excluded: Callable[[bytes], bool],
        report: Callable[[Report], Any],
        live: Callable[[], Any],
        invalidate: Callable[[Iterable[int], Iterable[tuple[int, bytes]]], Any],
        progress: Progress,
        adopt: str = "",
    ) -> None:
        self._tree = tree
        self._project = project
        self._outside = outside
        self._base = base
        self._identity = identity
        self._excluded = excluded
        self._report = report
        self._live = live
        self._invalidate = invalidate
        self._progress = progress
        self._adopt = adopt
        self._inside = Inside(tree, project, owners=os.geteuid() == 0)
        self._queue = Queue()
        self._walk: list[bytes] = []
        self._comparing = False
        self._serial = time.time_ns()
        self._gone: dict[bytes, float] = {}
        self._fresh: dict[bytes, float] = {}

    async def run(self) -> None:
        """Never returns. Raises OSError or core errors where it cannot go on for now."""
        watch = Watch(os.fsencode(self._outside.root), self._excluded)
        try:
            await trio.to_thread.run_sync(watch.add, b"")
            after = self._tree.store.log.head().seq
            await self._recover()
            self._compare_all()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._follow_inside, after)
                nursery.start_soon(self._follow_outside, watch)
                nursery.start_soon(self._compare_unwatched, watch)
                await self._work()
        finally:
            watch.close()

    def _compare_all(self) -> None:
        self._walk = [b""]
        self._comparing = True
        self._queue.overflowed = False
        self._progress.state = "comparing"
        self._progress.compared = 0
        self._progress.refused.clear()

    async def _work(self) -> None:
        while True:
            if self._queue.overflowed:
                self._compare_all()
            paths = self._queue.take(ROUND)
            if not paths and self._walk:
                await self._walk_on()
                continue
            self._progress.pending = len(self._queue) + len(paths)
            if paths:
                await self._round(sorted(paths))
            elif self._comparing and not len(self._queue):
                await self._compared()
            else:
                await self._queue.wait()
                await trio.sleep(SETTLE_S)

    async def _compared(self) -> None:
        self._comparing = False
        self._adopt = ""
        self._progress.state = "live"
        await self._live()
        await trio.to_thread.run_sync(self._base.state, "compared", b"1")

    async def _walk_on(self) -> None:
        """Put the entries of one more directory into the queue."""
        path = self._walk.pop()
        names = set(self._inside.names(path))
        names.update(await trio.to_thread.run_sync(self._outside.names, path))
        names.update(await trio.to_thread.run_sync(self._base.names, path))
        for left in await trio.to_thread.run_sync(self._outside.leftovers, path):
            await trio.to_thread.run_sync(self._outside.drop, below(path, b"x"), left)
        listed = sorted(below(path, name) for name in names)
        self._progress.compared += len(listed)
        for start in range(0, len(listed), ROUND):
            await self._round(listed[start : start + ROUND], walking=True)

    # --- what is told -------------------------------------------------------------------------------------------------

    async def _follow_inside(self, after: int) -> None:
        chosen = Filter(stream=f"tree/{self._project.name}")
        prefix = self._project.name.encode() + b"/"
        async for events in self._tree.store.feed.events(chosen, after):
            for event, _ in events:
                if event.agent == AGENT and event.session.startswith(self._identity):
                    continue
                for path in map(raw, event.paths):
                    if path.startswith(prefix):
                        self._queue.add(path.removeprefix(prefix))
                inodes = decode_change(event.payload).inodes
                await self._add_links("inside", *(ino for ino, inode in inodes if not inode.is_dir))

    async def _follow_outside(self, watch: Watch) -> None:
        while True:
            changes = await watch.changes()
            if changes is None:
                await trio.to_thread.run_sync(watch.add, b"")
                self._queue.overflow()
                continue
            for path, appeared in changes.items():
                if appeared:
                    await trio.to_thread.run_sync(watch.add, path)
                    self._walk.append(path)
                self._queue.add(path)

    async def _compare_unwatched(self, watch: Watch) -> None:
        while True:
            await trio.sleep(UNWATCHED_S)
            if not watch.complete:
                self._queue.overflow()

    async def _add_links(self, side: str, *inodes: int) -> None:
        """Look at all names of these inodes: an event names only one of them."""
        for path in await trio.to_thread.run_sync(self._base.paths_of, side, inodes):
            self._queue.add(path)

    # --- a round ------------------------------------------------------------------------------------------------------

    async def _round(self, paths: Sequence[bytes], walking: bool = False) -> None:
        paths = [path for path in paths if self._is_mirrored(path)]
        states = {path: await self._inside.settled(path) for path in paths}
        sights = await trio.to_thread.run_sync(self._look, paths, states)
        await trio.to_thread.run_sync(self._outside.check)
        await self._tree.journal.flush()
        notes: list[Note] = []
        outward: list[Sight] = []
        for sight in sights:
            inside, outside = _entry(sight.inside), _entry(sight.outside)
            if not self._can_be_mirrored(sight):
                continue
            step = decide(sight.equal.entry if sight.equal else None, inside, outside)
            if walking and ((inside is not None and inside.is_dir) or (outside is not None and outside.is_dir)):
                self._walk.append(sight.path)
            if step in (Step.NOTE, Step.NOTHING):
                notes.extend(_refreshed(sight))
            elif step is Step.OUT:
                outward.append(sight)
            elif step is Step.IN:
                if outside is not None or self._is_gone(sight.path):
                    await self._guarded(sight.path, self._bring_in, sight)
            else:
                await self._guarded(sight.path, self._part, sight)
            if sight.equal is not None:
                await self._tell_kept(sight)
        if notes:
            await trio.to_thread.run_sync(self._base.note, notes)
        for sight in outward:
            await self._guarded(sight.path, self._bring_out, sight)

    def _look(self, paths: Sequence[bytes], states: dict[bytes, State | None]) -> list[Sight]:
        equals = self._base.rows(paths)
        sights = []
        for path in paths:
            equal = equals.get(path)
            try:
                status = self._outside.status(path)
                if status is not None and _is_fresh(status, equal) and self._can_wait(path):
                    self._again(path, QUIET_S)
                    continue
                outside = self._outside.look(path, equal)
                self._fresh.pop(path, None)
            except Changed:
                self._again(path, QUIET_S)
                continue
            except PermissionError as error:
                self._refuse(path, str(error.strerror))
                continue
            sights.append(Sight(path, equal, states[path], self._inside.seen(states[path], equal), outside))
        return sights

    def _can_wait(self, path: bytes) -> bool:
        now = time.monotonic()
        if len(self._fresh) > MAX_PATHS:
            self._fresh.clear()
        if now - self._fresh.setdefault(path, now) < PATIENT_S:
            return True
        del self._fresh[path]
        return False

    def _again(self, path: bytes, delay: float) -> None:
        trio.from_thread.run_sync(self._queue.add, path, delay)

    def _refuse(self, path: bytes, reason: str) -> None:
        if len(self._progress.refused) < 1000:
            self._progress.refused[path] = reason

    async def _guarded(self, path: bytes, act: Callable[[Sight], Any], sight: Sight) -> None:
        try:
            await act(sight)
            self._progress.refused.pop(path, None)
        except Changed:
            self._queue.add(path, SETTLE_S)
        except OSError as error:
            if error.errno in REFUSED:
                self._refuse(path, error.strerror or str(error))
            elif error.errno in PASSING:
                self._queue.add(path, SETTLE_S)
            else:
                raise

    def _is_gone(self, path: bytes) -> bool:
        """Whether it has been missing outside for long enough; if not, it is looked at again."""
        now = trio.current_time()
        since = self._gone.setdefault(path, now)
        if now - since < REMOVAL_S:
            if len(self._gone) > MAX_PATHS:
                self._gone.clear()
            self._queue.add(path, REMOVAL_S)
            return False
        del self._gone[path]
        return True

    def _is_mirrored(self, path: bytes) -> bool:
        whole = os.fsencode(self._outside.root) + b"/" + path
        return bool(path) and not split(path)[1].startswith(TEMPORARY) and not self._excluded(whole)

    def _can_be_mirrored(self, sight: Sight) -> bool:
        for side, seen in (("project", sight.inside), ("directory", sight.outside)):
            if seen is not None and seen.entry.kind not in MIRRORED:
                self._refuse(sight.path, f"the {side} has a file here of a kind that is not mirrored")
                return False
        return True

    async def _tell_kept(self, sight: Sight) -> None:
        equal = sight.equal.entry if sight.equal else None
        removed = kept_though_removed(equal, _entry(sight.inside), _entry(sight.outside))
        if removed:
            await self._report(Report(sight.path, b"", f"removed {removed}, changed on the other side: kept"))

    # --- out ----------------------------------------------------------------------------------------------------------

    async def _bring_out(self, sight: Sight) -> None:
        """Let the directory have what the project has."""
        if sight.state is None:
            await self._remove_outside(sight)
            return
        inode = sight.state.inode
        if not await self._has_parent_outside(sight.path):
            return
        assert sight.inside is not None
        there = sight.outside
        if there is not None and there.entry.is_dir and not inode.is_dir:
            if not await self._prune_outside(sight.path):
                await self._part(sight)
            else:
                self._queue.add(sight.path)
            return
        if inode.is_dir and there is not None and not there.entry.is_dir:
            await self._remove_outside(sight)
            self._queue.add(sight.path)
            return
        if inode.is_dir:
            status = await trio.to_thread.run_sync(self._outside.make_directory, sight.path, inode)
            await self._note_out(sight.path, sight.inside, status)
            if there is None:
                self._walk.append(sight.path)
        elif there is not None and sight.inside.entry.holds(there.entry):
            status = await trio.to_thread.run_sync(self._outside.set_attributes, sight.path, inode)
            await self._note_out(sight.path, sight.inside, status)
            await self._add_links("outside", status.ino)
        else:
            await self._write_out(sight)

    async def _write_out(self, sight: Sight) -> None:
        assert sight.state is not None
        assert sight.inside is not None
        inode, path = sight.state.inode, sight.path
        token, temporary = self._token()
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
                await trio.to_thread.run_sync(self._outside.drop, path, temporary)
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

    async def _remove_outside(self, sight: Sight) -> None:
        assert sight.outside is not None
        path, expected = sight.path, sight.outside.mark
        if sight.outside.entry.is_dir:
            if not await self._prune_outside(path):
                await self._make_parents_inside(below(path, b"x"))
            return
        token, temporary = self._token()

        def remove() -> None:
            self._base.begin(token, (Intent(path, None, temporary),))
            self._outside.remove(path, temporary, expected)
            self._base.note(((path, None),), token)

        await trio.to_thread.run_sync(remove)

    async def _prune_outside(self, path: bytes) -> bool:
        """Remove a directory and what is as it was below it; what is not stays, and its path is looked at."""
        for name in await trio.to_thread.run_sync(self._outside.names, path):
            one = below(path, name)
            equal = (await trio.to_thread.run_sync(self._base.rows, (one,))).get(one)
            try:
                seen = await trio.to_thread.run_sync(self._outside.look, one, equal)
            except Changed:
                seen = None
            if seen is not None and equal is not None and seen.entry == equal.entry and self._inside.state(one) is None:
                await self._remove_outside(Sight(one, equal, None, None, seen))
            else:
                self._queue.add(one)
        if not await trio.to_thread.run_sync(self._outside.remove_directory, path):
            return False
        await trio.to_thread.run_sync(self._base.note, ((path, None),))
        return True

    async def _has_parent_outside(self, path: bytes) -> bool:
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
        if status is not None or not await self._has_parent_outside(parent):
            self._queue.add(parent)
            self._queue.add(path, SETTLE_S)
            return False
        made = await trio.to_thread.run_sync(self._outside.make_directory, parent, state.inode)
        seen = self._inside.seen(state, None)
        assert seen is not None
        await self._note_out(parent, seen, made)
        return True

    async def _note_out(self, path: bytes, inside: Seen, status: Status) -> None:
        equal = Equal(inside.entry, inside.ino, inside.mark, status.ino, status.mark)
        await trio.to_thread.run_sync(self._base.note, ((path, equal),))

    # --- in -----------------------------------------------------------------------------------------------------------

    async def _bring_in(self, sight: Sight) -> None:
        """Let the project have what the directory has."""
        there = sight.outside
        if there is None:
            await self._remove_inside(sight)
            return
        if not await self._make_parents_inside(sight.path):
            return
        state = sight.state
        if state is not None and state.inode.is_dir and not there.entry.is_dir:
            if await self._prune_inside(sight.path):
                self._queue.add(sight.path)
            else:
                await self._part(sight)
            return
        status = await trio.to_thread.run_sync(self._outside.status, sight.path)
        if status is None or status.mark != there.mark:
            raise Changed
        await self._apply(sight, there, status)

    async def _apply(self, sight: Sight, there: Seen, status: Status) -> None:
        path = sight.path
        token, _ = self._token()
        author = Author(AGENT, token, os.geteuid(), os.getegid(), os.getpid())
        entry = there.entry
        after = Equal(entry, 0, b"", there.ino, there.mark)
        await trio.to_thread.run_sync(self._base.begin, token, (Intent(path, after),))
        try:
            await self._tree.journal.room()
            made = await self._made_inside(sight, there, status, author)
        except BaseException:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(self._base.note, (), token)
            raise
        await self._finish_in(path, made, after, token)
        if made.inode.is_dir and sight.state is None:
            self._walk.append(path)
        if made.inode.nlink > 1 and not made.inode.is_dir:
            await self._add_links("inside", made.ino)

    async def _made_inside(self, sight: Sight, there: Seen, status: Status, author: Author) -> State:
        path, state, entry = sight.path, sight.state, there.entry
        link = await self._linked_inside(sight, status)
        if link:
            return self._inside.link(path, state, link, author)
        inode = _inode(status, entry.digest if entry.kind == stat.S_IFLNK else b"", self._tree.clock())
        if entry.is_file and (state is None or not entry.holds(_entry(sight.inside)) or self._is_apart(sight)):
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

    async def _linked_inside(self, sight: Sight, status: Status) -> int:
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

    async def _remove_inside(self, sight: Sight) -> None:
        path, state = sight.path, sight.state
        assert state is not None
        if await trio.to_thread.run_sync(self._outside.status, path) is not None:
            raise Changed
        if state.inode.is_dir:
            if not await self._prune_inside(path):
                await self._has_parent_outside(below(path, b"x"))
            return
        await self._unlink_inside(path, state)

    async def _unlink_inside(self, path: bytes, state: State) -> bool:
        token, _ = self._token()
        author = Author(AGENT, token, os.geteuid(), os.getegid(), os.getpid())
        await trio.to_thread.run_sync(self._base.begin, token, (Intent(path, None),))
        await trio.to_thread.run_sync(self._outside.check)
        await self._tree.journal.room()
        gone = self._inside.remove(path, state, author)
        await self._finish_in(path, None, None, token) if gone else await trio.to_thread.run_sync(
            partial(self._base.note, (), token)
        )
        return gone

    async def _prune_inside(self, path: bytes) -> bool:
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
                    await self._prune_inside(one)
                else:
                    await self._unlink_inside(one, state)
            else:
                self._queue.add(one)
        state = self._inside.state(path)
        return state is None or await self._unlink_inside(path, state)

    async def _make_parents_inside(self, path: bytes) -> bool:
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
        if state is not None or not await self._make_parents_inside(parent):
            self._queue.add(parent)
            self._queue.add(path, SETTLE_S)
            return False
        status = await trio.to_thread.run_sync(self._outside.status, parent)
        if status is None:
            return False
        await self._apply(Sight(parent, None, None, None, seen), seen, status)
        return True

    async def _finish_in(self, path: bytes, made: State | None, after: Equal | None, token: str) -> None:
        await self._tree.journal.flush()
        inodes, names = self._inside.changed, self._inside.renamed
        self._inside.changed, self._inside.renamed = [], []
        await self._invalidate(inodes, names)
        if after is not None and made is not None:
            after = msgspec.structs.replace(after, inside=made.ino, inside_mark=made.mark)
        await trio.to_thread.run_sync(self._base.note, ((path, after),), token)

    # --- conflicts ----------------------------------------------------------------------------------------------------

    async def _part(self, sight: Sight) -> None:
        """Both sides have something else: the directory's gets another name, on both sides, the project's keeps it."""
        if self._adopt == "outside" and sight.equal is None:
            await self._adopt_outside(sight)
            return
        if self._adopt == "inside" and sight.equal is None and await self._adopt_inside(sight):
            return
        suffix = b".conflict-" + time.strftime("%Y%m%dT%H%M%S").encode() + b"-outside"
        copy = await trio.to_thread.run_sync(self._outside.move_aside, sight.path, suffix)
        await trio.to_thread.run_sync(self._base.note, ((sight.path, None),))
        await self._report(Report(sight.path, copy, "changed on both sides: both are kept"))
        self._walk.append(copy)
        self._queue.add(copy)
        self._queue.add(sight.path)

    async def _adopt_outside(self, sight: Sight) -> None:
        if sight.state is not None and sight.outside is not None:
            await self._bring_in(sight)

    async def _adopt_inside(self, sight: Sight) -> bool:
        """The project wins; the directory's version becomes one of its past versions. False where it cannot."""
        there, state = sight.outside, sight.state
        if there is None or state is None or not there.entry.is_file or not state.inode.is_file:
            return False
        await self._bring_in(sight)
        now = await self._inside.settled(sight.path)
        token, _ = self._token()
        content = Content(state.inode.size, self._inside.sealed([], 0), [])
        author = Author(AGENT, token, os.geteuid(), os.getegid(), os.getpid())
        if now is not None and now.ino == state.ino:
            sealed = msgspec.structs.replace(content.sealed, content=state.inode.content, mapped=state.inode.mapped)
            self._inside.put(sight.path, now, state.inode, content._replace(sealed=sealed), author)
            await self._tree.journal.flush()
        self._queue.add(sight.path)
        return True

    # --- after a kill -------------------------------------------------------------------------------------------------

    async def _recover(self) -> None:
        """Note what was done before a kill and could not be noted, and tidy up what was not."""
        for token, intent in await trio.to_thread.run_sync(self._base.intents):
            if intent.temporary:
                done = await trio.to_thread.run_sync(self._was_done_outside, intent)
            else:
                chosen = Filter(stream=f"tree/{self._project.name}", session=token)
                done = bool(self._tree.store.log.query(chosen, limit=1).events)
            notes = ((intent.path, intent.after),) if done else ()
            await trio.to_thread.run_sync(self._base.note, notes, token)

    def _was_done_outside(self, intent: Intent) -> bool:
        equal = self._base.rows((intent.path,)).get(intent.path)
        expected = equal.outside_mark if equal is not None else b""
        done = self._outside.finish(intent.path, intent.temporary, intent.made, expected)
        if intent.made or not done:
            return done
        status = self._outside.status(intent.path)
        return status is None or not status.is_like(expected)

    def _token(self) -> tuple[str, bytes]:
        self._serial += 1
        return f"{self._identity}-{self._serial:x}", TEMPORARY + b"%x" % self._serial


def _entry(seen: Seen | None) -> Entry | None:
    return seen.entry if seen is not None else None


def _refreshed(sight: Sight) -> list[Note]:
    """A note where a print, or what is equal, is not as it was noted."""
    if sight.inside is None or sight.outside is None:
        return [(sight.path, None)] if sight.equal is not None else []
    inside, outside = sight.inside, sight.outside
    equal = Equal(inside.entry, inside.ino, inside.mark, outside.ino, outside.mark)
    return [(sight.path, equal)] if equal != sight.equal else []


def _is_fresh(status: Status, equal: Equal | None) -> bool:
    """Whether a file was changed so recently that its writer may not be done, or the clock too coarse to tell."""
    if not stat.S_ISREG(status.stat.st_mode) or (equal is not None and status.mark == equal.outside_mark):
        return False
    age = time.time_ns() - status.stat.st_mtime_ns
    return 0 <= age < QUIET_S * 1e9


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

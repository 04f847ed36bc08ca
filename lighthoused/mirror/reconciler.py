"""Keeps one project and one directory equal, as long as `run` runs.

Paths come from three places: the log's feed (changes in the project), inotify (changes in the directory), and the walk
of a full comparison. In rounds of some dozen, each path is looked at on both sides and compared with how it was when
last equal (`entry.decide`). A round makes the project's changes durable before it acts on them, says durably what it is
about to do (`base.Intent`), does it, and notes that it is done: after a kill at any point `recovery` can tell.
"""

import errno
import os
import stat
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
import trio

from lighthoused.core.inode import decode_change
from lighthoused.core.names import raw
from lighthoused.mirror.base import Note
from lighthoused.mirror.bench import AGENT, SETTLE_S, Bench, Occupied, Sight, entry_of, external
from lighthoused.mirror.entry import MIRRORED, TEMPORARY, Equal, Step, below, decide, kept_though_removed, split
from lighthoused.mirror.inside import Content, State
from lighthoused.mirror.inward import Inward
from lighthoused.mirror.outside import Changed, Status
from lighthoused.mirror.outward import Outward
from lighthoused.mirror.queue import MAX_PATHS
from lighthoused.mirror.recovery import recover
from lighthoused.mirror.watching import Watch
from lighthoused.protocol.messages.log import Filter

ROUND = 64
QUIET_S = 0.1
"""A file changed outside so recently may still be being written."""
PATIENT_S = 3.0
"""How long a file may go on being written before what is there is taken."""
REMOVAL_S = 0.3
"""How long something must be gone outside before it is removed inside: the directory itself may be going."""
UNWATCHED_S = 60.0
"""How often everything is compared where the kernel does not watch all."""
REFUSED = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EMLINK, errno.EFBIG, errno.EOPNOTSUPP, errno.EBUSY)
"""Errors that are one path's; any other is the whole mirror's."""
PASSING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY)
"""Errors that mean that somebody else was faster."""


class Report(NamedTuple):
    """A conflict: what was kept where; `copy` is b"" where one side had removed what the other changed."""

    path: bytes
    copy: bytes
    reason: str


class Progress:
    """What status tells."""

    def __init__(self) -> None:
        self.state = "starting"
        self.reason = ""
        self.compared = 0
        self.pending = 0
        self.refused: dict[bytes, str] = {}


class Reconciler:
    """One mirror. `report` makes an event of a conflict, `live` is told of the end of a full comparison."""

    def __init__(
        self,
        bench: Bench,
        excluded: Callable[[bytes], bool],
        report: Callable[[Report], Any],
        live: Callable[[], Any],
        progress: Progress,
        adopt: str = "",
    ) -> None:
        self._bench = bench
        self._tree = bench.tree
        self._project = bench.project
        self._outside = bench.outside
        self._base = bench.base
        self._inside = bench.inside
        self._queue = bench.queue
        self._walk = bench.walk
        self._inward = Inward(bench)
        self._outward = Outward(bench)
        self._excluded = excluded
        self._report = report
        self._live = live
        self._progress = progress
        self._adopt = adopt
        self._comparing = False
        self._gone: dict[bytes, float] = {}
        self._fresh: dict[bytes, float] = {}

    async def run(self) -> None:
        """Never returns. Raises OSError or core errors where it cannot go on for now."""
        watch = Watch(os.fsencode(self._outside.root), self._excluded)
        try:
            await trio.to_thread.run_sync(watch.add, b"")
            after = self._tree.store.log.head().seq
            await recover(self._bench)
            self._compare_all()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._follow_inside, after)
                nursery.start_soon(self._follow_outside, watch)
                nursery.start_soon(self._compare_unwatched, watch)
                await self._work()
        finally:
            watch.close()

    def _compare_all(self) -> None:
        self._walk[:] = [b""]
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
                if event.agent == AGENT and event.session.startswith(self._bench.identity):
                    continue
                for path in map(raw, event.paths):
                    if path.startswith(prefix):
                        self._queue.add(path.removeprefix(prefix))
                inodes = decode_change(event.payload).inodes
                await self._bench.add_links("inside", *(ino for ino, inode in inodes if not inode.is_dir))

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
            inside, outside = entry_of(sight.inside), entry_of(sight.outside)
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
                    await self._guarded(sight.path, self._inward.apply, sight)
            else:
                await self._guarded(sight.path, self._part, sight)
            if sight.equal is not None:
                await self._tell_kept(sight)
        if notes:
            await trio.to_thread.run_sync(self._base.note, notes)
        for sight in outward:
            await self._guarded(sight.path, self._outward.apply, sight)

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
        except Occupied:
            await self._guarded(path, self._keep_both, sight)
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
        removed = kept_though_removed(equal, entry_of(sight.inside), entry_of(sight.outside))
        if removed:
            await self._report(Report(sight.path, b"", f"removed {removed}, changed on the other side: kept"))

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

    async def _keep_both(self, sight: Sight) -> None:
        """A directory could not go: it is made again where it is missing, or parts from what is there instead."""
        if sight.state is None:
            await self._inward.make_parents(below(sight.path, b"x"))
        elif sight.outside is None:
            await self._outward.make_parents(below(sight.path, b"x"))
        else:
            await self._part(sight)

    async def _adopt_outside(self, sight: Sight) -> None:
        if sight.state is not None and sight.outside is not None:
            await self._inward.apply(sight)

    async def _adopt_inside(self, sight: Sight) -> bool:
        """The project wins; the directory's version becomes one of its past versions. False where it cannot."""
        there, state = sight.outside, sight.state
        if there is None or state is None or not there.entry.is_file or not state.inode.is_file:
            return False
        await self._inward.apply(sight)
        now = await self._inside.settled(sight.path)
        token, _ = self._bench.token()
        content = Content(state.inode.size, self._inside.sealed([], 0), [])
        author = external(token)
        if now is not None and now.ino == state.ino:
            sealed = msgspec.structs.replace(content.sealed, content=state.inode.content, mapped=state.inode.mapped)
            self._inside.put(sight.path, now, state.inode, content._replace(sealed=sealed), author)
            await self._tree.journal.flush()
        self._queue.add(sight.path)
        return True


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

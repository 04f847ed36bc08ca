"""All mirrors: which there are (a projection of the stream `mirrors`), each kept going, paused and gone on with."""

import contextlib
import os
import sqlite3
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog
import trio
from blake3 import blake3

from lighthoused.core.author import DAEMON, Author
from lighthoused.core.errors import AlreadyExists, Invalid, LighthouseError, NotFound
from lighthoused.core.events import Event
from lighthoused.core.names import shown
from lighthoused.mirror.base import Base
from lighthoused.mirror.bench import Bench, Invalidate
from lighthoused.mirror.comparing import first_difference
from lighthoused.mirror.outside import Outside
from lighthoused.mirror.reconciler import Progress, Reconciler, Report
from lighthoused.protocol.messages.log import Filter
from lighthoused.protocol.messages.mirrors import Mirror, MirrorConflict, MirrorRefused, MirrorStatus
from lighthoused.tree.tree import Tree

log = structlog.get_logger()

STREAM = "mirrors"
RETRY_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""How long a paused mirror waits before it is tried again, the last one from then on."""
CONFLICTS = 100
REFUSED = 100

Tell = Callable[[str, int, int], None]


class Running(NamedTuple):
    """A mirror at work."""

    mirror: Mirror
    progress: Progress
    conflicts: deque[MirrorConflict]
    scope: trio.CancelScope
    ended: trio.Event


class Mirrors:
    """Adds, removes and runs mirrors; `run` must be running. `excluded`: absolute paths that are the daemon's own."""

    def __init__(
        self, tree: Tree, state: Path, excluded: Callable[[bytes], bool], own: tuple[Path, ...], invalidate: Invalidate
    ) -> None:
        self._tree = tree
        self._state = state / "mirrors"
        self._excluded = excluded
        self._own = own
        self._invalidate = invalidate
        self._nursery: trio.Nursery | None = None
        self._mirrors: dict[tuple[str, str], Mirror] = {}
        self._running: dict[tuple[str, str], Running] = {}
        self._recent: dict[tuple[str, str], deque[MirrorConflict]] = {}
        self._fold()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep all mirrors going until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for mirror in self._mirrors.values():
                self._start(mirror)
            task_status.started()
            await trio.sleep_forever()

    def all(self) -> tuple[Mirror, ...]:
        """In the order of their projects and directories."""
        return tuple(self._mirrors[key] for key in sorted(self._mirrors))

    def status(self, project: str = "") -> tuple[MirrorStatus, ...]:
        """How they are, of one project or all."""
        if project:
            self._tree.projects.get(project)
        return tuple(self._status(mirror) for mirror in self.all() if project in ("", mirror.project))

    async def add(self, project: str, directory: Path, adopt: str, author: Author, tell: Tell) -> Mirror:
        """Bind a project to a directory. Raises NotFound, AlreadyExists, Invalid."""
        found = self._tree.projects.get(project)
        if not found.complete:
            raise Invalid(f"Project {project!r} is incomplete.", "Let its import finish first.")
        await trio.to_thread.run_sync(self._check_place, directory)
        if not adopt:
            difference = await first_difference(self._tree, found, directory, self._excluded, tell)
            if difference is not None:
                raise Invalid(
                    f"{directory} is neither empty nor equal to project {project!r}: {shown(difference)} differs.",
                    "Say with --adopt inside or --adopt outside whose files win where both have them.",
                )
        mirror = Mirror(project, str(directory), adopt, self._tree.clock())
        await trio.to_thread.run_sync(self._database(mirror).unlink, True)
        await self._record("mirror.added", mirror, author)
        self._start(mirror)
        return mirror

    async def remove(self, project: str, directory: str, author: Author) -> None:
        """Unbind; both sides stay as they are. Raises NotFound, Invalid."""
        keys = [key for key in self._mirrors if key[0] == project and directory in ("", key[1])]
        if not keys:
            raise NotFound(f"Project {project!r} has no such mirror.", "See 'lighthousectl mirror list'.")
        if len(keys) > 1:
            raise Invalid(f"Project {project!r} has several mirrors.", "Name the directory.")
        mirror = self._mirrors[keys[0]]
        running = self._running.pop(keys[0], None)
        if running is not None:
            running.scope.cancel()
            await running.ended.wait()
        await self._record("mirror.removed", mirror, author)
        await trio.to_thread.run_sync(self._database(mirror).unlink, True)

    def _start(self, mirror: Mirror) -> None:
        key = (mirror.project, mirror.directory)
        recent = self._recent.setdefault(key, deque(maxlen=CONFLICTS))
        running = Running(mirror, Progress(), recent, trio.CancelScope(), trio.Event())
        self._running[key] = running
        if self._nursery is not None:
            self._nursery.start_soon(self._keep, running)

    async def _keep(self, running: Running) -> None:
        """Run a mirror, and again after each failure that may pass."""
        failures = 0
        try:
            with running.scope:
                while True:
                    started = trio.current_time()
                    problem = await self._once(running)
                    failures = 0 if trio.current_time() - started > RETRY_S[-1] else failures
                    await self._pause(running, problem)
                    await trio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                    failures += 1
        finally:
            running.ended.set()

    async def _once(self, running: Running) -> Exception:
        """Run a mirror until something is in its way; what that is."""
        problems: list[Exception] = []
        with contextlib.ExitStack() as opened:
            try:
                base = await trio.to_thread.run_sync(Base, self._database(running.mirror))
                opened.callback(base.close)
                outside = await trio.to_thread.run_sync(self._open, running, base)
                opened.callback(outside.close)
                await self._reconciler(running, base, outside).run()
            except* (OSError, LighthouseError, sqlite3.Error) as failed:
                problems.append(_first(failed))
        return problems[0]

    def _open(self, running: Running, base: Base) -> Outside:
        """The directory, and whether it is the one from before: of another one nothing is known."""
        outside = Outside(Path(running.mirror.directory), owners=os.geteuid() == 0)
        try:
            outside.check()
            if base.fact("root") != outside.identity:
                base.forget()
                base.state("root", outside.identity)
        except BaseException:
            outside.close()
            raise
        return outside

    def _reconciler(self, running: Running, base: Base, outside: Outside) -> Reconciler:
        mirror = running.mirror

        async def report(found: Report) -> None:
            time_ns = self._tree.clock()
            conflict = MirrorConflict(shown(found.path), shown(found.copy), found.reason, time_ns)
            running.conflicts.append(conflict)
            log.warning("mirror.conflict", project=mirror.project, path=conflict.path, copy=conflict.copy)
            paths = tuple(f"{mirror.project}/{path}" for path in (conflict.path, conflict.copy) if path)
            facts = {"directory": mirror.directory, **msgspec.to_builtins(conflict)}
            await self._append("mirror.conflict", facts, DAEMON, mirror.project, paths)

        async def live() -> None:
            if running.progress.reason:
                running.progress.reason = ""
                log.info("mirror.resumed", project=mirror.project, directory=mirror.directory)
                facts = {"directory": mirror.directory}
                await self._append("mirror.resumed", facts, DAEMON, mirror.project, (mirror.project,))

        adopt = "" if base.fact("compared") else mirror.adopt
        project = self._tree.projects.get(mirror.project)
        bench = Bench(self._tree, project, outside, base, "mirror-" + _key(mirror), self._invalidate)
        return Reconciler(bench, self._excluded, report, live, running.progress, adopt)

    async def _pause(self, running: Running, problem: Exception) -> None:
        strerror = problem.strerror if isinstance(problem, OSError) else str(problem)
        reason = strerror or str(problem)
        mirror, progress = running.mirror, running.progress
        again = progress.reason == reason
        progress.state, progress.reason = "paused", reason
        if again:
            return
        log.warning("mirror.paused", project=mirror.project, directory=mirror.directory, reason=reason)
        try:
            facts = {"directory": mirror.directory, "reason": reason}
            await self._append("mirror.paused", facts, DAEMON, mirror.project, (mirror.project,))
        except LighthouseError as error:
            log.warning("mirror.event_lost", error=error.message)

    def _status(self, mirror: Mirror) -> MirrorStatus:
        running = self._running.get((mirror.project, mirror.directory))
        progress = running.progress if running is not None else Progress()
        refused = list(progress.refused.items())[:REFUSED]
        return MirrorStatus(
            project=mirror.project,
            directory=mirror.directory,
            state=progress.state,
            reason=progress.reason,
            compared=progress.compared,
            pending=progress.pending,
            refused=tuple(MirrorRefused(shown(path), reason) for path, reason in refused),
            conflicts=tuple(running.conflicts) if running is not None else (),
        )

    def _check_place(self, directory: Path) -> None:
        if not directory.is_absolute():
            raise Invalid(f"{directory} is not an absolute path.", "Name the directory from the root on.")
        if directory.is_symlink() or not directory.is_dir() or Path(os.path.realpath(directory)) != directory:
            raise Invalid(f"{directory} is not a directory, or reached by a symlink.", "Make it, or name where it is.")
        for own in self._own:
            if directory.is_relative_to(own):
                raise Invalid(f"{directory} belongs to the daemon.", "Name a directory of your own.")
        for mirror in self._mirrors.values():
            other = Path(mirror.directory)
            if directory.is_relative_to(other) or other.is_relative_to(directory):
                raise AlreadyExists(f"{other} is a mirror of {mirror.project!r} already.", "Remove that one first.")

    def _database(self, mirror: Mirror) -> Path:
        return self._state / f"{_key(mirror)}.db"

    async def _record(self, kind: str, mirror: Mirror, author: Author) -> None:
        await self._append(kind, msgspec.to_builtins(mirror), author, mirror.project, (mirror.project,))
        self._take(kind, mirror)

    async def _append(
        self, kind: str, facts: dict[str, Any], author: Author, project: str, paths: tuple[str, ...]
    ) -> None:
        draft = author.draft(STREAM, kind, {"project": project, **facts}, self._tree.clock(), paths=paths)
        await self._tree.store.append((draft,))

    def _fold(self) -> None:
        cursor = 0
        while True:
            page = self._tree.store.log.query(Filter(stream=STREAM), cursor=cursor)
            for stored in page.events:
                self._apply(stored.event)
            cursor = page.cursor
            if not cursor:
                return

    def _apply(self, event: Event) -> None:
        facts = msgspec.msgpack.decode(event.payload)
        if event.type in ("mirror.added", "mirror.removed"):
            self._take(event.type, msgspec.convert(facts, Mirror))
        elif event.type == "mirror.conflict":
            recent = self._recent.setdefault((facts["project"], facts["directory"]), deque(maxlen=CONFLICTS))
            recent.append(msgspec.convert(facts, MirrorConflict))

    def _take(self, kind: str, mirror: Mirror) -> None:
        key = (mirror.project, mirror.directory)
        self._recent.pop(key, None)
        if kind == "mirror.added":
            self._mirrors[key] = mirror
        else:
            self._mirrors.pop(key, None)


def _key(mirror: Mirror) -> str:
    return blake3(f"{mirror.project}\0{mirror.directory}\0{mirror.since}".encode()).hexdigest(8)


def _first(group: BaseExceptionGroup[Any]) -> Exception:
    while isinstance(group.exceptions[0], BaseExceptionGroup):
        group = group.exceptions[0]
    first = group.exceptions[0]
    assert isinstance(first, Exception)
    return first

"""Automatic snapshots: of each project that has changed, now and then; the newest ones are kept."""

import time
from collections.abc import Callable

import structlog
import trio

from lighthoused.core.author import DAEMON
from lighthoused.core.errors import LighthouseError
from lighthoused.protocol.messages.log import Filter
from lighthoused.protocol.messages.projects import Snapshot
from lighthoused.store.log import Log
from lighthoused.tree.projects import Projects

log = structlog.get_logger()

PREFIX = "auto-"
LOOK_EVERY_S = 300.0


class Automatic:
    """Takes a snapshot of a project `every_s` after the last one, or after its making; `keep` of them stay, 0: none."""

    def __init__(self, projects: Projects, events: Log, clock: Callable[[], int], every_s: float, keep: int) -> None:
        self._projects = projects
        self._log = events
        self._clock = clock
        self._every_ns = int(every_s * 1e9)
        self._keep = keep

    async def now_and_then(self) -> None:
        """Take what is due, until cancelled."""
        while True:
            try:
                await self.take()
            except LighthouseError as error:
                log.warning("snapshots.failed", error=error.message)
            await trio.sleep(min(LOOK_EVERY_S, self._every_ns / 1e9))

    async def take(self) -> None:
        """Take the snapshots that are due, and forget the oldest. Raises core errors."""
        if not self._keep:
            return
        for project in self._projects.all():
            taken = self._taken(project.name)
            since, seq = (taken[-1].time, taken[-1].seq) if taken else (project.created, 0)
            if self._clock() - since >= self._every_ns and self._has_changed(project.name, seq):
                await self._take(project.name)
                taken = self._taken(project.name)
            for old in taken[: -self._keep]:
                await self._projects.forget_snapshot(project.name, old.name, DAEMON)

    def _taken(self, project: str) -> list[Snapshot]:
        made = [found for name, found in self._projects.snapshots(project).items() if name.startswith(PREFIX)]
        return sorted(made, key=lambda snapshot: snapshot.seq)

    def _has_changed(self, project: str, since: int) -> bool:
        newest = self._log.query(Filter(stream=f"tree/{project}"), limit=1, reverse=True).events
        return bool(newest) and newest[0].event.seq > since

    async def _take(self, project: str) -> None:
        name = time.strftime(f"{PREFIX}%Y-%m-%dT%H-%M-%SZ", time.gmtime(self._clock() / 1e9))
        await self._projects.snapshot(project, name, self._log.head().seq, DAEMON)

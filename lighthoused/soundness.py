"""Whether the daemon's parts hold together, and what each of them does while they may not: for `ops.degradation`."""

import os
from collections.abc import Callable

import trio

from lighthoused.core.degradation import Condition
from lighthoused.core.errors import Degraded, LighthouseError, StoreFull
from lighthoused.gate.tiers import Tiers
from lighthoused.mount.session import Session
from lighthoused.tree.tree import Tree

CHECK_S = 30.0
"""Within which the checks must have come to an end."""
NEWEST = 1000
"""Events whose hashes are checked: what was written around the loss."""
TIERS = ("policy", "pattern", "human")
"""Those that may be skipped; a warning says so."""


class Soundness:
    """The parts, as far as an emergency concerns them. `told`: whoever shows the daemon's state is to look again."""

    def __init__(
        self,
        tree: Tree,
        session: Callable[[], Session | None],
        condition: Callable[[], Condition],
        told: Callable[[], None],
    ) -> None:
        self._tree = tree
        self._session = session
        self._condition = condition
        self._told = told

    def store_failure(self) -> LighthouseError | None:
        return self._tree.store.writer.failure or self._tree.journal.failure

    async def try_store(self) -> None:
        await self._tree.store.try_writing()
        await self._tree.journal.caught_up()

    async def check(self) -> str:
        with trio.move_on_after(CHECK_S):
            return await self._found()
        return f"The checks did not come to an end within {CHECK_S:.0f} s."

    def changed(self) -> None:
        """Changes under the mount are refused, or wait while checks run."""
        condition = self._condition()
        examined = condition.state == "recovering" and not condition.held and not condition.problem
        refused = condition.state != "normal" and not examined
        full = isinstance(self.store_failure(), StoreFull)
        kind = StoreFull if full else Degraded
        self._tree.journal.hold(kind(condition.reason) if refused else None, waits=examined)
        self._told()

    async def _found(self) -> str:
        """The first thing that is wrong, or ""."""
        try:
            await self._tree.store.try_writing()
            if (failure := self.store_failure()) is not None:
                return f"The store does not take events: {failure.message}"
            broken = await trio.to_thread.run_sync(self._tree.store.prove_newest, NEWEST, abandon_on_cancel=True)
            if broken:
                return f"The newest events do not hold together: {broken}"
            for project in self._tree.projects.all():
                if self._tree.reading.status(project.root) is None:
                    return f"The project {project.name} has lost its directory."
        except (LighthouseError, OSError) as error:
            return f"The store cannot be read: {error}"
        session = self._session()
        if session is not None and not await session.answers():
            return "The mount does not answer."
        return ""


def skipped_tier(tiers: Tiers, name: str) -> str:
    """What to warn of where the gate does not ask a tier, else ""."""
    breaker = getattr(tiers, name).breaker.state
    return "" if breaker == "closed" else f"The tier {name} is not asked, as it failed (breaker {breaker})."


def room_below(directory: str, least: int) -> str:
    """What to warn of where a directory's disk has less room than this, else ""."""
    disk = os.statvfs(directory)
    free = disk.f_bavail * disk.f_frsize
    if free >= least:
        return ""
    return f"{free / 1e6:.0f} MB are left beside {directory}, less than {least / 1e6:.0f} MB."

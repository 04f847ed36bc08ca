"""Agents and their processes: a registered process and all its descendants act as that agent, in that session.

A process is attributed by its ancestry, else by what it carries (`marks`); once attributed it stays so, also when its
parents are gone. What shows neither is `unknown`: never the wrong agent.
"""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cachetools import LRUCache

from lighthoused.core.errors import Denied, Invalid, NotFound, Overloaded
from lighthoused.core.events import UNKNOWN_AGENT
from lighthoused.identity.acting import NOBODY, Acting
from lighthoused.identity.cgroups import Cgroups
from lighthoused.identity.marks import Marks
from lighthoused.identity.processes import Process, boot, process, user_of
from lighthoused.protocol.messages.agents import AgentView

MAX_AGENTS = 10_000
CACHE = 50_000
RECHECK_S = 1.0
"""How long a pid is trusted to be the process it was."""
MAX_ANCESTRY = 256
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SESSION = re.compile(r"[A-Za-z0-9._:-]{1,100}")


class _Seen(NamedTuple):
    acting: Acting
    started: int
    until: float


class _Registered(NamedTuple):
    acting: Acting
    process: Process
    uid: int
    since: int


def is_name(agent: str) -> bool:
    """Whether an agent may be called so."""
    return _NAME.fullmatch(agent) is not None and agent != UNKNOWN_AGENT


def is_session(session: str) -> bool:
    """Whether a session may have this id."""
    return _SESSION.fullmatch(session) is not None


class Agents:
    """Registered processes, and whom any process belongs to."""

    def __init__(
        self,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
        marks: Marks | None = None,
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._marks = marks if marks is not None else Marks(Cgroups())
        self._boot = boot()
        self._registered: dict[int, _Registered] = {}
        self._seen: LRUCache[int, _Seen] = LRUCache(CACHE)

    def register(self, agent: str, pid: int, session: str, uid: int) -> AgentView:
        """Declare a process to be an agent's. Raises Invalid, NotFound, Denied, Overloaded."""
        if not is_name(agent):
            raise Invalid(f"{agent!r} cannot be the name of an agent.", "Use up to 64 letters, digits, '.', '_', '-'.")
        if session and not is_session(session):
            raise Invalid(f"{session!r} cannot be a session's id.", "Use letters, digits, '.', '_', ':' and '-'.")
        found = process(pid)
        if found is None:
            raise NotFound(f"There is no process {pid}.", "Register a running process.")
        acting_now = self.of(pid)
        if acting_now != NOBODY and acting_now.agent != agent:
            raise Denied(f"Process {pid} acts as agent {acting_now.agent!r} already.")
        self._drop_dead()
        if len(self._registered) >= MAX_AGENTS:
            raise Overloaded(f"{MAX_AGENTS} agents are registered, the most there may be.")
        acting = Acting(agent, session or f"{agent}-{secrets.token_hex(4)}")
        self._registered[pid] = _Registered(acting, found, uid, self._clock())
        self._seen.pop(pid, None)
        self._forget_strangers()
        return self._view(pid, self._registered[pid])

    async def mark(self, pid: int) -> dict[str, object]:
        """Give a registered process and its descendants a mark that outlives their ancestry.

        What `restore` needs to know them again, to be put on record.
        """
        registered = self._registered[pid]
        group = await self._marks.put(registered.acting, pid)
        self._forget_strangers()
        return {
            "pid": pid,
            "session": registered.acting.session,
            "started": registered.process.started,
            "boot": self._boot,
            "group": group,
            "user": user_of(pid),
        }

    def restore(self, agent: str, uid: int, since: int, record: Mapping[str, Any]) -> None:
        """Know a process again that another run of the daemon registered, newest first."""
        if record.get("boot") != self._boot:
            return
        pid, acting = record["pid"], Acting(agent, record["session"])
        self._marks.restore(acting, record["group"], record["user"])
        found = process(pid)
        if found is not None and found.started == record["started"] and pid not in self._registered:
            self._registered[pid] = _Registered(acting, found, uid, since)

    def close(self) -> None:
        """Leave nothing behind but groups that processes are in."""
        self._marks.clear()

    def list(self) -> tuple[AgentView, ...]:
        """All registered processes, newest first; dead ones until somebody registers again."""
        newest = sorted(self._registered.items(), key=lambda item: -item[1].since)
        return tuple(self._view(pid, registered) for pid, registered in newest)

    def of(self, pid: int) -> Acting:
        """Whom a process acts as; `NOBODY` where that is not proven."""
        if not self._registered and not self._marks:
            return NOBODY
        now = self._monotonic()
        seen = self._seen.get(pid)
        if seen is not None and now < seen.until:
            return seen.acting
        found = process(pid)
        if found is None:
            return seen.acting if seen is not None and now < seen.until + RECHECK_S else NOBODY
        if seen is None or seen.started != found.started:
            acting = self._inherited(pid, found)
            if acting == NOBODY:
                acting = self._marks.of(pid)
        else:
            acting = seen.acting
        self._seen[pid] = _Seen(acting, found.started, now + RECHECK_S)
        return acting

    def _inherited(self, pid: int, found: Process) -> Acting:
        """The nearest registered ancestor's, or what an ancestor was seen to be."""
        for _ in range(MAX_ANCESTRY):
            registered = self._registered.get(pid)
            if registered is not None and registered.process.started == found.started:
                return registered.acting
            seen = self._seen.get(pid)
            if seen is not None and seen.started == found.started and seen.acting != NOBODY:
                return seen.acting
            pid = found.parent
            parent = process(pid) if pid > 0 else None
            if parent is None or parent.started > found.started:
                return NOBODY
            found = parent
        return NOBODY

    def _forget_strangers(self) -> None:
        """Processes seen to be nobody's may be somebody's now; an attribution once made stays."""
        for pid, seen in list(self._seen.items()):
            if seen.acting == NOBODY:
                del self._seen[pid]

    def _drop_dead(self) -> None:
        for pid, registered in list(self._registered.items()):
            if not _is_alive(pid, registered):
                del self._registered[pid]

    def _view(self, pid: int, registered: _Registered) -> AgentView:
        acting = registered.acting
        return AgentView(
            acting.agent, acting.session, pid, registered.uid, registered.since, _is_alive(pid, registered)
        )


def _is_alive(pid: int, registered: _Registered) -> bool:
    found = process(pid)
    return found is not None and found.started == registered.process.started

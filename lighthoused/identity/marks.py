"""What an agent's processes carry with them, for those whose ancestry no longer shows it: orphans of dead parents.

A session's processes are in a control group of their own, where one can be made. Where none can, a process is taken at
its word: the agent and session that its environment names, if that session has no group and is of the same user.
A word is no proof, but it only ever lowers rights, since without it the process would be its user's own.
"""

import os
import secrets
from typing import NamedTuple

import trio
from cachetools import LRUCache

from lighthoused.identity.acting import NOBODY, Acting
from lighthoused.identity.cgroups import PREFIX, Cgroups, remove, token_of
from lighthoused.identity.processes import environment, user_of

AGENT = "LIGHTHOUSE_AGENT"
SESSION = "LIGHTHOUSE_SESSION"
MAX_GROUPS = 10_000
MAX_SESSIONS = 10_000
SWEPT = 100
"""Groups that are looked at for being empty whenever a new one is made."""


class _Group(NamedTuple):
    acting: Acting
    directory: str


class Marks:
    """Groups by their token, and sessions that have none."""

    def __init__(self, cgroups: Cgroups) -> None:
        self._cgroups = cgroups
        self._groups: dict[str, _Group] = {}
        self._sessions: LRUCache[Acting, int] = LRUCache(MAX_SESSIONS)

    def __len__(self) -> int:
        return len(self._groups) + len(self._sessions)

    async def put(self, acting: Acting, pid: int) -> str:
        """Mark a process and its descendants; the directory of their group, "" where they have none."""
        await self._sweep()
        directory = ""
        if len(self._groups) < MAX_GROUPS:
            token = secrets.token_hex(16)
            self._groups[token] = _Group(acting, "")
            directory = await trio.to_thread.run_sync(self._cgroups.enclose, pid, token)
            self._keep(token, acting, directory)
        if not directory:
            self._sessions[acting] = user_of(pid)
        return directory

    def restore(self, acting: Acting, directory: str, uid: int) -> None:
        """Know a session again that another run of the daemon marked."""
        if not directory:
            self._sessions[acting] = uid
        elif os.path.isdir(directory):
            self._keep(os.path.basename(directory).removeprefix(PREFIX), acting, directory)

    def of(self, pid: int) -> Acting:
        """Whom a process is marked as."""
        if self._groups:
            group = self._groups.get(token_of(pid))
            if group is not None:
                return group.acting
        if self._sessions:
            said = environment(pid, (AGENT, SESSION))
            claimed = Acting(said.get(AGENT, ""), said.get(SESSION, ""))
            uid = self._sessions.get(claimed)
            if uid is not None and uid == user_of(pid):
                return claimed
        return NOBODY

    def clear(self) -> None:
        """Remove all groups that nobody is in."""
        for group in self._groups.values():
            if group.directory:
                remove(group.directory)

    def _keep(self, token: str, acting: Acting, directory: str) -> None:
        if directory:
            self._groups[token] = _Group(acting, directory)
        else:
            self._groups.pop(token, None)

    async def _sweep(self) -> None:
        """Forget groups that are empty, some of the longest kept; those still in use become the newest."""
        oldest = [(token, group) for token, group in list(self._groups.items())[:SWEPT] if group.directory]
        gone = await trio.to_thread.run_sync(lambda: [remove(group.directory) for _, group in oldest])
        for (token, group), is_gone in zip(oldest, gone, strict=True):
            if self._groups.pop(token, None) is not None and not is_gone:
                self._groups[token] = group

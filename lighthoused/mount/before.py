"""``history/agents/<agent>/``: a project as it was before that agent's last session began."""

import errno
from collections.abc import Sequence

import trio

from lighthoused.core import names
from lighthoused.mount.moment import Moving
from lighthoused.mount.vnode import Entry, Owner, Vdir, Vnode
from lighthoused.protocol.messages.log import Filter
from lighthoused.protocol.messages.projects import Project
from lighthoused.tree.refusal import refuse
from lighthoused.tree.tree import Tree

LISTED = 100
"""Agents listed, newest first; any agent can be entered."""
PAGES = 20
"""Pages of the log that a search goes back."""


class Before(Vdir):
    """The agents that had a session."""

    def __init__(self, owner: Owner, tree: Tree, project: Project) -> None:
        super().__init__(owner, ("before", project.name))
        self._tree = tree
        self._project = project

    async def entries(self) -> Sequence[Entry]:
        """Agents by their registrations, as far as the project was there before their last session."""
        agents: dict[str, None] = {}
        cursor = 0
        for _ in range(PAGES):
            page = self._tree.store.log.query(Filter(type="agent.registered"), cursor=cursor, reverse=True)
            agents.update(dict.fromkeys(event.agent for event, _ in page.events))
            cursor = page.cursor
            if not cursor or len(agents) >= LISTED:
                break
            await trio.lowlevel.checkpoint()
        entries = []
        for agent in list(agents)[:LISTED]:
            node = await self._before(agent)
            if node is not None:
                entries.append(Entry(agent.encode(), node))
        return entries

    async def lookup(self, name: bytes) -> Vnode:
        await self._tree.journal.caught_up()
        node = await self._before(names.shown(name))
        if node is None:
            raise refuse(errno.ENOENT)
        return node

    async def _before(self, agent: str) -> Vnode | None:
        session = await self._last_session(agent)
        if not session:
            return None
        page = self._tree.store.log.query(Filter(session=session, agent=agent), limit=1)
        at = page.events[0].event.seq - 1
        try:
            return Moving(self._tree.reading, b"agents/" + agent.encode(), self._project.root, at)
        except FileNotFoundError:
            return None

    async def _last_session(self, agent: str) -> str:
        cursor = 0
        for _ in range(PAGES):
            page = self._tree.store.log.query(Filter(agent=agent), cursor=cursor, limit=100, reverse=True)
            for event, _ in page.events:
                if event.session:
                    return event.session
            cursor = page.cursor
            if not cursor:
                break
            await trio.lowlevel.checkpoint()
        return ""

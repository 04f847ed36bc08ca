"""The mount's root, a directory per project, and in each ``current``, ``history``, ``streams`` and ``status``."""

import errno
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from lighthoused.core import names
from lighthoused.mount.eventlog import EventLog
from lighthoused.mount.following import Following
from lighthoused.mount.history import History
from lighthoused.mount.pipes import Pipes
from lighthoused.mount.status import Render, StatusDir
from lighthoused.mount.streams import StreamsDir
from lighthoused.mount.vnode import Entry, Owner, Vdir, Vnode
from lighthoused.protocol.messages.projects import Project
from lighthoused.tree.refusal import refuse
from lighthoused.tree.tree import Tree

StatusOf = Callable[[Project], Mapping[str, Render]]


class Rooms(NamedTuple):
    """What the directories of a project are made of."""

    tree: Tree
    status_of: StatusOf
    pipes: Pipes
    following: Following
    log: EventLog


class Root(Vdir):
    """``<mount>/``: the projects."""

    mode = 0o755

    def __init__(self, owner: Owner, rooms: Rooms) -> None:
        super().__init__(owner, "root")
        self._rooms = rooms

    async def entries(self) -> Sequence[Entry]:
        return [Entry(project.name.encode(), self._room(project)) for project in self._rooms.tree.projects.all()]

    async def lookup(self, name: bytes) -> Vnode:
        project = self._rooms.tree.projects.find(names.shown(name))
        if project is None:
            raise refuse(errno.ENOENT)
        return self._room(project)

    def _room(self, project: Project) -> "ProjectDir":
        return ProjectDir(self.owner, self._rooms, project)


class ProjectDir(Vdir):
    """``<mount>/<project>/``."""

    mode = 0o755

    def __init__(self, owner: Owner, rooms: Rooms, project: Project) -> None:
        super().__init__(owner, ("project", project.name))
        self._entries = [
            Entry(b"current", project.root),
            Entry(b"history", History(owner, rooms.tree, project, rooms.log)),
            Entry(b"status", StatusDir(owner, project.name, rooms.status_of(project))),
            Entry(b"streams", StreamsDir(owner, project.name, rooms.pipes, rooms.following)),
        ]

    async def entries(self) -> Sequence[Entry]:
        return self._entries

"""The mount's root, a directory per project, and in each ``current``, ``history`` and ``status``."""

import errno
from collections.abc import Callable, Mapping, Sequence

from lighthoused.core import names
from lighthoused.mount.history import History
from lighthoused.mount.status import Render, StatusDir
from lighthoused.mount.vnode import Entry, Owner, Vdir, Vnode
from lighthoused.protocol.messages import Project
from lighthoused.tree.refusal import refuse
from lighthoused.tree.tree import Tree

StatusOf = Callable[[Project], Mapping[str, Render]]


class Root(Vdir):
    """``<mount>/``: the projects."""

    mode = 0o755

    def __init__(self, owner: Owner, tree: Tree, status_of: StatusOf) -> None:
        super().__init__(owner, "root")
        self._tree = tree
        self._status_of = status_of

    async def entries(self) -> Sequence[Entry]:
        return [Entry(project.name.encode(), self._room(project)) for project in self._tree.projects.all()]

    async def lookup(self, name: bytes) -> Vnode:
        project = self._tree.projects.find(names.shown(name))
        if project is None:
            raise refuse(errno.ENOENT)
        return self._room(project)

    def _room(self, project: Project) -> "ProjectDir":
        return ProjectDir(self.owner, self._tree, project, self._status_of(project))


class ProjectDir(Vdir):
    """``<mount>/<project>/``."""

    mode = 0o755

    def __init__(self, owner: Owner, tree: Tree, project: Project, status: Mapping[str, Render]) -> None:
        super().__init__(owner, ("project", project.name))
        self._entries = [
            Entry(b"current", project.root),
            Entry(b"history", History(owner, tree, project)),
            Entry(b"status", StatusDir(owner, project.name, status)),
        ]

    async def entries(self) -> Sequence[Entry]:
        return self._entries

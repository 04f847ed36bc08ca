"""Projects and their snapshots: a projection of the stream `projects`, folded at start and kept in step after."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from lighthoused.core.appended import Appended
from lighthoused.core.author import Author
from lighthoused.core.errors import AlreadyExists, Invalid, NotFound
from lighthoused.core.events import Draft, Event
from lighthoused.core.inode import Change, Inode, encode_change, rows_of
from lighthoused.protocol.messages.log import Filter
from lighthoused.protocol.messages.projects import Project, Snapshot
from lighthoused.store.log import Log

STREAM = "projects"
MAX_SNAPSHOTS = 10_000
MAX_PROJECTS = 1_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
Append = Callable[[tuple[Draft, ...]], Awaitable[tuple[Appended, ...]]]


class Projects:
    """Which projects there are, by name, and the snapshots of each."""

    def __init__(self, append: Append, clock: Callable[[], int]) -> None:
        self._append = append
        self._clock = clock
        self._projects: dict[str, Project] = {}
        self._snapshots: dict[str, dict[str, Snapshot]] = {}
        self.sources: tuple[str, ...] = ()
        """The directories that projects were imported from."""
        self.horizon = 0
        """The seq from which on any moment can be shown; before it, only snapshots can."""

    def fold(self, log: Log) -> None:
        """Take in all that the log says."""
        cursor = 0
        while True:
            page = log.query(Filter(stream=STREAM), cursor=cursor)
            for stored in page.events:
                self._apply(stored.event)
            cursor = page.cursor
            if not cursor:
                return

    def all(self) -> tuple[Project, ...]:
        """In the order of their names."""
        return tuple(self._projects[name] for name in sorted(self._projects))

    def find(self, name: str) -> Project | None:
        """The project of this name, if there is one."""
        return self._projects.get(name)

    def get(self, name: str) -> Project:
        """The project of this name. Raises NotFound."""
        project = self._projects.get(name)
        if project is None:
            known = ", ".join(sorted(self._projects)) or "none"
            raise NotFound(f"There is no project {name!r}.", f"Known projects: {known}.")
        return project

    def snapshots(self, project: str) -> dict[str, Snapshot]:
        """Snapshots of a project by name."""
        return dict(self._snapshots.get(project, {}))

    def keeps(self, project: str, seq: int) -> bool:
        """Whether a moment of a project can be shown."""
        return seq >= self.horizon or any(made.seq == seq for made in self._snapshots.get(project, {}).values())

    async def create(self, name: str, source: str, root: int, inode: Inode, author: Author) -> Project:
        """Make a project with this root directory, in one batch. Raises Invalid, AlreadyExists."""
        check_name(name, "project")
        if name in self._projects:
            raise AlreadyExists(f"There is a project {name!r} already.", "Choose another name with --name.")
        if len(self._projects) >= MAX_PROJECTS:
            raise Invalid(f"There are {MAX_PROJECTS} projects, the most there may be.")
        change = Change(((root, inode),))
        payload = {"name": name, "root": root, "source": source}
        made = Draft(
            stream="tree/" + name,
            type="directory.created",
            payload=encode_change(change),
            time=self._clock(),
            agent=author.agent,
            session=author.session,
            uid=author.uid,
            pid=author.pid,
            paths=(name,),
            rows=rows_of(change),
            expected_version=0,
        )
        await self._record("project.created", payload, author, (name,), also=(made,))
        return self._projects[name]

    async def complete(self, name: str, author: Author) -> Project:
        """Note that a project's import has finished."""
        await self._record("project.completed", {"name": self.get(name).name}, author, (name,))
        return self._projects[name]

    async def snapshot(self, project: str, name: str, seq: int, author: Author) -> Snapshot:
        """Name a moment. Raises NotFound, AlreadyExists, Invalid."""
        check_name(name, "snapshot")
        there = self._snapshots.get(self.get(project).name, {})
        if name in there:
            raise AlreadyExists(f"Project {project!r} has a snapshot {name!r} already.", "Delete it or choose another.")
        if len(there) >= MAX_SNAPSHOTS:
            raise Invalid(f"Project {project!r} has {MAX_SNAPSHOTS} snapshots, the most there may be.")
        await self._record("snapshot.created", {"project": project, "name": name, "seq": seq}, author, (project,))
        return self._snapshots[project][name]

    async def forget_snapshot(self, project: str, name: str, author: Author) -> None:
        """Delete a snapshot's name. Raises NotFound."""
        if name not in self._snapshots.get(self.get(project).name, {}):
            raise NotFound(f"Project {project!r} has no snapshot {name!r}.", "See 'lighthousectl snapshot list'.")
        await self._record("snapshot.deleted", {"project": project, "name": name}, author, (project,))

    async def forget_before(self, seq: int, author: Author) -> None:
        """Note that history before `seq` is no longer kept, but for snapshots."""
        await self._record("history.forgotten", {"name": "", "horizon": seq}, author, ())

    async def _record(
        self, kind: str, payload: dict[str, Any], author: Author, paths: tuple[str, ...], also: tuple[Draft, ...] = ()
    ) -> None:
        draft = author.draft(STREAM, kind, payload, self._clock(), paths=paths)
        placed = await self._append((draft, *also))
        self._take(kind, payload, placed[0].time, author.agent)

    def _apply(self, event: Event) -> None:
        self._take(event.type, msgspec.msgpack.decode(event.payload), event.time, event.agent)

    def _take(self, kind: str, payload: dict[str, Any], time: int, agent: str) -> None:
        name = payload["name"]
        if kind == "project.created":
            self._projects[name] = Project(name, payload["root"], time, payload["source"], complete=False)
            self.sources = tuple(project.source for project in self.all() if project.source)
        elif kind == "project.completed":
            self._projects[name] = msgspec.structs.replace(self._projects[name], complete=True)
        elif kind == "history.forgotten":
            self.horizon = max(self.horizon, payload["horizon"])
        elif kind == "snapshot.created":
            made = Snapshot(payload["project"], name, payload["seq"], time, agent)
            self._snapshots.setdefault(payload["project"], {})[name] = made
        elif kind == "snapshot.deleted":
            del self._snapshots[payload["project"]][name]


def check_name(name: str, what: str) -> None:
    """Raises Invalid for a name that would not do as a directory under the mount."""
    if not _NAME.fullmatch(name):
        raise Invalid(
            f"{name!r} cannot be the name of a {what}.",
            "Use up to 100 letters, digits, '.', '_' and '-', beginning with a letter or digit.",
        )

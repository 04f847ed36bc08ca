"""project.*, tree.* and snapshot.*: projects and their history."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from lighthoused.core.errors import Invalid
from lighthoused.core.names import raw
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.connection import Done
from lighthoused.protocol.messages.log import Filter, Progress
from lighthoused.protocol.messages.projects import (
    DiffReply,
    DiffRequest,
    HistoryEntry,
    HistoryReply,
    HistoryRequest,
    PathChange,
    Project,
    ProjectExportRequest,
    ProjectImportRequest,
    ProjectList,
    ProjectListRequest,
    Snapshot,
    SnapshotCreateRequest,
    SnapshotDeleteRequest,
    SnapshotList,
    SnapshotListRequest,
    UndoReply,
    UndoRequest,
)
from lighthoused.rpc.call import Call, Final, Handler
from lighthoused.tree.diff import change_of, differences
from lighthoused.tree.exporter import export_project
from lighthoused.tree.importer import import_directory
from lighthoused.tree.tree import Tree
from lighthoused.tree.undo import Undo

MAX_CHANGES = 10_000
MAX_TEXT = 4 * 1024 * 1024
"""Characters of unified diffs in one reply."""


class ProjectsApi:
    """What can be asked of projects."""

    def __init__(self, tree: Tree, undo: Undo, exclude: Callable[[bytes], bool]) -> None:
        self._tree = tree
        self._undo = undo
        self._exclude = exclude

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {
            ProjectListRequest: self.list,
            ProjectImportRequest: self.import_,
            ProjectExportRequest: self.export,
            HistoryRequest: self.history,
            DiffRequest: self.diff,
            UndoRequest: self.undo,
            SnapshotCreateRequest: self.snapshot,
            SnapshotListRequest: self.snapshots,
            SnapshotDeleteRequest: self.forget_snapshot,
        }

    def list(self, request: ProjectListRequest, call: Call) -> ProjectList:
        return ProjectList(self._tree.projects.all())

    async def import_(self, request: ProjectImportRequest, call: Call) -> AsyncIterator[Progress | Final]:
        if not request.source:
            yield Final(await self._empty(request.name, call))
            return
        source = Path(request.source)
        if not source.is_absolute():
            raise Invalid(f"{request.source!r} is not an absolute path.", "Name the directory from the root on.")
        name = request.name or source.name
        async for step in import_directory(self._tree, source, name, call.author, self._exclude):
            yield Final(step) if isinstance(step, Project) else step

    async def export(self, request: ProjectExportRequest, call: Call) -> AsyncIterator[Progress | Final]:
        project = self._tree.projects.get(request.project)
        at = await self._tree.moment(project.name, request.at)
        if self._exclude(os.fsencode(request.dest)):
            raise Invalid(f"{request.dest} belongs to the daemon.", "Export to a directory of your own.")
        async for step in export_project(self._tree.reading, project.root, at, Path(request.dest)):
            yield step if isinstance(step, Progress) else Final(step)

    def history(self, request: HistoryRequest, call: Call) -> HistoryReply:
        project = self._tree.projects.get(request.project)
        path = f"{project.name}/{request.path}".rstrip("/")
        stream = f"tree/{project.name}"
        page = self._tree.store.log.query(Filter(stream=stream, path=path), request.cursor, request.limit, reverse=True)
        entries = tuple(
            HistoryEntry(event.seq, event.time, event.type, event.agent, event.session, event.paths)
            for event, _ in page.events
        )
        return HistoryReply(entries, page.cursor)

    async def diff(self, request: DiffRequest, call: Call) -> DiffReply:
        project = self._tree.projects.get(request.project)
        until = await self._tree.moment(project.name, request.until)
        since = await self._tree.moment(project.name, request.since)
        reading = self._tree.reading
        changes: list[PathChange] = []
        text = 0
        for difference in differences(reading, project.root, raw(request.path), since, until):
            change = change_of(reading, difference, request.text)
            text += len(change.text)
            if len(changes) == MAX_CHANGES or text > MAX_TEXT:
                return DiffReply(tuple(changes), truncated=True)
            changes.append(change)
        return DiffReply(tuple(changes))

    async def undo(self, request: UndoRequest, call: Call) -> UndoReply:
        return await self._undo.run(request, call.author)

    async def snapshot(self, request: SnapshotCreateRequest, call: Call) -> Snapshot:
        self._tree.projects.get(request.project)
        seq = await self._tree.moment(request.project, "")
        return await self._tree.projects.snapshot(request.project, request.name, seq, call.author)

    def snapshots(self, request: SnapshotListRequest, call: Call) -> SnapshotList:
        projects = self._tree.projects
        names = [projects.get(request.project).name] if request.project else [made.name for made in projects.all()]
        return SnapshotList(tuple(made for name in names for made in projects.snapshots(name).values()))

    async def forget_snapshot(self, request: SnapshotDeleteRequest, call: Call) -> Done:
        await self._tree.projects.forget_snapshot(request.project, request.name, call.author)
        return Done()

    async def _empty(self, name: str, call: Call) -> Project:
        if not name:
            raise Invalid("An empty project needs a name.", "Pass a name, or a directory to import.")
        if self._tree.projects.find(name) is None:
            await self._tree.create_project(name, "", call.author)
        return await self._tree.projects.complete(name, call.author)

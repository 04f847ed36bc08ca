"""Projects and time travel."""

from typing import Literal

import msgspec

from lighthoused.protocol.messages.base import Request


class Project(msgspec.Struct, frozen=True):
    name: str
    root: int
    """Inode number of the project's root directory."""
    created: int
    source: str
    """Directory it was imported from, "" if it began empty."""
    complete: bool
    """False while its import has not finished."""


class ProjectListRequest(Request, tag="project.list"):
    """All projects."""


class ProjectList(msgspec.Struct, frozen=True):
    projects: tuple[Project, ...]


class ProjectImportRequest(Request, tag="project.import"):
    """Import a directory as a project, or finish an interrupted import. Streams progress (files).

    A complete project of that name and source is left alone. `source` "" makes an empty project.
    """

    source: str
    name: str = ""


class ProjectExportRequest(Request, tag="project.export"):
    """Write a project as it was at `at` into the new directory `dest`. Streams progress (files)."""

    project: str
    dest: str
    at: str = ""
    """A moment: RFC 3339 time, ``@seq``, snapshot name, or a duration ago like ``10m``; "" is now."""


class ExportReply(msgspec.Struct, frozen=True):
    files: int
    bytes: int
    seq: int


class HistoryRequest(Request, tag="tree.history"):
    """The changes to a path (and what is below it), newest first, by pages."""

    project: str
    path: str = ""
    cursor: int = 0
    limit: int = 100


class HistoryEntry(msgspec.Struct, frozen=True):
    seq: int
    time: int
    type: str
    agent: str
    session: str
    paths: tuple[str, ...]


class HistoryReply(msgspec.Struct, frozen=True):
    entries: tuple[HistoryEntry, ...]
    cursor: int


class DiffRequest(Request, tag="tree.diff"):
    """What differs between two moments. `text`: with unified diffs of text files."""

    project: str
    since: str
    until: str = ""
    path: str = ""
    text: bool = False


class PathChange(msgspec.Struct, frozen=True):
    path: str
    kind: Literal["added", "removed", "modified", "mode", "type"]
    size_before: int
    size_after: int
    text: str = ""


class DiffReply(msgspec.Struct, frozen=True):
    changes: tuple[PathChange, ...]
    truncated: bool = False


class UndoRequest(Request, tag="tree.undo"):
    """Restore what an agent or session changed since a moment, or paths to how they were, as new events.

    `apply` False only plans. Where others changed the same thing later, it is left alone and listed as a conflict.
    """

    project: str
    paths: tuple[str, ...] = ()
    agent: str = ""
    session: str = ""
    since: str = ""
    apply: bool = False


class UndoStep(msgspec.Struct, frozen=True):
    path: str
    action: Literal["restore", "remove", "revert", "conflict"]
    detail: str = ""


class UndoReply(msgspec.Struct, frozen=True):
    steps: tuple[UndoStep, ...]
    applied: bool
    seq: int
    """seq of the last undo event, 0 where nothing was applied."""
    horizon: int = 0
    """seq that it stopped at, as older history is not kept, where there is more of what was asked for; else 0."""


class BlameRequest(Request, tag="tree.blame"):
    """By which event each line of a text file came to be there, followed through renames and saves."""

    project: str
    path: str
    at: str = ""


class BlameOrigin(msgspec.Struct, frozen=True):
    """An event that lines came from."""

    seq: int
    time: int
    agent: str
    session: str
    type: str
    earlier: bool = False
    """The lines may be older: what was before was too much to look at, or is no longer kept."""
    verdict: int = 0
    """seq of the gate's newest verdict for this agent and session in the minute before, if it was to allow; else 0. The
    gate judges commands: whether that one changed this file, the log does not know."""


class BlameLine(msgspec.Struct, frozen=True):
    origin: int
    """Index in `origins`."""
    text: str


class BlameReply(msgspec.Struct, frozen=True):
    origins: tuple[BlameOrigin, ...]
    lines: tuple[BlameLine, ...]


class ChangePointsRequest(Request, tag="tree.change_points"):
    """The bursts of changes to a project after one moment and up to another, oldest first."""

    project: str
    since: str
    until: str = ""


class ChangePoint(msgspec.Struct, frozen=True):
    """Changes of one agent in close succession; `first` and `last` are seqs, `time` is the last one's."""

    first: int
    last: int
    time: int
    agent: str
    session: str
    events: int


class ChangePointsReply(msgspec.Struct, frozen=True):
    since: int
    until: int
    points: tuple[ChangePoint, ...]


class SnapshotCreateRequest(Request, tag="snapshot.create"):
    """Name the present state of a project."""

    project: str
    name: str


class Snapshot(msgspec.Struct, frozen=True):
    project: str
    name: str
    seq: int
    time: int
    agent: str


class SnapshotListRequest(Request, tag="snapshot.list"):
    """Snapshots, of one project or all."""

    project: str = ""


class SnapshotList(msgspec.Struct, frozen=True):
    snapshots: tuple[Snapshot, ...]


class SnapshotDeleteRequest(Request, tag="snapshot.delete"):
    """Forget a snapshot's name; the state stays readable by time."""

    project: str
    name: str

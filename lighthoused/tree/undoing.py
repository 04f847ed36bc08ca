"""What undoing some events would take: for every name and inode they touched, how it was before, and whether anybody
else changed it since. Reads only; `tree.undo` applies the plan."""

from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from lighthoused.core.events import Event
from lighthoused.core.inode import Dentry, Inode, decode_change
from lighthoused.core.names import shown
from lighthoused.protocol.messages.projects import UndoStep
from lighthoused.store.versions import Versions
from lighthoused.tree.reading import Reading

Name = tuple[int, bytes]
_K = TypeVar("_K")


@dataclass(slots=True)
class Span:
    """The first and last of the events that touched something, and all of them."""

    first: int
    last: int
    seqs: set[int]


@dataclass(slots=True)
class Plan:
    """Names and inodes with the state they are to have; `steps` tells people."""

    names: dict[Name, Dentry | None] = field(default_factory=dict)
    inodes: dict[int, Inode] = field(default_factory=dict)
    paths: dict[int | Name, bytes] = field(default_factory=dict)
    steps: list[UndoStep] = field(default_factory=list)


class Touched:
    """The names and inodes that the events to undo have changed."""

    def __init__(self) -> None:
        self.names: dict[Name, Span] = {}
        self.inodes: dict[int, Span] = {}
        self.places: dict[int, set[Name]] = {}
        """Names that inodes may have had before they were first touched."""

    def add(self, event: Event) -> None:
        """Take in one event to be undone."""
        change = decode_change(event.payload)
        left = {(parent, name) for parent, name, entry in change.dentries if not entry.ino}
        for ino, inode in change.inodes:
            if ino not in self.inodes:
                self.places[ino] = {(inode.parent, inode.name), *left}
            _extend(self.inodes, ino, event.seq)
        for parent, name, _ in change.dentries:
            _extend(self.names, (parent, name), event.seq)


class Planner:
    """Works out a `Plan` against the state at `head`."""

    def __init__(self, reading: Reading, versions: Versions, head: int) -> None:
        self._reading = reading
        self._versions = versions
        self._head = head

    def plan(self, touched: Touched) -> Plan:
        """How to bring everything touched back to before it was first touched."""
        plan = Plan()
        for key, span in touched.names.items():
            self._plan_name(plan, key, span)
        self._keep_occupied_directories(plan)
        for ino, span in touched.inodes.items():
            self._plan_inode(plan, ino, span, touched.places[ino])
        self._count_links(plan)
        plan.steps.sort(key=lambda step: step.path)
        return plan

    def path(self, ino: int, at: int) -> bytes:
        """Path of a directory at a moment, with the project's name first."""
        parts: list[bytes] = []
        while ino:
            inode = self._versions.inode(ino, at)
            if inode is None:
                break
            parts.append(inode.name)
            ino = inode.parent
        return b"/".join(reversed(parts))

    def _plan_name(self, plan: Plan, key: Name, span: Span) -> None:
        parent, name = key
        before = self._versions.dentry(parent, name, span.first - 1)
        now = self._versions.dentry(parent, name, self._head)
        if _ino(before) == _ino(now):
            return
        path = self._name_path(key, span)
        if _ino(now) != _ino(self._versions.dentry(parent, name, span.last)):
            plan.steps.append(UndoStep(shown(path), "conflict", "the name was changed again since"))
            return
        if before is not None and self._versions.inode(before.ino, self._head) is None:
            plan.steps.append(UndoStep(shown(path), "conflict", "its content was not versioned"))
            return
        plan.names[key] = before
        plan.paths[key] = path
        if before is None:
            plan.steps.append(UndoStep(shown(path), "remove"))
        else:
            plan.steps.append(UndoStep(shown(path), "restore" if now is None else "revert"))

    def _plan_inode(self, plan: Plan, ino: int, span: Span, places: set[Name]) -> None:
        before = self._versions.inode(ino, span.first - 1)
        now = self._versions.inode(ino, self._head)
        if before is None:
            self._tell_unversioned(plan, ino, span, places)
        if before is None or now is None or not before.nlink or _same(before, now):
            return
        path = self.path(ino, span.first - 1)
        if self._others_changed(ino, span):
            plan.steps.append(UndoStep(shown(path), "conflict", "it was also changed by others"))
            return
        plan.inodes[ino] = msgspec.structs.replace(before, nlink=now.nlink, parent=now.parent, name=now.name)
        plan.paths[ino] = path
        if not any(ino == _ino(entry) for entry in plan.names.values()):
            plan.steps.append(UndoStep(shown(path), "revert"))

    def _tell_unversioned(self, plan: Plan, ino: int, span: Span, places: set[Name]) -> None:
        """Names are always versioned: one that stood for the inode tells that there was content, which is not kept."""
        for parent, name in places:
            if _ino(self._versions.dentry(parent, name, span.first - 1)) == ino:
                path = shown(self._name_path((parent, name), span))
                if all((step.path, step.action) != (path, "conflict") for step in plan.steps):
                    plan.steps.append(UndoStep(path, "conflict", "its content was not versioned"))

    def _others_changed(self, ino: int, span: Span) -> bool:
        """Whether a version since the first one was made by an event that is not undone, and is not just a touch."""
        previous = self._versions.inode(ino, span.first - 1)
        for seq, version in sorted(self._versions.inode_versions(ino, span.first, self._head)):
            if seq not in span.seqs and previous is not None and not _same(previous, version):
                return True
            previous = version
        return False

    def _keep_occupied_directories(self, plan: Plan) -> None:
        """A directory somebody else has put something in stays, and so do its parents."""
        removals = [key for key, entry in plan.names.items() if entry is None]
        for key in sorted(removals, key=lambda key: plan.paths[key].count(b"/"), reverse=True):
            now = self._versions.dentry(*key, self._head)
            inode = self._versions.inode(now.ino, self._head) if now else None
            if now and inode and inode.is_dir and not self._moves(plan, now.ino) and self._left_in(plan, now.ino):
                path = shown(plan.paths.pop(key))
                del plan.names[key]
                plan.steps = [step for step in plan.steps if step.path != path]
                plan.steps.append(UndoStep(path, "conflict", "the directory holds what others made"))

    def _moves(self, plan: Plan, ino: int) -> bool:
        return any(entry is not None and entry.ino == ino for entry in plan.names.values())

    def _left_in(self, plan: Plan, directory: int) -> dict[bytes, Dentry]:
        """Entries of a directory once the plan is carried out."""
        left = {found.name: Dentry(found.ino, found.kind) for found in self._reading.entries(directory, self._head)}
        for (parent, name), entry in plan.names.items():
            if parent == directory:
                left.pop(name, None)
                if entry is not None:
                    left[name] = entry
        return left

    def _count_links(self, plan: Plan) -> None:
        """Give every inode whose names change its right link count, place and times."""
        changes: dict[int, int] = {}
        for (parent, name), entry in plan.names.items():
            now = self._versions.dentry(parent, name, self._head)
            changes.setdefault(parent, 0)
            if now is not None:
                changes[now.ino] = changes.get(now.ino, 0) - 1
            if entry is not None:
                changes[entry.ino] = changes.get(entry.ino, 0) + 1
        places = {entry.ino: key for key, entry in plan.names.items() if entry is not None}
        for ino, change in changes.items():
            inode = plan.inodes.get(ino) or self._versions.inode(ino, self._head)
            if inode is None:
                continue
            parent, name = places.get(ino, (inode.parent, inode.name))
            links = inode.nlink + change
            if inode.is_dir:
                gone = ino not in places and change < 0
                links = 0 if gone else 2 + sum(_is_dir(entry) for entry in self._left_in(plan, ino).values())
            plan.inodes[ino] = msgspec.structs.replace(inode, nlink=max(links, 0), parent=parent, name=name)
            plan.paths.setdefault(ino, self.path(ino, self._head))

    def _name_path(self, key: Name, span: Span) -> bytes:
        parent, name = key
        directory = self.path(parent, span.first - 1) or self.path(parent, self._head)
        return directory + b"/" + name


def _extend(spans: dict[_K, Span], key: _K, seq: int) -> None:
    span = spans.get(key)
    if span is None:
        spans[key] = Span(seq, seq, {seq})
    else:
        span.last = seq
        span.seqs.add(seq)


def _ino(entry: Dentry | None) -> int:
    return entry.ino if entry is not None else 0


def _is_dir(entry: Dentry) -> bool:
    return entry.kind == 0o040000


def _same(one: Inode, other: Inode) -> bool:
    """Whether two versions of an inode hold the same, but for what names and times say."""
    equal = (one.mode, one.uid, one.gid, one.xattrs) == (other.mode, other.uid, other.gid, other.xattrs)
    return equal and (one.is_dir or (one.size, one.content, one.target) == (other.size, other.content, other.target))

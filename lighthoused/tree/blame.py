"""Blame: by which event each line of a file came to be there.

The file's versions are gone through from the newest back, and a line belongs to the version whose predecessor does not
have it. An inode keeps its history when it is renamed. Editors save by putting a new inode in the old one's place, or
by emptying a file and writing it anew: what a name stood for before is a predecessor, too, and a short emptiness is
none. Reads only; meant for a worker thread.
"""

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from lighthoused.core.errors import Invalid, NotFound, TooLarge
from lighthoused.core.inode import Inode, decode_dentry, dentry_key
from lighthoused.protocol.messages.log import Filter
from lighthoused.protocol.messages.projects import BlameLine, BlameOrigin, BlameReply
from lighthoused.store.schema import DENTRIES, NOW, number
from lighthoused.store.store import Store
from lighthoused.tree.lines import matched
from lighthoused.tree.reading import Reading

MAX_SIZE = 1024 * 1024
MAX_LINES = 50_000
MAX_TEXTS = 5_000
"""Older versions that are read."""
MAX_S = 10.0
SAVE_GAP_NS = 2_000_000_000
"""How long a name may stand for nothing between the old file and the new one."""
VERDICT_NS = 60_000_000_000
"""How long before a change a verdict is looked for."""

_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode

Open = dict[int, int]
"""Lines of the newest text whose origin is sought, with where they are in the text that is being looked at."""


@dataclass(slots=True)
class _Task:
    """Lines to be traced through one inode's versions up to a seq."""

    ino: int
    until: int
    text: list[bytes]
    open: Open


class _Came(NamedTuple):
    """Where a line came from; `earlier`: from there or from what was not looked at before it."""

    seq: int
    earlier: bool


class Blame:
    """Traces one file's lines as of a seq."""

    def __init__(self, store: Store, reading: Reading, horizon: int) -> None:
        self._store = store
        self._reading = reading
        self._horizon = horizon
        self._came: dict[int, _Came] = {}
        self._texts = 0
        self._end = time.monotonic() + MAX_S

    def run(self, root: int, path: bytes, at: int) -> BlameReply:
        """Origins of all lines. Raises NotFound, Invalid for what is no text, TooLarge."""
        ino = self._reading.walk(root, path, at)
        inode = self._reading.inode(ino, at) if ino is not None else None
        if ino is None or not isinstance(inode, Inode):
            raise NotFound("There is no such file at that moment.", "Name a file of the project.")
        text = self._checked_text(inode)
        todo = [_Task(ino, at, text, {index: index for index in range(len(text))})]
        while todo:
            todo += self._trace(todo.pop())
        return self._reply(text)

    def _checked_text(self, inode: Inode) -> list[bytes]:
        if not inode.is_file:
            raise Invalid("Only files have lines.", "Name a file.")
        if inode.size > MAX_SIZE:
            raise TooLarge(f"A file of {inode.size} bytes is too large to be blamed.", f"At most {MAX_SIZE} bytes.")
        text = self._text(inode)
        if text is None:
            raise Invalid("The file is binary: it has no lines.", "See 'lighthousectl history' for its changes.")
        if len(text) > MAX_LINES:
            raise TooLarge(f"A file of {len(text)} lines is too large to be blamed.", f"At most {MAX_LINES} lines.")
        return text

    def _text(self, inode: Inode) -> list[bytes] | None:
        """Its lines, None for what is no text."""
        if not inode.is_file or inode.size > MAX_SIZE:
            return None
        content = self._reading.read(inode, 0, inode.size)
        return None if b"\0" in content else content.splitlines(keepends=True)

    def _trace(self, task: _Task) -> list[_Task]:
        """Go back through the versions of one inode; tasks for other inodes that were in its place."""
        more: list[_Task] = []
        versions = self._store.versions.inode_versions(task.ino, until=task.until)
        credit = 0
        for index, (seq, inode) in enumerate(versions):
            older_seq, older = versions[index + 1] if index + 1 < len(versions) else (0, None)
            credit = credit or seq
            if older is None or (older.parent, older.name) != (inode.parent, inode.name):
                more += self._replaced(task, seq, inode)
            if older is None or not older.nlink:
                self._settle(task.open, credit, earlier=seq <= self._horizon)
            elif older.content != inode.content or older.size != inode.size:
                if not older.size and self._time(seq) - self._time(older_seq) <= SAVE_GAP_NS:
                    continue
                self._compare(task, credit, older)
            credit = 0
            if not task.open:
                break
        return more

    def _compare(self, task: _Task, seq: int, older: Inode) -> None:
        if self._texts >= MAX_TEXTS or time.monotonic() > self._end:
            self._settle(task.open, seq, earlier=True)
            return
        self._texts += 1
        text = self._text(older)
        was = matched(text, task.text) if text is not None else {}
        still = {line: was[index] for line, index in task.open.items() if index in was}
        self._settle({line: index for line, index in task.open.items() if line not in still}, seq, earlier=False)
        task.text, task.open = text or [], still

    def _settle(self, lines: Open, seq: int, earlier: bool) -> None:
        self._came.update(dict.fromkeys(lines, _Came(seq, earlier)))
        if lines:
            lines.clear()

    def _replaced(self, task: _Task, seq: int, inode: Inode) -> list[_Task]:
        """The lines that are also in the file that an inode took the place of go on from there."""
        before = self._stood_for(inode.parent, inode.name, seq, task.ino)
        if before is None or self._texts >= MAX_TEXTS or time.monotonic() > self._end:
            return []
        ino, until = before
        old = self._store.versions.inode(ino, until)
        text = self._text(old) if old is not None else None
        self._texts += 1
        if not text:
            return []
        was = matched(text, task.text)
        taken = {line: was[index] for line, index in task.open.items() if index in was}
        task.open = {line: index for line, index in task.open.items() if line not in taken}
        return [_Task(ino, until, text, taken)] if taken else []

    def _stood_for(self, parent: int, name: bytes, seq: int, but: int) -> tuple[int, int] | None:
        """(inode, seq) of the file that a name stood for until shortly before a seq."""
        until = seq - 1
        entry = self._store.versions.dentry(parent, name, until)
        if entry is None:
            removed = self._removed_at(parent, name, until)
            if removed is None or self._time(seq) - self._time(removed) > SAVE_GAP_NS:
                return None
            until = removed - 1
            entry = self._store.versions.dentry(parent, name, until)
        return (entry.ino, until) if entry is not None and entry.ino != but else None

    def _removed_at(self, parent: int, name: bytes, until: int) -> int | None:
        found = self._store.rows.at_or_after(DENTRIES, dentry_key(parent, name), NOW - until)
        if found is None or decode_dentry(found[1]).ino:
            return None
        return NOW - number(found[0][-8:])

    def _time(self, seq: int) -> int:
        stored = self._store.log.get(seq)
        return stored.event.time if stored is not None else 0

    def _reply(self, text: list[bytes]) -> BlameReply:
        places = {came: place for place, came in enumerate(sorted(set(self._came.values())))}
        origins = tuple(self._origin(came) for came in places)
        lines = tuple(
            BlameLine(places[self._came[index]], line.decode("utf-8", "backslashreplace"))
            for index, line in enumerate(text)
        )
        return BlameReply(origins, lines)

    def _origin(self, came: _Came) -> BlameOrigin:
        stored = self._store.log.get(came.seq)
        if stored is None:
            return BlameOrigin(came.seq, 0, "", "", "", came.earlier)
        event = stored.event
        verdict = self._verdict(event.agent, event.session, event.time)
        return BlameOrigin(came.seq, event.time, event.agent, event.session, event.type, came.earlier, verdict)

    def _verdict(self, agent: str, session: str, before: int) -> int:
        """seq of the newest verdict in the agent's session shortly before, if it was to allow; it need not be about the
        file. Else 0."""
        judged = Filter(type="gate.judged", agent=agent, session=session, since=before - VERDICT_NS, until=before)
        for event, _ in self._store.log.query(judged, limit=1, reverse=True).events:
            if _decode(event.payload).get("verdict") == "allow":
                return event.seq
        return 0

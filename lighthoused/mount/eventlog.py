"""``history/events/``: the log as JSON Lines, one file for every `SPAN` seqs, with the events that concern a project.

A file is named by the first seq it may hold and is made up as it is read: an index of where pieces of it begin is kept
of the files last used. The newest one grows. What a listing shows of a file nobody has looked at is not its size yet.
"""

import bisect
import errno
import re
import stat
from collections.abc import Sequence

import trio
from cachetools import LRUCache

from lighthoused.core import names
from lighthoused.core.inode import Inode
from lighthoused.mount.following import PIECE, Line, concerns
from lighthoused.mount.vnode import FOREVER_S, Entry, Owner, Vdir, Vnode
from lighthoused.protocol.messages.log import Filter
from lighthoused.store.log import Log, Stored
from lighthoused.tree.refusal import refuse

SPAN = 10_000
KEPT_FILES = 1000
KEPT_BYTES = 4 * 1024 * 1024
"""Bytes of lines that are kept as the parts of a file are read one after the other."""
_NAME = re.compile(r"(\d{10,19})\.jsonl", re.ASCII)


class Lines:
    """What is known of one project's file of the events with `first` <= seq <= `last`.

    It is made in pieces of `PIECE` seqs; `ends` says where each ends in the file. `upto`: the last seq taken in;
    `changed`: when that event happened (ns).
    """

    def __init__(self, project: str, first: int) -> None:
        self.project = project
        self.first = first
        self.last = first + SPAN - 1
        self.upto = first - 1
        self.changed = 0
        self.ends: list[int] = []
        self.growing = trio.Lock()

    @property
    def size(self) -> int:
        """Bytes of the lines so far."""
        return self.ends[-1] if self.ends else 0

    @property
    def is_finished(self) -> bool:
        """Whether it holds all the events that it may: it never grows again."""
        return self.upto == self.last


class EventLog:
    """Makes the files of all projects."""

    def __init__(self, log: Log, line: Line) -> None:
        self._log = log
        self._line = line
        self._files: LRUCache[tuple[str, int], Lines] = LRUCache(KEPT_FILES)
        self._pieces: LRUCache[tuple[str, int], bytes] = LRUCache(KEPT_BYTES, getsizeof=len)

    def firsts(self) -> range:
        """The first seqs of all files."""
        return range(1, self._log.head().seq + 1, SPAN)

    def lines(self, project: str, first: int) -> Lines:
        """A file, as far as it is known."""
        return self._files.setdefault((project, first), Lines(project, first))

    async def measure(self, lines: Lines) -> None:
        """Take in what came since."""
        async with lines.growing:
            while not lines.is_finished:
                piece, taken = divmod(lines.upto + 1 - lines.first, PIECE)
                events = self._log.query(Filter(), cursor=lines.upto, limit=PIECE - taken).events
                if not events:
                    return
                size = len(self._made(lines.project, events))
                if taken:
                    lines.ends[piece] += size
                    self._pieces.pop((lines.project, lines.first + piece * PIECE), None)
                else:
                    lines.ends.append(lines.size + size)
                lines.upto, lines.changed = events[-1].event.seq, events[-1].event.time
                await trio.lowlevel.checkpoint()

    def read(self, lines: Lines, offset: int, size: int) -> bytes:
        """Part of a file as last measured."""
        parts = []
        piece = bisect.bisect_right(lines.ends, offset)
        while size > 0 and piece < len(lines.ends):
            begin = lines.ends[piece - 1] if piece else 0
            part = self._piece(lines, lines.first + piece * PIECE)[offset - begin :][:size]
            parts.append(part)
            offset += len(part)
            size -= len(part)
            piece += 1
        return b"".join(parts)

    def _piece(self, lines: Lines, first: int) -> bytes:
        key = (lines.project, first)
        content = self._pieces.get(key)
        if content is None:
            count = min(lines.upto + 1 - first, PIECE)
            content = self._made(lines.project, self._log.query(Filter(), cursor=first - 1, limit=count).events)
            if len(content) <= KEPT_BYTES // 4:
                self._pieces[key] = content
        return content

    def _made(self, project: str, events: Sequence[Stored]) -> bytes:
        return b"".join(self._line(stored) for stored in events if concerns(stored.event, project))


class EventFile(Vnode):
    """One file."""

    def __init__(self, owner: Owner, log: EventLog, lines: Lines) -> None:
        self.key = ("events", lines.project, lines.first)
        self._owner = owner
        self._log = log
        self._lines = lines
        self.timeout_s = FOREVER_S if lines.is_finished else 0.0

    @property
    def grows(self) -> bool:
        return not self._lines.is_finished

    def attributes(self) -> Inode:
        owner = self._owner
        changed = self._lines.changed or owner.since
        return Inode(
            mode=stat.S_IFREG | 0o444,
            uid=owner.uid,
            gid=owner.gid,
            nlink=1,
            size=self._lines.size,
            mtime=changed,
            ctime=changed,
            atime=changed,
            btime=changed,
        )

    async def measure(self) -> None:
        await self._log.measure(self._lines)
        self.timeout_s = FOREVER_S if self._lines.is_finished else 0.0

    async def read(self, offset: int, size: int) -> bytes:
        await self._log.measure(self._lines)
        return self._log.read(self._lines, offset, size)


class EventFiles(Vdir):
    """The files of one project."""

    def __init__(self, owner: Owner, log: EventLog, project: str) -> None:
        super().__init__(owner, ("events", project))
        self._log = log
        self._project = project

    async def entries(self) -> Sequence[Entry]:
        return [Entry(b"%010d.jsonl" % first, self._file(first)) for first in self._log.firsts()]

    async def lookup(self, name: bytes) -> Vnode:
        found = _NAME.fullmatch(names.shown(name))
        first = int(found[1]) if found else 0
        if first not in self._log.firsts() or name != b"%010d.jsonl" % first:
            raise refuse(errno.ENOENT)
        return self._file(first)

    def _file(self, first: int) -> EventFile:
        return EventFile(self.owner, self._log, self._log.lines(self._project, first))

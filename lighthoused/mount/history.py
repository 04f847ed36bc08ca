"""``history/``: any moment can be entered; snapshots and recent change points are listed."""

import errno
from collections.abc import Sequence

from lighthoused.core import names
from lighthoused.core.errors import LighthouseError
from lighthoused.mount.before import Before
from lighthoused.mount.eventlog import EventFiles, EventLog
from lighthoused.mount.moment import Moving, Past
from lighthoused.mount.status import StatusFile
from lighthoused.mount.vnode import Entry, Owner, Vdir, Vnode, VnodeTable
from lighthoused.protocol.messages.log import Filter
from lighthoused.protocol.messages.projects import Project
from lighthoused.tree.moments import parse_ago, parse_seq, parse_time, shown_time
from lighthoused.tree.refusal import refuse
from lighthoused.tree.tree import Tree

RECENT = 20
"""Change points listed, newest first."""
CHANGE_POINT_GAP_NS = 2_000_000_000
"""Changes closer together than this are listed as one point."""


class History(Vdir):
    """``history/<moment>/``, and ``agents/``, ``events/`` and ``snapshots/`` in it; ``horizon`` tells its start."""

    def __init__(self, owner: Owner, tree: Tree, project: Project, log: EventLog) -> None:
        super().__init__(owner, ("history", project.name))
        self._tree = tree
        self._project = project
        self._rooms = [
            Entry(b"agents", Before(owner, tree, project)),
            Entry(b"events", EventFiles(owner, log, project.name)),
            Entry(b"horizon", StatusFile(owner, ("horizon", project.name), self._horizon)),
            Entry(b"snapshots", Snapshots(owner, tree, project)),
        ]

    async def lookup(self, name: bytes) -> Vnode | int:
        for room in self._rooms:
            if room.name == name:
                return room.node
        text = names.shown(name)
        try:
            lasting = parse_seq(text) is not None or parse_time(text) is not None
            if not lasting and parse_ago(text, 0) is None:
                raise refuse(errno.ENOENT)
            at = await self._tree.moment(self._project.name, text)
        except LighthouseError:
            raise refuse(errno.ENOENT) from None
        return (Past if lasting else Moving)(self._tree.reading, name, self._project.root, at)

    async def entries(self) -> Sequence[Entry]:
        reading, root = self._tree.reading, self._project.root
        points = [(shown_time(time).encode(), seq) for time, seq in self._change_points()]
        return [*self._rooms, *(Entry(name, Past(reading, name, root, seq)) for name, seq in points)]

    def _horizon(self) -> bytes:
        """The first moment that can be entered, and why there are none before."""
        log = self._tree.store.log
        born = log.query(Filter(stream=f"tree/{self._project.name}"), limit=1).events[0].event.seq
        forgotten = self._tree.projects.horizon > born
        first = log.get(max(self._tree.projects.horizon, born))
        assert first is not None
        why = (
            "what is older was removed by 'lighthousectl gc --keep', but for snapshots"
            if forgotten
            else "its beginning"
        )
        return f"@{first.event.seq} {shown_time(first.event.time)}\n{why}\n".encode()

    def _change_points(self) -> list[tuple[int, int]]:
        """(time, seq) of the last event of each burst of changes."""
        page = self._tree.store.log.query(Filter(stream=f"tree/{self._project.name}"), limit=1000, reverse=True)
        points: list[tuple[int, int]] = []
        previous = 0
        for event, _ in page.events:
            if event.seq < self._tree.projects.horizon:
                break
            if not points or previous - event.time > CHANGE_POINT_GAP_NS:
                points.append((event.time, event.seq))
                if len(points) == RECENT:
                    break
            previous = event.time
        return points


def lost_moments(table: VnodeTable, tree: Tree) -> list[tuple[int, bytes]]:
    """The entries of ``history/`` by which the kernel knows moments that are not kept any more: (directory, name)."""
    histories = {
        project.root: (project.name, table.known(("history", project.name))) for project in tree.projects.all()
    }
    lost = []
    for node in table.nodes():
        if type(node) is Past and node.ino in histories:
            project, history = histories[node.ino]
            if history is not None and not tree.projects.keeps(project, node.at):
                lost.append((history, node.view))
    return lost


class Snapshots(Vdir):
    """``history/snapshots/<name>/``."""

    def __init__(self, owner: Owner, tree: Tree, project: Project) -> None:
        super().__init__(owner, ("snapshots", project.name))
        self._tree = tree
        self._project = project

    async def entries(self) -> Sequence[Entry]:
        made = self._tree.projects.snapshots(self._project.name)
        return [Entry(name.encode(), self._past(name, made[name].seq)) for name in sorted(made)]

    async def lookup(self, name: bytes) -> Vnode:
        text = names.shown(name)
        made = self._tree.projects.snapshots(self._project.name)
        if text not in made:
            raise refuse(errno.ENOENT)
        return self._past(text, made[text].seq)

    def _past(self, name: str, seq: int) -> Moving:
        return Moving(self._tree.reading, b"snapshots/" + name.encode(), self._project.root, seq)

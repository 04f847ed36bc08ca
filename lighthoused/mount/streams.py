"""``streams/``: what happens, as it happens. ``events`` follows the log, one JSON object a line."""

import errno
from collections.abc import Sequence

from lighthoused.core import names
from lighthoused.core.inode import Inode
from lighthoused.mount.following import Following
from lighthoused.mount.pipes import Pipes, pipe_attributes
from lighthoused.mount.vnode import Entry, Owner, Vdir, Vnode
from lighthoused.tree.refusal import refuse


class Listed(Vnode):
    """A stream as a listing shows it; opening it looks its name up again."""

    def __init__(self, owner: Owner, project: str, name: str) -> None:
        self.key = ("streams", project, name)
        self._attributes = pipe_attributes(owner)

    def attributes(self) -> Inode:
        return self._attributes


class StreamsDir(Vdir):
    """The streams of one project."""

    def __init__(self, owner: Owner, project: str, pipes: Pipes, following: Following) -> None:
        super().__init__(owner, ("streams", project))
        self._project = project
        self._pipes = pipes
        self._following = following

    async def entries(self) -> Sequence[Entry]:
        return [Entry(b"events", Listed(self.owner, self._project, "events"))]

    async def lookup(self, name: bytes) -> Vnode:
        if name == b"events":
            return self._pipes.make(self._project, self._following.head())
        pipe = self._pipes.named(names.shown(name))
        if pipe is None:
            raise refuse(errno.ENOENT)
        return pipe

"""Who asks something of the mount, and whether they may. Must not know what is done then."""

from collections.abc import Callable

from pyfuse3 import RequestContext

from lighthoused.core.author import Author
from lighthoused.identity.rights import READ, WRITE
from lighthoused.mount.moment import Past
from lighthoused.mount.nodes import Nodes, is_current
from lighthoused.mount.permits import Permits

Authors = Callable[[int, int, int], Author]
"""Who a process (pid, uid, gid) is."""


class Callers:
    """Attributes requests to authors. What `permits` refuses raises OSError EACCES; None: nobody is limited."""

    def __init__(self, author_of: Authors, permits: Permits | None, nodes: Nodes) -> None:
        self._author_of = author_of
        self._permits = permits
        self._nodes = nodes

    def author(self, ctx: RequestContext) -> Author:
        """Who asks."""
        return self._author_of(ctx.pid, ctx.uid, ctx.gid)

    def reading(self, ctx: RequestContext, number: int) -> None:
        """Somebody reads what has this number, in `current/` or elsewhere."""
        if self._permits is None:
            return
        if is_current(number):
            self._permits.inode(self.author(ctx), number, READ)
        elif isinstance(node := self._nodes.virtual(number), Past):
            self._permits.past(self.author(ctx), node)

    def opening(self, ctx: RequestContext, ino: int, *, writing: bool) -> Author:
        """Who opens a file of `current/`; nobody in particular if it is for reading and nobody is limited."""
        author = self.author(ctx) if writing or self._permits is not None else Author()
        if self._permits is not None:
            self._permits.inode(author, ino, WRITE if writing else READ)
        return author

    def changing(self, ctx: RequestContext, ino: int) -> Author:
        """Who changes an inode of `current/`."""
        author = self.author(ctx)
        if self._permits is not None:
            self._permits.inode(author, ino, WRITE)
        return author

    def naming(self, ctx: RequestContext, parent: int, name: bytes) -> Author:
        """Who makes or removes a name."""
        author = self.author(ctx)
        if self._permits is not None:
            self._permits.entry(author, parent, name)
        return author

    def linking(self, ctx: RequestContext, ino: int, parent: int, name: bytes) -> Author:
        """Who gives an inode of `current/` another name."""
        author = self.changing(ctx, ino)
        if self._permits is not None:
            self._permits.entry(author, parent, name)
        return author

    def moving(self, ctx: RequestContext, old: tuple[int, bytes], new: tuple[int, bytes]) -> Author:
        """Who gives one entry's name to another, with all that is below."""
        author = self.author(ctx)
        if self._permits is not None:
            self._permits.move(author, *old, *new)
        return author

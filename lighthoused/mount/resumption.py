"""What the process before us had begun with the kernel, gone on with: handles, nodes, changes that nobody answered."""

import contextlib
import errno
from collections.abc import Mapping

from lighthoused.core.author import Author
from lighthoused.core.inode import Change
from lighthoused.mount.handles import Handle, Handles, OpenDirectory, OpenFile, OpenVirtual, OpenVirtualDirectory
from lighthoused.mount.holds import DIRECTORY, FILE, VIRTUAL_DIRECTORY, Holds, OpenedHandle
from lighthoused.mount.nodes import Nodes
from lighthoused.mount.vnode import VnodeTable
from lighthoused.tree.live import Live
from lighthoused.tree.refusal import refuse

REMOVED = 0
"""The inode of an entry that is gone."""


class Resumption:
    """Takes up what the kernel holds since before we were started; nothing, where the mount is new."""

    def __init__(self, live: Live, nodes: Nodes, virtual: VnodeTable, handles: Handles) -> None:
        self._live = live
        self._nodes = nodes
        self._virtual = virtual
        self._handles = handles
        self._unanswered: dict[int, Change] = {}

    async def take_up(self, holds: Holds, acts: Mapping[int, Change]) -> None:
        """Give the kernel's numbers their meaning again; what is gone gives ESTALE or EBADF.

        `acts`: what each process changed last. If it asks for just that again, it was done and not answered.
        """
        self._unanswered = dict(acts)
        for named in holds.nodes.values():
            with contextlib.suppress(OSError):
                node = await self._nodes.virtual(named.parent).lookup(named.name)
                if not isinstance(node, int):
                    self._virtual.restore(named.number, node)
        for opened in holds.handles.values():
            with contextlib.suppress(OSError):
                self._handles.restore(opened.handle, await self._opened_before(opened))

    def done_before(self, pid: int, *entries: tuple[int, bytes]) -> int | None:
        """The inode that the first of these entries became, if changing them is what this process did last."""
        if not self._unanswered:
            return None
        act = self._unanswered.pop(pid, None)
        if act is None or {(parent, name) for parent, name, _ in act.dentries} != set(entries):
            return None
        return next(entry.ino for parent, name, entry in act.dentries if (parent, name) == entries[0])

    async def _opened_before(self, opened: OpenedHandle) -> Handle:
        number = opened.number
        if opened.kind == FILE:
            node = self._live.node(number)
            if node is None:
                raise refuse(errno.ESTALE)
            node.opens += 1
            return OpenFile(node, Author(*opened.author))
        if opened.kind == DIRECTORY:
            return OpenDirectory(number)
        vnode = self._nodes.virtual(number)
        if opened.kind == VIRTUAL_DIRECTORY:
            return OpenVirtualDirectory(vnode)
        return OpenVirtual(vnode, await vnode.content())

"""The adapter between pyfuse3 and the tree: requests to calls, results to the kernel's structures.

What numbers stand for is for `nodes`, who asks and whether they may for `callers`.
"""

import contextlib
import errno
import os
from collections.abc import Sequence

import pyfuse3
from pyfuse3 import EntryAttributes, FileInfo, RequestContext

from lighthoused.core.inode import NAME_MAX
from lighthoused.mount.attributes import entry_attributes, missing, new_attributes
from lighthoused.mount.callers import Authors, Callers
from lighthoused.mount.guard import Observer, guarded
from lighthoused.mount.handles import Handles, OpenDirectory, OpenFile, OpenVirtual, OpenVirtualDirectory
from lighthoused.mount.holds import Holds
from lighthoused.mount.nodes import Nodes, is_current
from lighthoused.mount.permits import Permits
from lighthoused.mount.provenance import Provenance
from lighthoused.mount.resumption import REMOVED, Resumption
from lighthoused.mount.vnode import FIRST_VIRTUAL, FOREVER_S, Vnode, VnodeTable
from lighthoused.mount.xattrs import Xattrs, check_supported
from lighthoused.tree.refusal import existing, refuse
from lighthoused.tree.tree import Tree

SECURITY = b"security."
"""Extended attributes that the kernel itself asks for."""
WRITING = os.O_WRONLY | os.O_RDWR


class Operations(pyfuse3.Operations):
    """Handlers of FUSE requests."""

    supports_dot_lookup = False
    enable_writeback_cache = False

    def __init__(
        self,
        tree: Tree,
        root: Vnode,
        author_of: Authors,
        observer: Observer,
        state_dir: str,
        permits: Permits | None = None,
        holds: Holds | None = None,
    ) -> None:
        super().__init__()
        self.observer = observer
        self.handles = Handles(holds)
        self.virtual = VnodeTable(holds)
        self._tree = tree
        self._nodes = Nodes(tree.reading, root, self.virtual)
        self._xattrs = Xattrs(tree.reading, self._nodes, Provenance(tree))
        self._callers = Callers(author_of, permits, self._nodes)
        self.resumption = Resumption(tree.live, self._nodes, self.virtual, self.handles)
        self._state_dir = state_dir
        self._missing = missing(FOREVER_S)

    async def let_go(self) -> None:
        """The kernel no longer knows anything: every handle is closed, every virtual node forgotten."""
        for number in self.handles.numbers():
            handle = self.handles.remove(number)
            if isinstance(handle, OpenFile):
                with contextlib.suppress(OSError):
                    await self._tree.files.released(handle.node)
        self.virtual.forget_all()

    # --- looking ------------------------------------------------------------------------------------------------------

    @guarded
    async def lookup(self, parent: int, name: bytes, ctx: RequestContext) -> EntryAttributes:
        if len(name) > NAME_MAX:
            raise refuse(errno.ENAMETOOLONG)
        if not is_current(parent):
            return await self._nodes.looked_up(parent, name)
        entry = self._tree.reading.entry(parent, name)
        if entry is None:
            return self._missing
        return self._nodes.current_attributes(entry.ino)

    @guarded
    async def forget(self, inode_list: Sequence[tuple[int, int]]) -> None:
        for number, count in inode_list:
            if number >= FIRST_VIRTUAL:
                self.virtual.forget(number, count)

    @guarded
    async def getattr(self, inode: int, ctx: RequestContext) -> EntryAttributes:
        if is_current(inode):
            return self._nodes.current_attributes(inode)
        await self._nodes.virtual(inode).measure()
        return self._nodes.virtual_attributes(inode)

    @guarded
    async def readlink(self, inode: int, ctx: RequestContext) -> bytes:
        self._callers.reading(ctx, inode)
        if is_current(inode):
            return existing(self._tree.live, inode).target
        return self._nodes.virtual(inode).attributes().target

    @guarded
    async def getxattr(self, inode: int, name: bytes, ctx: RequestContext) -> bytes:
        check_supported(name)
        if not name.startswith(SECURITY):
            self._callers.reading(ctx, inode)
        return await self._xattrs.value(inode, name)

    @guarded
    async def listxattr(self, inode: int, ctx: RequestContext) -> Sequence[bytes]:
        return self._xattrs.names(inode)

    @guarded
    async def statfs(self, ctx: RequestContext) -> pyfuse3.StatvfsData:
        disk = os.statvfs(self._state_dir)
        data = pyfuse3.StatvfsData()
        for field in ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree", "f_favail"):
            setattr(data, field, getattr(disk, field))
        data.f_namemax = NAME_MAX
        return data

    # --- directories --------------------------------------------------------------------------------------------------

    @guarded
    async def opendir(self, inode: int, ctx: RequestContext) -> int:
        self.handles.check_room()
        self._callers.reading(ctx, inode)
        handle = OpenDirectory(inode) if is_current(inode) else OpenVirtualDirectory(self._nodes.virtual(inode))
        return self.handles.add(handle, inode)

    @guarded
    async def readdir(self, fh: int, start_id: int, token: pyfuse3.ReaddirToken) -> None:
        directory = self.handles.get(fh)
        if isinstance(directory, OpenDirectory):
            if start_id == 0 or directory.entries is None:
                directory.entries = self._tree.reading.entries(directory.ino)
            self._nodes.list_current(token, directory.entries, start_id)
        elif isinstance(directory, OpenVirtualDirectory):
            if start_id == 0 or directory.entries is None:
                directory.entries = await directory.node.entries()
            self._nodes.list_virtual(token, directory.node, directory.entries, start_id)
        else:
            raise refuse(errno.ENOTDIR)

    @guarded
    async def releasedir(self, fh: int) -> None:
        self.handles.remove(fh)

    @guarded
    async def fsyncdir(self, fh: int, datasync: bool) -> None:
        await self._tree.journal.flush()

    # --- names --------------------------------------------------------------------------------------------------------

    @guarded
    async def mkdir(self, parent: int, name: bytes, mode: int, ctx: RequestContext) -> EntryAttributes:
        return await self._make(parent, name, mode & 0o7777 | 0o040000, ctx)

    @guarded
    async def mknod(self, parent: int, name: bytes, mode: int, rdev: int, ctx: RequestContext) -> EntryAttributes:
        return await self._make(parent, name, mode, ctx, rdev=rdev)

    @guarded
    async def symlink(self, parent: int, name: bytes, target: bytes, ctx: RequestContext) -> EntryAttributes:
        return await self._make(parent, name, 0o120777, ctx, target=target)

    @guarded
    async def link(self, inode: int, new_parent: int, new_name: bytes, ctx: RequestContext) -> EntryAttributes:
        await self._writable(inode, new_parent)
        author = self._callers.linking(ctx, inode, new_parent, new_name)
        if done := self.resumption.done_before(ctx.pid, (new_parent, new_name)):
            return self._nodes.current_attributes(done)
        node = self._tree.namespace.link(inode, new_parent, new_name, author)
        return entry_attributes(inode, node)

    @guarded
    async def unlink(self, parent: int, name: bytes, ctx: RequestContext) -> None:
        await self._writable(parent)
        author = self._callers.naming(ctx, parent, name)
        if self.resumption.done_before(ctx.pid, (parent, name)) == REMOVED:
            return
        await self._tree.files.unlinked(self._tree.namespace.unlink(parent, name, author))

    @guarded
    async def rmdir(self, parent: int, name: bytes, ctx: RequestContext) -> None:
        await self._writable(parent)
        author = self._callers.naming(ctx, parent, name)
        if self.resumption.done_before(ctx.pid, (parent, name)) == REMOVED:
            return
        self._tree.namespace.rmdir(parent, name, author)

    @guarded
    async def rename(
        self, parent_old: int, name_old: bytes, parent_new: int, name_new: bytes, flags: int, ctx: RequestContext
    ) -> None:
        await self._writable(parent_old, parent_new)
        if flags & ~(pyfuse3.RENAME_EXCHANGE | pyfuse3.RENAME_NOREPLACE):
            raise refuse(errno.EINVAL)
        author = self._callers.moving(ctx, (parent_old, name_old), (parent_new, name_new))
        if self.resumption.done_before(ctx.pid, (parent_new, name_new), (parent_old, name_old)) is not None:
            return
        await self._seal_before_replacing(parent_old, name_old, parent_new, name_new)
        namespace = self._tree.namespace
        if flags & pyfuse3.RENAME_EXCHANGE:
            namespace.exchange(parent_old, name_old, parent_new, name_new, author)
        else:
            exclusive = bool(flags & pyfuse3.RENAME_NOREPLACE)
            namespace.rename(parent_old, name_old, parent_new, name_new, author, exclusive)

    # --- files --------------------------------------------------------------------------------------------------------

    @guarded
    async def create(
        self, parent: int, name: bytes, mode: int, flags: int, ctx: RequestContext
    ) -> tuple[FileInfo, EntryAttributes]:
        self.handles.check_room()
        await self._writable(parent)
        author = self._callers.naming(ctx, parent, name)
        done = self._tree.live.node(self.resumption.done_before(ctx.pid, (parent, name)) or 0)
        node = done or self._tree.namespace.create(parent, name, mode & 0o7777 | 0o100000, author)
        node.opens += 1
        return self._opened(OpenFile(node, author)), entry_attributes(node.ino, node)

    @guarded
    async def open(self, inode: int, flags: int, ctx: RequestContext) -> FileInfo:
        self.handles.check_room()
        if not is_current(inode):
            self._callers.reading(ctx, inode)
            return await self._open_virtual(inode, flags)
        author = self._callers.opening(ctx, inode, writing=bool(flags & (WRITING | os.O_TRUNC)))
        node = self._tree.files.opened(inode)
        if flags & os.O_TRUNC and node.size:
            try:
                await self._tree.files.truncate(node, 0, author)
            except OSError:
                await self._tree.files.released(node)
                raise
        return self._opened(OpenFile(node, author))

    @guarded
    async def read(self, fh: int, off: int, size: int) -> bytes:
        handle = self.handles.get(fh)
        if isinstance(handle, OpenFile):
            return self._tree.reading.read(handle.node, off, size)
        if isinstance(handle, OpenVirtual):
            content = handle.content
            return await handle.node.read(off, size) if content is None else content[off : off + size]
        raise refuse(errno.EISDIR)

    @guarded
    async def write(self, fh: int, off: int, buf: bytes) -> int:
        handle = self.handles.file(fh)
        return await self._tree.files.write(handle.node, off, buf, handle.author)

    @guarded
    async def fsync(self, fh: int, datasync: bool) -> None:
        handle = self.handles.get(fh)
        if isinstance(handle, OpenFile):
            await self._tree.files.fsync(handle.node)

    @guarded
    async def release(self, fh: int) -> None:
        handle = self.handles.remove(fh)
        if isinstance(handle, OpenFile):
            await self._tree.files.released(handle.node)

    # --- attributes ---------------------------------------------------------------------------------------------------

    @guarded
    async def setattr(
        self, inode: int, attr: EntryAttributes, fields: pyfuse3.SetattrFields, fh: int | None, ctx: RequestContext
    ) -> EntryAttributes:
        await self._writable(inode)
        author = self._callers.changing(ctx, inode)
        if fields.update_size:
            node = self._tree.files.opened(inode)
            try:
                await self._tree.files.truncate(node, attr.st_size, author)
            finally:
                await self._tree.files.released(node)
        new = new_attributes(attr, fields)
        if new is not None:
            self._tree.attributes.change(inode, new, author)
        return self._nodes.current_attributes(inode)

    @guarded
    async def setxattr(self, inode: int, name: bytes, value: bytes, ctx: RequestContext) -> None:
        await self._writable(inode)
        self._tree.attributes.set_xattr(inode, name, value, self._callers.changing(ctx, inode))

    @guarded
    async def removexattr(self, inode: int, name: bytes, ctx: RequestContext) -> None:
        await self._writable(inode)
        self._tree.attributes.remove_xattr(inode, name, self._callers.changing(ctx, inode))

    # --- helpers ------------------------------------------------------------------------------------------------------

    async def _writable(self, *numbers: int) -> None:
        if not all(map(is_current, numbers)):
            raise refuse(errno.EROFS)
        await self._tree.journal.room()

    async def _make(
        self, parent: int, name: bytes, mode: int, ctx: RequestContext, rdev: int = 0, target: bytes = b""
    ) -> EntryAttributes:
        await self._writable(parent)
        author = self._callers.naming(ctx, parent, name)
        done = self._tree.live.node(self.resumption.done_before(ctx.pid, (parent, name)) or 0)
        node = done or self._tree.namespace.create(parent, name, mode, author, rdev, target)
        return entry_attributes(node.ino, node)

    async def _seal_before_replacing(self, old_parent: int, old: bytes, new_parent: int, new: bytes) -> None:
        entry = self._tree.reading.entry(old_parent, old)
        if entry is None or self._tree.reading.entry(new_parent, new) is None:
            return
        node = self._tree.live.peek(entry.ino)
        if node is not None and (node.is_dirty or node.sealing):
            await self._tree.files.seal(node)

    def _opened(self, handle: OpenFile) -> FileInfo:
        return FileInfo(fh=self.handles.add(handle, handle.node.ino), keep_cache=True)

    async def _open_virtual(self, number: int, flags: int) -> FileInfo:
        if flags & (WRITING | os.O_TRUNC):
            raise refuse(errno.EROFS)
        node = self._nodes.virtual(number)
        content = await node.content()
        fh = self.handles.add(OpenVirtual(node, content), number)
        lasting = content is None and not node.grows
        return FileInfo(fh=fh, keep_cache=lasting, direct_io=not lasting)

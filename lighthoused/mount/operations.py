"""The adapter between pyfuse3 and the tree: numbers to nodes, requests to calls, results to the kernel's structures.

Numbers below `FIRST_VIRTUAL` are inodes of `current/`; the others, and the root, are virtual and read-only.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Sequence

import pyfuse3
from pyfuse3 import EntryAttributes, FileInfo, RequestContext

from lighthoused.core.author import Author
from lighthoused.core.inode import NAME_MAX, Change, Found
from lighthoused.identity.rights import READ, WRITE
from lighthoused.mount.attributes import entry_attributes, missing, new_attributes
from lighthoused.mount.guard import Observer, guarded
from lighthoused.mount.handles import Handle, Handles, OpenDirectory, OpenFile, OpenVirtual, OpenVirtualDirectory
from lighthoused.mount.holds import DIRECTORY, FILE, VIRTUAL_DIRECTORY, Holds, OpenedHandle
from lighthoused.mount.moment import Past
from lighthoused.mount.permits import Permits
from lighthoused.mount.provenance import Provenance
from lighthoused.mount.vnode import FIRST_VIRTUAL, FOREVER_S, Entry, Vnode, VnodeTable
from lighthoused.tree.attributes import OWN
from lighthoused.tree.refusal import existing, refuse
from lighthoused.tree.tree import Tree

LISTED_TOGETHER = 256
"""Entries whose attributes are read at once."""
ROOT = int(pyfuse3.ROOT_INODE)
UNSUPPORTED = (b"system.", b"security.selinux")
"""Extended attributes that nothing here has: saying so makes programs stop asking for each file (ls -l does)."""
SECURITY = b"security."
"""What the kernel itself asks for."""
WRITING = os.O_WRONLY | os.O_RDWR
REMOVED = 0
"""The inode of an entry that is gone."""
Authors = Callable[[int, int, int], Author]
"""Who a process (pid, uid, gid) is."""


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
        self._root = root
        self._author_of = author_of
        self._state_dir = state_dir
        self._missing = missing(FOREVER_S)
        self._provenance = Provenance(tree)
        self._permits = permits
        self._unanswered: dict[int, Change] = {}

    async def restore(self, holds: Holds, acts: dict[int, Change]) -> None:
        """Take up again what the kernel holds since before we were started; what is gone gives ESTALE or EBADF.

        `acts`: what each process changed last. If it asks for just that again, it was done and not answered.
        """
        self._unanswered = dict(acts)
        for named in holds.nodes.values():
            with contextlib.suppress(OSError):
                node = await self._vnode(named.parent).lookup(named.name)
                if not isinstance(node, int):
                    self.virtual.restore(named.number, node)
        for opened in holds.handles.values():
            with contextlib.suppress(OSError):
                self.handles.restore(opened.handle, await self._opened_before(opened))

    async def let_go(self) -> None:
        """The kernel no longer knows anything: every handle is closed, every virtual node forgotten."""
        for number in self.handles.numbers():
            handle = self.handles.remove(number)
            if isinstance(handle, OpenFile):
                with contextlib.suppress(OSError):
                    await self._tree.files.released(handle.node)
        self.virtual.forget_all()

    async def _opened_before(self, opened: OpenedHandle) -> Handle:
        number = opened.number
        if opened.kind == FILE:
            node = self._tree.live.node(number)
            if node is None:
                raise refuse(errno.ESTALE)
            node.opens += 1
            return OpenFile(node, Author(*opened.author))
        if opened.kind == DIRECTORY:
            return OpenDirectory(number)
        vnode = self._vnode(number)
        if opened.kind == VIRTUAL_DIRECTORY:
            return OpenVirtualDirectory(vnode)
        return OpenVirtual(vnode, await vnode.content())

    # --- looking ------------------------------------------------------------------------------------------------------

    @guarded
    async def lookup(self, parent: int, name: bytes, ctx: RequestContext) -> EntryAttributes:
        if len(name) > NAME_MAX:
            raise refuse(errno.ENAMETOOLONG)
        if not self._is_current(parent):
            return await self._looked_up(await self._vnode(parent).lookup(name), parent, name)
        reading = self._tree.reading
        entry = reading.entry(parent, name)
        if entry is None:
            return self._missing
        return self._current(entry.ino)

    @guarded
    async def forget(self, inode_list: Sequence[tuple[int, int]]) -> None:
        for number, count in inode_list:
            if number >= FIRST_VIRTUAL:
                self.virtual.forget(number, count)

    @guarded
    async def getattr(self, inode: int, ctx: RequestContext) -> EntryAttributes:
        if self._is_current(inode):
            return self._current(inode)
        await self._vnode(inode).measure()
        return self._virtual(inode)

    @guarded
    async def readlink(self, inode: int, ctx: RequestContext) -> bytes:
        self._readable(inode, ctx)
        if self._is_current(inode):
            return existing(self._tree.live, inode).target
        return self._vnode(inode).attributes().target

    @guarded
    async def getxattr(self, inode: int, name: bytes, ctx: RequestContext) -> bytes:
        if name.startswith(UNSUPPORTED):
            raise refuse(errno.EOPNOTSUPP)
        if not name.startswith(SECURITY):
            self._readable(inode, ctx)
        if name.startswith(OWN):
            value = await self._told(inode, name)
        else:
            value = self._xattrs(inode).get(name)
        if value is None:
            raise refuse(errno.ENODATA)
        return value

    @guarded
    async def listxattr(self, inode: int, ctx: RequestContext) -> Sequence[bytes]:
        told = self._provenance.names if self._is_versioned(inode) else ()
        return [*self._xattrs(inode), *told]

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
        self._readable(inode, ctx)
        current = self._is_current(inode)
        return self.handles.add(OpenDirectory(inode) if current else OpenVirtualDirectory(self._vnode(inode)), inode)

    @guarded
    async def readdir(self, fh: int, start_id: int, token: pyfuse3.ReaddirToken) -> None:
        directory = self.handles.get(fh)
        if isinstance(directory, OpenDirectory):
            if start_id == 0 or directory.entries is None:
                directory.entries = self._tree.reading.entries(directory.ino)
            self._list_current(token, directory.entries, start_id)
        elif isinstance(directory, OpenVirtualDirectory):
            if start_id == 0 or directory.entries is None:
                directory.entries = await directory.node.entries()
            self._list_virtual(token, self._number(directory.node), directory.entries, start_id)
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
        author = self._author(ctx)
        if self._permits is not None:
            self._permits.inode(author, inode, WRITE)
        self._nameable(author, new_parent, new_name)
        if done := self._done_before(ctx, (new_parent, new_name)):
            return self._current(done)
        node = self._tree.namespace.link(inode, new_parent, new_name, author)
        return entry_attributes(inode, node)

    @guarded
    async def unlink(self, parent: int, name: bytes, ctx: RequestContext) -> None:
        await self._writable(parent)
        author = self._author(ctx)
        self._nameable(author, parent, name)
        if self._done_before(ctx, (parent, name)) == REMOVED:
            return
        await self._tree.files.unlinked(self._tree.namespace.unlink(parent, name, author))

    @guarded
    async def rmdir(self, parent: int, name: bytes, ctx: RequestContext) -> None:
        await self._writable(parent)
        author = self._author(ctx)
        self._nameable(author, parent, name)
        if self._done_before(ctx, (parent, name)) == REMOVED:
            return
        self._tree.namespace.rmdir(parent, name, author)

    @guarded
    async def rename(
        self, parent_old: int, name_old: bytes, parent_new: int, name_new: bytes, flags: int, ctx: RequestContext
    ) -> None:
        await self._writable(parent_old, parent_new)
        author = self._author(ctx)
        if flags & ~(pyfuse3.RENAME_EXCHANGE | pyfuse3.RENAME_NOREPLACE):
            raise refuse(errno.EINVAL)
        if self._permits is not None:
            self._permits.move(author, parent_old, name_old, parent_new, name_new)
        if self._done_before(ctx, (parent_new, name_new), (parent_old, name_old)) is not None:
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
        author = self._author(ctx)
        self._nameable(author, parent, name)
        done = self._tree.live.node(self._done_before(ctx, (parent, name)) or 0)
        node = done or self._tree.namespace.create(parent, name, mode & 0o7777 | 0o100000, author)
        node.opens += 1
        return self._opened(OpenFile(node, author)), entry_attributes(node.ino, node)

    @guarded
    async def open(self, inode: int, flags: int, ctx: RequestContext) -> FileInfo:
        self.handles.check_room()
        if not self._is_current(inode):
            self._readable(inode, ctx)
            return await self._open_virtual(inode, flags)
        writing = flags & (WRITING | os.O_TRUNC)
        author = self._author(ctx) if writing or self._permits is not None else Author()
        if self._permits is not None:
            self._permits.inode(author, inode, WRITE if writing else READ)
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
        author = self._changing(inode, ctx)
        if fields.update_size:
            node = self._tree.files.opened(inode)
            try:
                await self._tree.files.truncate(node, attr.st_size, author)
            finally:
                await self._tree.files.released(node)
        new = new_attributes(attr, fields)
        if new is not None:
            self._tree.attributes.change(inode, new, author)
        return self._current(inode)

    @guarded
    async def setxattr(self, inode: int, name: bytes, value: bytes, ctx: RequestContext) -> None:
        await self._writable(inode)
        self._tree.attributes.set_xattr(inode, name, value, self._changing(inode, ctx))

    @guarded
    async def removexattr(self, inode: int, name: bytes, ctx: RequestContext) -> None:
        await self._writable(inode)
        self._tree.attributes.remove_xattr(inode, name, self._changing(inode, ctx))

    # --- helpers ------------------------------------------------------------------------------------------------------

    def _done_before(self, ctx: RequestContext, *entries: tuple[int, bytes]) -> int | None:
        """The inode that the first of these entries became, if changing them is what this process did last."""
        if not self._unanswered:
            return None
        act = self._unanswered.pop(ctx.pid, None)
        if act is None or {(parent, name) for parent, name, _ in act.dentries} != set(entries):
            return None
        return next(entry.ino for parent, name, entry in act.dentries if (parent, name) == entries[0])

    def _is_current(self, number: int) -> bool:
        return ROOT < number < FIRST_VIRTUAL

    def _author(self, ctx: RequestContext) -> Author:
        return self._author_of(ctx.pid, ctx.uid, ctx.gid)

    def _readable(self, number: int, ctx: RequestContext) -> None:
        if self._permits is None:
            return
        if self._is_current(number):
            self._permits.inode(self._author(ctx), number, READ)
        elif isinstance(node := self._vnode(number), Past):
            self._permits.past(self._author(ctx), node)

    def _nameable(self, author: Author, parent: int, name: bytes) -> None:
        if self._permits is not None:
            self._permits.entry(author, parent, name)

    def _changing(self, ino: int, ctx: RequestContext) -> Author:
        author = self._author(ctx)
        if self._permits is not None:
            self._permits.inode(author, ino, WRITE)
        return author

    def _vnode(self, number: int) -> Vnode:
        return self._root if number == ROOT else self.virtual.get(number)

    def _current(self, ino: int) -> EntryAttributes:
        inode = self._tree.reading.status(ino)
        if inode is None:
            raise refuse(errno.ENOENT)
        return entry_attributes(ino, inode)

    def _virtual(self, number: int) -> EntryAttributes:
        node = self._vnode(number)
        return entry_attributes(number, node.attributes(), node.timeout_s, node.attr_timeout_s)

    def _number(self, directory: Vnode) -> int:
        number = self.virtual.known(directory.key)
        return ROOT if number is None else number

    async def _looked_up(self, node: Vnode | int, parent: int, name: bytes) -> EntryAttributes:
        if isinstance(node, int):
            return self._current(node)
        await node.measure()
        number = self.virtual.number(node, parent, name)
        self.virtual.looked_up(number)
        return self._virtual(number)

    def _xattrs(self, number: int) -> dict[bytes, bytes]:
        if not self._is_current(number):
            return self._vnode(number).attributes().xattrs
        inode = self._tree.reading.status(number)
        if inode is None:
            raise refuse(errno.ENOENT)
        return inode.xattrs

    def _is_versioned(self, number: int) -> bool:
        return self._is_current(number) or isinstance(self._vnode(number), Past)

    async def _told(self, number: int, name: bytes) -> bytes | None:
        if self._is_current(number):
            return await self._provenance.value(name, number)
        node = self._vnode(number)
        return await self._provenance.value(name, node.ino, node.at) if isinstance(node, Past) else None

    async def _writable(self, *numbers: int) -> None:
        if not all(map(self._is_current, numbers)):
            raise refuse(errno.EROFS)
        await self._tree.journal.room()

    async def _make(
        self, parent: int, name: bytes, mode: int, ctx: RequestContext, rdev: int = 0, target: bytes = b""
    ) -> EntryAttributes:
        await self._writable(parent)
        author = self._author(ctx)
        self._nameable(author, parent, name)
        done = self._tree.live.node(self._done_before(ctx, (parent, name)) or 0)
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
        node = self._vnode(number)
        content = await node.content()
        fh = self.handles.add(OpenVirtual(node, content), number)
        lasting = content is None and not node.grows
        return FileInfo(fh=fh, keep_cache=lasting, direct_io=not lasting)

    def _list_current(self, token: pyfuse3.ReaddirToken, entries: Sequence[Found], start: int) -> None:
        for first in range(start, len(entries), LISTED_TOGETHER):
            part = entries[first : first + LISTED_TOGETHER]
            statuses = self._tree.reading.statuses([entry.ino for entry in part])
            for position, (entry, inode) in enumerate(zip(part, statuses, strict=True), first + 1):
                if inode is None or not inode.nlink:
                    continue
                if not pyfuse3.readdir_reply(token, entry.name, entry_attributes(entry.ino, inode), position):
                    return

    def _list_virtual(self, token: pyfuse3.ReaddirToken, parent: int, entries: Sequence[Entry], start: int) -> None:
        for position, (name, node) in enumerate(entries[start:], start + 1):
            number = node if isinstance(node, int) else self.virtual.number(node, parent, name)
            attributes = self._current(number) if isinstance(node, int) else self._virtual(number)
            listed = pyfuse3.readdir_reply(token, name, attributes, position)
            if number >= FIRST_VIRTUAL:
                if listed:
                    self.virtual.looked_up(number)
                else:
                    self.virtual.unused(number)
            if not listed:
                return

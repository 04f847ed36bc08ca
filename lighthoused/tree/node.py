"""The live state of one inode of `current/`: its attributes, and content not yet made into a version."""

import stat

from lighthoused.core.author import Author
from lighthoused.core.inode import Inode
from lighthoused.tree.blockmap import BlockMap, Load, Sealed


class Node:
    """Attributes as the kernel sees them, plus dirty content.

    `dirty`: blocks changed since the last version. `sealing`: blocks of the version being made in a worker thread.
    `pending`: changes of this inode that the store has not committed. A node with neither, and no open handle, can be
    dropped and loaded again. `places`: links that were the newest before another was made. `synced`: somebody asked for
    it to be durable. Both since it was loaded.
    """

    __slots__ = (
        "atime",
        "blocks",
        "btime",
        "ctime",
        "dirty",
        "dirty_since",
        "gid",
        "ino",
        "mode",
        "mtime",
        "name",
        "nlink",
        "opens",
        "parent",
        "pending",
        "places",
        "rdev",
        "sealed",
        "sealed_size",
        "sealing",
        "size",
        "synced",
        "target",
        "uid",
        "writer",
        "xattrs",
    )

    def __init__(self, ino: int, inode: Inode, load: Load) -> None:
        self.ino = ino
        self.mode = inode.mode
        self.uid = inode.uid
        self.gid = inode.gid
        self.nlink = inode.nlink
        self.size = inode.size
        self.mtime = inode.mtime
        self.ctime = inode.ctime
        self.atime = inode.atime
        self.btime = inode.btime
        self.rdev = inode.rdev
        self.target = inode.target
        self.xattrs = dict(inode.xattrs)
        self.parent = inode.parent
        self.name = inode.name
        self.places: list[tuple[int, bytes]] = []
        self.blocks = BlockMap(inode, load)
        self.sealed = Sealed(inode.content, inode.mapped)
        self.sealed_size = inode.size
        self.dirty: dict[int, bytearray] = {}
        self.sealing: dict[int, bytearray] = {}
        self.dirty_since = 0
        self.writer: Author | None = None
        self.opens = 0
        self.pending = 0
        self.synced = False

    @property
    def is_dir(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)

    @property
    def is_dirty(self) -> bool:
        """Whether its content is ahead of its last version."""
        return self.writer is not None

    @property
    def is_idle(self) -> bool:
        """Whether the store alone could bring it back."""
        return not (self.pending or self.opens or self.writer or self.sealing)

    def reset(self, inode: Inode, load: Load) -> None:
        """Take on another version's attributes and content; what was dirty is given up."""
        opens, pending = self.opens, self.pending
        self.__init__(self.ino, inode, load)  # type: ignore[misc]
        self.opens, self.pending = opens, pending

    def record(self) -> Inode:
        """The inode version to store: present attributes, content as of the last `seal`."""
        return Inode(
            mode=self.mode,
            uid=self.uid,
            gid=self.gid,
            nlink=self.nlink,
            size=self.sealed_size,
            mtime=self.mtime,
            ctime=self.ctime,
            atime=self.atime,
            btime=self.btime,
            rdev=self.rdev,
            mapped=self.sealed.mapped,
            content=self.sealed.content,
            target=self.target,
            xattrs=self.xattrs,
            parent=self.parent,
            name=self.name,
        )

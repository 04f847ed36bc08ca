"""A bare in-memory pyfuse3 filesystem with long timeouts and our loop: the floor that our mount is compared with.

``python -m perf.bare MOUNTPOINT`` serves until it is unmounted.
"""

import errno
import os
import stat
import sys
import time

import pyfuse3
import trio

from lighthoused.mount.loop import install

LONG_S = 86_400.0


class Bare(pyfuse3.Operations):
    """Directories, files, nothing kept."""

    supports_dot_lookup = False

    def __init__(self) -> None:
        super().__init__()
        self.attributes = {1: self.made(1, stat.S_IFDIR | 0o755)}
        self.children: dict[int, dict[bytes, int]] = {1: {}}
        self.content: dict[int, bytearray] = {}
        self.next = 2

    def made(self, ino: int, mode: int) -> pyfuse3.EntryAttributes:
        entry = pyfuse3.EntryAttributes()
        entry.st_ino, entry.st_mode, entry.st_nlink = ino, mode, 1
        entry.st_mtime_ns = entry.st_ctime_ns = entry.st_atime_ns = time.time_ns()
        entry.attr_timeout = entry.entry_timeout = LONG_S
        return entry

    async def lookup(self, parent, name, ctx):  # type: ignore[no-untyped-def]
        ino = self.children[parent].get(name)
        if ino is not None:
            return self.attributes[ino]
        entry = pyfuse3.EntryAttributes()
        entry.st_ino, entry.entry_timeout = 0, LONG_S
        return entry

    async def getattr(self, inode, ctx):  # type: ignore[no-untyped-def]
        return self.attributes[inode]

    async def setattr(self, inode, attr, fields, fh, ctx):  # type: ignore[no-untyped-def]
        if fields.update_mode:
            self.attributes[inode].st_mode = attr.st_mode
        if fields.update_size:
            del self.content[inode][attr.st_size :]
            self.attributes[inode].st_size = attr.st_size
        return self.attributes[inode]

    def add(self, parent: int, name: bytes, mode: int) -> pyfuse3.EntryAttributes:
        ino, self.next = self.next, self.next + 1
        self.children[parent][name] = ino
        self.attributes[ino] = self.made(ino, mode)
        return self.attributes[ino]

    async def mkdir(self, parent, name, mode, ctx):  # type: ignore[no-untyped-def]
        entry = self.add(parent, name, stat.S_IFDIR | mode)
        self.children[entry.st_ino] = {}
        return entry

    async def create(self, parent, name, mode, flags, ctx):  # type: ignore[no-untyped-def]
        entry = self.add(parent, name, stat.S_IFREG | mode & 0o7777)
        self.content[entry.st_ino] = bytearray()
        return pyfuse3.FileInfo(fh=entry.st_ino, keep_cache=True), entry

    async def open(self, inode, flags, ctx):  # type: ignore[no-untyped-def]
        return pyfuse3.FileInfo(fh=inode, keep_cache=True)

    async def read(self, fh, off, size):  # type: ignore[no-untyped-def]
        return bytes(self.content[fh][off : off + size])

    async def write(self, fh, off, buf):  # type: ignore[no-untyped-def]
        self.content[fh][off : off + len(buf)] = buf
        self.attributes[fh].st_size = len(self.content[fh])
        return len(buf)

    async def release(self, fh):  # type: ignore[no-untyped-def]
        return

    async def rename(self, old, name_old, new, name_new, flags, ctx):  # type: ignore[no-untyped-def]
        self.children[new][name_new] = self.children[old].pop(name_old)

    async def unlink(self, parent, name, ctx):  # type: ignore[no-untyped-def]
        del self.children[parent][name]

    async def rmdir(self, parent, name, ctx):  # type: ignore[no-untyped-def]
        del self.children[parent][name]

    async def opendir(self, inode, ctx):  # type: ignore[no-untyped-def]
        return inode

    async def readdir(self, fh, start, token):  # type: ignore[no-untyped-def]
        for number, (name, ino) in enumerate(list(self.children[fh].items())[start:], start + 1):
            if not pyfuse3.readdir_reply(token, name, self.attributes[ino], number):
                return

    async def getxattr(self, inode, name, ctx):  # type: ignore[no-untyped-def]
        raise pyfuse3.FUSEError(errno.ENODATA)


def main(mountpoint: str) -> None:
    """Serve until unmounted."""
    pyfuse3.init(Bare(), mountpoint, {"default_permissions", "fsname=bare"})
    install()
    os.write(1, b"ready\n")
    trio.run(pyfuse3.main)
    pyfuse3.close(unmount=False)


if __name__ == "__main__":
    main(sys.argv[1])

"""``user.lighthouse.*``: who made a file what it is, and why that was allowed. Looked up in the log when asked.

A file is what the last change of its content made it, whoever renamed it or changed its mode since. Anything else is
what its last version made it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
import trio
from blake3 import blake3
from cachetools import LRUCache

from lighthoused.core.events import Event
from lighthoused.core.inode import Inode
from lighthoused.protocol.messages.log import Filter
from lighthoused.store.schema import NOW
from lighthoused.tree.attributes import OWN
from lighthoused.tree.blame import VERDICT_NS
from lighthoused.tree.reading import Reading
from lighthoused.tree.tree import Tree

PAGE = 32
MAX_VERSIONS = 4096
"""Versions that are gone back through for the last change of the content."""
HASHES = 4096
INLINE = 256 * 1024
"""Bytes that are hashed without a thread."""
READ = 1024 * 1024

_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


class Origin(NamedTuple):
    """The event that made an inode what it is, and the inode as of then."""

    event: Event
    inode: Inode


class Provenance:
    """Values of the extended attributes, as bytes; None for one that an inode does not have."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._hashes: LRUCache[tuple[int, int], bytes] = LRUCache(HASHES)
        self._values: dict[bytes, Callable[[int, Origin], Awaitable[bytes | None]]] = {
            OWN + b"agent": self._agent,
            OWN + b"hash": self._hash,
            OWN + b"seq": self._seq,
            OWN + b"session": self._session,
            OWN + b"verdict": self._verdict,
        }
        self.names = tuple(self._values)

    async def value(self, name: bytes, ino: int, at: int = NOW) -> bytes | None:
        """For NOW of the newest content, which is made a version. Raises OSError ENOSPC, EIO."""
        make = self._values.get(name)
        if make is None:
            return None
        if at == NOW:
            await self._settle(ino)
        origin = await self._origin(ino, at)
        return await make(ino, origin) if origin is not None else None

    async def _settle(self, ino: int) -> None:
        node = self._tree.live.peek(ino)
        if node is None:
            return
        if node.is_dirty or node.sealing:
            await self._tree.files.seal(node)
        if node.pending:
            await self._tree.journal.flush()

    async def _origin(self, ino: int, at: int) -> Origin | None:
        versions = self._tree.store.versions
        page = versions.inode_versions(ino, until=at, limit=PAGE)
        if not page:
            return None
        seq, newest = page[0]
        looked = 0
        while page and newest.is_file and looked < MAX_VERSIONS:
            for number, inode in page:
                if inode.content != newest.content or inode.size != newest.size:
                    return self._found(seq, newest)
                seq = number
            looked += len(page)
            page = versions.inode_versions(ino, until=seq - 1, limit=PAGE)
            await trio.lowlevel.checkpoint()
        return self._found(seq, newest)

    def _found(self, seq: int, inode: Inode) -> Origin | None:
        stored = self._tree.store.log.get(seq)
        return Origin(stored.event, inode) if stored is not None else None

    async def _agent(self, ino: int, origin: Origin) -> bytes | None:
        return origin.event.agent.encode()

    async def _seq(self, ino: int, origin: Origin) -> bytes | None:
        return str(origin.event.seq).encode()

    async def _session(self, ino: int, origin: Origin) -> bytes | None:
        return origin.event.session.encode() or None

    async def _hash(self, ino: int, origin: Origin) -> bytes | None:
        """blake3 of a file's content, as b3sum(1) prints it."""
        inode = origin.inode
        if not inode.is_file:
            return None
        key = (ino, origin.event.seq)
        value = self._hashes.get(key)
        if value is None:
            reading = self._tree.reading
            if inode.size <= INLINE:
                value = _hashed(reading, inode)
            else:
                value = await trio.to_thread.run_sync(_hashed, reading, inode, abandon_on_cancel=True)
            self._hashes[key] = value
        return value

    async def _verdict(self, ino: int, origin: Origin) -> bytes | None:
        """The newest verdict in the session shortly before, if it was to allow: ``@seq allow tier rule``."""
        event = origin.event
        if not event.session:
            return None
        judged = Filter(
            type="gate.judged",
            agent=event.agent,
            session=event.session,
            since=event.time - VERDICT_NS,
            until=event.time,
        )
        for found, _ in self._tree.store.log.query(judged, limit=1, reverse=True).events:
            said = _decode(found.payload)
            if said.get("verdict") == "allow":
                return f"@{found.seq} allow {said.get('tier', '')} {said.get('rule', '')}".strip().encode()
        return None


def _hashed(reading: Reading, inode: Inode) -> bytes:
    hasher = blake3()
    for offset in range(0, inode.size, READ):
        hasher.update(reading.read(inode, offset, READ))
    return hasher.hexdigest().encode()

"""All backups in one place: manifests, and packs that they share. Packs are named by the hash of what is stored."""

from collections.abc import Iterator
from typing import NamedTuple

from blake3 import blake3

from lighthoused.backup.envelope import Envelope
from lighthoused.backup.manifest import FOLDER, PACKS, Chunk, Manifest, decode, encode, id_of
from lighthoused.backup.place import Place
from lighthoused.core.errors import Corrupt, NotFound

PACK = 32 * 1024 * 1024
"""Bytes of content of a pack."""


class Repository:
    """Reads and writes backups; not for two writers at a time."""

    def __init__(self, place: Place, envelope: Envelope) -> None:
        self._place = place
        self.envelope = envelope

    def ids(self) -> list[str]:
        """All backups, oldest first."""
        return sorted(id_of(name) for name in self._place.names(FOLDER))

    def manifest(self, id: str = "") -> Manifest:
        """A backup by its id, "" for the newest. Raises NotFound, Corrupt."""
        names = sorted(self._place.names(FOLDER))
        chosen = [name for name in names if not id or id_of(name) == id]
        if not chosen:
            raise NotFound(
                f"There is no backup {id}." if id else "There is no backup yet.", "lighthousectl backup list"
            )
        return decode(chosen[-1], self._place.get(chosen[-1]))

    def add(self, manifest: Manifest) -> None:
        """A backup is whole: now it counts."""
        self._place.put(*encode(manifest))

    def put_pack(self, content: bytes) -> tuple[str, int]:
        """The name of a new pack, and the bytes it takes."""
        stored = self.envelope.close(content)
        name = blake3(stored).hexdigest()
        self._place.put(f"{PACKS}/{name}", stored)
        return name, len(stored)

    def pack(self, name: str) -> bytes:
        """The content of a pack. Raises NotFound, Corrupt."""
        stored = self._place.get(f"{PACKS}/{name}")
        if blake3(stored).hexdigest() != name:
            raise Corrupt(f"The pack {name} was changed since it was written.")
        return self.envelope.open(stored)

    def content(self, manifest: Manifest) -> Iterator[bytes]:
        """The chunks of a backup in order, each proven. Raises NotFound, Corrupt."""
        opened = _Opened("", b"")
        for chunk in manifest.chunks:
            if chunk.pack != opened.name:
                opened = _Opened(chunk.pack, self.pack(chunk.pack))
            yield _proven(chunk, opened.content)

    def remove(self, id: str) -> None:
        """A backup no longer counts; its packs stay until `sweep`."""
        for name in list(self._place.names(FOLDER)):
            if id_of(name) == id:
                self._place.delete(name)

    def sweep(self) -> int:
        """Delete packs that no backup needs; how many. Raises Corrupt where a manifest cannot be read."""
        needed: set[str] = set()
        for id in self.ids():
            needed |= self.manifest(id).packs
        unneeded = [name for name in self._place.names(PACKS) if name.partition("/")[2] not in needed]
        for name in unneeded:
            self._place.delete(name)
        return len(unneeded)


class _Opened(NamedTuple):
    name: str
    content: bytes


def _proven(chunk: Chunk, pack: bytes) -> bytes:
    content = pack[chunk.offset : chunk.offset + chunk.length]
    if blake3(content).digest() != chunk.hash:
        raise Corrupt(f"A chunk in the pack {chunk.pack} is not what it was.")
    return content

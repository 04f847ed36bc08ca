"""One backup's table of contents: which chunks, in which packs, make up the store as it was at one event."""

import msgspec
import zstandard
from blake3 import blake3

from lighthoused.core.errors import Corrupt

FOLDER = "manifests"
PACKS = "packs"


class Chunk(msgspec.Struct, frozen=True, array_like=True):
    """A piece of the store's file: blake3 of its content, and where it is in the opened pack."""

    hash: bytes
    pack: str
    offset: int
    length: int


class Manifest(msgspec.Struct, frozen=True):
    """`id`: when it was made, UTC. `seq`, `head`: newest event and its hash (hex). `files`: a pack with small files."""

    id: str
    time: int
    version: str
    seq: int
    head: str
    size: int
    chunks: tuple[Chunk, ...]
    files: str = ""
    encrypted: bool = False
    stored: int = 0
    """Bytes that this backup added."""

    @property
    def packs(self) -> set[str]:
        """All packs it needs."""
        return {chunk.pack for chunk in self.chunks} | ({self.files} if self.files else set())


def encode(manifest: Manifest) -> tuple[str, bytes]:
    """Its name, which has its hash, and its stored form."""
    stored = zstandard.compress(msgspec.msgpack.encode(manifest))
    return f"{FOLDER}/{manifest.id}-{blake3(stored).hexdigest(16)}", stored


def decode(name: str, stored: bytes) -> Manifest:
    """Raises Corrupt."""
    if blake3(stored).hexdigest(16) != name.rpartition("-")[2]:
        raise Corrupt(f"The manifest {name} was changed since it was written.")
    try:
        return msgspec.msgpack.decode(zstandard.decompress(stored), type=Manifest)
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise Corrupt(f"The manifest {name} cannot be read: {error}.") from None


def id_of(name: str) -> str:
    """The id in a manifest's name."""
    return name.partition("/")[2].rpartition("-")[0]

"""Makes a backup: the store's file as of one moment, cut into chunks, of which only new ones are stored.

LMDB's pages stay where they are, so most chunks are those of the backup before. The copy is of one read transaction
(mdb_env_copy), while the daemon goes on.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from blake3 import blake3

from lighthoused import __version__
from lighthoused.backup.manifest import Chunk, Manifest
from lighthoused.backup.repository import PACK, Repository
from lighthoused.core.errors import Corrupt, LighthouseError, NotFound
from lighthoused.store.copying import Copy

CHUNK = 256 * 1024
SMALL_FILES = ("token.keys",)
"""Files of the state, beside the store, that are secret: they are in encrypted backups only."""
Progress = Callable[[int, int], None]
"""Told how many bytes are done, of how many."""


def make_backup(state: Path, repository: Repository, progress: Progress) -> Manifest:
    """Back up the store of a state directory, in use or not. Raises core errors."""
    known = _known(repository)
    packing = _Packing(repository)
    chunks: list[Chunk | tuple[bytes, int, int]] = []
    done = 0
    with Copy(state / "db") as copy:
        for content in _pieces(copy):
            key = blake3(content).digest()
            chunks.append(known.get(key) or packing.add(key, content))
            done += len(content)
            progress(done, copy.size)
        packing.flush()
    now = time.time_ns()
    files = _secrets(state) if repository.envelope.encrypts else {}
    manifest = Manifest(
        id=datetime.fromtimestamp(now / 1e9, UTC).strftime("%Y%m%dT%H%M%S.%fZ"),
        time=now,
        version=__version__,
        seq=copy.seq,
        head=copy.head,
        size=done,
        chunks=tuple(chunk if isinstance(chunk, Chunk) else packing.placed(chunk) for chunk in chunks),
        files=repository.put_pack(msgspec.msgpack.encode(files))[0] if files else "",
        encrypted=repository.envelope.encrypts,
        stored=packing.stored,
    )
    repository.add(manifest)
    return manifest


def _known(repository: Repository) -> dict[bytes, Chunk]:
    """Chunks of the newest backup that can be read."""
    for id in reversed(repository.ids()):
        try:
            return {chunk.hash: chunk for chunk in repository.manifest(id).chunks}
        except (Corrupt, NotFound):
            continue
    return {}


class _Packing:
    """Gathers new chunks into packs."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._content = bytearray()
        self._packs: list[str] = []
        self._placed: dict[bytes, tuple[bytes, int, int]] = {}
        self._lengths: dict[bytes, int] = {}
        self.stored = 0

    def add(self, key: bytes, content: bytes) -> tuple[bytes, int, int]:
        """A chunk's place: its hash, the number of its pack, its offset there."""
        if key not in self._placed:
            if len(self._content) + len(content) > PACK:
                self.flush()
            self._placed[key] = (key, len(self._packs), len(self._content))
            self._lengths[key] = len(content)
            self._content += content
        return self._placed[key]

    def placed(self, place: tuple[bytes, int, int]) -> Chunk:
        """The chunk, now that its pack has a name."""
        key, pack, offset = place
        return Chunk(key, self._packs[pack], offset, self._lengths[key])

    def flush(self) -> None:
        """Store what was gathered."""
        if not self._content:
            return
        name, stored = self._repository.put_pack(bytes(self._content))
        self._packs.append(name)
        self.stored += stored
        self._content.clear()


def _pieces(copy: Copy) -> Iterator[bytes]:
    """The copy in chunks, as it is written into a pipe by another thread. Raises what the copy raised."""
    reading, writing = os.pipe()
    failure: list[LighthouseError] = []

    def write() -> None:
        try:
            copy.write(writing)
        except LighthouseError as error:
            failure.append(error)
        finally:
            os.close(writing)

    thread = threading.Thread(target=write, name="lighthouse-backup")
    with open(reading, "rb", buffering=CHUNK) as pipe:
        thread.start()
        try:
            while content := pipe.read(CHUNK):
                yield content
        finally:
            pipe.close()
            thread.join()
    if failure:
        raise failure[0]


def _secrets(state: Path) -> dict[str, bytes]:
    return {name: (state / name).read_bytes() for name in SMALL_FILES if (state / name).exists()}

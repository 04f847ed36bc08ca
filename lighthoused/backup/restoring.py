"""Proves backups, and makes a state directory of one."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from lighthoused.backup.manifest import Manifest
from lighthoused.backup.repository import Repository
from lighthoused.core.errors import Corrupt, Invalid, LighthouseError, NotFound
from lighthoused.store.store import Store

PARTIAL = ".restoring"
Progress = Callable[[int, int], None]


def choose(repository: Repository, at: int = 0) -> Manifest:
    """The newest backup, or the newest that is not younger than a time (ns). Raises NotFound."""
    for id in reversed(repository.ids()):
        manifest = repository.manifest(id)
        if not at or manifest.time <= at:
            return manifest
    raise NotFound("There is no backup that is so old." if at else "There is no backup.", "lighthousectl backup list")


def verify(repository: Repository, manifest: Manifest, progress: Progress) -> None:
    """Read all of a backup and prove every chunk. Raises Corrupt, NotFound, Invalid without the identity."""
    done = 0
    for content in repository.content(manifest):
        done += len(content)
        progress(done, manifest.size)
    if done != manifest.size:
        raise Corrupt(f"The backup {manifest.id} has {done} bytes, not {manifest.size}.")
    if manifest.files:
        repository.pack(manifest.files)


def restore(repository: Repository, manifest: Manifest, state: Path, progress: Progress) -> int:
    """Make a state directory of a backup, and prove the log in it; the number of its events.

    The directory must be empty or not there; it is in place only once all of it is on disk. Raises core errors.
    """
    if state.exists() and any(state.iterdir()):
        raise Invalid(f"{state} is not empty.", "Move it away: a restore never overwrites a state.")
    partial = state.with_name(state.name + PARTIAL)
    if partial.exists():
        raise Invalid(f"{partial} is left of a restore that did not end.", "Remove it.")
    (partial / "db").mkdir(parents=True, mode=0o700)
    _write(repository, manifest, partial / "db" / "data.mdb", progress)
    for name, content in _files(repository, manifest).items():
        _write_secret(partial / name, content)
    events = prove(partial, manifest)
    if state.exists():
        state.rmdir()
    partial.rename(state)
    return events


def prove(state: Path, manifest: Manifest) -> int:
    """Prove the log of a restored state against its manifest. Raises Corrupt."""
    store = Store(state)
    try:
        proof = store.verify(lambda done, total: None)
        named = store.log.get(manifest.seq)
    finally:
        store.close()
    if proof.problems:
        raise Corrupt(f"The log in the backup {manifest.id} does not prove: {proof.problems[0]}")
    if manifest.seq and (named is None or named.hash.hex() != manifest.head):
        raise Corrupt(f"The log in the backup {manifest.id} is another one: event {manifest.seq} is not what it was.")
    return proof.events


def _write(repository: Repository, manifest: Manifest, path: Path, progress: Progress) -> None:
    done = 0
    try:
        with open(path, "xb") as file:
            for content in repository.content(manifest):
                file.write(content)
                done += len(content)
                progress(done, manifest.size)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise LighthouseError(f"{path} could not be written: {error.strerror}.", "Is there room?") from None


def _files(repository: Repository, manifest: Manifest) -> dict[str, bytes]:
    if not manifest.files:
        return {}
    return msgspec.msgpack.decode(repository.pack(manifest.files), type=dict[str, bytes])


def _write_secret(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)

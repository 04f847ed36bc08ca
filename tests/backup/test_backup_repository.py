"""Backups of a store that is in use: incremental, proven, restored."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighthoused.backup.envelope import Envelope, new_identity
from lighthoused.backup.making import make_backup
from lighthoused.backup.manifest import Manifest
from lighthoused.backup.place import Directory
from lighthoused.backup.repository import Repository
from lighthoused.backup.restoring import choose, restore, verify
from lighthoused.backup.retention import Keep, kept, time_of
from lighthoused.core.errors import Corrupt, Invalid, NotFound
from lighthoused.core.events import Draft
from lighthoused.store.store import Store


def quiet(done: int, total: int) -> None:
    """Progress that nobody sees."""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(Directory(tmp_path / "backups"), Envelope())


def backed_up(store: Store, repository: Repository, *recipients: str) -> Manifest:
    """Make a backup, as a process of its own: LMDB allows one opening of a store for each."""
    place = store.directory.parent / "backups"
    config = store.directory.parent / "lighthouse.toml"
    config.write_text(f"[backup]\ntarget = '{place}'\nrecipients = {list(recipients)}\nlast = 100\n")
    command = [sys.executable, "-m", "lighthoused.cli.launch", "--state", str(store.directory)]
    done = subprocess.run(
        [*command, "--config", str(config), "--json", "backup", "run"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return repository.manifest(json.loads(done.stdout)["id"])


async def fill(store: Store, number: int) -> None:
    generator = random.Random(number)
    blocks = tuple((generator.randbytes(32), b"\0" + generator.randbytes(50_000)) for _ in range(100))
    await store.append([Draft("s", "made", b"\xc0", time.time_ns()) for _ in range(500)], blocks)


async def test_a_backup_is_restored_as_it_was(store: Store, repository: Repository, tmp_path: Path) -> None:
    await fill(store, 1)
    made = backed_up(store, repository)
    await fill(store, 2)
    verify(repository, made, quiet)
    assert restore(repository, made, tmp_path / "again", quiet) == made.seq == 500
    again = Store(tmp_path / "again")
    assert again.log.head().hash.hex() == made.head
    again.close()


async def test_a_further_backup_adds_only_what_is_new(store: Store, repository: Repository, tmp_path: Path) -> None:
    for number in range(8):
        await fill(store, number)
    first = backed_up(store, repository)
    nothing = backed_up(store, repository)
    await fill(store, 9)
    more = backed_up(store, repository)
    assert nothing.stored == 0
    assert 0 < more.stored < first.stored / 2
    assert restore(repository, more, tmp_path / "again", quiet) == 4500


async def test_what_was_changed_is_found(store: Store, repository: Repository, tmp_path: Path) -> None:
    await fill(store, 1)
    made = backed_up(store, repository)
    pack = next((tmp_path / "backups/packs").iterdir())
    stored = bytearray(pack.read_bytes())
    stored[1000] ^= 1
    pack.write_bytes(stored)
    with pytest.raises(Corrupt, match="was changed"):
        verify(repository, made, quiet)
    with pytest.raises(Corrupt):
        restore(repository, made, tmp_path / "again", quiet)
    assert not (tmp_path / "again").exists()
    pack.unlink()
    with pytest.raises(NotFound):
        verify(repository, made, quiet)


async def test_a_manifest_that_was_changed_is_not_believed(
    store: Store, repository: Repository, tmp_path: Path
) -> None:
    await fill(store, 1)
    backed_up(store, repository)
    path = next((tmp_path / "backups/manifests").iterdir())
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(Corrupt, match="was changed"):
        repository.manifest()
    assert backed_up(store, repository).stored > 0


async def test_an_encrypted_backup_needs_its_identity(store: Store, tmp_path: Path) -> None:
    (store.directory / "token.keys").write_bytes(b"secret keys")
    await fill(store, 1)
    secret, public = new_identity()
    (tmp_path / "identity").write_text(secret)
    place = Directory(tmp_path / "backups")
    made = backed_up(store, Repository(place, Envelope()), public)
    assert made.encrypted
    with pytest.raises(Invalid, match="encrypted"):
        verify(Repository(place, Envelope()), made, quiet)
    other, _ = new_identity()
    (tmp_path / "other").write_text(other)
    with pytest.raises(Corrupt, match="cannot be decrypted"):
        verify(Repository(place, Envelope((), tmp_path / "other")), made, quiet)
    opened = Repository(place, Envelope((), tmp_path / "identity"))
    restore(opened, made, tmp_path / "again", quiet)
    assert (tmp_path / "again/token.keys").read_bytes() == b"secret keys"
    assert (tmp_path / "again/token.keys").stat().st_mode & 0o777 == 0o600
    stored = b"".join(path.read_bytes() for path in (tmp_path / "backups/packs").iterdir())
    assert b"secret keys" not in stored


async def test_keys_are_in_no_open_backup(store: Store, repository: Repository, tmp_path: Path) -> None:
    (store.directory / "token.keys").write_bytes(b"secret keys")
    made = backed_up(store, repository)
    assert not made.files
    restore(repository, made, tmp_path / "again", quiet)
    assert not (tmp_path / "again/token.keys").exists()


async def test_nothing_is_overwritten(store: Store, repository: Repository, tmp_path: Path) -> None:
    made = backed_up(store, repository)
    (tmp_path / "again").mkdir()
    (tmp_path / "again/mine").write_text("x")
    with pytest.raises(Invalid, match="not empty"):
        restore(repository, made, tmp_path / "again", quiet)


async def test_the_newest_before_a_time_is_chosen(store: Store, repository: Repository) -> None:
    made = [backed_up(store, repository) for _ in range(3)]
    assert choose(repository).id == made[2].id
    assert choose(repository, made[1].time).id == made[1].id
    with pytest.raises(NotFound):
        choose(repository, made[0].time - 1)


async def test_packs_that_nobody_needs_go(store: Store, repository: Repository, tmp_path: Path) -> None:
    await fill(store, 1)
    first = backed_up(store, repository)
    for number in range(5):
        await fill(store, number + 2)
    second = backed_up(store, repository)
    repository.put_pack(b"of a backup that was cut off")
    repository.remove(first.id)
    assert repository.sweep() >= 1
    verify(repository, second, quiet)
    assert repository.ids() == [second.id]


def test_there_is_no_backup_of_nothing(tmp_path: Path, repository: Repository) -> None:
    with pytest.raises(NotFound, match="no store"):
        make_backup(tmp_path / "nowhere", repository, quiet)
    with pytest.raises(NotFound, match="no backup"):
        repository.manifest()


TIMES = st.lists(st.integers(1_700_000_000, 1_760_000_000), min_size=1, max_size=60, unique=True)


@given(TIMES, st.integers(1, 5), st.integers(0, 8), st.integers(0, 5), st.integers(0, 7))
def test_the_newest_is_always_kept_and_never_more_than_asked(
    times: list[int], last: int, daily: int, weekly: int, monthly: int
) -> None:
    ids = [time.strftime("%Y%m%dT%H%M%S.000000Z", time.gmtime(one)) for one in times]
    stay = kept(ids, Keep(last, daily, weekly, monthly))
    assert max(ids) in stay
    assert stay <= set(ids)
    assert len(stay) <= last + daily + weekly + monthly
    days = {time_of(id).date() for id in ids}
    assert len({time_of(id).date() for id in stay}) >= min(len(days), daily)

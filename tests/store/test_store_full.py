"""A full disk, for real: a small tmpfs filled up, then freed."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import trio

from lighthoused.core.errors import StoreFull
from lighthoused.core.events import Draft
from lighthoused.store.store import Store


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs takes root")
    where = tmp_path / "disk"
    where.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(where)], check=True)
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)


async def test_a_full_disk_refuses_loses_nothing_and_recovers(small_disk: Path) -> None:
    store = Store(small_disk / "state", map_size=1 << 30)
    store.start(trio.lowlevel.current_trio_token())
    payload = msgspec.msgpack.encode(os.urandom(100_000))
    acknowledged = 0
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(4 << 20))
    with pytest.raises(StoreFull):
        for _ in range(100):
            await store.append((Draft(stream="s", type="t", payload=payload, time=1),))
            acknowledged += 1
    assert acknowledged > 0
    assert store.log.head().seq == acknowledged
    ballast.unlink()
    await store.append((Draft(stream="s", type="t", payload=payload, time=1),))
    assert store.log.head().seq == acknowledged + 1
    assert not store.verify(lambda done, total: None).problems
    store.close()

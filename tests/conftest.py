"""Fixtures that start real parts in a temporary directory."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trio
from tests_support.asking import Askers, askers
from tests_support.running import Running

from lighthoused.store.store import Store
from lighthoused.tree.tree import Tree


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A store of its own, started on the test's trio run."""
    opened = Store(tmp_path / "state")
    opened.start(trio.lowlevel.current_trio_token())
    yield opened
    opened.close()


@pytest.fixture
async def tree(store: Store, nursery: trio.Nursery) -> AsyncIterator[Tree]:
    """A tree over the store, with its journal running."""
    made = Tree(store, time.time_ns)
    await nursery.start(made.run)
    yield made
    with trio.CancelScope(shield=True):
        await made.settle()
        await made.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A daemon serving a small project called `demo`."""
    source = tmp_path / "demo"
    source.mkdir()
    (source / "kept.txt").write_text("kept")
    daemon = Running(tmp_path, source)
    daemon.start()
    yield daemon
    code = daemon.stop()
    assert code in (0, -9), daemon.log.read_text()
    assert '"level": "error"' not in daemon.log.read_text().replace('"level":"error"', '"level": "error"')


@pytest.fixture
def asks(running: Running) -> Iterator[Askers]:
    """Agents that ask the daemon under test; those that still wait at the end are answered."""
    with askers(running) as made:
        yield made

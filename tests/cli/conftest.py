"""One daemon for all tests of a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support.running import Running


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A daemon serving a small project called `demo`."""
    base: Path = tmp_path_factory.mktemp("cli")
    source = base / "demo"
    source.mkdir()
    (source / "kept.txt").write_text("kept")
    daemon = Running(base, source)
    daemon.start()
    yield daemon
    assert daemon.stop() == 0, daemon.log.read_text()
    assert '"level":"error"' not in daemon.log.read_text().replace('": "', '":"')

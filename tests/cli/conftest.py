"""One daemon for all tests of a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support.running import Running, serving


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A daemon serving a small project called `demo`."""
    base: Path = tmp_path_factory.mktemp("cli")
    source = base / "demo"
    source.mkdir()
    (source / "kept.txt").write_text("kept")
    with serving(Running(base, source)) as daemon:
        yield daemon
    assert '"level":"error"' not in daemon.log.read_text().replace('": "', '":"')

"""A machine with real systemd, and the Debian package to install there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support.machine import Machine, missing, root_directory
from tests_support.packages import build


@pytest.fixture(scope="session")
def deb() -> Path:
    """The Debian package of this checkout."""
    return build("deb")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A booted machine without Lighthouse; skipped with the reason where there can be none."""
    if reason := missing():
        pytest.skip(reason)
    booted = Machine(root_directory(), tmp_path)
    try:
        booted.boot()
        yield booted
    finally:
        booted.stop()

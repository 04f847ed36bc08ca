"""A project that is filled until the store takes no more."""

import errno
import os

import pytest

from tests_support.running import Running


def fill(running: Running, size: int = 1_000_000, errors: tuple[int, ...] = (errno.ENOSPC,)) -> dict[str, bytes]:
    """Write and sync files until there is no room; what was acknowledged."""
    kept: dict[str, bytes] = {}
    with pytest.raises(OSError, match="|".join(map(os.strerror, errors))):
        for number in range(1000):
            content = os.urandom(size)
            path = running.current / f"f{number}"
            with open(path, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            kept[path.name] = content
    return kept

"""Random operations on one file, as fsx does: whatever is written, truncated or mapped is what is read afterwards.

LIGHTHOUSE_FSX_OPERATIONS sets their number (5,000; the aim is 100,000 without a difference).
"""

import mmap
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from tests_support.running import Running

OPERATIONS = int(os.environ.get("LIGHTHOUSE_FSX_OPERATIONS", "5000"))
LARGEST = 700_000
"""Over five blocks, so that most operations cross an edge."""


class File:
    """A file and what it should hold."""

    def __init__(self, path: Path, generator: random.Random) -> None:
        self.path = path
        self.random = generator
        self.expected = bytearray()
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT)

    def place(self) -> tuple[int, int]:
        """Offset and length somewhere in or after the file."""
        offset = self.random.randrange(LARGEST)
        return offset, self.random.choice((1, 7, 511, 4096, 65_536, 131_072, 200_000))

    def grow(self, size: int) -> None:
        self.expected += bytes(max(0, size - len(self.expected)))

    def write(self) -> None:
        offset, length = self.place()
        content = self.random.randbytes(min(length, LARGEST - offset))
        assert os.pwrite(self.descriptor, content, offset) == len(content)
        self.grow(offset)
        self.expected[offset : offset + len(content)] = content

    def append(self) -> None:
        content = self.random.randbytes(min(100, max(0, LARGEST - len(self.expected))))
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        os.write(descriptor, content)
        os.close(descriptor)
        self.expected += content

    def read(self) -> None:
        offset, length = self.place()
        assert os.pread(self.descriptor, length, offset) == self.expected[offset : offset + length]

    def truncate(self) -> None:
        size = self.random.randrange(LARGEST)
        os.ftruncate(self.descriptor, size)
        del self.expected[size:]
        self.grow(size)

    def read_mapped(self) -> None:
        if self.expected:
            with mmap.mmap(self.descriptor, 0, prot=mmap.PROT_READ) as mapped:
                assert mapped[:] == self.expected

    def write_mapped(self) -> None:
        if not self.expected:
            return
        offset = self.random.randrange(len(self.expected))
        content = self.random.randbytes(min(5000, len(self.expected) - offset))
        with mmap.mmap(self.descriptor, 0) as mapped:
            mapped[offset : offset + len(content)] = content
            mapped.flush()
        self.expected[offset : offset + len(content)] = content

    def sync(self) -> None:
        os.fsync(self.descriptor)

    def reopen(self) -> None:
        os.close(self.descriptor)
        self.descriptor = os.open(self.path, os.O_RDWR)
        assert os.fstat(self.descriptor).st_size == len(self.expected)

    def empty(self) -> None:
        os.close(os.open(self.path, os.O_WRONLY | os.O_TRUNC))
        self.expected.clear()


@pytest.mark.slow
@pytest.mark.timeout(120 + OPERATIONS // 20)
def test_a_file_holds_what_was_written(running: Running) -> None:
    generator = random.Random(7)
    file = File(running.current / "random", generator)
    operations: list[Callable[[], None]] = [
        *[file.write] * 8,
        *[file.read] * 8,
        *[file.append] * 3,
        *[file.truncate] * 2,
        *[file.read_mapped, file.write_mapped] * 2,
        file.sync,
        file.reopen,
    ]
    for _ in range(OPERATIONS):
        (file.empty if generator.random() < 0.002 else generator.choice(operations))()
    file.sync()
    assert file.path.read_bytes() == file.expected
    head = running.head()
    assert (running.project / "history" / f"@{head}" / "random").read_bytes() == file.expected

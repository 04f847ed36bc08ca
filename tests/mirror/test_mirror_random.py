"""Random changes on both sides, also while the daemon is killed: in the end both are equal, and nothing is lost.

LIGHTHOUSE_MIRROR_ROUNDS sets the number of rounds.
"""

import contextlib
import errno
import os
import random
import shutil
import threading
import time
from pathlib import Path

import pytest
from tests_support.mirroring import bind, picture, settled, status_of
from tests_support.running import Running
from tests_support.tree_check import problems_of

ROUNDS = int(os.environ.get("LIGHTHOUSE_MIRROR_ROUNDS", "4"))
EXPECTED = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENOTEMPTY)
"""What a random operation may run into."""
NAMES = ("a", "b", "c", "d")


class Side:
    """Changes one side at random; what it wrote last at which path, unless something else happened there."""

    def __init__(self, root: Path, name: str, seed: int) -> None:
        self.root = root
        self.name = name
        self.random = random.Random(f"{seed} {name}")
        self.written = 0

    def step(self) -> None:
        kinds = (self.write, self.write, self.replace, self.append, self.remove, self.directory, self.move, self.chmod)
        try:
            self.random.choice((*kinds, self.link, self.symlink))()
        except OSError as error:
            if error.errno not in EXPECTED:
                raise

    def path(self) -> Path:
        return self.root.joinpath(*self.random.choices(NAMES, k=self.random.randint(1, 3)))

    def content(self) -> bytes:
        self.written += 1
        return f"{self.name} {self.written}\n".encode() * self.random.choice((1, 10, 20_000))

    def write(self) -> None:
        self.path().write_bytes(self.content())

    def append(self) -> None:
        with open(self.path(), "ab") as file:
            file.write(self.content())

    def replace(self) -> None:
        path = self.path()
        partial = path.with_name(f"{path.name}.{self.name}")
        partial.write_bytes(self.content())
        try:
            os.rename(partial, path)
        except OSError:
            partial.unlink()

    def remove(self) -> None:
        path = self.path()
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()

    def directory(self) -> None:
        self.path().mkdir()

    def move(self) -> None:
        with contextlib.suppress(OSError):
            os.rename(self.path(), self.path())

    def chmod(self) -> None:
        path = self.path()
        if not path.is_symlink():
            path.chmod(self.random.choice((0o600, 0o700, 0o755)) | (0o100 if path.is_dir() else 0))

    def link(self) -> None:
        with contextlib.suppress(OSError):
            os.link(self.path(), self.path(), follow_symlinks=False)

    def symlink(self) -> None:
        os.symlink(self.random.choice(NAMES), self.path())


class Writer:
    """Writes and renames files of its own until told to stop or refused; what it wrote last, by name."""

    def __init__(self, root: Path, side: str, seed: int, stop: threading.Event) -> None:
        self.root = root
        self.side = side
        self.seed = seed
        self.stop = stop
        self.written: dict[str, bytes] = {}

    def run(self) -> None:
        own = random.Random(self.seed)
        with contextlib.suppress(OSError):
            for count in range(100_000):
                name = f"{self.side}{own.randrange(8)}"
                content = f"{self.seed} {count}".encode() * own.choice((1, 50_000))
                partial = self.root / f"{name}.tmp"
                with open(partial, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.rename(partial, self.root / name)
                self.written[name] = content
                if self.stop.is_set():
                    return
                time.sleep(own.random() * 0.05)


@pytest.fixture
def pair(running: Running, tmp_path: Path) -> tuple[Running, Path]:
    directory = tmp_path / "mirrored"
    directory.mkdir()
    bind(running, directory)
    settled(running, directory)
    return running, directory


@pytest.mark.slow
@pytest.mark.timeout(120 + 90 * ROUNDS)
@pytest.mark.parametrize("seed", [1, 2])
def test_both_sides_end_equal(pair: tuple[Running, Path], seed: int) -> None:
    running, directory = pair
    sides = [Side(running.current, "inside", seed), Side(directory, "outside", seed)]
    for _ in range(ROUNDS):
        for _ in range(120):
            side = sides[0].random.choice(sides)
            side.step()
            if sides[0].random.random() < 0.05:
                time.sleep(sides[0].random.random() * 0.5)
        assert settled(running, directory) == picture(directory)


@pytest.mark.slow
@pytest.mark.timeout(120 + 90 * ROUNDS)
def test_kills_lose_nothing_and_make_no_false_conflicts(pair: tuple[Running, Path]) -> None:
    """Each file is written by one side only, so every conflict would be a false one."""
    running, directory = pair
    generator = random.Random(5)
    for number in range(ROUNDS * 2):
        stop = threading.Event()
        inside = Writer(running.current, "in", number, stop)
        outside = Writer(directory, "out", number, stop)
        threads = [threading.Thread(target=writer.run) for writer in (inside, outside)]
        for thread in threads:
            thread.start()
        time.sleep(generator.random() * 3)
        running.kill()
        time.sleep(generator.random() * 0.3)
        stop.set()
        for thread in threads:
            thread.join()
        assert problems_of(running.state) == []
        running.start()
        found = settled(running, directory)
        for name, content in outside.written.items():
            assert found[name.encode()][-1] == content, name
        assert [one.path for one in status_of(running).conflicts if not one.path.endswith(".tmp")] == []
        assert not [name for name in os.listdir(directory) if name.startswith(".lighthouse")]

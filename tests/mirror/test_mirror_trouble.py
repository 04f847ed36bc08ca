"""A full disk, an inotify queue that overflows, large files, and names that collide with the mirror's own."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support.mirroring import bind, settled, status_of
from tests_support.running import Running
from tests_support.waiting import until

MAX_EVENTS = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A directory with room for 4 MiB."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a tmpfs")
    made = tmp_path / "small"
    made.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", made], check=True)
    yield made
    subprocess.run(["umount", "--lazy", made], check=True)


def test_a_full_disk_pauses(running: Running, small: Path) -> None:
    (small / "kept.txt").write_text("kept")
    os.utime(small / "kept.txt", ns=(os.stat(running.source / "kept.txt").st_mtime_ns,) * 2)
    bind(running, small)
    settled(running, small)
    (running.current / "first").write_bytes(os.urandom(3_000_000))
    settled(running, small)
    (running.current / "second").write_bytes(os.urandom(3_000_000))
    until(lambda: "No space left" in status_of(running).reason)
    assert not [name for name in os.listdir(small) if name.startswith(".lighthouse")]
    (running.current / "first").unlink()
    assert sorted(settled(running, small)) == [b"kept.txt", b"second"]
    assert status_of(running).reason == ""
    kinds = [event.type for event in running.events(stream="mirrors")]
    assert kinds == ["mirror.added", "mirror.paused", "mirror.resumed"]


def test_nothing_is_missed_when_the_kernel_loses_track(running: Running, tmp_path: Path) -> None:
    directory = tmp_path / "mirrored"
    directory.mkdir()
    bind(running, directory)
    settled(running, directory)
    assert running.process is not None
    running.process.send_signal(signal.SIGSTOP)
    for number in range(MAX_EVENTS // 2 + 100):
        os.mkdir(directory / str(number))
        os.rmdir(directory / str(number))
    (directory / "sub").mkdir()
    (directory / "sub" / "late").write_text("late")
    (directory / "kept.txt").unlink()
    running.process.send_signal(signal.SIGCONT)
    assert sorted(settled(running, directory)) == [b"sub", b"sub/late"]
    (directory / "sub" / "later").write_text("later")
    settled(running, directory)


def test_a_large_file_with_holes(running: Running, tmp_path: Path) -> None:
    directory = tmp_path / "mirrored"
    directory.mkdir()
    bind(running, directory)
    with open(directory / "in", "wb") as file:
        file.seek(40_000_000)
        file.write(os.urandom(6_000_000))
    with open(running.current / "out", "wb") as file:
        file.seek(6_000_000)
        file.write(b"end")
    settled(running, directory)
    assert os.stat(directory / "out").st_blocks * 512 <= 1024 * 1024


def test_its_own_names_and_the_ignore_file(running: Running, tmp_path: Path) -> None:
    directory = tmp_path / "mirrored"
    directory.mkdir()
    bind(running, directory)
    (directory / ".lighthouseignore").write_text("node_modules/\n")
    (directory / ".lighthouse-mirror-1").write_text("not mine")
    (directory / "node_modules").mkdir()
    (directory / "node_modules" / "x").write_text("x")
    until(lambda: (running.current / "node_modules" / "x").exists())
    assert sorted(os.listdir(running.current)) == [".lighthouseignore", "kept.txt", "node_modules"]


def test_a_slow_writer_is_followed(running: Running, tmp_path: Path) -> None:
    directory = tmp_path / "mirrored"
    directory.mkdir()
    bind(running, directory)
    stop = threading.Event()
    written = bytearray()

    def write() -> None:
        with open(directory / "slow", "wb", buffering=0) as file:
            while not stop.wait(0.02):
                file.write(b"line\n")
                written.extend(b"line\n")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        until(lambda: (running.current / "slow").exists(), "a file that is always written never came in", within=20)
    finally:
        stop.set()
        writer.join()
    assert settled(running, directory)[b"slow"][-1] == bytes(written)


def test_places_that_cannot_be_mirrors(running: Running, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(running.source)
    (tmp_path / "other").mkdir()
    (running.state / "within").mkdir()
    for place in (tmp_path / "link", running.state / "within", tmp_path / "missing"):
        assert running.ctl("mirror", "add", "demo", str(place), check=False).returncode in (1, 2), place
    assert running.ctl("mirror", "add", "nobody", str(tmp_path / "other"), check=False).returncode == 1
    assert running.ctl("mirror", "remove", "demo", check=False).returncode == 1
    running.ctl("mirror", "add", "demo", str(tmp_path / "other"))
    again = running.ctl("mirror", "add", "demo", str(tmp_path / "other"), check=False)
    assert again.returncode == 1
    assert "already" in again.stderr

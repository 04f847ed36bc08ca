"""Filesystem operations by plain system calls, the same on every filesystem compared. Medians in microseconds unless
said; `cold` is after the kernel has dropped its caches (as root)."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

COUNT = 300
LISTED = 10_000
LARGE_MIB = 128
MIB = 1 << 20
DENTRIES, PAGES = "2", "1"


def operations(directory: Path) -> dict[str, float]:
    """Each operation in a new directory."""
    directory.mkdir()
    names = [f"{directory}/f{number}" for number in range(COUNT)]
    data = os.urandom(4096)
    found = {"create + write 4 KiB + close": _timed(names, lambda name: _write(name, data))}
    drop(DENTRIES)
    found["stat cold"] = _timed(names, os.stat)
    found["stat warm"] = _timed(names, os.stat)
    found["stat missing"] = _timed([name + "-" for name in names], _missing)
    drop(PAGES)
    found["open + read 4 KiB + close, first"] = _timed(names, _read)
    found["open + read 4 KiB + close, cached"] = _timed(names, _read)
    found["append 100 B"] = _appends(names[0])
    found["chmod"] = _timed(names, lambda name: os.chmod(name, 0o600))
    found["rename"] = _timed(names, lambda name: os.rename(name, name + "r"))
    found["unlink"] = _timed([name + "r" for name in names], os.unlink)
    return found


def listings(directory: Path) -> dict[str, float]:
    """Milliseconds to list a directory of 10,000 files."""
    directory.mkdir()
    for number in range(LISTED):
        os.close(os.open(f"{directory}/file-{number}", os.O_CREAT | os.O_WRONLY))
    found = {}
    for name, operation in (("readdir", lambda: os.listdir(directory)), ("ls -l", lambda: _ls(directory))):
        drop(DENTRIES)
        found[f"{name} of 10,000, cold (ms)"] = _seconds(operation) * 1e3
        found[f"{name} of 10,000, warm (ms)"] = min(_seconds(operation) for _ in range(3)) * 1e3
    return found


def throughput(directory: Path) -> dict[str, float]:
    """MiB/s of one large file."""
    directory.mkdir()
    path = directory / "large"
    data = os.urandom(MIB)
    found = {"sequential write (MiB/s)": LARGE_MIB / _seconds(lambda: _write_large(path, data))}
    drop(PAGES)
    found["sequential read, uncached (MiB/s)"] = LARGE_MIB / _seconds(lambda: _read_large(path))
    found["sequential read, cached (MiB/s)"] = LARGE_MIB / _seconds(lambda: _read_large(path))
    return found


def drop(which: str) -> None:
    """Let the kernel forget what it has cached, where we may."""
    if os.geteuid() == 0:
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text(which)


def _timed(names: list[str], operation: Callable[[str], object]) -> float:
    return median(_seconds(lambda: operation(name)) for name in names) * 1e6  # noqa: B023


def _seconds(operation: Callable[[], object]) -> float:
    started = time.perf_counter()
    operation()
    return time.perf_counter() - started


def _write(name: str, data: bytes) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(descriptor, data)
    os.close(descriptor)


def _read(name: str) -> None:
    descriptor = os.open(name, os.O_RDONLY)
    os.read(descriptor, 4096)
    os.close(descriptor)


def _missing(name: str) -> None:
    try:
        os.stat(name)
    except FileNotFoundError:
        return


def _appends(name: str) -> float:
    descriptor = os.open(name, os.O_WRONLY | os.O_APPEND)
    took = [_seconds(lambda: os.write(descriptor, b"x" * 100)) for _ in range(COUNT)]
    os.close(descriptor)
    return median(took) * 1e6


def _ls(directory: Path) -> None:
    subprocess.run(["ls", "-l", str(directory)], stdout=subprocess.DEVNULL, check=True)


def _write_large(path: Path, data: bytes) -> None:
    with open(path, "wb", buffering=0) as file:
        for _ in range(LARGE_MIB):
            file.write(data)


def _read_large(path: Path) -> None:
    with open(path, "rb", buffering=0) as file:
        while file.read(MIB):
            pass

"""Filesystem operations by plain system calls, medians in microseconds, the same on every filesystem compared."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

COUNT = 500


def operations(directory: Path) -> dict[str, float]:
    """Median microseconds of each operation in a new directory."""
    directory.mkdir()
    names = [f"{directory}/f{number}" for number in range(COUNT)]
    data = os.urandom(4096)
    found = {"create+write 4 KiB+close": _timed(names, lambda name: _write(name, data))}
    found["stat"] = _timed(names, os.stat)
    found["stat missing"] = _timed([name + "-" for name in names], _missing)
    found["open+read 4 KiB+close"] = _timed(names, _read)
    found["append 100 B"] = _appends(names[0])
    found["chmod"] = _timed(names, lambda name: os.chmod(name, 0o600))
    found["rename"] = _timed(names, lambda name: os.rename(name, name + "r"))
    found["readdir of 500"] = median(_timed([str(directory)], os.listdir) for _ in range(5))
    found["unlink"] = _timed([name + "r" for name in names], os.unlink)
    directory.rmdir()
    return found


def _timed(names: list[str], operation: Callable[[str], object]) -> float:
    took = []
    for name in names:
        started = time.perf_counter()
        operation(name)
        took.append(time.perf_counter() - started)
    return median(took) * 1e6


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
    took = []
    for _ in range(COUNT):
        started = time.perf_counter()
        os.write(descriptor, b"x" * 100)
        took.append(time.perf_counter() - started)
    os.close(descriptor)
    return median(took) * 1e6

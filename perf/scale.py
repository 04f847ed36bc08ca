"""A long history: what looking at the past, starting and memory cost at 10,000 and at 1,000,000 events."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from perf.daemon import Measured
from perf.table import Row

FEW, MANY = 2_000, 98_000
STEPS = (10_000, 1_000_000)
LOOKS = 200
WORK = """
import os, sys
base, first, last, files = sys.argv[1], *map(int, sys.argv[2:])
for number in range(first, last):
    directory = f"{base}/d{number % files // 1000}"
    if number % files % 1000 == 0:
        os.makedirs(directory, exist_ok=True)
    descriptor = os.open(f"{directory}/f{number % files}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.write(descriptor, b"%d" % number)
    os.close(descriptor)
"""


def measure() -> Iterator[Row]:
    """Grow one project's history and look at the same part of it at both sizes."""
    looks = []
    with Measured() as daemon:
        (daemon.current / "more").mkdir()
        for wanted, directory, files in zip(STEPS, (".", "more"), (FEW, MANY), strict=True):
            written = 0
            while (missing := wanted - daemon.head()) > 0:
                more = written + max(1000, missing // 3)
                work = [sys.executable, "-c", WORK, str(daemon.current / directory), *map(str, (written, more, files))]
                subprocess.run(work, check=True)
                written = more
            looks.append(_look(daemon))
            yield Row(f"look at a past moment, {wanted:,} events", "< 100 ms", "", f"{looks[-1]:.2f} ms")
        yield Row("the same, as a ratio", "", "<= 1.3", f"{looks[1] / looks[0]:.2f}")
        yield Row("memory, 100,000 files", "< 2 GB", "< 200 MB", f"{daemon.resident_mb():.0f} MB")
        yield Row("ready after start", "", "< 1 s", f"{daemon.restart():.2f} s")
        yield Row("memory after start", "< 2 GB", "< 200 MB", f"{daemon.resident_mb():.0f} MB")


def _look(daemon: Measured) -> float:
    """Median ms to enter a moment nobody has looked at, list a directory there and read a file."""
    head = daemon.head()
    took = []
    for number in range(LOOKS):
        moment = daemon.current.parent / "history" / f"@{head - head * number // (LOOKS * 2)}"
        started = time.perf_counter()
        Path(moment, "d0", "f7").read_bytes()
        os.listdir(moment)
        took.append(time.perf_counter() - started)
    return median(took) * 1e3

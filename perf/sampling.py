"""A daemon's memory, descriptors and threads over time, from /proc."""

import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

EVERY_S = 0.5


class Size(NamedTuple):
    """What a process takes at a moment. `memory` in MB, without pages of files."""

    at: float
    memory: float
    descriptors: int
    threads: int


class Sampling:
    """Samples while its block runs."""

    def __init__(self, pid: int) -> None:
        self._process = Path(f"/proc/{pid}")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.sizes: list[Size] = []

    def __enter__(self) -> "Sampling":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            self.sizes.append(self._size())

    def _size(self) -> Size:
        status = dict(line.split(":\t", 1) for line in (self._process / "status").read_text().splitlines())
        memory = int(status["RssAnon"].split()[0]) * 1024 / 1e6
        return Size(time.monotonic(), memory, len(os.listdir(self._process / "fd")), int(status["Threads"]))


def slope_per_minute(points: list[tuple[float, float]]) -> float:
    """Of the straight line through them (least squares), in units a minute; 0.0 of fewer than two."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return 60 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0

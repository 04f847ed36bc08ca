"""What /proc tells about a process: its parent and when it started (proc(5))."""

from typing import NamedTuple


class Process(NamedTuple):
    """`started` in clock ticks since boot: with the pid it names a process for good, pids alone are reused."""

    parent: int
    started: int


def process(pid: int) -> Process | None:
    """None where there is no such process, or it cannot be looked at."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            fields = file.read(2048).rpartition(b")")[2].split()
        return Process(int(fields[1]), int(fields[19]))
    except (OSError, IndexError, ValueError):
        return None

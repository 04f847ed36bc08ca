"""What /proc tells about a process: its parent, when it started, its children and environment (proc(5))."""

import os
from collections.abc import Iterable
from typing import NamedTuple

MAX_ENVIRONMENT = 256 * 1024
MAX_STATUS = 16 * 1024


class Process(NamedTuple):
    """`started` in clock ticks since boot: with the pid it names a process for good, pids alone are reused.

    `session` is the pid of its session's leader, `terminal` the number of the terminal that controls it, 0 for none.
    """

    parent: int
    started: int
    session: int = 0
    terminal: int = 0


def process(pid: int) -> Process | None:
    """None where there is no such process, or it cannot be looked at."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            fields = file.read(2048).rpartition(b")")[2].split()
        return Process(int(fields[1]), int(fields[19]), int(fields[3]), int(fields[4]))
    except (OSError, IndexError, ValueError):
        return None


def children_of(parents: Iterable[int]) -> set[int]:
    """All present processes with one of these parents."""
    wanted = set(parents)
    found = set()
    for name in os.listdir("/proc"):
        if name.isascii() and name.isdigit():
            child = process(int(name))
            if child is not None and child.parent in wanted:
                found.add(int(name))
    return found


def environment(pid: int, names: Iterable[str]) -> dict[str, str]:
    """These variables as the process was started with; empty where they cannot be read."""
    try:
        with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
            given = dict(entry.partition(b"=")[::2] for entry in file.read(MAX_ENVIRONMENT).split(b"\0"))
    except OSError:
        return {}
    wanted = ((name, given.get(name.encode())) for name in names)
    return {name: value.decode("utf-8", "replace") for name, value in wanted if value is not None}


def user_of(pid: int) -> int:
    """The uid that a process runs as; -1 where there is none."""
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return -1


def is_contained(pid: int) -> bool:
    """Whether a process is in another pid namespace than we, say in a container; also where that cannot be told.

    ``NSpid`` has its number in ours, and one more for each namespace below (proc_pid_status(5)); 0 is nobody's.
    """
    try:
        with open(f"/proc/{pid}/status", "rb", buffering=0) as file:
            numbers = file.read(MAX_STATUS).partition(b"\nNSpid:")[2].partition(b"\n")[0].split()
    except OSError:
        return True
    return len(numbers) != 1


def boot() -> str:
    """What tells this run of the kernel from any other."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""

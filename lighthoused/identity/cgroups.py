"""Control groups as a mark that processes cannot lose: children are born into their parent's (cgroups(7)).

An agent's process is put into a group below the one it is in, so that limits set on it go on counting. The group's name
ends in a random token; who belongs to a token is not known here. Version 2 is preferred, else a named hierarchy or
`pids` of version 1. Everything here blocks for some milliseconds at most.
"""

import contextlib
import os
import re
from pathlib import Path
from typing import NamedTuple

from lighthoused.identity.processes import children_of

PREFIX = "lighthouse-"
MAX_CGROUP = 64 * 1024
PASSES = 5
"""Times that new children are looked for, while those known are moved."""
_OURS = re.compile(rf"/{PREFIX}([0-9a-f]{{32}})(?=/|$)", re.ASCII | re.MULTILINE)
_MOUNT_ESCAPE = re.compile(r"\\([0-7]{3})", re.ASCII)


class Hierarchy(NamedTuple):
    """A mounted hierarchy: how /proc/<pid>/cgroup names it, where it is mounted, and which group is seen there."""

    name: str
    mountpoint: str
    root: str


class Cgroups:
    """The hierarchies that groups can be made in, best first."""

    def __init__(self, mounts: Path = Path("/proc/self/mountinfo")) -> None:
        self._hierarchies = _hierarchies(mounts)

    def enclose(self, pid: int, token: str) -> str:
        """Put a process and its present descendants into a new group; its directory, "" where none can be made."""
        for hierarchy in self._hierarchies:
            directory = self._directory(hierarchy, pid)
            if directory is None:
                continue
            made = os.path.join(directory, PREFIX + token)
            try:
                os.mkdir(made, 0o755)
            except OSError:
                continue
            if _move_all(made, pid):
                return made
            remove(made)
        return ""

    @staticmethod
    def _directory(hierarchy: Hierarchy, pid: int) -> str | None:
        """Where a process is, groups made here left out of account."""
        for line in _read(pid).splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == hierarchy.name and (path + "/").startswith(hierarchy.root.rstrip("/") + "/"):
                within = path[len(hierarchy.root.rstrip("/")) :]
                return hierarchy.mountpoint + _OURS.sub("", within)
        return None


def token_of(pid: int) -> str:
    """The token of the innermost of our groups that a process is in, "" if it is in none."""
    found = _OURS.findall(_read(pid))
    return str(found[-1]) if found else ""


def remove(directory: str) -> bool:
    """Remove a group; whether it is gone, which it is not while processes are in it."""
    try:
        os.rmdir(directory)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _move_all(directory: str, pid: int) -> bool:
    """Move a process, then those of its descendants that are there; those born meanwhile may be missed by one pass."""
    if not _move(directory, pid):
        return False
    moved = {pid}
    for _ in range(PASSES):
        fresh = children_of(moved) - moved
        if not fresh:
            break
        for child in fresh:
            _move(directory, child)
        moved |= fresh
    return True


def _move(directory: str, pid: int) -> bool:
    with contextlib.suppress(OSError), open(directory + "/cgroup.procs", "wb", buffering=0) as file:
        return file.write(b"%d" % pid) > 0
    return False


def _read(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cgroup", "rb", buffering=0) as file:
            return file.read(MAX_CGROUP).decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def _hierarchies(mounts: Path) -> tuple[Hierarchy, ...]:
    """proc(5), mountinfo: the fourth field is what of the hierarchy is seen at the fifth."""
    ranked: list[tuple[int, Hierarchy]] = []
    with contextlib.suppress(OSError):
        for line in mounts.read_text().splitlines():
            fields = line.split(" ")
            kind, _, options = fields[fields.index("-") + 1 :][:3]
            root, mountpoint = (_MOUNT_ESCAPE.sub(lambda code: chr(int(code[1], 8)), field) for field in fields[3:5])
            named = [option for option in options.split(",") if option.startswith("name=")]
            if kind == "cgroup2":
                ranked.append((0, Hierarchy("", mountpoint, root)))
            elif kind == "cgroup" and named:
                ranked.append((1, Hierarchy(named[0], mountpoint, root)))
            elif kind == "cgroup" and "pids" in options.split(","):
                ranked.append((2, Hierarchy("pids", mountpoint, root)))
    return tuple(hierarchy for _, hierarchy in sorted(ranked, key=lambda one: one[0]))

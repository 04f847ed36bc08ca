"""Copies a directory into an empty project through the mount: for a daemon that may not read what its users have."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from lighthoused.core.errors import Invalid

SHOWN = 5
"""Problems that are told one by one."""


def daemon_may_read(pid: int) -> bool:
    """Whether the daemon's process is root's or our own user's."""
    try:
        return os.stat(f"/proc/{pid}").st_uid in (0, os.geteuid())
    except FileNotFoundError:
        return False


def count_entries(directory: Path) -> int:
    """How many files and directories there are below."""
    return sum(len(names) + len(files) for _, names, files in os.walk(directory))


def carry(directory: Path, current: Path, progress: Callable[[int], None]) -> int:
    """Copy with modes, times, links and attributes (``cp -a``); the number of entries. Raises Invalid."""
    if not current.is_dir():
        raise Invalid(f"The mount does not show {current}.", "Is it mounted, and may you enter it?")
    command = ["cp", "-a", "-v", "-T", "--", str(directory), str(current)]
    environment = {**os.environ, "LC_ALL": "C"}
    done = -1
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as copying:
        assert copying.stdout is not None
        assert copying.stderr is not None
        for _ in copying.stdout:
            done += 1
            progress(done)
        problems = copying.stderr.read().decode(errors="replace").splitlines()
    if copying.returncode:
        told = "\n".join(problems[:SHOWN])
        raise Invalid(
            f"Not all of {directory} could be copied:\n{told}", "What could is there; copy the rest yourself."
        )
    return done

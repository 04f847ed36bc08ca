"""Copies a directory into an empty project through the mount: for a daemon that may not read what its users have."""

import os
import re
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from lighthoused.core.errors import Invalid

SHOWN = 5
"""Problems that are told one by one."""
_ACCESS_LIST = re.compile(r"cp: preserving permissions for .*: Operation not supported")
"""What cp says of a file whose list of access rights (acl(5)) could not be kept: it leaves its mode unset, too."""


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
    """Copy with modes, times, links and attributes (``cp -a``). Raises Invalid.

    Gives how many entries have lists of access rights (ACLs), of which only the modes were kept.
    """
    if not current.is_dir():
        raise Invalid(f"The mount does not show {current}.", "Is it mounted, and may you enter it?")
    command = ["cp", "-a", "-v", "-T", "--", str(directory), str(current)]
    with tempfile.TemporaryFile() as errors:
        copying = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env={**os.environ, "LC_ALL": "C", "QUOTING_STYLE": "c"}
        )
        with copying:
            assert copying.stdout is not None
            for done, _ in enumerate(copying.stdout):
                progress(done)
        errors.seek(0)
        said = errors.read().decode(errors="replace").splitlines()
    problems = [line for line in said if not _ACCESS_LIST.fullmatch(line)]
    if copying.returncode and (problems or not said):
        told = "\n".join(problems[:SHOWN])
        raise Invalid(
            f"Not all of {directory} could be copied:\n{told}", "What could is there; copy the rest yourself."
        )
    if said:
        _set_modes(directory, current)
    return len(said)


def _set_modes(directory: Path, current: Path) -> None:
    """Give every entry the mode that it has outside; directories after what is in them."""
    for folder, _, files in os.walk(directory, topdown=False):
        there = current / Path(folder).relative_to(directory)
        for name in (*files, "."):
            mode = os.lstat(os.path.join(folder, name)).st_mode
            if not stat.S_ISLNK(mode) and os.lstat(there / name).st_mode != mode:
                os.chmod(there / name, stat.S_IMODE(mode))

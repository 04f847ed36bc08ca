"""The kernel's table of mounts (proc_pid_mountinfo(5)): which mount of ours is on a directory, and when it goes."""

import os
import select
from pathlib import Path

import trio

SUBTYPE = "lighthouse"
TABLE = "/proc/self/mountinfo"
LOOK_EVERY_S = 0.25


def mounted(mountpoint: Path) -> str:
    """The device (``0:52``) of the newest mount of ours on a directory, "" where there is none."""
    wanted = str(mountpoint.absolute()).replace("\\", r"\134").replace(" ", r"\040")
    with open(TABLE) as table:
        found = [line.split() for line in table if f" fuse.{SUBTYPE} " in line]
    return next((words[2] for words in reversed(found) if words[4] == wanted), "")


class Watch:
    """Tells whether the mount that was on a directory at the start is still there; asking costs a poll(2).

    A mount that cannot be seen from here, in another mount namespace, is taken to be there.
    """

    def __init__(self, mountpoint: Path) -> None:
        self._mountpoint = mountpoint
        self._device = mounted(mountpoint)
        self._table = os.open(TABLE, os.O_RDONLY | os.O_CLOEXEC)
        self._changes = select.poll()
        self._changes.register(self._table, select.POLLPRI)
        self._there = True

    async def gone(self) -> None:
        """Return once it is not there any more; trio cannot wait for POLLPRI."""
        while True:
            if not self._is_there():
                return
            await trio.sleep(LOOK_EVERY_S)

    def close(self) -> None:
        """No longer needed."""
        os.close(self._table)

    def _is_there(self) -> bool:
        if self._device and self._changes.poll(0):
            self._there = mounted(self._mountpoint) == self._device
        return self._there

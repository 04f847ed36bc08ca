"""The mount's life: a stale one cleaned up, a new one made, served, and taken down."""

import errno
import logging
import os
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path

import pyfuse3
import structlog
import trio

from lighthoused.core.errors import Invalid, LighthouseError
from lighthoused.mount.kept import Inherited
from lighthoused.mount.loop import install
from lighthoused.mount.operations import Operations
from lighthoused.mount.vnode import FIRST_VIRTUAL, VnodeTable

log = structlog.get_logger()

SUBTYPE = "lighthouse"
PROBE_S = 3.0
MAX_TASKS = 1000
"""Requests under way at a time."""


class MountFailed(LighthouseError):
    """The mount could not be made."""

    code = "mount_failed"


class Session:
    """One mount at `mountpoint`; libfuse allows one per process. `kept`: it is there already, and stays after us."""

    def __init__(
        self, operations: Operations, mountpoint: Path, allow_other: bool, kept: Inherited | None = None
    ) -> None:
        self._operations = operations
        self._mountpoint = mountpoint
        self._allow_other = allow_other
        self._kept = kept
        self._initialised = False
        self._mounted = False

    @property
    def open_handles(self) -> int:
        """Files and directories that are open."""
        return len(self._operations.handles)

    @property
    def virtual(self) -> VnodeTable:
        """The virtual nodes that the kernel knows."""
        return self._operations.virtual

    async def mount(self) -> None:
        """Take up the kept mount, or clean up what a dead daemon left and mount. Raises MountFailed, Invalid."""
        if self._kept is not None:
            await self._take_up(self._kept)
            return
        await trio.to_thread.run_sync(prepare, self._mountpoint)
        options = {"default_permissions", "fsname=lighthouse", f"subtype={SUBTYPE}"}
        if self._allow_other:
            options.add("allow_other")
        try:
            pyfuse3.init(self._operations, str(self._mountpoint), options)
        except RuntimeError as error:
            hint = "Is /dev/fuse there and open to this user, and fuse3 installed? In a container: docs/containers.md."
            raise MountFailed(f"{self._mountpoint} could not be mounted: {error}.", hint) from None
        self._initialised = self._mounted = True

    async def _take_up(self, kept: Inherited) -> None:
        mount, holds = kept.mount, kept.holds
        if not mount.is_new:
            await self._operations.restore(holds, kept.acts)
        await mount.take_up(self._operations)
        self._initialised = self._mounted = True
        mount.resume()
        log.info("mount.taken_up", new=mount.is_new, handles=len(holds.handles), nodes=len(holds.nodes))

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Answer requests until `unmount`."""
        install()
        logging.getLogger("pyfuse3").addFilter(_is_of_interest)
        task_status.started()
        await pyfuse3.main(max_tasks=MAX_TASKS)

    async def unmount(self) -> None:
        """Let `serve` return. A mount that is not kept is taken down, also while processes use it (ENOTCONN)."""
        if not self._mounted:
            return
        self._mounted = False
        if self._kept is None:
            await trio.to_thread.run_sync(detach, self._mountpoint)
        pyfuse3.terminate()

    def close(self) -> None:
        """Give the kernel connection back, after `serve` has returned."""
        if self._initialised:
            pyfuse3.close(unmount=False)

    async def invalidate(self, inodes: Iterable[int], entries: Iterable[tuple[int, bytes]]) -> None:
        """Make the kernel forget what changed behind its back."""
        if self._mounted:
            await trio.to_thread.run_sync(_invalidate, list(inodes), list(entries))


def _is_of_interest(record: logging.LogRecord) -> bool:
    """Not that nobody waits for an answer any more: who asked died, or the mount went (fuse_reply_err gives ENOENT)."""
    return not record.getMessage().endswith(os.strerror(errno.ENOENT))


def prepare(mountpoint: Path) -> None:
    """Make the directory, and unmount what a daemon that died left on it. Raises Invalid, MountFailed."""
    if _is_mounted(mountpoint):
        if _answers(mountpoint):
            raise MountFailed(
                f"{mountpoint} is served by another lighthoused.", "Stop it, or choose another --mount and --state."
            )
        log.warning("mount.stale", mountpoint=str(mountpoint))
        detach(mountpoint)
    try:
        mountpoint.mkdir(parents=True, exist_ok=True)
        occupied = any(mountpoint.iterdir())
    except OSError as error:
        raise Invalid(f"{mountpoint} cannot be used as the mount: {error.strerror}.") from error
    if occupied:
        raise Invalid(f"{mountpoint} is not empty, mounting would hide its files.", "Choose another --mount.")


def detach(mountpoint: Path) -> None:
    """Unmount lazily: umount(8) as root, else fusermount3(1)."""
    command = ["umount", "--lazy"] if os.geteuid() == 0 else ["fusermount3", "-u", "-z", "-q"]
    done = subprocess.run([*command, str(mountpoint)], capture_output=True, text=True, check=False)
    if done.returncode and _is_mounted(mountpoint):
        log.error("mount.detach_failed", mountpoint=str(mountpoint), error=done.stderr.strip())


def _is_mounted(mountpoint: Path) -> bool:
    wanted = str(mountpoint.absolute()).replace("\\", r"\134").replace(" ", r"\040")
    with open("/proc/self/mountinfo") as table:
        return any(line.split()[4] == wanted and f" fuse.{SUBTYPE} " in line for line in table)


def _answers(mountpoint: Path) -> bool:
    """Whether a live daemon serves the mount; a hung one counts as alive, its requests as unanswered.

    statvfs(3) is asked of the daemon each time, where stat(2) may be answered by the kernel for a dead one.
    """
    outcome: list[bool] = []

    def probe() -> None:
        try:
            os.statvfs(mountpoint)
            outcome.append(True)
        except OSError as error:
            outcome.append(error.errno != errno.ENOTCONN)

    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    thread.join(PROBE_S)
    return outcome[0] if outcome else True


def _invalidate(inodes: list[int], entries: list[tuple[int, bytes]]) -> None:
    for parent, name in entries:
        try:
            pyfuse3.invalidate_entry(parent, name)
        except OSError as error:
            _unless_unknown(error)
    for ino in inodes:
        if ino < FIRST_VIRTUAL:
            try:
                pyfuse3.invalidate_inode(ino)
            except OSError as error:
                _unless_unknown(error)


def _unless_unknown(error: OSError) -> None:
    if error.errno != errno.ENOENT:
        log.error("mount.invalidate_failed", error=str(error))

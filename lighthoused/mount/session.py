"""The mount's life: a stale one cleaned up, a new one made, served, and taken down."""

import errno
import logging
import os
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import pyfuse3
import structlog
import trio

from lighthoused.core.errors import Invalid, LighthouseError
from lighthoused.mount.kept import Inherited, MountLost
from lighthoused.mount.loop import install
from lighthoused.mount.operations import Operations
from lighthoused.mount.table import SUBTYPE, Watch, mounted
from lighthoused.mount.vnode import FIRST_VIRTUAL, VnodeTable

log = structlog.get_logger()

PROBE_S = 3.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
"""A mount that is lost sooner than this is made again after a longer pause."""
MAX_TASKS = 1000
"""Requests under way at a time."""
ABORTED = "The kernel ended its connection to the mount."
UNMOUNTED = "Somebody unmounted it."


class MountFailed(LighthouseError):
    """The mount could not be made."""

    code = "mount_failed"


class Losses(Protocol):
    """Takes note that the mount is lost, and that it is there again."""

    def lost(self, why: str) -> None:
        """The mount is gone, or still cannot be made again, for this reason."""

    def restored(self) -> None:
        """The mount is there again."""


class Session:
    """The mount at `mountpoint`; libfuse allows one per process. `kept`: it is there already, and stays after us."""

    def __init__(
        self,
        operations: Operations,
        mountpoint: Path,
        allow_other: bool,
        losses: Losses,
        kept: Inherited | None = None,
    ) -> None:
        self._operations = operations
        self._mountpoint = mountpoint
        self._allow_other = allow_other
        self._losses = losses
        self._kept = kept
        self._initialised = False
        self._mounted = False
        self._stopping = False
        self._parted = False
        self._invalidating = 0
        self._invalidated = trio.lowlevel.ParkingLot()
        self._pause_s = FIRST_PAUSE_S

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
            try:
                await self._take_up(self._kept)
            except MountLost as error:
                self._losses.lost(error.message)
                raise
            return
        await trio.to_thread.run_sync(prepare, self._mountpoint)
        options = {"default_permissions", "fsname=lighthouse", f"subtype={SUBTYPE}"}
        if self._allow_other:
            options.add("allow_other")
        try:
            pyfuse3.init(self._operations, str(self._mountpoint), options)
        except RuntimeError as error:
            if mounted(self._mountpoint):  # fusermount3(1) was ended after it mounted
                await trio.to_thread.run_sync(detach, self._mountpoint)
            hint = "Is /dev/fuse there and open to this user, and fuse3 installed? In a container: docs/containers.md."
            raise MountFailed(f"{self._mountpoint} could not be mounted: {error}.", hint) from None
        self._initialised = self._mounted = True

    async def _take_up(self, kept: Inherited) -> None:
        mount, holds = kept.mount, kept.holds
        mount.check_takeable(holds)
        holds.begin()
        if not mount.is_new:
            await self._operations.resumption.take_up(holds, kept.acts)
        await mount.take_up(self._operations)
        self._initialised = self._mounted = True
        mount.resume()
        log.info("mount.taken_up", new=mount.is_new, handles=len(holds.handles), nodes=len(holds.nodes))

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Answer requests until `unmount`; a mount that was lost is made again. Raises MountLost for a kept one."""
        install()
        logging.getLogger("pyfuse3").addFilter(_is_of_interest)
        task_status.started()
        while True:
            began = trio.current_time()
            why = await self._serve_until_gone()
            if self._stopping:
                self._parted = True
                return
            steady = trio.current_time() - began > STEADY_S
            self._pause_s = FIRST_PAUSE_S if steady else min(2 * self._pause_s, LONGEST_PAUSE_S)
            self._losses.lost(why)
            await self._let_go()
            if self._kept is not None:
                raise MountLost(
                    f"{self._mountpoint} is lost. {why}", "systemd starts the daemon anew, with a new mount."
                )
            if not await self._mount_again():
                return
            self._losses.restored()

    async def answers(self) -> bool:
        """Whether the mount is there and answers."""
        device = await trio.to_thread.run_sync(mounted, self._mountpoint)
        return bool(device) and await trio.to_thread.run_sync(_answers, self._mountpoint)

    async def unmount(self) -> None:
        """Let `serve` return. A mount that is not kept is taken down, also while processes use it (ENOTCONN)."""
        self._stopping = True
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
            if self._kept is not None and self._parted:
                self._kept.holds.part()

    async def invalidate(self, inodes: Iterable[int], entries: Iterable[tuple[int, bytes]]) -> None:
        """Make the kernel forget what changed behind its back."""
        if not self._mounted:
            return
        self._invalidating += 1
        try:
            await trio.to_thread.run_sync(_invalidate, list(inodes), list(entries))
        finally:
            self._invalidating -= 1
            self._invalidated.unpark_all()

    async def _serve_until_gone(self) -> str:
        """Why there is nothing to answer any more."""
        why = ABORTED

        async def watch() -> None:
            nonlocal why
            await there.gone()
            if self._mounted:
                why = UNMOUNTED
                self._mounted = False
                pyfuse3.terminate()

        there = Watch(self._mountpoint)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch)
                await pyfuse3.main(max_tasks=MAX_TASKS)
                self._mounted = False
                nursery.cancel_scope.cancel()
        finally:
            there.close()
        return why

    async def _let_go(self) -> None:
        """Nothing of the lost mount counts any more: who uses it gets ENOTCONN."""
        while self._invalidating:
            await self._invalidated.park()
        self._initialised = False
        pyfuse3.close(unmount=False)
        await self._operations.let_go()
        left = await trio.to_thread.run_sync(mounted, self._mountpoint)
        if left and self._kept is None:
            await trio.to_thread.run_sync(detach, self._mountpoint)

    async def _mount_again(self) -> bool:
        """Try until it is mounted, or it is not wanted any more: False."""
        while not self._stopping:
            await trio.sleep(self._pause_s)
            try:
                await self.mount()
            except LighthouseError as error:
                self._losses.lost(error.message)
                self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            else:
                return True
        return False


def _is_of_interest(record: logging.LogRecord) -> bool:
    """Not that nobody waits for an answer any more: who asked died, or the mount went (fuse_reply_err gives ENOENT)."""
    return not record.getMessage().endswith(os.strerror(errno.ENOENT))


def prepare(mountpoint: Path) -> None:
    """Make the directory, and unmount what a daemon that died left on it. Raises Invalid, MountFailed."""
    if mounted(mountpoint):
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
    if done.returncode and mounted(mountpoint):
        log.error("mount.detach_failed", mountpoint=str(mountpoint), error=done.stderr.strip())


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

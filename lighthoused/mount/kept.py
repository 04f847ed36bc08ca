"""A mount that systemd keeps while we are not running: taken up where the process before us left it.

libfuse answers EIO to all requests until it has seen FUSE_INIT, which the kernel sends once for each mount. So the
kernel's own bytes are kept, and given to libfuse again through a socket pair that takes the place of /dev/fuse for that
one exchange (``include/uapi/linux/fuse.h``).
"""

import os
import re
import socket
import struct
from typing import NamedTuple

import pyfuse3
import structlog
import trio

from lighthoused.core.errors import LighthouseError
from lighthoused.core.inode import Change
from lighthoused.mount.holds import Holds
from lighthoused.mount.operations import Operations
from lighthoused.survival import notify

log = structlog.get_logger()

INIT_NAME = "fuse-init"
BUFFER = 2 << 20
FUSE_NOTIFY_RESEND = 7
"""Since Linux 6.9."""
FUSE_NOTIFY_INC_EPOCH = 8
"""Since Linux 6.16."""
FUSE_INIT = 26
INIT_S = 10.0
RESENDS = (6, 9)
KERNEL = "LIGHTHOUSE_ASSUME_KERNEL"
"""A release (``6.1``) that this kernel is taken for, to see what an older one would come to."""
_OUT_HEADER = struct.Struct("<IiQ")
_IN_HEADER = struct.Struct("<IIQ")


class TakeoverFailed(LighthouseError):
    """The kept mount could not be taken up."""

    code = "takeover_failed"


class MountLost(LighthouseError):
    """A mount that only the mount helper can make is gone, or of no use."""

    code = "mount_lost"


class KeptMount:
    """The descriptor of /dev/fuse that systemd passed, and the INIT that was read from it by the first process."""

    def __init__(self, connection: int, init: int | None) -> None:
        self._connection = connection
        self._init = os.pread(init, BUFFER, 0) if init is not None else b""
        self.is_new = not self._init
        """Whether nobody has served this mount yet."""

    async def take_up(self, operations: Operations) -> None:
        """Make libfuse serve the mount. Raises TakeoverFailed, MountLost, OSError."""
        if self.is_new:
            self._init = await self._first_request()
        ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with kernels:
            for end in (ours, kernels):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            reply = await _exchange(operations, ours.fileno(), kernels, self._init)
        if self.is_new:
            _keep_init(self._init)
            os.write(self._connection, reply)
        os.dup2(self._connection, ours.detach(), inheritable=False)

    def check_takeable(self, holds: Holds) -> None:
        """Raises MountLost where a process that died left requests unanswered that the kernel will not repeat."""
        if not self.is_new and not holds.parted and kernel() < RESENDS:
            told = f"This kernel ({os.uname().release}) does not repeat what a process that died left unanswered."
            raise MountLost(told, "The mount is made anew; from Linux 6.9 on it would be gone on with.")

    async def _first_request(self) -> bytes:
        """INIT, which is there as soon as the mount is; a mount whose INIT somebody took and lost is of no use."""
        with trio.move_on_after(INIT_S):
            await trio.lowlevel.wait_readable(self._connection)
            init = await trio.to_thread.run_sync(os.read, self._connection, BUFFER)
            if _IN_HEADER.unpack_from(init)[1] == FUSE_INIT:
                return init
        raise MountLost("What the kernel said first about the kept mount is missing.", "The mount is made anew.")

    def resume(self) -> None:
        """Have the kernel look at names anew, and repeat what the process before us left unanswered."""
        if self.is_new:
            return
        for code, what in ((FUSE_NOTIFY_INC_EPOCH, "inc_epoch"), (FUSE_NOTIFY_RESEND, "resend")):
            try:
                os.write(self._connection, _OUT_HEADER.pack(_OUT_HEADER.size, code, 0))
            except OSError as error:
                log.warning("mount.kernel_too_old", notification=what, error=str(error))


class Inherited(NamedTuple):
    """A kept mount, what the kernel holds of it, and what each process changed last, which nobody may have answered."""

    mount: KeptMount
    holds: Holds
    acts: dict[int, Change]


def kernel() -> tuple[int, int]:
    """The kernel's release: its first two numbers."""
    major, minor = re.findall(r"\d+", os.environ.get(KERNEL) or os.uname().release)[:2]
    return int(major), int(minor)


async def _exchange(operations: Operations, descriptor: int, kernels: socket.socket, init: bytes) -> bytes:
    """libfuse's reply to INIT."""
    try:
        pyfuse3.init(operations, f"/dev/fd/{descriptor}", set())
    except RuntimeError as error:
        raise TakeoverFailed(f"The kept mount could not be taken up: {error}.") from None
    kernels.send(init)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pyfuse3.main)
        await trio.lowlevel.wait_readable(kernels)
        reply = kernels.recv(BUFFER)
        nursery.cancel_scope.cancel()
    return reply


def _keep_init(init: bytes) -> None:
    memory = os.memfd_create(INIT_NAME, os.MFD_CLOEXEC)
    try:
        os.write(memory, init)
        notify.keep(INIT_NAME, memory)
    finally:
        os.close(memory)

"""Landlock's system calls: rights that a process and all its children give up for good (landlock(7)).

https://docs.kernel.org/userspace-api/landlock.html. Called through ctypes: the interface is three calls that the kernel
keeps stable, and no library that wraps them is kept well. Must not know what should be allowed.
"""

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable
from typing import Literal

from lighthoused.core.errors import LighthouseError

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""The same on every architecture that has them."""
VERSION_FLAG = 1
PATH_BENEATH, NET_PORT = 1, 2
PR_SET_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"""Rights that mean something on what is no directory; others are refused there."""
MAKE_DEVICES = 1 << 6 | 1 << 11
READ = EXECUTE | READ_FILE | READ_DIR
BIND_TCP, CONNECT_TCP = 1 << 0, 1 << 1
SCOPES = 1 << 0 | 1 << 1
"""Abstract Unix sockets and signals stay within the sandbox."""

RIGHTS_BY_ABI = {1: (1 << 13) - 1, 2: REFER, 3: TRUNCATE, 5: IOCTL_DEV}
"""Which rights over files an ABI adds."""
TRUNCATE_ABI, TCP_ABI, SCOPE_ABI = 3, 4, 6

Access = Literal["read", "write", "device"]


class Unconfined(LighthouseError):
    """The kernel does not confine."""

    code = "unconfined"


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def abi() -> int:
    """The version of Landlock that the kernel has, 0 for none."""
    try:
        return int(_call(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(VERSION_FLAG)))
    except OSError:
        return 0


class Ruleset:
    """What stays allowed. `ports`: TCP ports by right, where those are given up at all."""

    def __init__(self, version: int, connect: Iterable[int] | None = None, bind: Iterable[int] | None = None) -> None:
        self._files = sum(rights for since, rights in RIGHTS_BY_ABI.items() if since <= version)
        ports = {right: given for right, given in ((CONNECT_TCP, connect), (BIND_TCP, bind)) if given is not None}
        handled = struct.pack("=Q", self._files)
        if version >= TCP_ABI:
            handled += struct.pack("=Q", sum(ports))
        if version >= SCOPE_ABI:
            handled += struct.pack("=Q", SCOPES)
        self._descriptor = int(_call(CREATE_RULESET, handled, ctypes.c_size_t(len(handled)), ctypes.c_uint32(0)))
        if version >= TCP_ABI:
            for right, given in ports.items():
                for port in given:
                    self._add(NET_PORT, struct.pack("=QQ", right, port))

    def allow(self, path: str, access: Access) -> bool:
        """Allow a path and what is below it; whether it is there to be allowed. What is in no filesystem always is."""
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            rights = self._rights(access)
            if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
                rights &= FILE_RIGHTS
            self._add(PATH_BENEATH, struct.pack("=Qi", rights, descriptor))
        except OSError as error:
            if error.errno != errno.EBADFD:
                raise
        finally:
            os.close(descriptor)
        return True

    def restrict(self) -> None:
        """Give up everything else, in this thread and its children; may be called between fork and exec."""
        if _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")
        _call(RESTRICT_SELF, ctypes.c_int(self._descriptor), ctypes.c_uint32(0))

    def close(self) -> None:
        """Keep no descriptor."""
        os.close(self._descriptor)

    def _rights(self, access: Access) -> int:
        if access == "read":
            return READ
        if access == "device":
            return self._files & (READ | WRITE_FILE | TRUNCATE | IOCTL_DEV)
        return self._files & ~(MAKE_DEVICES | IOCTL_DEV)

    def _add(self, kind: int, rule: bytes) -> None:
        _call(ADD_RULE, ctypes.c_int(self._descriptor), ctypes.c_int(kind), rule, ctypes.c_uint32(0))


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {errno.errorcode.get(code, code)}")
    return result

"""The service's side of sd_notify(3): states, and descriptors that systemd keeps while we are not running.

Without ``NOTIFY_SOCKET`` nothing is told and nothing is kept. Standard library only: the mount helper imports it.
"""

import array
import os
import socket
from collections.abc import Mapping, Sequence

Passed = Mapping[str, tuple[int, ...]]
"""Descriptors by the names that they are kept under."""
FIRST_PASSED = 3
"""SD_LISTEN_FDS_START of sd_listen_fds(3)."""


def supervised() -> bool:
    """Whether somebody listens to what we notify."""
    return bool(os.environ.get("NOTIFY_SOCKET"))


def notify(*assignments: str, descriptors: Sequence[int] = ()) -> None:
    """Send assignments such as ``READY=1``, and descriptors with them. Does nothing where nobody listens.

    Raises OSError.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    passed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.connect(address)
        sender.sendmsg(["\n".join(assignments).encode()], passed)


def keep(name: str, descriptor: int) -> None:
    """Give systemd a descriptor to keep and pass to the next process, in place of any kept by this name."""
    forget(name)
    notify("FDSTORE=1", f"FDNAME={name}", "FDPOLL=0", descriptors=(descriptor,))


def forget(name: str) -> None:
    """Have systemd close the descriptor kept by this name."""
    notify("FDSTOREREMOVE=1", f"FDNAME={name}")


def processed() -> None:
    """Return once systemd has taken note of all that was sent before (sd_notify_barrier(3))."""
    if not supervised():
        return
    reading, writing = os.pipe()
    try:
        notify("BARRIER=1", descriptors=(writing,))
    finally:
        os.close(writing)
    os.read(reading, 1)
    os.close(reading)


def passed_descriptors() -> Passed:
    """Descriptors that systemd passed to this process, by name (sd_listen_fds_with_names(3)). Closed on exec."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return {}
    names = os.environ.get("LISTEN_FDNAMES", "").split(":")
    passed: dict[str, tuple[int, ...]] = {}
    for number in range(int(os.environ.get("LISTEN_FDS", "0"))):
        descriptor = FIRST_PASSED + number
        os.set_inheritable(descriptor, False)
        name = names[number] if number < len(names) else "unknown"
        passed[name] = (*passed.get(name, ()), descriptor)
    return passed


def watchdog_interval() -> float:
    """Seconds within which systemd wants ``WATCHDOG=1`` (sd_watchdog_enabled(3)), 0.0 where it does not."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    return int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6

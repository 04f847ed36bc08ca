"""The one privileged part: makes the mount and gives its descriptor to systemd, for a daemon without any rights.

Run as root before the daemon starts and after it has stopped (``ExecStartPre=+``, ``ExecStopPost=+``), in the mount
namespace of PID 1, so that everybody sees the mount. Standard library only: it must be small to be trusted.

A user's own daemon mounts by itself; for that it is run without rights, after the daemon, to clean up.
"""

import ctypes
import errno
import os
import pwd
import shlex
import subprocess
import sys

from lighthoused.survival import notify

CLONE_NEWNS = 0x00020000
MS_NOSUID, MS_NODEV = 2, 4
UMOUNT_DETACH = 2
SUBTYPE = "fuse.lighthouse"
CONNECTION = "fuse"
"""Name by which systemd keeps the descriptor of /dev/fuse."""
OF_MOUNT = (CONNECTION, "fuse-init", "kernel-holds", "positions")
"""Names of all that is of no use without the mount. What is not stored yet is kept all the same."""
MOUNT_LOST = 69
"""What the daemon exits with where the mount was taken from it (EX_UNAVAILABLE): it is to be made anew."""
UNIT = "lighthoused.service"

_libc = ctypes.CDLL(None, use_errno=True)


def mount(mountpoint: str, user: str) -> str:
    """Make the mount for `user` and have systemd keep it, unless it is kept already; what was done.

    Raises OSError, KeyError for a user that does not exist.
    """
    _enter_namespace_of_init()
    owner = pwd.getpwnam(user)
    if mounted(mountpoint):
        if _kept_descriptors():
            return "the mount is kept from before"
        _unmount(mountpoint)
    for name in OF_MOUNT:
        notify.forget(name)
    os.makedirs(mountpoint, exist_ok=True)
    descriptor = _mount(mountpoint, owner.pw_uid, owner.pw_gid)
    notify.keep(CONNECTION, descriptor)
    notify.processed()
    return f"mounted {mountpoint} for {user}"


def unmount(mountpoint: str) -> str:
    """Take the mount down, unless the daemon is about to be started again with it; what was done."""
    _enter_namespace_of_init()
    if not mounted(mountpoint):
        return "there is no mount"
    if _restarting() and os.environ.get("EXIT_STATUS") != str(MOUNT_LOST):
        return "the mount is kept for the next start"
    _unmount(mountpoint)
    for name in OF_MOUNT:
        notify.forget(name)
    return f"unmounted {mountpoint}"


def settle() -> str:
    """Take the service's mount down unless its daemon is there or on its way; what was done.

    Run when the unit has ended: nothing of its own is run when it is stopped while systemd waits to start it again.
    """
    _enter_namespace_of_init()
    state = _asked("show", "--property=ActiveState", "--value", UNIT)
    if _ordered() or state not in ("inactive", "failed"):
        return "the daemon is on its way"
    mountpoint = _of_service()
    if not mounted(mountpoint):
        return "there is no mount"
    if state == "failed" and _kept_descriptors():
        return "the mount is kept until somebody starts the daemon"
    _unmount(mountpoint)
    return f"unmounted {mountpoint}"


def clean(mountpoint: str) -> str:
    """Take down, by fusermount3(1), what a daemon that was killed left, but no mount that is served; what was done."""
    if not mounted(mountpoint):
        return "there is no mount"
    try:
        os.statvfs(mountpoint)
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            raise
        subprocess.run(["fusermount3", "-u", "-z", "-q", mountpoint], check=False)
        return f"{'failed to unmount' if mounted(mountpoint) else 'unmounted'} {mountpoint}"
    return "the mount is served by another lighthoused"


def mounted(mountpoint: str) -> bool:
    """Whether a mount of ours is on this directory."""
    wanted = mountpoint.rstrip("/").replace("\\", r"\134").replace(" ", r"\040")
    with open("/proc/self/mountinfo") as table:
        return any(line.split()[4] == wanted and f" {SUBTYPE} " in line for line in table)


def main(arguments: list[str]) -> int:
    """``mount MOUNTPOINT USER``, ``unmount MOUNTPOINT``, ``settle`` or ``clean MOUNTPOINT``."""
    try:
        match arguments:
            case ["mount", mountpoint, user]:
                print(mount(mountpoint, user))
            case ["unmount", mountpoint]:
                print(unmount(mountpoint))
            case ["settle"]:
                print(settle())
            case ["clean", mountpoint]:
                print(clean(mountpoint))
            case _:
                usage = "mount MOUNTPOINT USER | unmount MOUNTPOINT | settle | clean MOUNTPOINT"
                print(f"error: usage: {usage}, not {arguments}", file=sys.stderr)
                return 2
    except (OSError, KeyError) as error:
        print(f"error: the mount helper failed: {error}", file=sys.stderr)
        return 1
    return 0


def _enter_namespace_of_init() -> None:
    """Commands with ``+`` run in a private namespace of their own (systemd.service(5))."""
    if os.readlink("/proc/self/ns/mnt") == os.readlink("/proc/1/ns/mnt"):
        return
    namespace = os.open("/proc/1/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _checked(_libc.setns(namespace, CLONE_NEWNS), "setns")
    finally:
        os.close(namespace)


def _mount(mountpoint: str, uid: int, gid: int) -> int:
    descriptor = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={descriptor},rootmode=40000,user_id={uid},group_id={gid},allow_other,default_permissions"
    made = _libc.mount(b"lighthouse", os.fsencode(mountpoint), SUBTYPE.encode(), MS_NOSUID | MS_NODEV, options.encode())
    _checked(made, mountpoint)
    return descriptor


def _unmount(mountpoint: str) -> None:
    _checked(_libc.umount2(os.fsencode(mountpoint), UMOUNT_DETACH), mountpoint)


def _checked(result: int, about: str) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), about)


def _kept_descriptors() -> int:
    return int(_asked("show", "--property=NFileDescriptorStore", "--value", UNIT) or 0)


def _restarting() -> bool:
    """Whether systemd starts it again: somebody ordered that, or nobody ordered anything and it failed."""
    if ordered := _ordered():
        return "stop" not in ordered
    return os.environ.get("SERVICE_RESULT", "success") != "success"


def _ordered() -> set[str]:
    """What systemd was told to do with the daemon and has not done yet: start, restart, stop."""
    jobs = [line.split() for line in _asked("list-jobs", "--no-legend").splitlines()]
    return {words[2] for words in jobs if words[1:2] == [UNIT]}


def _of_service() -> str:
    """Where the service mounts."""
    settings = shlex.split(_asked("show", "--property=Environment", "--value", UNIT))
    return dict(setting.split("=", 1) for setting in settings)["LIGHTHOUSE_MOUNT"]


def _asked(*words: str) -> str:
    done = subprocess.run(["systemctl", "--no-pager", *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

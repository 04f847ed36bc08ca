"""What a container sees of this machine: directories that are mounted in it. Pure; must not know how one is started."""

from collections.abc import Iterator
from typing import NamedTuple

_INSIDE = frozenset(
    {
        "kill",
        "service",
        "account",
        "kernel",
        "mount",
        "persist",
        "configure",
        "power",
        "firewall",
        "install",
        "uninstall",
    }
    | {"escalate_privilege", "conceal", "disguise", "permission", "trace", "listen", "probe"}
)
"""Kinds of effects that end with the container, where they are on its own system."""
_LOOKS = frozenset({"read", "collect"})


class Mount(NamedTuple):
    """A directory of this machine (`outside`) and where it is seen; `writable`: it can be changed there."""

    inside: str
    outside: str
    writable: bool = True


class Container(NamedTuple):
    """The machine of a command that runs in a container."""

    mounts: tuple[Mount, ...] = ()

    def keeps(self, kind: str, scope: str) -> bool:
        """Whether an effect that is on no path reaches nothing outside."""
        if scope in ("network", "remote", "database", "cluster") or kind == "exhaust":
            return kind == "listen"
        return kind in _INSIDE or (kind in ("execute", "interpret") and not self.mounts)

    def outside(self, path: str, kind: str) -> Iterator[str]:
        """The paths of this machine that a path in the container stands for."""
        for inside, outside, writable in self.mounts:
            if not writable and kind not in _LOOKS:
                continue
            if path == inside or path.startswith(inside.rstrip("/") + "/"):
                yield outside.rstrip("/") + path[len(inside.rstrip("/")) :] or "/"
            elif inside.startswith(path.rstrip("/") + "/") and kind in ("delete", "permission"):
                yield outside
            elif not path.startswith("/"):
                yield path

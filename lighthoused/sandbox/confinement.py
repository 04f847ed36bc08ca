"""What one agent may touch, put together, and the ruleset that holds it to that.

`lacking` says what this kernel does not confine: nothing here is silently weaker than it says.
"""

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lighthoused.sandbox import landlock, system
from lighthoused.sandbox.landlock import Ruleset, Unconfined
from lighthoused.sandbox.own import Own

NEEDED = landlock.TRUNCATE_ABI
"""The first ABI under which what cannot be written cannot be emptied either."""
ALWAYS_LACKING = (
    "Unix sockets that have a path can be connected to (Docker, D-Bus, ssh-agent), if their permissions allow it.",
    "UDP is not confined, nor to which hosts TCP connections go.",
    "Names, sizes and times of files can be seen everywhere.",
)


class Confinement(NamedTuple):
    """`abi`: the kernel's Landlock, 0 for none. `connect`, `bind`: TCP ports, None for all."""

    abi: int
    read: tuple[str, ...]
    write: tuple[str, ...]
    connect: tuple[int, ...] | None
    bind: tuple[int, ...] | None

    @property
    def weak(self) -> tuple[str, ...]:
        """What was asked for and this kernel cannot hold."""
        if not self.abi:
            return ("This kernel has no Landlock: nothing is confined.",)
        found = []
        if self.abi < NEEDED:
            found.append("Files that cannot be written can still be emptied (truncate).")
        if self.abi < landlock.TCP_ABI and (self.connect, self.bind) != (None, None):
            found.append("TCP ports are not confined.")
        return tuple(found)

    @property
    def lacking(self) -> tuple[str, ...]:
        """All that is not confined."""
        scopes = ("Signals and abstract Unix sockets are not confined.",) if self.abi < landlock.SCOPE_ABI else ()
        return (*self.weak, *scopes, *ALWAYS_LACKING) if self.abi else self.weak

    def ruleset(self) -> Ruleset:
        """The kernel's rules for it. Raises Unconfined."""
        try:
            rules = Ruleset(self.abi, self.connect, self.bind)
            for path in self.read:
                rules.allow(path, "read")
            for path in (*self.write, system.SHARED_MEMORY):
                rules.allow(path, "write")
            for path in system.DEVICES:
                rules.allow(path, "device")
        except OSError as error:
            raise Unconfined(f"The kernel does not take the sandbox: {error.strerror}.", HOW_TO) from None
        return rules


HOW_TO = "Use a Linux kernel from 6.2 on with Landlock enabled (lsm=landlock,...), or --sandbox=if-possible."


def confinement(
    *,
    home: str,
    environ: Mapping[str, str],
    project: str,
    own: Own,
    programs: Iterable[str],
    read: Iterable[str] = (),
    write: Iterable[str] = (),
    connect: tuple[int, ...] | None = None,
    bind: tuple[int, ...] | None = None,
) -> Confinement:
    """What an agent may touch. `project`: its directory under the mount, with ``current`` in it, "" for none."""
    reads = list(system.readable(home, environ, programs))
    writes = [own.temporary, own.cache, *write]
    if project:
        reads.append(project)
        writes.append(os.path.join(project, "current"))
    return Confinement(landlock.abi(), _once((*reads, *read)), _once(writes), connect, bind)


def check(found: Confinement) -> None:
    """Raises Unconfined where the kernel cannot hold what is asked for."""
    if found.weak:
        raise Unconfined(f"The agent cannot be confined. {' '.join(found.weak)}", HOW_TO)


def _once(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(path for path in paths if path))

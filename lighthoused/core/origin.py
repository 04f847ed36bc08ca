"""Where a request came from, as a tree of processes: pure, found by `identity.origins`."""

from typing import NamedTuple


class Origin(NamedTuple):
    """The root of the tree: its pid, and when it started (clock ticks since boot)."""

    pid: int = 0
    started: int = 0


NOWHERE = Origin()
"""Nothing is known."""

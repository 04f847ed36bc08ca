"""Who does something: the proven peer of a socket or file operation, as recorded in events."""

from typing import NamedTuple

from lighthoused.core.events import UNKNOWN_AGENT


class Author(NamedTuple):
    """Agent and session by name, process by its kernel credentials (uid -1, pid 0 where there is none)."""

    agent: str = UNKNOWN_AGENT
    session: str = ""
    uid: int = -1
    gid: int = -1
    pid: int = 0


DAEMON = Author(agent="lighthoused")

"""Who does something: the proven peer of a socket or file operation, as recorded in events."""

from typing import NamedTuple

import msgspec

from lighthoused.core.events import UNKNOWN_AGENT, Draft


class Author(NamedTuple):
    """Agent and session by name, process by its kernel credentials (uid -1, pid 0 where there is none)."""

    agent: str = UNKNOWN_AGENT
    session: str = ""
    uid: int = -1
    gid: int = -1
    pid: int = 0

    def draft(
        self, stream: str, kind: str, payload: object, time: int, correlation: str = "", paths: tuple[str, ...] = ()
    ) -> Draft:
        """An event that this author makes at `time` (ns); `payload` is anything that msgpack takes."""
        return Draft(
            stream=stream,
            type=kind,
            payload=msgspec.msgpack.encode(payload),
            time=time,
            agent=self.agent,
            session=self.session,
            uid=self.uid,
            pid=self.pid,
            correlation=correlation,
            paths=paths,
        )


DAEMON = Author(agent="lighthoused")

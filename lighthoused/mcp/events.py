"""The tool that reads the event log."""

import time
from typing import Annotated, Any

from pydantic import Field

from lighthoused.mcp.desk import Desk, told
from lighthoused.mcp.shaping import bounded, fitting, parsed_time, spelled_time
from lighthoused.protocol.messages.log import EventView, Filter, QueryRequest

MAX_EVENTS = 100


class Events:
    """query."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.tools = (self.query,)

    @told
    async def query(
        self,
        type: Annotated[
            str, Field(description="Type of event; may end in *: file.*, gate.judged, tool.finished, approval.*")
        ] = "",
        agent: Annotated[str, Field(description="Only what this agent did.")] = "",
        session: Annotated[str, Field(description="Only this session.")] = "",
        path: Annotated[
            str, Field(description="A path, with the project first: myproject/src. What is below it counts too.")
        ] = "",
        since: Annotated[str, Field(description="From this time on: 2026-01-31T12:00:00Z, or 10m, 2h, 1d ago.")] = "",
        until: Annotated[str, Field(description="Up to this time.")] = "",
        cursor: Annotated[int, Field(ge=0, description="From the answer before, to read on; 0 begins.")] = 0,
        limit: Annotated[int, Field(ge=1, le=MAX_EVENTS, description="At most so many events.")] = 20,
        oldest_first: Annotated[bool, Field(description="By default the newest come first.")] = False,
    ) -> dict[str, Any]:
        """Read what happened: every change, verdict, approval and session of all agents on this machine, as events.

        Filters are combined. Use it to learn who changed something and when, what was denied and why, and how calls
        ended. To read on, call again with the same filters and the answer's cursor, until that is 0.
        """
        now = time.time_ns()
        filter = Filter(
            type=type,
            agent=agent,
            session=session,
            path=path.strip("/"),
            since=parsed_time(since, now),
            until=parsed_time(until, now),
        )
        request = QueryRequest(id=0, filter=filter, cursor=cursor, limit=limit, reverse=not oldest_first)
        page = await self._desk.ask(request)
        rows = [_row(event) for event in page.events]
        shown = fitting(rows)
        return {"events": shown, "cursor": page.cursor if len(shown) == len(rows) else shown[-1]["seq"]}


def _row(event: EventView) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "time": spelled_time(event.time),
        "type": event.type,
        "agent": event.agent,
        "session": event.session,
        "paths": list(event.paths[:20]),
        "payload": bounded(event.payload),
        "correlation": event.correlation,
    }

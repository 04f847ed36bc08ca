"""Bursts of changes: what one agent did to a project in close succession, for whoever goes through its history."""

import trio

from lighthoused.protocol.messages.log import Filter
from lighthoused.protocol.messages.projects import ChangePoint
from lighthoused.store.log import Log

GAP_NS = 2_000_000_000
MAX_POINTS = 100_000


async def change_points(log: Log, project: str, since: int, until: int) -> tuple[ChangePoint, ...]:
    """All bursts with seq > `since` and <= `until`, the newest `MAX_POINTS` of them."""
    points: list[ChangePoint] = []
    cursor = since
    while True:
        page = log.query(Filter(stream=f"tree/{project}"), cursor=cursor, limit=500)
        for event, _ in page.events:
            if event.seq > until:
                return tuple(points[-MAX_POINTS:])
            last = points[-1] if points else None
            one = ChangePoint(event.seq, event.seq, event.time, event.agent, event.session, 1)
            if last and (last.agent, last.session) == (one.agent, one.session) and event.time - last.time <= GAP_NS:
                points[-1] = ChangePoint(last.first, one.last, one.time, one.agent, one.session, last.events + 1)
            else:
                points.append(one)
        cursor = page.cursor
        if not cursor:
            return tuple(points[-MAX_POINTS:])
        await trio.lowlevel.checkpoint()

"""Log lines about verdicts that are not simply allowed: who, by which rule, and the hash that finds the event.

Not what was asked, which may hold secrets: that is in the event log. Bounded, as an agent may try a thousand times a
second.
"""

import time
from collections.abc import Callable

import structlog

from lighthoused.core.verdicts import Request, Verdict

log = structlog.get_logger()

A_SECOND = 10
"""Lines a second; how many more there were is told by the next one."""


class Remarks:
    """`clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._second = 0
        self._told = 0
        self._left_out = 0

    def judged(self, request: Request, verdict: Verdict) -> None:
        """A verdict was newly made."""
        if verdict.verdict == "allow" and verdict.tier not in ("human", "expert"):
            return
        second = int(self._clock())
        if second != self._second:
            self._second, self._told = second, 0
        if self._told >= A_SECOND:
            self._left_out += 1
            return
        self._told += 1
        more = {"left_out": self._left_out} if self._left_out else {}
        self._left_out = 0
        log.info(
            f"gate.{verdict.verdict}",
            agent=request.agent,
            session=request.session,
            uid=request.uid,
            tool=request.tool,
            rule=verdict.rule,
            tier=verdict.tier,
            request=verdict.request,
            **more,
        )

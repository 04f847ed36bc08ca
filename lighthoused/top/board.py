"""What the live view knows: folded from events as they come, bounded. Pure; draws and asks nothing."""

from collections import Counter, deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from cachetools import LRUCache

from lighthoused.cli.showing import what_of
from lighthoused.protocol.messages.log import EventView

MAX_AGENTS = 500
MAX_VERDICTS = 2000
MAX_EVENTS = 5000
MAX_TEXT = 300
"""Characters kept of what an agent asked."""
ANSWERS = ("allow", "deny", "escalate")


class Judged(NamedTuple):
    """One verdict; `times` is more than 1 for those that memory gave and that were recorded together."""

    seq: int
    time: int
    agent: str
    verdict: str
    tier: str
    latency_us: int
    what: str
    rule: str
    times: int = 1


class Happened(NamedTuple):
    """One event."""

    seq: int
    time: int
    agent: str
    type: str
    what: str


class Doer:
    """What one agent did since the view began."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answers: Counter[str] = Counter()
        self.changes = 0
        self.last = ""
        self.time = 0


class Board:
    """Everything that is shown and comes from events. `skipped`: events that were left out to keep up."""

    def __init__(self) -> None:
        self.agents: LRUCache[str, Doer] = LRUCache(MAX_AGENTS)
        self.verdicts: deque[Judged] = deque(maxlen=MAX_VERDICTS)
        self.events: deque[Happened] = deque(maxlen=MAX_EVENTS)
        self.seq = 0
        self.skipped = 0
        self.approvals_moved = 0
        """Counts what concerns approvals: when it grows they have to be asked for again."""

    def fold(self, event: EventView) -> None:
        """Take an event in."""
        if self.seq and event.seq > self.seq + 1:
            self.skipped += event.seq - self.seq - 1
        self.seq = event.seq
        doer = self.agents.get(event.agent) or Doer(event.agent)
        self.agents[event.agent] = doer
        payload = event.payload if isinstance(event.payload, dict) else {}
        told = ", ".join(event.paths[:3]) or event.stream
        if event.type == "gate.judged":
            told = self._judged(event, payload, doer)
        elif event.type == "gate.hits":
            told = self._hits(event, payload, doer)
        elif event.stream.startswith("tree/"):
            doer.changes += 1
        elif event.type.startswith("approval."):
            self.approvals_moved += 1
        doer.last, doer.time = f"{event.type} {told}"[:MAX_TEXT], event.time
        self.events.append(Happened(event.seq, event.time, event.agent, event.type, told[:MAX_TEXT]))

    def doers(self) -> Iterator[Doer]:
        """Agents, the one that did something last first."""
        yield from sorted(self.agents.values(), key=lambda doer: -doer.time)

    def _judged(self, event: EventView, payload: dict[str, Any], doer: Doer) -> str:
        given = payload.get("input")
        asked = what_of(str(payload.get("tool")), given if isinstance(given, dict) else {})[:MAX_TEXT]
        verdict = str(payload.get("verdict"))
        doer.answers[verdict] += 1
        row = (str(payload.get("tier")), int(payload.get("latency_us") or 0), asked, str(payload.get("rule")))
        self.verdicts.append(Judged(event.seq, event.time, event.agent, verdict, *row))
        return f"{verdict}: {asked}"

    def _hits(self, event: EventView, payload: dict[str, Any], doer: Doer) -> str:
        """Verdicts from memory come counted by request."""
        totals: Counter[str] = Counter()
        hits = payload.get("hits")
        for found in hits.values() if isinstance(hits, dict) else ():
            if isinstance(found, list) and len(found) == 2 and isinstance(found[1], int):
                totals[str(found[0])] += found[1]
        doer.answers.update(totals)
        for verdict, count in totals.items():
            asked = f"{count} known request{'s' if count > 1 else ''}"
            self.verdicts.append(Judged(event.seq, event.time, event.agent, verdict, "memory", 0, asked, "", count))
        return ", ".join(f"{verdict} {count} times" for verdict, count in totals.items())

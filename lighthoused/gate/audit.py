"""Makes an event of every verdict and refusal, off the hot path. Hits of the memory tier are counted, in batches.

It appends through a callable, without the secrets in what was asked (`content.redaction`); what it cannot hold it
counts, and says so in the next event. Must not judge.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog
import trio

from lighthoused.core.author import DAEMON, Author
from lighthoused.core.errors import Invalid, LighthouseError, TooLarge
from lighthoused.core.events import MAX_NAME, Draft
from lighthoused.core.verdicts import Request, Verdict
from lighthoused.gate.content.redaction import redacted
from lighthoused.gate.remarks import Remarks

log = structlog.get_logger()

MAX_WAITING = 4096
"""Verdicts that wait for the store; what people and security say has as much room again."""
MAX_WAITING_BYTES = 64 << 20
MAX_VERDICT = 1 << 20
"""Bytes that an event of a verdict may take."""
MAX_HITS = 10_000
"""Requests whose hits are counted while there is no room for events."""
MAX_INPUT = 16 * 1024
MAX_EFFECTS = 32
BATCH = 256
HITS = 1000
INTERVAL_S = 1.0
CLOSE_S = 5.0

Append = Callable[[Sequence[Draft]], Awaitable[object]]
"""Appends events; returns when they are on disk. Raises core errors."""


class Audit:
    """Collects on the trio thread; `run` appends."""

    def __init__(self, append: Append, now: Callable[[], int] = time.time_ns) -> None:
        self._append = append
        self._now = now
        self._waiting: list[Draft] = []
        self._bytes = 0
        self._hits: Counter[tuple[str, str, str, str]] = Counter()
        self._hit_count = 0
        self._lost = 0
        self.ever_lost = 0
        self._appended = 0
        self._wake = trio.Event()
        self._flushing = trio.Lock()
        self._remarks = Remarks()

    @property
    def lost(self) -> int:
        """Verdicts and other events that could not be kept, and were not told of yet."""
        return self._lost

    @property
    def waiting(self) -> int:
        """Events that wait for the store."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether the next verdict would be lost, as the store has taken none for long."""
        return len(self._waiting) >= MAX_WAITING or self._bytes > MAX_WAITING_BYTES - MAX_VERDICT

    def judged(self, request: Request, verdict: Verdict) -> None:
        """A verdict that was newly made."""
        author = Author(request.agent, request.session, request.uid)
        payload = _payload(request, verdict)
        draft = author.draft(_stream(request.agent), "gate.judged", payload, self._now(), verdict.request)
        self._take(draft, MAX_WAITING)
        self._remarks.judged(request, verdict)

    def hit(self, request: Request, verdict: Verdict) -> None:
        """A verdict from memory: only counted here."""
        self._hits[request.agent, request.session, verdict.request, verdict.verdict] += 1
        self._hit_count += 1
        if self._hit_count >= HITS:
            self._gather_hits()
            self._forget_hits()

    def record(self, draft: Draft) -> None:
        """Take any event of the gate; where too many wait it is lost, and counted."""
        self._take(draft, 2 * MAX_WAITING)

    async def run(self) -> None:
        """Append what was collected, at least every second, until cancelled."""
        while True:
            with trio.move_on_after(INTERVAL_S):
                await self._wake.wait()
            self._wake = trio.Event()
            await self.flush()

    async def close(self) -> None:
        """Append what is left, once nobody is judged any more; what the store does not take in time is lost."""
        before = -1
        with trio.move_on_after(CLOSE_S, shield=True):
            while (self._waiting or self._hits) and before != self._appended:
                before = self._appended
                await self.flush()

    async def flush(self) -> None:
        """Append all that waits now; what comes meanwhile is not waited for. What the store refuses stays, if it fits.

        A caller that is cancelled leaves nothing half done: what was being appended would be appended again.
        """
        self._gather_hits()
        reached = self._appended + len(self._waiting)
        async with self._flushing:
            most = BATCH
            while self._waiting and self._appended < reached:
                batch = self._waiting[:most]
                try:
                    with trio.CancelScope(shield=True):
                        await self._append(await trio.to_thread.run_sync(_redacted, batch))
                except (Invalid, TooLarge) as error:
                    if len(batch) > 1:
                        most = 1
                        continue
                    self._refused(batch[0], error)
                except LighthouseError:
                    return
                del self._waiting[: len(batch)]
                self._appended += len(batch)
                self._bytes -= sum(len(draft.payload) for draft in batch)
                self._gather_hits()
            if self._lost:
                lost, self._lost = self._lost, 0
                self.record(DAEMON.draft("gate", "gate.audit_lost", {"lost": lost}, self._now()))

    def _refused(self, draft: Draft, error: LighthouseError) -> None:
        """The store will never take it: it must not keep out those behind it."""
        log.error("audit.refused", kind=draft.type, reason=error.message)
        self._lost += 1

    def _gather_hits(self) -> None:
        """One event for each agent and session, with counts by request, as soon as there is room for them."""
        if not self._hits or len(self._waiting) >= MAX_WAITING or self._bytes >= MAX_WAITING_BYTES:
            return
        by_asker: dict[tuple[str, str], dict[str, list[object]]] = {}
        for (agent, session, request, answer), count in self._hits.items():
            by_asker.setdefault((agent, session), {})[request] = [answer, count]
        self._hits.clear()
        self._hit_count = 0
        for (agent, session), counts in by_asker.items():
            self.record(Author(agent, session).draft(_stream(agent), "gate.hits", {"hits": counts}, self._now()))

    def _forget_hits(self) -> None:
        """Where there has been no room for long, the hits that cannot be kept are at least counted."""
        if len(self._hits) > MAX_HITS:
            self._lose(self._hits.total())
            self._hits.clear()

    def _lose(self, count: int) -> None:
        self._lost += count
        self.ever_lost += count

    def _take(self, draft: Draft, room: int) -> None:
        if len(self._waiting) >= room or self._bytes + len(draft.payload) > MAX_WAITING_BYTES:
            self._lose(1)
            return
        self._waiting.append(draft)
        self._bytes += len(draft.payload)
        self._wake.set()


def _redacted(drafts: list[Draft]) -> list[Draft]:
    return [redacted(draft) for draft in drafts]


def _stream(agent: str) -> str:
    return f"gate/{agent}".encode()[:MAX_NAME].decode("utf-8", "ignore")


def _payload(request: Request, verdict: Verdict) -> dict[str, object]:
    encoded = msgspec.json.encode(request.input)
    return {
        "tool": request.tool,
        "input": request.input
        if len(encoded) <= MAX_INPUT
        else {"truncated": encoded[:MAX_INPUT].decode("utf-8", "ignore")},
        "cwd": request.cwd,
        "verdict": verdict.verdict,
        "tier": verdict.tier,
        "rule": verdict.rule,
        "reason": verdict.reason,
        "effects": [msgspec.to_builtins(effect) for effect in verdict.effects[:MAX_EFFECTS]],
        "request": verdict.request,
        "approval": verdict.approval,
        "template": verdict.template.id if verdict.template else "",
        "latency_us": verdict.latency_us,
    }

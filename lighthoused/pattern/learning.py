"""From the log to patterns: all that people said so far at the start, and then each answer once it is on disk.

What is learnt is what the log says, and in its order: a crash forgets nothing, and living through it gives what
replaying gives. Only streams that clients cannot write count.
"""

import time
from collections.abc import Callable, Iterator

import msgspec
import structlog
import trio

from lighthoused.core.events import Event
from lighthoused.core.prepared import prepared
from lighthoused.core.verdicts import Answer as Said
from lighthoused.core.verdicts import Template
from lighthoused.pattern.answers import MAX_ANSWERS, RECENT_NS, Answer
from lighthoused.pattern.patterns import Generaliser, Patterns
from lighthoused.pattern.standing import Standing
from lighthoused.protocol.messages.log import Filter
from lighthoused.store.feed import Feed
from lighthoused.store.log import Log

log = structlog.get_logger()

STREAM = "patterns"
ANSWERED = Filter(stream="approvals/*", type="approval.answered")
RULES = Filter(stream=STREAM)
MAX_LOOKED = 20_000
"""Answers looked at at the start, most of which may teach nothing: many times what people answer in a month."""
LOOK_EVERY_S = 0.05
FIT_AFTER_S = 1.0
"""How long answers gather before the model is made."""
FIT_EVERY_S = 86_400.0


@prepared
class _Answered(msgspec.Struct):
    answer: Said
    agent: str = ""
    asked: str = ""
    template: Template | None = None


@prepared
class _Ruled(msgspec.Struct):
    pattern: str = ""
    agent: str = ""
    project: str = ""
    asked: str = ""
    template: Template | None = None


Fit = Callable[[tuple[Answer, ...]], Generaliser | None]
"""Makes a model of answers, None where there are too few; may take a second."""


class Learning:
    """Teaches `patterns` what the log says."""

    def __init__(
        self, patterns: Patterns, events: Log, feed: Feed, fit: Fit, now: Callable[[], int] = time.time_ns
    ) -> None:
        self._patterns = patterns
        self._log = events
        self._feed = feed
        self._fit = fit
        self._now = now
        self._read = 0

    def rebuild(self) -> None:
        """Take in what the log holds: all rules, and as many of the newest answers as count."""
        head = self._log.head().seq
        for event in self._all(RULES, 0):
            self._ruled(event)
        for answer in reversed(self._newest_answers()):
            self._patterns.learn(answer)
        self._read = head

    async def run(self) -> None:
        """Follow the log until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._follow)
            nursery.start_soon(self._keep_fitted)

    async def _follow(self) -> None:
        """Look for answers as the log grows; not at every commit, as most bring none."""
        while True:
            head = await self._feed.beyond(self._read)
            for event in self._all(RULES, self._read):
                self._ruled(event)
            for event in self._all(ANSWERED, self._read):
                self._answered(event)
            self._read = head
            await trio.sleep(LOOK_EVERY_S)

    def _all(self, filter: Filter, after: int) -> Iterator[Event]:
        cursor = after
        while True:
            page = self._log.query(filter, cursor=cursor)
            yield from (stored.event for stored in page.events)
            cursor = page.cursor
            if not cursor:
                return

    async def _keep_fitted(self) -> None:
        """Make the model where there is none, and anew each day without what got old; in a thread."""
        tried = -1
        due = 0.0
        while True:
            await trio.sleep(FIT_AFTER_S)
            changes = self._patterns.changes
            if self._patterns.model is None:
                due = 0.0
            if tried == changes or trio.current_time() < due:
                continue
            tried = changes
            due = trio.current_time() + FIT_EVERY_S
            await self._fit_now()

    async def _fit_now(self) -> None:
        """Answers that come meanwhile are learnt after; where one was taken back meanwhile it was in vain."""
        since = self._now() - RECENT_NS
        known = tuple(answer for answer in self._patterns.answers if answer.time >= since)
        model = await trio.to_thread.run_sync(self._fit, known)
        held = tuple(answer for answer in self._patterns.answers if answer.time >= since)
        if held[: len(known)] != known:
            return
        if model is not None:
            for answer in held[len(known) :]:
                model.learn(answer)
        self._patterns.model = model

    def _newest_answers(self) -> list[Answer]:
        recent = msgspec.structs.replace(ANSWERED, since=max(0, self._now() - RECENT_NS))
        found: list[Answer] = []
        cursor = looked = 0
        while len(found) < MAX_ANSWERS and looked < MAX_LOOKED:
            page = self._log.query(recent, cursor=cursor, reverse=True)
            found += [answer for event, _ in page.events if (answer := _answer(event)) is not None]
            looked += len(page.events)
            cursor = page.cursor
            if not cursor:
                break
        return found[:MAX_ANSWERS]

    def _answered(self, event: Event) -> None:
        answer = _answer(event)
        if answer is not None:
            self._patterns.learn(answer)

    def _ruled(self, event: Event) -> None:
        take_rule(self._patterns, event.type, event.seq, event.time, event.agent, event.payload)


def take_rule(patterns: Patterns, kind: str, seq: int, at: int, by: str, payload: bytes | msgspec.Raw) -> str:
    """Take in an event of `STREAM`: a rule that a person made, or a pattern that one revoked. The pattern's id."""
    said = msgspec.msgpack.decode(payload, type=_Ruled)
    if kind == "pattern.allowed" and said.template is not None:
        rule = Standing(seq, at, by, said.agent, said.project, said.asked, said.template)
        patterns.allow_always(rule)
        return rule.pattern
    if kind == "pattern.revoked":
        patterns.revoke(said.pattern, seq)
    return said.pattern


def _answer(event: Event) -> Answer | None:
    """None for an answer that teaches nothing: its escalation was required."""
    try:
        said = msgspec.msgpack.decode(event.payload, type=_Answered)
    except msgspec.DecodeError:
        log.warning("pattern.unreadable", seq=event.seq)
        return None
    if said.template is None:
        return None
    return Answer(event.seq, event.time, event.agent, said.answer, said.agent, said.asked, said.template)

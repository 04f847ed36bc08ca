"""The tiers of the gate as seen from outside: each with its deadline, its circuit breaker and its counts.

A tier that keeps failing is skipped, in the safe direction: without memory the policies are asked, without policies a
person, without learned patterns a person too, and where no person answers it is a denial. Must not know what a tier
does.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from lighthoused.core.spans import within
from lighthoused.gate.breaker import Breaker
from lighthoused.protocol.messages.status import TierView

log = structlog.get_logger()
Answer = TypeVar("Answer")

POLICY_S = 5.0
PATTERN_S = 0.05
"""A learned answer is there in well under a millisecond; where it takes longer, asking a person is no slower."""
UNANSWERED = 5
"""Requests in a row that nobody answers, after which the next are denied at once, until the breaker tries again."""
HUMAN_PAUSE_S = 60.0
_BUCKETS = 40


class Tier:
    """One tier's health. For the trio thread only. `deadline_s` 0: it answers at once or not at all."""

    def __init__(self, name: str, deadline_s: float, breaker: Breaker) -> None:
        self.name = name
        self.deadline_s = deadline_s
        self.breaker = breaker
        self._answered = 0
        self._abstained = 0
        self._failed = 0
        self._skipped = 0
        self._total_us = 0
        self._by_size = [0] * _BUCKETS

    def admits(self) -> bool:
        """Whether to ask it now."""
        if self.breaker.admits():
            return True
        self._skipped += 1
        return False

    def answered(self, us: int) -> None:
        """It gave a verdict, in `us` microseconds; one after the deadline counts, but as a failure of the tier."""
        self._answered += 1
        self._took(us)
        if self.deadline_s and us > self.deadline_s * 1e6:
            self.failed()
        else:
            self.breaker.succeeded()

    def abstained(self, us: int) -> None:
        """It left the verdict to the next tier."""
        self._abstained += 1
        self._took(us)
        self.breaker.succeeded()

    def failed(self) -> None:
        """It failed, or missed its deadline."""
        self._failed += 1
        self.breaker.failed()

    def hit(self) -> None:
        """It answered from memory: only counted, as this is the hot path."""
        self._answered += 1

    def ask(self, question: Callable[[], Answer | None], clock: Callable[[], int]) -> Answer | None:
        """Its answer; None where it abstains, fails or is skipped. `clock` gives nanoseconds."""
        if not self.admits():
            return None
        started = clock()
        try:
            with within(f"tier.{self.name}"):
                answer = question()
        except Exception:
            log.exception("gate.tier_failed", tier=self.name)
            self.failed()
            return None
        us = (clock() - started) // 1000
        if answer is None:
            self.abstained(us)
        else:
            self.answered(us)
        return answer

    def view(self) -> TierView:
        """Its counts since the start."""
        timed = sum(self._by_size)
        return TierView(
            self.name,
            self.breaker.state,
            self._answered,
            self._abstained,
            self._failed,
            self._skipped,
            self._total_us // timed if timed else 0,
            self._within(0.99),
        )

    @property
    def times(self) -> tuple[int, tuple[int, ...]]:
        """Microseconds that all its answers took, and how many took so many bits of them (0: none, 1: one, 2: < 4)."""
        return self._total_us, tuple(self._by_size)

    def _took(self, us: int) -> None:
        self._total_us += us
        self._by_size[min(us.bit_length(), _BUCKETS - 1)] += 1

    def _within(self, share: float) -> int:
        """Microseconds within which this share of all answers came, rounded up to a power of two."""
        wanted = share * sum(self._by_size)
        seen = 0
        for size, count in enumerate(self._by_size):
            seen += count
            if count and seen >= wanted:
                return 1 << size
        return 0


class Tiers:
    """All of them, in order. `expert` has its place between pattern and human."""

    def __init__(self, human_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.memory = Tier("memory", 0, Breaker(clock))
        self.policy = Tier("policy", POLICY_S, Breaker(clock))
        self.pattern = Tier("pattern", PATTERN_S, Breaker(clock))
        self.human = Tier("human", human_s, Breaker(clock, UNANSWERED, HUMAN_PAUSE_S))

    def all(self) -> tuple[Tier, ...]:
        return (self.memory, self.policy, self.pattern, self.human)

    def views(self) -> tuple[TierView, ...]:
        return tuple(tier.view() for tier in self.all())

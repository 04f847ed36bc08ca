"""A circuit breaker: whether something that failed lately is asked again. Knows no clock but the one it is given.

Closed: it is asked. Open, after `LIMIT` failures in a row: it is not, for `pause_s`. Half-open, then: one request tries
it, and its outcome closes the breaker or opens it again.
"""

from collections.abc import Callable
from typing import Literal

State = Literal["closed", "open", "half-open"]

LIMIT = 5
PAUSE_S = 10.0


class Breaker:
    """For one thread. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float], limit: int = LIMIT, pause_s: float = PAUSE_S) -> None:
        self._clock = clock
        self._limit = limit
        self._pause_s = pause_s
        self._failures = 0
        self._opened = 0.0
        self._tried = 0.0
        self._open = False

    @property
    def state(self) -> State:
        if not self._open:
            return "closed"
        return "half-open" if self._clock() - self._opened >= self._pause_s else "open"

    def admits(self) -> bool:
        """Whether to ask. In half-open one try each `pause_s`: a try that never ends does not keep it shut for good."""
        if not self._open:
            return True
        now = self._clock()
        if now - self._opened < self._pause_s or now - self._tried < self._pause_s:
            return False
        self._tried = now
        return True

    def succeeded(self) -> None:
        self._failures = 0
        self._open = False

    def failed(self) -> None:
        self._failures += 1
        if self._open or self._failures >= self._limit:
            self._open = True
            self._opened = self._clock()
            self._tried = self._opened - self._pause_s

"""The bounds of understanding: whatever is larger is not guessed at. Must not know what is bounded."""

import re
import time

MAX_MATCHED = 1 << 13
"""Characters of text that is searched with a pattern which may take quadratic time."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")


class Unresolvable(Exception):
    """The request is over a bound: what it would do is not known."""


class Deadline:
    """A bound on the processor time of this thread; waiting for others does not count."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.thread_time() + seconds

    @property
    def passed(self) -> bool:
        return time.thread_time() > self._end

    def check(self) -> None:
        """Raises Unresolvable when it has passed."""
        if self.passed:
            raise Unresolvable(f"The command takes more than {self._seconds * 1000:.0f} ms to understand.")


def decimal(text: str) -> int | None:
    """The decimal number, or None where it is none or has more than nine digits."""
    return int(text) if _NUMBER.fullmatch(text) else None

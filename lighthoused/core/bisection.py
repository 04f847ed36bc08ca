"""Which of a row of moments is the first bad one? Binary search that can be told that a moment cannot be judged."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

Answer = Literal["good", "bad", "skip"]


class Suspects(NamedTuple):
    """The first bad moment is after index `good` and at or before `bad`: exactly there, if there is none between."""

    good: int
    bad: int


class Bisection:
    """Over moments 0 to `count` - 1. What was before them is good (index -1), and the last one is bad."""

    def __init__(self, count: int) -> None:
        self._good = -1
        self._bad = count - 1
        self._skipped: set[int] = set()

    @property
    def suspects(self) -> Suspects:
        """What is known so far."""
        return Suspects(self._good, self._bad)

    def next(self) -> int | None:
        """The moment to judge next: the middle one, or the one nearest to it that can be; None at the end."""
        middle = (self._good + self._bad) // 2
        return next((index for index in self._from(middle) if index not in self._skipped), None)

    def told(self, index: int, answer: Answer) -> None:
        """Take in how a moment was judged."""
        if answer == "good":
            self._good = index
        elif answer == "bad":
            self._bad = index
        else:
            self._skipped.add(index)

    def _from(self, middle: int) -> Iterator[int]:
        for distance in range(self._bad - self._good):
            for index in (middle - distance, middle + distance):
                if self._good < index < self._bad:
                    yield index

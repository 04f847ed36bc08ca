"""The answers that people gave, newest last, and what those to one template say together. Bounded in number and bytes.

It holds the longest run of newest answers that fits, so that replaying the log gives exactly what living through it
gave. Knows no clock, and must not know how a template is made.
"""

from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from blake3 import blake3

from lighthoused.core.verdicts import Answer as Said
from lighthoused.core.verdicts import Template

MAX_ANSWERS = 4096
MAX_BYTES = 8 << 20
MAX_OF_ONE = 64
"""Answers to one pattern that are told apart; a request looks through all of them."""
AGREEING = 3
"""So many answers in a row have to agree before they count for the next request."""
SPACING_NS = 60 * 10**9
"""Answers that follow one another faster count once: somebody may be clicking a queue away."""
RECENT_NS = 30 * 86_400 * 10**9
"""Older answers do not count: what was right a month ago may not be."""


class Answer(NamedTuple):
    """What a person (`by`) said to a request of `agent`. `asked` is the request, shortened, for people."""

    seq: int
    time: int
    by: str
    said: Said
    agent: str
    asked: str
    template: Template

    @property
    def pattern(self) -> str:
        return pattern_id(self.template.id, "", self.template.project)

    @property
    def size(self) -> int:
        texts = (self.asked, self.template.project, self.template.where, *self.template.words, *self.template.effects)
        return 500 + sum(60 + len(text) for text in texts)


@lru_cache(2 * MAX_ANSWERS)
def pattern_id(template: str, agent: str, project: str) -> str:
    """What people tell a pattern by: a template, of one agent ("": any) in one project ("": any)."""
    return blake3(f"{template}\0{agent}\0{project}".encode()).hexdigest(5)


class Answers:
    """Those that still count. `forget` takes back all answers of a pattern before a seq."""

    def __init__(self) -> None:
        self._all: deque[Answer] = deque()
        self._bytes = 0
        self._by_pattern: dict[str, list[Answer]] = {}
        self._forgotten: dict[str, int] = {}

    def __iter__(self) -> Iterator[Answer]:
        return (answer for answer in self._all if self._counts(answer))

    def __len__(self) -> int:
        return len(self._all)

    @property
    def bytes(self) -> int:
        return self._bytes

    @property
    def newest(self) -> int:
        """seq of the newest answer, 0 where there is none."""
        return self._all[-1].seq if self._all else 0

    def add(self, answer: Answer) -> None:
        """The next answer; one that is known already changes nothing."""
        if answer.seq <= self.newest:
            return
        self._all.append(answer)
        self._bytes += answer.size
        self._by_pattern[answer.pattern] = [*self._by_pattern.pop(answer.pattern, ()), answer][-MAX_OF_ONE:]
        while len(self._all) > MAX_ANSWERS or self._bytes > MAX_BYTES:
            self._drop(self._all.popleft())

    def forget(self, pattern: str, seq: int) -> None:
        """Answers to a pattern that were given before an event do not count any more."""
        self._forgotten[pattern] = max(seq, self._forgotten.get(pattern, 0))
        if len(self._forgotten) > MAX_ANSWERS and self._all:
            oldest = self._all[0].seq
            self._forgotten = {each: until for each, until in self._forgotten.items() if until > oldest}

    def of(self, pattern: str) -> list[Answer]:
        """The answers to one pattern that count, oldest first."""
        return [answer for answer in self._by_pattern.get(pattern, ()) if self._counts(answer)]

    def patterns(self) -> list[str]:
        """Their ids, the one that was answered last first."""
        return list(reversed(self._by_pattern))

    def newest_of(self, template: Template) -> Answer | None:
        """The newest answer to this template in its project."""
        found = self.of(pattern_id(template.id, "", template.project))
        return found[-1] if found else None

    def agreed(self, template: Template, now: int) -> list[Answer]:
        """The newest answers to this template in its project where enough of them agree, newest first; else none.

        One that disagrees ends the run: whatever was said before it does not count any more.
        """
        run = self._newest_run(self.of(pattern_id(template.id, "", template.project)), now)
        return run if len(run) >= AGREEING else []

    @staticmethod
    def _newest_run(answers: list[Answer], now: int) -> list[Answer]:
        """The newest recent answers as far as they say the same, newest first, and not too close to one another."""
        run: list[Answer] = []
        for answer in reversed(answers):
            if now - answer.time > RECENT_NS or (run and answer.said != run[0].said):
                break
            if not run or run[-1].time - answer.time >= SPACING_NS:
                run.append(answer)
        return run

    def _counts(self, answer: Answer) -> bool:
        return not self._forgotten or answer.seq > self._forgotten.get(answer.pattern, 0)

    def _drop(self, answer: Answer) -> None:
        self._bytes -= answer.size
        same = self._by_pattern[answer.pattern]
        if same[0] is answer:
            del same[0]
        if not same:
            del self._by_pattern[answer.pattern]

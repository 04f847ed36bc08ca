"""The online model: what a person would probably say to a request that no template covers. It abstains unless sure.

Logistic regression over hashed features, trained one answer at a time. Sure means all of this:

- So few of the denied requests of before looked as harmless to it, when they were new, that the chance of a denied one
  among them is at most `RISK` (conformal prediction by the class "denied": Vovk et al. 2005, ch. 4.5).
- Every act of the request is known from `FAMILIAR` allowed requests of the same project: nothing is new in it but the
  combination. This holds also against somebody who picks the requests, where the first does not.
- The answers to the most similar requests are all allowances, and one of them is `SIMILAR`.

The only importer of numpy. Must not know clocks or the log.
"""

import math
from bisect import bisect_left, insort
from collections import Counter, deque
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from lighthoused.core.verdicts import Template
from lighthoused.pattern.answers import RECENT_NS, Answer
from lighthoused.pattern.features import acts_of, features_of

SIZE = 1 << 13
RATE = 0.3
RISK = 0.05
FAMILIAR = 3
SIMILAR = 0.5
NEIGHBOURS = 5
REMEMBERED = 400
"""Requests that are compared with: under half a millisecond."""
SCORES = 1024
"""Scores of denied requests that are kept."""


class _Seen:
    """An answer with its features."""

    __slots__ = ("answer", "features")

    def __init__(self, answer: Answer, features: frozenset[str]) -> None:
        self.answer = answer
        self.features = features


class Model:
    """For one thread at a time."""

    def __init__(self) -> None:
        self._weights: NDArray[np.float64] = np.zeros(SIZE)
        self._squares: NDArray[np.float64] = np.ones(SIZE)
        self._allowed: Counter[tuple[str, str]] = Counter()
        self._denied_scores: list[float] = []
        self._denied_order: deque[float] = deque()
        self._seen: deque[_Seen] = deque(maxlen=REMEMBERED)
        self.learnt = 0

    def learn(self, answer: Answer) -> None:
        """Take in an answer; before that, note how harmless its request looked."""
        self.learnt += 1
        features = features_of(answer.template)
        places = _places(features, answer.agent)
        score = self._score(places)
        wanted = 1.0 if answer.said == "allow" else 0.0
        gradient = _sigmoid(score) - wanted
        self._squares[places] += gradient * gradient
        self._weights[places] -= RATE * gradient / np.sqrt(self._squares[places])
        self._seen.append(_Seen(answer, features))
        if answer.said == "deny":
            self._calibrate(score)
        else:
            self._allowed.update((answer.template.project, act) for act in acts_of(answer.template))

    def nearest(self, template: Template, agent: str, now: int) -> list[Answer]:
        """Answers that make it sure that a person would allow this, nearest first; [] where it is not."""
        project = template.project
        if any(self._allowed[project, act] < FAMILIAR for act in acts_of(template)):
            return []
        features = features_of(template)
        if self._risk(self._score(_places(features, agent))) > RISK:
            return []
        found = self._neighbours(features, project, now)
        if not found or found[0][0] < SIMILAR or any(seen.answer.said == "deny" for _, seen in found):
            return []
        return [seen.answer for _, seen in found]

    def _risk(self, score: float) -> float:
        """The conformal p-value of "a person would deny this"."""
        as_harmless = len(self._denied_scores) - bisect_left(self._denied_scores, score)
        return (1 + as_harmless) / (1 + len(self._denied_scores))

    def _score(self, places: NDArray[np.intp]) -> float:
        return float(self._weights[places].sum())

    def _calibrate(self, score: float) -> None:
        insort(self._denied_scores, score)
        self._denied_order.append(score)
        if len(self._denied_order) > SCORES:
            oldest = self._denied_order.popleft()
            del self._denied_scores[bisect_left(self._denied_scores, oldest)]

    def _neighbours(self, features: frozenset[str], project: str, now: int) -> list[tuple[float, _Seen]]:
        """The most similar recent requests of the project, by Jaccard's index; where equal, denied ones first."""
        rated = [
            (len(features & seen.features) / len(features | seen.features), seen)
            for seen in self._seen
            if seen.answer.template.project == project and now - seen.answer.time <= RECENT_NS
        ]
        rated.sort(key=lambda each: (-each[0], each[1].answer.said == "allow", -each[1].answer.seq))
        return rated[:NEIGHBOURS]


def _places(features: frozenset[str], agent: str) -> NDArray[np.intp]:
    """Where the features are in the weights; two that fall together are one."""
    hashed = {crc32(feature.encode("utf-8", "surrogatepass")) % SIZE for feature in features}
    hashed.add(crc32(f"agent {agent}".encode("utf-8", "surrogatepass")) % SIZE)
    return np.fromiter(hashed, np.intp, len(hashed))


def _sigmoid(score: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))

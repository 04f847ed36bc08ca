"""Whether a component is slower than it was, beyond noise. Pure.

The unit is the round: within one, operations share what else the machine does, so their number says little. Each
round is divided by how fast the machine itself was in it (`REFERENCES`), which leaves what the daemon is to answer for.
Slower is what the Mann-Whitney test (Ann. Math. Stat. 18, 1947; exact) finds unlikely to be chance *and* is slower by
more than a tolerance: a real difference of two per cent is nobody's regression. Where the machine was not steady, a
difference no larger than its own unsteadiness is *unsure*: rounds that follow each other share a burst of load, which
no test over rounds can tell from a change.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Literal

import msgspec

from lighthoused.baseline.measurement import Measurement, middle

Change = Literal["slower", "faster", "same", "unsure"]

CPU, SWITCH, SYNC = "machine.cpu", "machine.switch", "machine.sync"
REFERENCES: Mapping[str, str] = {"gate.uncached": CPU, "log.query": CPU, "log.append": SYNC}
"""What of the machine a component depends on most; else how fast processes take turns."""
CHANCE = 0.001
"""How unlikely by chance a difference must be. Some 25 are judged in one comparison: one in 40 has a false one."""
TOLERANCES = {"p50": 0.10, "p95": 0.25}
"""By how much a percentile may grow. The 99th is shown by `perf show`, not judged: it is a few operations."""
RESAMPLES = 1000
CERTAINTY = 0.95
FEWEST = 7
"""Rounds on each side, below which the test can find nothing: of 6 and 6 the least chance is 1 in 924."""


class Judged(msgspec.Struct, frozen=True):
    """One percentile of one component. `ratio` is now to before, the machine's own change taken out; `low` and `high`
    are its 95 % bootstrap interval. Microseconds."""

    component: str
    percentile: str
    before_us: float
    now_us: float
    ratio: float
    low: float
    high: float
    chance: float
    change: Change


class Comparison(msgspec.Struct, frozen=True):
    """A later measurement against an earlier one. `machine`: how much slower the machine itself was, by aspect, and
    `unsteady`: how far its 95th percentile was from its median, the larger of both measurements."""

    before: str
    now: str
    judged: tuple[Judged, ...]
    machine: Mapping[str, float]
    unsteady: Mapping[str, float]
    missing: tuple[str, ...]
    """Components that only one of them has."""

    @property
    def slower(self) -> tuple[Judged, ...]:
        return self._that_are("slower")

    @property
    def unsure(self) -> tuple[Judged, ...]:
        return self._that_are("unsure")

    def _that_are(self, change: Change) -> tuple[Judged, ...]:
        return tuple(one for one in self.judged if one.change == change)


def compare(before: Measurement, now: Measurement, tolerance: float = TOLERANCES["p50"]) -> Comparison:
    """`tolerance` is that of the median; the 95th percentile has in proportion more."""
    both = [name for name in before.rounds if name in now.rounds]
    scale = tolerance / TOLERANCES["p50"]
    unsteady = {name: unsteadiness(name, before, now) for name in both if name.startswith("machine.")}
    judged = [
        _judge(name, which, before, now, max(1 + tolerance_of * scale, *_of(name, unsteady)), 1 + tolerance_of * scale)
        for name in both
        if not name.startswith("machine.")
        for which, tolerance_of in TOLERANCES.items()
    ]
    machine = {
        name: round(now.whole[name].p50 / before.whole[name].p50, 3) for name in both if name.startswith("machine.")
    }
    missing = tuple(sorted(set(before.rounds) ^ set(now.rounds)))
    return Comparison(before.name, now.name, tuple(judged), machine, unsteady, missing)


def unsteadiness(name: str, before: Measurement, now: Measurement) -> float:
    """By which factor an aspect of the machine varied within one of the measurements: the larger one."""
    return round(max(one.p95 / one.p50 for one in (before.whole[name], now.whole[name])), 3)


def _of(component: str, unsteady: Mapping[str, float]) -> Iterator[float]:
    """What a component suffers from: a busy processor, and its own reference."""
    for aspect in {CPU, SWITCH, REFERENCES.get(component, SWITCH)}:
        yield unsteady.get(aspect, 1.0)


def _judge(name: str, which: str, before: Measurement, now: Measurement, sure: float, least: float) -> Judged:
    """`least`: a ratio below is tolerated; `sure`: up to this one it may be the machine."""
    old, new = tuple(_adjusted(before, name, which)), tuple(_adjusted(now, name, which))
    ratio = middle(new) / middle(old)
    low, high = _interval(old, new)
    slower, faster = by_chance(new, old), by_chance(old, new)
    change: Change = "same"
    if slower < CHANCE and ratio > least:
        change = "slower" if ratio > sure else "unsure"
    elif faster < CHANCE and ratio < 1 / least:
        change = "faster" if ratio < 1 / sure else "unsure"
    return Judged(
        component=name,
        percentile=which,
        before_us=getattr(before.whole[name], which),
        now_us=getattr(now.whole[name], which),
        ratio=round(ratio, 3),
        low=round(low, 3),
        high=round(high, 3),
        chance=min(slower, faster),
        change=change,
    )


def _adjusted(measured: Measurement, name: str, which: str) -> Iterator[float]:
    """Each round's percentile in units of what the machine took for its reference in the same round."""
    reference = measured.rounds.get(REFERENCES.get(name, SWITCH))
    for number, one in enumerate(measured.rounds[name]):
        value: float = getattr(one, which)
        yield max(value, 1e-3) / max(reference[number].p50 if reference else 1.0, 1e-3)


def _interval(old: Sequence[float], new: Sequence[float]) -> tuple[float, float]:
    """Of the ratio of medians, by resampling rounds."""
    chance = random.Random(0)
    ratios = sorted(
        middle(chance.choices(new, k=len(new))) / middle(chance.choices(old, k=len(old))) for _ in range(RESAMPLES)
    )
    tail = int(RESAMPLES * (1 - CERTAINTY) / 2)
    return ratios[tail], ratios[-1 - tail]


def by_chance(larger: Sequence[float], smaller: Sequence[float]) -> float:
    """How likely it is that values come out so much larger, or more, if nothing differs (one-sided, exact)."""
    wins = sum((one > other) + (one == other) / 2 for one in larger for other in smaller)
    ways = _ways(len(larger), len(smaller))
    return sum(count for won, count in enumerate(ways) if won >= wins) / sum(ways)


@cache
def _ways(ours: int, theirs: int) -> tuple[int, ...]:
    """In how many orders of all values ours win 0, 1, 2... of their pairs with theirs."""
    if not ours or not theirs:
        return (1,)
    ways = [0] * (ours * theirs + 1)
    for won, count in enumerate(_ways(ours - 1, theirs)):
        ways[won + theirs] += count
    for won, count in enumerate(_ways(ours, theirs - 1)):
        ways[won] += count
    return tuple(ways)

"""What a measurement is: for each component its percentiles, on the whole and in each of many short rounds. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

EVENT = "perf.baseline"
STREAM = "perf/baselines"


class Percentiles(msgspec.Struct, frozen=True, array_like=True):
    """Microseconds within which half, 95 % and 99 % of operations were done."""

    p50: float
    p95: float
    p99: float


class Measurement(msgspec.Struct, frozen=True):
    """By component, on the whole and by rounds; `machine.*` are no parts of the daemon but of what it runs on.

    A round has few operations: only its median and 95th percentile mean something.
    """

    name: str
    version: str
    machine: str
    head: int
    """seq of the newest event when it began."""
    whole: Mapping[str, Percentiles]
    rounds: Mapping[str, Sequence[Percentiles]]
    skipped: Mapping[str, str] = {}
    """Components that could not be measured, and why."""


def percentiles(took: Sequence[float]) -> Percentiles:
    """Of the seconds that operations took."""
    ordered = sorted(took)
    return Percentiles(*(round(1e6 * _percentile(ordered, share), 2) for share in (0.50, 0.95, 0.99)))


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` of all are at or below."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def middle(values: Sequence[float]) -> float:
    """The median."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2

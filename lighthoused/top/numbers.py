"""The daemon's metrics as a person reads them: rates and percentiles between two looks. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

Labels = tuple[tuple[str, str], ...]
Buckets = tuple[tuple[float, float], ...]
"""Upper bounds, ascending, with how many values were at most that; the last bound is infinity."""


class Look(NamedTuple):
    """All samples at one moment (seconds of a monotonic clock), by name and labels."""

    at: float
    samples: Mapping[str, Mapping[Labels, float]]


def look(text: str, at: float) -> Look:
    """Samples of a text in the Prometheus format."""
    samples: dict[str, dict[Labels, float]] = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples[sample.name][tuple(sorted(sample.labels.items()))] = sample.value
    return Look(at, samples)


def gauge(now: Look, name: str) -> float:
    """The value of a metric, summed over its labels; 0 where there is none."""
    return sum(now.samples.get(name, {}).values())


def rate(before: Look, now: Look, name: str) -> float:
    """By how much a counter grew each second."""
    grown = gauge(now, name) - gauge(before, name)
    return max(0.0, grown) / max(now.at - before.at, 1e-9)


def percentile(share: float, before: Look, now: Look, name: str, **labels: str) -> float:
    """The bucket bound below which this share of new values lies; 0 where there are none, inf beyond the last one."""
    return _bound(share, tuple(_grown(before, now, f"{name}_bucket", labels)))


def tiers(now: Look) -> list[str]:
    """The tiers that have given a verdict."""
    name = "lighthouse_gate_verdict_seconds_count"
    return sorted({dict(labels).get("tier", "") for labels in now.samples.get(name, {})})


def _grown(before: Look, now: Look, name: str, labels: Mapping[str, str]) -> Iterator[tuple[float, float]]:
    """Buckets of what came between two looks, over all series with these labels."""
    totals: dict[float, float] = defaultdict(float)
    for key, value in now.samples.get(name, {}).items():
        found = dict(key)
        if all(found.get(label) == wanted for label, wanted in labels.items()):
            totals[float(found["le"])] += value - before.samples.get(name, {}).get(key, 0.0)
    yield from sorted(totals.items())


def _bound(share: float, buckets: Buckets) -> float:
    total = buckets[-1][1] if buckets else 0.0
    if total <= 0:
        return 0.0
    return next(bound for bound, count in buckets if count >= share * total)

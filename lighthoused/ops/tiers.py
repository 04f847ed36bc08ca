"""The gate's tiers as metrics: outcomes, times and circuit breakers, read from the tiers' own counts at each scrape."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lighthoused.protocol.messages.status import TierView

OUTCOMES = ("answered", "abstained", "failed", "skipped")
BREAKERS = {"closed": 0, "half-open": 1, "open": 2}
UNTIMED = "memory"
BITS = range(4, 30)
"""Buckets are below 2**bits microseconds: 16 us to 9 minutes."""


class Tier(Protocol):
    """A tier's own counts."""

    def view(self) -> TierView:
        """Its outcomes and its breaker, now."""

    @property
    def times(self) -> tuple[int, tuple[int, ...]]:
        """Microseconds that all answers took together, and how many took a number of them with so many bits."""


class TierCollector(Collector):
    """Asks `tiers` at each scrape."""

    def __init__(self, tiers: Callable[[], Sequence[Tier]]) -> None:
        self._tiers = tiers

    def describe(self) -> Iterable[Metric]:
        return _families()

    def collect(self) -> Iterable[Metric]:
        outcomes, breakers, seconds = families = _families()
        for tier in self._tiers():
            view = tier.view()
            for outcome in OUTCOMES:
                outcomes.add_metric((view.name, outcome), getattr(view, outcome))
            breakers.add_metric((view.name,), BREAKERS[view.breaker])
            total_us, by_bits = tier.times
            if view.name == UNTIMED:
                continue
            seconds.add_metric((view.name,), buckets=_cumulative(by_bits), sum_value=total_us / 1e6)
        return families


def _families() -> tuple[CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily]:
    return (
        CounterMetricFamily(
            "lighthouse_gate_tier_requests", "How requests to a tier ended", labels=("tier", "outcome")
        ),
        GaugeMetricFamily(
            "lighthouse_gate_tier_breaker", "Circuit breaker: 0 closed, 1 half-open, 2 open", labels=("tier",)
        ),
        HistogramMetricFamily(
            "lighthouse_gate_tier_seconds", "Time that a tier took by itself; memory is not timed", labels=("tier",)
        ),
    )


def _cumulative(by_bits: tuple[int, ...]) -> list[tuple[str, float]]:
    buckets = [(str(2**bits / 1e6), float(sum(by_bits[: bits + 1]))) for bits in BITS]
    return [*buckets, ("+Inf", float(sum(by_bits)))]

"""The gate's tiers as metrics: outcomes and circuit breakers, read from the tiers' own counts at each scrape."""

from collections.abc import Callable, Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lighthoused.protocol.messages import TierView

OUTCOMES = ("answered", "abstained", "failed", "skipped")
BREAKERS = {"closed": 0, "half-open": 1, "open": 2}


class TierCollector(Collector):
    """Asks `views` at each scrape."""

    def __init__(self, views: Callable[[], tuple[TierView, ...]]) -> None:
        self._views = views

    def describe(self) -> Iterable[Metric]:
        return self._families()

    def collect(self) -> Iterable[Metric]:
        outcomes, breakers = self._families()
        for view in self._views():
            for outcome in OUTCOMES:
                outcomes.add_metric((view.name, outcome), getattr(view, outcome))
            breakers.add_metric((view.name,), BREAKERS[view.breaker])
        return (outcomes, breakers)

    def _families(self) -> tuple[CounterMetricFamily, GaugeMetricFamily]:
        return (
            CounterMetricFamily("lighthouse_gate_tier", "How requests to a tier ended", labels=("tier", "outcome")),
            GaugeMetricFamily(
                "lighthouse_gate_tier_breaker", "Circuit breaker: 0 closed, 1 half-open, 2 open", labels=("tier",)
            ),
        )

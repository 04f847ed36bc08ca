"""Prometheus' metric families as OpenTelemetry's metrics, so that both tell exactly the same. Pure.

Imported only where telemetry is configured: it needs OpenTelemetry's SDK.
"""

from collections.abc import Iterable, Iterator

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import Metric as Family
from prometheus_client.samples import Sample

from lighthoused import __version__

Labels = tuple[tuple[str, str], ...]
CUMULATIVE = AggregationTemporality.CUMULATIVE
UNITS = {"seconds": "s", "bytes": "By"}


def as_metrics(families: Iterable[Family], resource: Resource, started: int, now: int) -> MetricsData:
    """All families; counts are since `started`. Times are ns since the epoch."""
    metrics = [
        Metric(family.name, family.documentation, UNITS.get(family.name.rpartition("_")[2], ""), data)
        for family in families
        if (data := _data(family, started, now)) is not None
    ]
    scope = ScopeMetrics(InstrumentationScope("lighthoused", __version__), metrics, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _data(family: Family, started: int, now: int) -> Sum | Gauge | Histogram | None:
    if family.type == "histogram":
        return Histogram(list(_histograms(family.samples, started, now)), CUMULATIVE)
    points = [NumberDataPoint(sample.labels, started, now, float(sample.value)) for sample in family.samples]
    if family.type == "counter":
        return Sum(points, CUMULATIVE, is_monotonic=True)
    return Gauge(points) if family.type in ("gauge", "unknown") else None


def _histograms(samples: Iterable[Sample], started: int, now: int) -> Iterator[HistogramDataPoint]:
    """Prometheus' buckets are cumulative, OpenTelemetry's are not, and have no bound for the last one."""
    buckets: dict[Labels, list[tuple[float, int]]] = {}
    sums: dict[Labels, float] = {}
    for sample in samples:
        labels = tuple((name, value) for name, value in sample.labels.items() if name != "le")
        if sample.name.endswith("_bucket"):
            buckets.setdefault(labels, []).append((float(sample.labels["le"]), int(sample.value)))
        elif sample.name.endswith("_sum"):
            sums[labels] = sample.value
    for labels, found in buckets.items():
        found.sort()
        counts = [count for _, count in found]
        each = [count - before for count, before in zip(counts, [0, *counts[:-1]], strict=True)]
        yield HistogramDataPoint(
            attributes=dict(labels),
            start_time_unix_nano=started,
            time_unix_nano=now,
            count=counts[-1],
            sum=sums.get(labels, 0.0),
            bucket_counts=each,
            explicit_bounds=[bound for bound, _ in found[:-1]],
            min=None,  # type: ignore[arg-type]
            max=None,  # type: ignore[arg-type]
        )

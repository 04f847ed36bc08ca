"""Metrics that are read at a scrape rather than counted as things happen: sizes, queues, ages.

Owns their names and how they are asked; what they mean is said by who adds them. A reading that fails leaves out its
samples, never the scrape.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import structlog
import trio
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

log = structlog.get_logger()

Values = float | Mapping[str, float] | None
"""One value, or one for each value of the label; None: there is nothing to tell."""
Read = Callable[[], Values]


class _Reading(NamedTuple):
    kind: type[CounterMetricFamily] | type[GaugeMetricFamily]
    name: str
    help: str
    label: str
    read: Read
    on_loop: bool


class Readings(Collector):
    """Asks every reading at each scrape, in the scrape's thread or, `on_loop`, all in one go on the trio thread."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._readings: list[_Reading] = []
        registry.register(self)

    def gauge(self, name: str, help_text: str, read: Read, *, label: str = "", on_loop: bool = False) -> None:
        """A value that goes up and down."""
        self._readings.append(_Reading(GaugeMetricFamily, name, help_text, label, read, on_loop))

    def counter(self, name: str, help_text: str, read: Read, *, label: str = "", on_loop: bool = False) -> None:
        """A value that only grows while the daemon runs; `name` is without its ``_total``."""
        self._readings.append(_Reading(CounterMetricFamily, name, help_text, label, read, on_loop))

    def describe(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        return []

    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        there = [reading for reading in self._readings if reading.on_loop]
        here = [reading for reading in self._readings if not reading.on_loop]
        return [family for family, values in _on_loop(there) + _asked(here) if values is not None]


def _on_loop(readings: list[_Reading]) -> list[tuple[CounterMetricFamily | GaugeMetricFamily, Values]]:
    try:
        return trio.from_thread.run_sync(_asked, readings)
    except RuntimeError:
        return _asked(readings)


def _asked(readings: list[_Reading]) -> list[tuple[CounterMetricFamily | GaugeMetricFamily, Values]]:
    return [(_family(reading, values), values) for reading in readings for values in [_value(reading)]]


def _value(reading: _Reading) -> Values:
    try:
        return reading.read()
    except Exception:
        log.exception("metrics.reading_failed", metric=reading.name)
        return None


def _family(reading: _Reading, values: Values) -> CounterMetricFamily | GaugeMetricFamily:
    family = reading.kind(reading.name, reading.help, labels=(reading.label,) if reading.label else ())
    if isinstance(values, Mapping):
        for label, value in values.items():
            family.add_metric((label,), value)
    elif values is not None:
        family.add_metric((), values)
    return family

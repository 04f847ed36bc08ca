"""Traces and metrics for an OpenTelemetry collector, by OTLP over HTTP, where an endpoint is configured.

Owns which requests are traced and when metrics are sent. Without an endpoint nothing of OpenTelemetry is imported.
Sending is done by threads; what they cannot send is dropped, and told of in a log line a minute.
"""

import logging
import os
import random
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog
import trio
from prometheus_client.registry import CollectorRegistry

from lighthoused import __version__
from lighthoused.core.errors import Invalid
from lighthoused.core.spans import Attribute

if TYPE_CHECKING:
    from opentelemetry.trace import Span as SdkSpan
    from opentelemetry.trace import SpanContext
    from opentelemetry.trace import Tracer as SdkTracer

log = structlog.get_logger()

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
MAX_A_SECOND = 200
"""Traces begun in a second, also where clients ask for theirs."""
TIMEOUT_S = 10.0
CLOSE_S = 3.0
SELDOM_S = 60.0
TALKATIVE = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.sdk._shared_internal",
)
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
"""https://www.w3.org/TR/trace-context/#traceparent-header, version 00."""


class Telemetry:
    """Sends traces, and metrics every `every_s` seconds; `run` must be running. `sample`: share of requests traced."""

    def __init__(self, endpoint: str, sample: float, every_s: float) -> None:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON

        _quieten()
        base = endpoint.rstrip("/")
        self._sample = sample
        self._every_s = every_s
        self._resource: Resource = Resource.create({"service.name": "lighthoused", "service.version": __version__})
        self._provider = TracerProvider(sampler=ALWAYS_ON, resource=self._resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(f"{base}/v1/traces", timeout=TIMEOUT_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer: SdkTracer = self._provider.get_tracer("lighthoused", __version__)
        self._metrics = OTLPMetricExporter(f"{base}/v1/metrics", timeout=TIMEOUT_S)
        self._started = time.time_ns()
        self._second = 0
        self._begun = 0

    def begin(self, method: str, traceparent: str) -> "OtelSpan | None":
        """A span for a request, if it is to be traced: its client says so, or it is one of the sample."""
        caller = _caller(traceparent) if traceparent else None
        wanted = caller.trace_flags.sampled if caller is not None else random.random() < self._sample
        if not wanted or not self._has_room():
            return None
        from opentelemetry.trace import NonRecordingSpan, SpanKind, set_span_in_context

        context = set_span_in_context(NonRecordingSpan(caller)) if caller is not None else None
        attributes = {"rpc.system": "lighthouse", "rpc.method": method}
        span = self._tracer.start_span(method, context, SpanKind.SERVER, attributes)
        return OtelSpan(self._tracer, span)

    async def run(self, registry: CollectorRegistry) -> None:
        """Send metrics now and then, until cancelled."""
        while True:
            await trio.sleep(self._every_s)
            await trio.to_thread.run_sync(self._send_metrics, registry, abandon_on_cancel=True)

    async def close(self, registry: CollectorRegistry) -> None:
        """Send what is left, as far as that takes no longer than some seconds."""
        with trio.move_on_after(CLOSE_S, shield=True):
            await trio.to_thread.run_sync(self._finish, registry, abandon_on_cancel=True)

    def _finish(self, registry: CollectorRegistry) -> None:
        self._provider.shutdown()
        self._send_metrics(registry)
        self._metrics.shutdown()

    def _send_metrics(self, registry: CollectorRegistry) -> None:
        from lighthoused.ops.otlp import as_metrics

        try:
            self._metrics.export(as_metrics(registry.collect(), self._resource, self._started, time.time_ns()))
        except Exception:
            log.warning("telemetry.failed", exc_info=True)

    def _has_room(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._begun = second, 0
        self._begun += 1
        return self._begun <= MAX_A_SECOND


class OtelSpan:
    """A `core.spans.Span` that OpenTelemetry records."""

    __slots__ = ("_span", "_tracer")

    def __init__(self, tracer: "SdkTracer", span: "SdkSpan") -> None:
        self._tracer = tracer
        self._span = span

    def child(self, name: str, **attributes: Attribute) -> "OtelSpan":
        from opentelemetry.trace import set_span_in_context

        context = set_span_in_context(self._span)
        return OtelSpan(self._tracer, self._tracer.start_span(name, context, attributes=_named(attributes)))

    def note(self, **attributes: Attribute) -> None:
        self._span.set_attributes(_named(attributes))

    def end(self, outcome: str = "ok") -> None:
        from opentelemetry.trace import StatusCode

        if outcome != "ok":
            self._span.set_status(StatusCode.ERROR, outcome)
            self._span.set_attribute("error.type", outcome)
        self._span.end()


def telemetry_of(endpoint: str, sample: float, every_s: float, environ: Mapping[str, str]) -> Telemetry | None:
    """Telemetry, where there is an endpoint. Raises Invalid where the configuration asks for what is not installed."""
    url = endpoint or environ.get(ENDPOINT, "")
    if not url:
        return None
    try:
        return Telemetry(url, sample, every_s)
    except ImportError as error:
        if endpoint:
            hint = "pip install 'lighthoused[telemetry]', or leave out telemetry.endpoint."
            raise Invalid(f"Telemetry needs OpenTelemetry, which is not installed: {error}.", hint) from None
        log.warning("telemetry.not_installed", variable=ENDPOINT, missing=error.name)
        return None


def _caller(traceparent: str) -> "SpanContext | None":
    """The client's span; None for what is no traceparent: that is no reason to refuse a request."""
    from opentelemetry.trace import SpanContext, TraceFlags

    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))


def _named(attributes: Mapping[str, Attribute]) -> dict[str, Any]:
    return {f"lighthouse.{name}": value for name, value in attributes.items()}


class _Seldom(logging.Filter):
    """One line a minute, as a warning: a collector that is away is no error of ours."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + SELDOM_S
        record.levelno = min(record.levelno, logging.WARNING)
        return True


def _quieten() -> None:
    seldom = _Seldom()
    for name in TALKATIVE:
        logger = logging.getLogger(name)
        logger.filters[:] = [seldom]
    os.environ.setdefault("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "false")

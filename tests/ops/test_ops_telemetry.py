"""Traces and metrics of a real daemon, as a collector gets them: OTLP over HTTP, decoded from its protobuf."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests_support.receiving import Receiver, receiving
from tests_support.running import Running
from tests_support.waiting import until

from lighthoused.cli import hook
from lighthoused.core.errors import Invalid
from lighthoused.ops import telemetry
from lighthoused.protocol.messages.connection import Ping
from lighthoused.protocol.messages.gate import CheckRequest
from lighthoused.protocol.messages.log import AppendRequest, NewEvent

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{PARENT}-01"
WAIT_S = 30.0
CONFIG = """
[telemetry]
endpoint = "{url}"
sample = {sample}
every_s = 1
"""


@pytest.fixture
def collector() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def started(tmp_path: Path, collector: Receiver) -> Iterator[Callable[..., Running]]:
    """Starts a daemon that tells the collector."""
    running: list[Running] = []

    def start(sample: float = 0.0, url: str = "") -> Running:
        (tmp_path / "demo").mkdir()
        config = tmp_path / "config.toml"
        config.write_text(CONFIG.format(url=url or collector.url, sample=sample))
        daemon = Running(tmp_path, tmp_path / "demo", "--config", str(config), "--no-mount")
        daemon.start()
        running.append(daemon)
        return daemon

    yield start
    for daemon in running:
        assert daemon.stop() == 0
        assert '"level":"error"' not in daemon.log.read_text()


def spans(collector: Receiver) -> list[Any]:
    found = []
    for post in list(collector.got):
        if post.path == "/v1/traces":
            assert post.headers["content-type"] == "application/x-protobuf"
            for resource in ExportTraceServiceRequest.FromString(post.body).resource_spans:
                found += [span for scope in resource.scope_spans for span in scope.spans]
    return found


def metrics(collector: Receiver) -> dict[str, Any]:
    found = {}
    for post in list(collector.got):
        if post.path == "/v1/metrics":
            for resource in ExportMetricsServiceRequest.FromString(post.body).resource_metrics:
                found.update({metric.name: metric for scope in resource.scope_metrics for metric in scope.metrics})
    return found


def attributes(span: Any) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes}


def test_a_clients_trace_goes_on_in_the_daemon(started: Callable[..., Running], collector: Receiver) -> None:
    daemon = started(sample=0.0)
    event = NewEvent(stream="mine", type="happened")
    with daemon.client() as client:
        client.call(Ping(id=0))
        client.call(CheckRequest(id=0, input={"command": "git status"}, cwd="/tmp", traceparent=SAMPLED))
        client.call(AppendRequest(id=0, events=(event,), traceparent=SAMPLED))
        client.call(Ping(id=0, traceparent=SAMPLED.removesuffix("01") + "00"))
        client.call(Ping(id=0, traceparent="00-nonsense"))
    by_name = until(lambda: (found := {one.name: one for one in spans(collector)}).get("store.append") and found)
    assert set(by_name) == {"gate.check", "gate.verdict", "tier.policy", "log.append", "store.append"}
    assert {span.trace_id.hex() for span in by_name.values()} == {TRACE}
    parents = {name: span.parent_span_id for name, span in by_name.items()}
    assert parents["gate.check"].hex() == parents["log.append"].hex() == PARENT
    assert parents["gate.verdict"] == by_name["gate.check"].span_id
    assert parents["tier.policy"] == by_name["gate.verdict"].span_id
    assert parents["store.append"] == by_name["log.append"].span_id
    told = attributes(by_name["gate.verdict"])
    assert (told["lighthouse.verdict"], told["lighthouse.tier"]) == ("allow", "policy")
    outer, inner = by_name["gate.check"], by_name["tier.policy"]
    assert outer.start_time_unix_nano <= inner.start_time_unix_nano <= inner.end_time_unix_nano
    assert inner.end_time_unix_nano <= outer.end_time_unix_nano
    assert b"git status" not in b"".join(post.body for post in collector.got)


def test_a_hooks_trace_goes_on_too(started: Callable[..., Running], collector: Receiver) -> None:
    daemon = started(sample=0.0)
    event = '{"tool_name":"Bash","tool_input":{"command":"ls"},"cwd":"/tmp","session_id":"s"}'
    asked = [sys.executable, "-I", "-S", hook.__file__, "--socket", str(daemon.socket)]
    for traced in (SAMPLED, 'no "traceparent"\n'):
        done = subprocess.run(
            asked, input=event, env={"TRACEPARENT": traced}, capture_output=True, text=True, check=True
        )
        assert '"permissionDecision":"allow"' in done.stdout
    found = until(lambda: [one for one in spans(collector) if one.name == "gate.hook"])
    assert [one.trace_id.hex() for one in found] == [TRACE]


def test_a_sample_is_traced_with_its_errors(started: Callable[..., Running], collector: Receiver) -> None:
    daemon = started(sample=1.0)
    daemon.ctl("check", "ls")
    daemon.ctl("check", "ls")
    daemon.ctl("project", "export", "none", str(daemon.state / "x"), check=False)
    found = until(lambda: [one for one in spans(collector) if one.name == "project.export"] and spans(collector))
    (failed,) = [one for one in found if one.name == "project.export"]
    assert attributes(failed)["error.type"] == "not_found"
    assert [one.name for one in found].count("tier.memory") == 1


def test_metrics_are_those_of_a_scrape(started: Callable[..., Running], collector: Receiver) -> None:
    daemon = started()
    for _ in range(3):
        daemon.ctl("check", "rm -rf ~", check=False)

    def told() -> Any:
        points = getattr(metrics(collector).get("lighthouse_gate_verdict_seconds"), "histogram", None)
        return points and sum(point.count for point in points.data_points) == 3 and points

    points = until(told).data_points
    assert {point.attributes[0].value.string_value for point in points} == {"policy", "memory"}
    assert all(sum(point.bucket_counts) == point.count for point in points)
    assert all(len(point.bucket_counts) == len(point.explicit_bounds) + 1 for point in points)
    found = metrics(collector)
    assert found["lighthouse_log_events"].sum.is_monotonic
    assert found["lighthouse_component_healthy"].gauge.data_points[0].as_double == 1.0
    assert found["lighthouse_log_commit_seconds"].unit == "s"


def test_a_collector_that_is_away_or_hangs_harms_nothing(
    started: Callable[..., Running], collector: Receiver, tmp_path: Path
) -> None:
    collector.hold.clear()
    daemon = started(sample=1.0)
    for _ in range(3):
        assert daemon.ctl("check", "ls").returncode == 0
    until(lambda: collector.got)
    with daemon.client() as client:
        client.pipeline([Ping(id=0) for _ in range(5000)])
    before = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - before < 20
    collector.hold.set()


def test_what_is_left_is_sent_at_the_end(started: Callable[..., Running], collector: Receiver) -> None:
    daemon = started(sample=1.0)
    daemon.ctl("status")
    assert daemon.stop() == 0
    assert "status" in {one.name for one in spans(collector)}


def test_nobody_listening_is_a_line_a_minute(started: Callable[..., Running]) -> None:
    daemon = started(sample=1.0, url="http://127.0.0.1:1")
    daemon.ctl("check", "ls")
    until(lambda: "export" in daemon.log.read_text())
    time.sleep(2.5)
    assert sum("opentelemetry" in line or "export" in line for line in daemon.log.read_text().splitlines()) <= 3


def test_without_an_endpoint_nothing_of_it_is_imported() -> None:
    script = "import sys, lighthoused.daemon; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
    assert telemetry.telemetry_of("", 1.0, 60.0, {}) is None


def test_the_endpoint_may_be_in_the_environment(tmp_path: Path, collector: Receiver) -> None:
    made = telemetry.telemetry_of("", 1.0, 60.0, {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    assert made is not None
    span = made.begin("ping", "")
    assert span is not None
    span.end()
    made._provider.shutdown()
    assert [one.name for one in spans(collector)] == ["ping"]


def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(Invalid, match="Telemetry needs OpenTelemetry"):
        telemetry.telemetry_of("https://collector", 1.0, 60.0, {})
    assert telemetry.telemetry_of("", 1.0, 60.0, {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector"}) is None


def test_traces_a_second_are_bounded(collector: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry.time, "monotonic", lambda: 5.0)
    made = telemetry.Telemetry(collector.url, 0.0, 60.0)
    begun = [made.begin("ping", SAMPLED) for _ in range(telemetry.MAX_A_SECOND + 50)]
    assert sum(span is not None for span in begun) == telemetry.MAX_A_SECOND
    monkeypatch.undo()
    made._provider.shutdown()

"""What a scrape shows of what was observed."""

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry

from lighthoused.ops.metrics import Metrics
from lighthoused.ops.tally import MAX_CELLS, OTHER, Tally


def samples(registry: CollectorRegistry) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample by name and label values (in order of their labels' names), as a scraper parses them."""
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {(s.name, tuple(s.labels.values())): s.value for family in families for s in family.samples}


def test_all_observers_show_up() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.log.committed(3, 900, 0.002, 0.001)
    metrics.log.refused(2, "store_full")
    metrics.log.follow_head(lambda: 41)
    metrics.mount.operation("read", "ok", 0.00002)
    metrics.gate.verdict("memory", "allow", 0.00001)
    metrics.gate.follow_pending(lambda: 2)
    metrics.rpc.request("gate.check", "ok", 0.0001)
    metrics.rpc.connections(7)
    metrics.loop.late(0.003)
    found = samples(registry)
    assert found["lighthouse_log_events_total", ()] == 3
    assert found["lighthouse_log_bytes_total", ()] == 900
    assert found["lighthouse_log_head", ()] == 41
    assert found["lighthouse_log_commit_seconds_count", ()] == 1
    assert found["lighthouse_mount_operation_seconds_count", ("read", "ok")] == 1
    assert found["lighthouse_gate_verdict_seconds_count", ("memory", "allow")] == 1
    assert found["lighthouse_log_sync_seconds_sum", ()] == 0.001
    assert found["lighthouse_log_refused_batches_total", ("store_full",)] == 2
    assert found["lighthouse_gate_pending_approvals", ()] == 2
    assert found["lighthouse_rpc_request_seconds_count", ("ok", "gate.check")] == 1
    assert found["lighthouse_rpc_connections", ()] == 7
    assert found["lighthouse_loop_lag_seconds_count", ()] == 1
    assert found["process_resident_memory_bytes", ()] > 0


def test_buckets_are_cumulative_and_bounds_inclusive() -> None:
    registry = CollectorRegistry()
    tally = Tally(registry, "t", "a test", ("l",), (1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        tally.observe(("x",), value)
    found = samples(registry)
    assert found["t_bucket", ("x", "1.0")] == 2
    assert found["t_bucket", ("x", "2.0")] == 3
    assert found["t_bucket", ("x", "+Inf")] == 4
    assert found["t_sum", ("x",)] == 12.0


def test_label_combinations_are_bounded() -> None:
    registry = CollectorRegistry()
    tally = Tally(registry, "t", "a test", ("l",), (1.0,))
    for number in range(MAX_CELLS + 50):
        tally.observe((str(number),), 0.5)
    found = samples(registry)
    assert found["t_count", (OTHER,)] == 50
    assert len([name for name, _ in found if name == "t_count"]) == MAX_CELLS + 1

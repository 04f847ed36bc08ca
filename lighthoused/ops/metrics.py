"""What the daemon measures about itself, one class for each part that reports.

Owns the names and labels of all metrics. Each class is the observer that its part expects; a part knows only the
method it calls. Label values come from closed sets (methods, codes, tiers, operations), never from users' input.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from functools import partial

from prometheus_client import Counter, Gauge, ProcessCollector, disable_created_metrics
from prometheus_client.registry import CollectorRegistry

from lighthoused.core.degradation import STATES, State
from lighthoused.ops.readings import Readings
from lighthoused.ops.tally import COUNTS, Tally
from lighthoused.ops.tiers import Tier, TierCollector

LAG = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class LogMetrics:
    """The event log: group commits, as the writer thread reports them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._events = Counter("lighthouse_log_events", "Events committed", registry=registry)
        self._bytes = Counter("lighthouse_log_bytes", "Bytes committed", registry=registry)
        self._groups = Tally(registry, "lighthouse_log_group_events", "Events per group commit", (), COUNTS)
        self._seconds = Tally(registry, "lighthouse_log_commit_seconds", "Time to commit and sync a group", ())
        self._sync = Tally(registry, "lighthouse_log_sync_seconds", "Of it, the transaction's commit with its sync", ())
        self._refused = Counter(
            "lighthouse_log_refused_batches", "Batches that the store could not take", ("code",), registry=registry
        )
        self._head = Gauge("lighthouse_log_head", "seq of the newest event", registry=registry)

    def committed(self, events: int, size: int, seconds: float, sync_seconds: float) -> None:
        """A group of `events` events and `size` bytes is on disk."""
        self._events.inc(events)
        self._bytes.inc(size)
        self._groups.observe((), events)
        self._seconds.observe((), seconds)
        self._sync.observe((), sync_seconds)

    def refused(self, batches: int, code: str) -> None:
        """A group of `batches` batches was refused; `code` is the error's."""
        self._refused.labels(code).inc(batches)

    def follow_head(self, head: Callable[[], int]) -> None:
        """Ask `head` for the newest seq at each scrape."""
        self._head.set_function(head)


class MountMetrics:
    """The mounted filesystem: its operations."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Tally(
            registry, "lighthouse_mount_operation_seconds", "Filesystem operations", ("operation", "result")
        )
        self.operations = 0

    def operation(self, name: str, result: str, seconds: float) -> None:
        """An operation ended; `result` is ``ok`` or the errno's name."""
        self.operations += 1
        self._seconds.observe((name, result), seconds)


class GateMetrics:
    """The gate: its verdicts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Tally(registry, "lighthouse_gate_verdict_seconds", "Verdicts", ("tier", "verdict"))
        self._registry = registry
        self._pending = Gauge("lighthouse_gate_pending_approvals", "Requests that wait for a person", registry=registry)

    def verdict(self, tier: str, answer: str, seconds: float) -> None:
        """A verdict was given by `tier`."""
        self._seconds.observe((tier, answer), seconds)

    def follow_pending(self, pending: Callable[[], int]) -> None:
        """Ask `pending` for the number of open approvals at each scrape."""
        self._pending.set_function(pending)

    def follow_tiers(self, tiers: Callable[[], Sequence[Tier]]) -> None:
        """Ask `tiers` for their counts at each scrape."""
        self._registry.register(TierCollector(tiers))


class OpaMetrics:
    """The OPA server, where one is asked."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Tally(registry, "lighthouse_policy_opa_seconds", "Questions to the OPA server", ("outcome",))
        self._registry = registry

    def asked(self, outcome: str, seconds: float) -> None:
        """A question was answered (ok), was not (failed), or was not even put (skipped)."""
        self._seconds.observe((outcome,), seconds)

    def follow(self, is_up: Callable[[], bool]) -> None:
        """Ask `is_up` at each scrape; where it is never called there is no server."""
        up = Gauge("lighthouse_policy_opa_up", "1 while the OPA server is asked", registry=self._registry)
        up.set_function(lambda: float(is_up()))


class NotifyMetrics:
    """Notifications: what became of them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._notices = Counter("lighthouse_notify_notices", "Notifications", ("outlet", "outcome"), registry=registry)

    def notice(self, outlet: str, outcome: str) -> None:
        """A notice was ``sent``, has ``failed`` for good or was ``dropped`` from a full queue."""
        self._notices.labels(outlet, outcome).inc()


class SecurityMetrics:
    """Refusals for want of rights."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._events = Counter("lighthouse_security_events", "Security events", ("kind",), registry=registry)
        self._events.labels("security.refused")

    def happened(self, kind: str) -> None:
        """A security event of this kind was recorded."""
        self._events.labels(kind).inc()


class RpcMetrics:
    """The socket: its requests and connections."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Tally(registry, "lighthouse_rpc_request_seconds", "Requests", ("method", "code"))
        self._connections = Gauge("lighthouse_rpc_connections", "Open connections", registry=registry)

    def request(self, method: str, code: str, seconds: float) -> None:
        """A request was answered; `code` is ``ok`` or the error's."""
        self._seconds.observe((method, code), seconds)

    def connections(self, count: int) -> None:
        """This many connections are open now."""
        self._connections.set(count)


class DegradationMetrics:
    """Whether the daemon can be relied on, and what is less good than it should be."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("state", "cause")
        self._changes = Counter("lighthouse_degradation_changes", "Changes of state", labels, registry=registry)
        self._state = Gauge("lighthouse_degradation_state", "1 for the state it is in", ("state",), registry=registry)
        self._warning = Gauge("lighthouse_warning", "1 while there is this warning", ("warning",), registry=registry)

    def changed(self, state: State, cause: str) -> None:
        """It came to `state` because of `cause`: what was lost or restored, the checks, or an approval."""
        self._changes.labels(state, cause).inc()

    def follow(self, state: Callable[[], State], warnings: Callable[[], Container[str]], known: Iterable[str]) -> None:
        """Ask for the state and for the warnings, of those that are `known`, at each scrape."""
        for one in STATES:
            self._state.labels(one).set_function(partial(_holds, one, lambda: (state(),)))
        for name in known:
            self._warning.labels(name).set_function(partial(_holds, name, warnings))


def _holds(name: str, among: Callable[[], Container[str]]) -> float:
    return float(name in among())


class LoopMetrics:
    """The trio run: how late its tasks are."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = Tally(registry, "lighthouse_loop_lag_seconds", "How much later than asked a task ran", (), LAG)

    def late(self, seconds: float) -> None:
        """A task ran this much later than it asked to."""
        self._lag.observe((), seconds)


class Metrics:
    """All of them, in the registry that is given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry
        self.log = LogMetrics(registry)
        self.mount = MountMetrics(registry)
        self.gate = GateMetrics(registry)
        self.opa = OpaMetrics(registry)
        self.security = SecurityMetrics(registry)
        self.rpc = RpcMetrics(registry)
        self.notify = NotifyMetrics(registry)
        self.degradation = DegradationMetrics(registry)
        self.loop = LoopMetrics(registry)
        self.readings = Readings(registry)
        ProcessCollector(registry=registry)

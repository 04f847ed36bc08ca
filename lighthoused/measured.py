"""What of a daemon's parts is read at each scrape: the names of the metrics, and whom to ask.

Beside the composition root, as it knows all parts; they do not know it.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from lighthoused import __version__
from lighthoused.daemon import Daemon
from lighthoused.ops.readings import Readings
from lighthoused.protocol.messages.log import Filter
from lighthoused.store.log import Log

PROCESS = Path("/proc/self/status")
STATES = ("starting", "comparing", "live", "paused")


def measure(daemon: Daemon) -> None:
    """Add all readings to the daemon's metrics."""
    readings = daemon.metrics.readings
    readings.gauge("lighthouse_build_info", "1, with the version", lambda: {__version__: 1.0}, label="version")
    readings.gauge("lighthouse_threads", "Threads of the daemon", threading.active_count)
    readings.gauge("lighthouse_memory_anonymous_bytes", "Memory without the mapped pages of files", _anonymous)
    _health(readings, daemon)
    _store(readings, daemon)
    _tree(readings, daemon)
    _caches(readings, daemon)
    _engine(readings, daemon)
    _upkeep(readings, daemon)


def _anonymous() -> float:
    """RssAnon of proc_pid_status(5): the store's mapped pages come and go with the page cache."""
    return int(PROCESS.read_text().partition("RssAnon:")[2].split()[0]) * 1024


def _health(readings: Readings, daemon: Daemon) -> None:
    readings.gauge(
        "lighthouse_component_healthy",
        "1 while nothing keeps the component from being ready",
        lambda: {name: float(not problem) for name, problem in daemon.report.checks().items()},
        label="component",
        on_loop=True,
    )
    readings.gauge(
        "lighthouse_rpc_max_connections", "Connections that may be open", lambda: daemon.server.max_connections
    )
    readings.counter(
        "lighthouse_rpc_refused_connections", "Connections over that limit", lambda: daemon.server.refused_connections
    )


def _store(readings: Readings, daemon: Daemon) -> None:
    store = daemon.store
    readings.gauge("lighthouse_store_size_bytes", "Pages in use", lambda: store.env.describe()["used"])
    readings.gauge("lighthouse_store_map_bytes", "Reserved addresses", lambda: store.env.describe()["map_size"])
    readings.gauge("lighthouse_store_readers", "Readers inside a transaction", lambda: store.env.describe()["readers"])
    readings.gauge("lighthouse_store_queued_batches", "Batches that wait for the writer", lambda: store.writer.queued)
    readings.gauge(
        "lighthouse_store_queued_bytes", "Bytes that wait or are being written", lambda: store.writer.queued_bytes
    )
    disk = partial(os.statvfs, store.directory)
    readings.gauge("lighthouse_store_disk_free_bytes", "Free on its disk", lambda: disk().f_bavail * disk().f_frsize)
    readings.gauge("lighthouse_store_disk_size_bytes", "Size of its disk", lambda: disk().f_blocks * disk().f_frsize)
    readings.gauge("lighthouse_log_subscribers", "Subscriptions to events", lambda: store.feed.subscribers)


def _tree(readings: Readings, daemon: Daemon) -> None:
    tree = daemon.tree
    readings.gauge("lighthouse_projects", "Projects", lambda: len(tree.projects.all()), on_loop=True)
    readings.gauge("lighthouse_tree_uncommitted_changes", "Changes not on disk yet", lambda: tree.journal.uncommitted)
    readings.gauge("lighthouse_tree_uncommitted_bytes", "Memory of those", lambda: tree.journal.uncommitted_bytes)
    readings.gauge("lighthouse_tree_overlay_nodes", "Files and directories in memory", lambda: len(tree.live))
    session = daemon.session
    if session is not None:
        readings.gauge("lighthouse_mount_open_handles", "Open files and directories", lambda: session.open_handles)
    readings.gauge("lighthouse_mirrors", "Mirrors by state", lambda: _mirrors(daemon), label="state", on_loop=True)


def _mirrors(daemon: Daemon) -> Mapping[str, float]:
    found = Counter(mirror.state for mirror in daemon.mirrors.status())
    return {state: float(found[state]) for state in STATES}


def _caches(readings: Readings, daemon: Daemon) -> None:
    caches: dict[str, Any] = {"verdicts": daemon.verdicts, "blocks": daemon.tree.blocks}

    def each(of: Callable[[Any], float]) -> Callable[[], dict[str, float]]:
        return lambda: {name: of(cache) for name, cache in caches.items()}

    readings.gauge("lighthouse_cache_bytes", "Bytes held", each(attrgetter("size")), label="cache")
    readings.gauge("lighthouse_cache_limit_bytes", "Bytes that may be held", each(attrgetter("limit")), label="cache")
    readings.gauge("lighthouse_cache_entries", "Entries held", each(len), label="cache")
    readings.counter("lighthouse_cache_hits", "Look-ups that found", each(attrgetter("hits")), label="cache")
    readings.counter("lighthouse_cache_misses", "Look-ups that did not", each(attrgetter("misses")), label="cache")


def _engine(readings: Readings, daemon: Daemon) -> None:
    readings.gauge(
        "lighthouse_agents_alive",
        "Agents at work",
        lambda: sum(agent.alive for agent in daemon.agents.list()),
        on_loop=True,
    )
    readings.gauge(
        "lighthouse_gate_oldest_approval_seconds",
        "How long the oldest request waits for a person, 0 where none does",
        lambda: max(((daemon.clock() - one.created) / 1e9 for one in daemon.approvals.waiting()), default=0.0),
        on_loop=True,
    )
    readings.gauge("lighthouse_audit_waiting_events", "Events that wait for the store", lambda: daemon.audit.waiting)
    readings.counter("lighthouse_audit_lost_events", "Events lost for want of room", lambda: daemon.audit.ever_lost)
    readings.gauge("lighthouse_notify_waiting", "Notices that wait", daemon.notifier.waiting, label="outlet")
    readings.gauge("lighthouse_policy_files", "Policies in force", lambda: len(daemon.policies.names))
    readings.gauge(
        "lighthouse_policy_broken", "1 while the newest policies are refused", lambda: bool(daemon.policies.problem)
    )


def _upkeep(readings: Readings, daemon: Daemon) -> None:
    """Backups and scrubs leave events, so that what is known of them outlives the daemon."""
    log, target = daemon.store.log, daemon.config.backup.target
    readings.gauge("lighthouse_backup_configured", "1 where [backup] has a target", lambda: bool(target))
    for name, text, kind, field in (
        ("success_timestamp_seconds", "When the newest backup was made", "completed", ""),
        ("size_bytes", "What the newest backup holds", "completed", "size"),
        ("stored_bytes", "What the newest backup added to its place", "completed", "stored"),
        ("duration_seconds", "How long the newest backup took", "completed", "seconds"),
        ("failure_timestamp_seconds", "When a backup failed last", "failed", ""),
    ):
        read = _newest(log, Filter(stream="backup", type=f"backup.{kind}"), field)
        readings.gauge(f"lighthouse_backup_last_{name}", text, read)
    for name, text, field in (
        ("last_timestamp_seconds", "When the whole log, or tree and content, were checked last", ""),
        ("problems", "What was found then", "problems"),
    ):
        reads = {check: _newest(log, Filter(type=f"scrub.{check}"), field) for check in ("log", "tree")}
        readings.gauge(f"lighthouse_scrub_{name}", text, partial(_known, reads), label="check")


def _known(reads: Mapping[str, Callable[[], float | None]]) -> dict[str, float]:
    return {name: value for name, read in reads.items() if (value := read()) is not None}


def _newest(log: Log, filter: Filter, field: str) -> Callable[[], float | None]:
    """The time of the newest such event, or a number from its payload; None where there is none."""

    def read() -> float | None:
        found = log.query(filter, limit=1, reverse=True).events
        if not found:
            return None
        event = found[0].event
        return float(msgspec.msgpack.decode(event.payload).get(field, 0.0)) if field else event.time / 1e9

    return read

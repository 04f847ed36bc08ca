"""The log, the gate and the hook, over the socket."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from lighthoused.cli import hook
from lighthoused.protocol.messages.log import QueryRequest
from lighthoused.store.store import Store
from perf.daemon import Measured
from perf.load import append_request, check_request, drive, percentile
from perf.table import Row


def log_rows(daemon: Measured) -> Iterator[Row]:
    """Durable appends."""
    for clients, depth, total in ((1, 1, 1000), (10, 1, 10_000), (100, 1, 20_000), (10, 64, 60_000)):
        rate, took = drive(daemon.socket, clients, depth, total, append_request)
        p99 = percentile(took, 0.99) * 1e3
        promised = (">= 10,000/s, p99 < 10 ms", "25,000/s, p99 < 5 ms") if depth == 1 and clients > 1 else ("", "")
        aim = "80,000/s" if depth > 1 else promised[1]
        yield Row(f"durable append, {clients} clients x {depth}", promised[0], aim, f"{rate:,.0f}/s, p99 {p99:.1f} ms")


def query_rows(daemon: Measured) -> Iterator[Row]:
    """Queries over the socket."""
    with daemon.client() as client:
        took = []
        for _ in range(20):
            started = time.perf_counter()
            client.call(QueryRequest(id=0, limit=1000))
            took.append(time.perf_counter() - started)
    yield Row("query of 1,000 events", "< 100 ms", "< 5 ms", f"p50 {percentile(took, 0.5) * 1e3:.1f} ms")


def gate_rows(daemon: Measured) -> Iterator[Row]:
    """Verdicts over the socket."""
    rate, took = drive(
        daemon.socket, 1, 1, 2000, check_request(lambda n: f"git -C /tmp/p{n} status && rm -rf build/{n}")
    )
    p50, p99 = percentile(took, 0.5) * 1e6, percentile(took, 0.99) * 1e3
    yield Row("uncached verdict", "p99 < 10 ms", "p50 < 500 us, p99 < 2 ms", f"p50 {p50:.0f} us, p99 {p99:.1f} ms")
    rate, took = drive(daemon.socket, 100, 1, 100_000, check_request(lambda n: f"ls -la src/{n % 50}"))
    measured = f"{rate:,.0f}/s, p99 {percentile(took, 0.99) * 1e3:.1f} ms"
    yield Row("cached verdict, 100 clients", "p99 < 5 ms", "50,000/s, p99 < 2 ms", measured)


def hook_rows(daemon: Measured) -> Iterator[Row]:
    """The hook as a fresh process."""
    event = b'{"tool_name":"Bash","tool_input":{"command":"ls"},"cwd":"/tmp","session_id":"s"}'
    command = [sys.executable, "-I", "-S", hook.__file__, "--socket", str(daemon.socket)]
    took = []
    for _ in range(100):
        started = time.perf_counter()
        subprocess.run(command, input=event, capture_output=True, check=True)
        took.append(time.perf_counter() - started)
    p50, p99 = percentile(took, 0.5) * 1e3, percentile(took, 0.99) * 1e3
    yield Row("hook as a fresh process", "p99 < 100 ms", "p50 < 20 ms", f"p50 {p50:.1f} ms, p99 {p99:.1f} ms")


def replay_rows(state: Path) -> Iterator[Row]:
    """Reading the whole log and proving it, on the state the daemon has left."""
    store = Store(state)
    total = store.log.head().seq
    started = time.perf_counter()
    cursor = 0
    while True:
        page = store.log.query(QueryRequest(id=0).filter, cursor=cursor, limit=5000)
        cursor = page.cursor
        if not cursor:
            break
    per_100k = (time.perf_counter() - started) / total * 100_000
    yield Row("replay of 100,000 events", "< 10 s", "< 1 s", f"{per_100k:.2f} s (measured on {total:,})")
    started = time.perf_counter()
    proof = store.verify(lambda done, total: None)
    seconds = (time.perf_counter() - started) / total * 100_000
    yield Row("verify of 100,000 events", "", "", f"{seconds:.2f} s, {'whole' if not proof.problems else 'NOT WHOLE'}")
    store.writer.close = lambda: None  # type: ignore[method-assign]
    store.close()


def measure() -> Iterator[Row]:
    """All rows."""
    with Measured() as daemon:
        for rows in (log_rows, query_rows, gate_rows, hook_rows):
            yield from rows(daemon)
        yield Row("memory", "< 2 GB", "< 200 MB", f"{daemon.resident_mb():.0f} MB after {daemon.head():,} events")
        daemon.process.terminate()
        daemon.process.wait()
        yield from replay_rows(daemon.base / "state")

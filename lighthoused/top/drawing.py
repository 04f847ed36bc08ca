"""Rows and lines of the live view as text. Everything that agents said is made visible first. Pure."""

import math
from collections.abc import Iterator
from datetime import datetime

from rich.text import Text

from lighthoused.cli.marking import marked
from lighthoused.cli.showing import left, what
from lighthoused.core.wording import visible
from lighthoused.protocol.messages.gate import Approval
from lighthoused.top.board import Board, Doer, Happened, Judged
from lighthoused.top.feed import State
from lighthoused.top.numbers import Look, gauge, percentile, rate

STYLES = {"allow": "green", "deny": "red", "escalate": "yellow"}
GATE = "lighthouse_gate_verdict_seconds"
SHORT = 200


def clock(ns: int) -> str:
    """The time of day."""
    return datetime.fromtimestamp(ns / 1e9).astimezone().strftime("%H:%M:%S")


def agent_row(doer: Doer, sessions: int) -> tuple[Text, ...]:
    """Agent, sessions at work, verdicts by kind, changes, its last act."""
    counts = [Text(str(doer.answers[answer] or "-"), style, justify="right") for answer, style in STYLES.items()]
    working = Text(str(sessions or "-"), justify="right")
    changes = Text(str(doer.changes or "-"), justify="right")
    last = Text.assemble((f"{clock(doer.time)} ", "dim"), marked(doer.last[:SHORT])) if doer.time else Text()
    return Text(visible(doer.name), "bold"), working, *counts, changes, last


def approval_row(approval: Approval, now_ns: int) -> tuple[Text, ...]:
    """Id, time left, agent, request."""
    remaining = left(approval, now_ns)
    style = "bold red" if remaining.startswith("0:") else "yellow"
    asked = marked(what(approval)[:SHORT])
    return Text(approval.id, "bold"), Text(remaining, style), Text(visible(approval.agent)), asked


def verdict_line(row: Judged) -> Text:
    """One verdict: when, what, by which tier, how fast, who asked for what."""
    latency = "" if row.times > 1 or not row.latency_us else seconds(row.latency_us / 1e6)
    return Text.assemble(
        (f"{clock(row.time)} ", "dim"),
        (f"{visible(row.verdict):<9}", STYLES.get(row.verdict, "")),
        (f"{visible(row.tier):<8}", "cyan"),
        f"{latency:>8} ",
        (f"{visible(row.agent)[:14]:<14} ", "bold"),
        marked(row.what),
        (f"  {visible(row.rule)}" if row.rule else "", "dim"),
    )


def event_line(row: Happened) -> Text:
    """One event: seq, when, who, type, where."""
    return Text.assemble(
        (f"@{row.seq:<8} ", "cyan"),
        (f"{clock(row.time)} ", "dim"),
        (f"{visible(row.agent)[:14]:<14} ", "bold"),
        f"{visible(row.type):<20} ",
        marked(row.what),
    )


def heading(state: State | None, problem: str, board: Board) -> Text:
    """How the daemon is, in two lines."""
    if state is None:
        return Text(visible(problem or "connecting"), "bold yellow")
    status, before, now = state.status, state.before, state.now
    bad = [f"{name}: {why}" for name, why in (*status.health.items(), *status.warnings.items()) if why]
    style = "bold green" if status.state == "NORMAL" and not problem else "bold white on red"
    first = Text.assemble(
        (f" {'UNREACHABLE' if problem else status.state} ", style),
        f" lighthoused {status.version}  up {duration(status.uptime_s)}  profile {status.policy['profile']}",
        (f"  {visible('; '.join(bad) or problem)}", "red"),
        (f"  {board.skipped} events not shown" if board.skipped else "", "yellow"),
    )
    rates = [
        f"events {status.head} {per_second(rate(before, now, 'lighthouse_log_events_total'))}",
        f"verdicts {per_second(rate(before, now, GATE + '_count'))} p99 {_p99(before, now, GATE)}",
        f"mem {size(gauge(now, 'process_resident_memory_bytes'))}",
        f"lag p99 {_p99(before, now, 'lighthouse_loop_lag_seconds')}",
        f"store {size(float(status.store.get('used', 0)))}",
    ]
    second = Text(" " + "  ".join(rates), "dim" if problem else "")
    return Text("\n").join([first, second])


def health_lines(state: State) -> Iterator[Text]:
    """Components, tiers and numbers in full."""
    status, before, now = state.status, state.before, state.now
    for name, why in status.health.items():
        yield Text.assemble(f"{name:<12}", (visible(why) or "ok", "red" if why else "green"))
    for name, why in status.warnings.items():
        yield Text.assemble(f"{name:<12}", (visible(why), "yellow"))
    yield Text.assemble(
        "policies    ", (visible(str(status.policy["problem"] or "ok")), "red" if status.policy["problem"] else "green")
    )
    yield Text()
    yield Text(f"{'tier':<10}{'breaker':<10}{'answered':>9}{'abstained':>10}{'failed':>7}{'mean':>9}{'p99':>9}", "bold")
    for tier in status.tiers:
        counts = f"{tier.answered:>9}{tier.abstained:>10}{tier.failed:>7}"
        times = f"{seconds(tier.mean_us / 1e6):>9}{seconds(tier.p99_us / 1e6):>9}"
        style = "" if tier.breaker == "closed" else "red"
        yield Text.assemble(f"{tier.name:<10}", (f"{tier.breaker:<10}", style), counts, times)
    yield Text()
    yield Text(f"{'':<22}{'per second':>12}{'p50':>9}{'p99':>9}", "bold")
    for told, name in SERIES.items():
        middle = seconds(percentile(0.5, before, now, name))
        often = f"{rate(before, now, name + '_count'):.1f}"
        yield Text(f"{told:<22}{often:>12}{middle:>9}{_p99(before, now, name):>9}")
    yield Text()
    for told, value in _gauges(state, now):
        yield Text(f"{told:<22}{value:>12}")


SERIES = {
    "verdicts": GATE,
    "requests (socket)": "lighthouse_rpc_request_seconds",
    "file operations": "lighthouse_mount_operation_seconds",
    "commits to disk": "lighthouse_log_commit_seconds",
    "loop lag": "lighthouse_loop_lag_seconds",
}


def _gauges(state: State, now: Look) -> Iterator[tuple[str, str]]:
    yield "memory", size(gauge(now, "process_resident_memory_bytes"))
    yield "connections", f"{gauge(now, 'lighthouse_rpc_connections'):.0f}"
    yield "open files", f"{gauge(now, 'process_open_fds'):.0f}"
    for name, value in state.status.store.items():
        yield f"store {name}", size(value) if name in ("used", "map_size") else str(value)


def _p99(before: Look, now: Look, name: str) -> str:
    return seconds(percentile(0.99, before, now, name))


def seconds(value: float) -> str:
    """A duration with three digits at most: ``250 us``, ``1.5 ms``, ``30 s``."""
    if not value:
        return "-"
    if math.isinf(value):
        return ">30 s"
    for unit, factor in (("us", 1e6), ("ms", 1e3)):
        if value * factor < 1000:
            return f"{value * factor:.3g} {unit}"
    return f"{value:.3g} s" if value < 1000 else f"{value:.0f} s"


def per_second(value: float) -> str:
    return f"{value:.0f}/s" if value >= 10 or not value else f"{value:.1f}/s"


def duration(value: float) -> str:
    """Hours, minutes, seconds."""
    whole = int(value)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def size(value: float) -> str:
    """Bytes in a unit that keeps the number short."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"

"""`lighthousectl perf`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from lighthoused.cli.output import EXIT_REFUSED, local_time, say, show_json, show_table
from lighthoused.cli.session import Session, command
from lighthoused.core.errors import Invalid, LighthouseError, NotFound
from lighthoused.protocol.messages.log import AppendRequest, EventView, Filter, NewEvent, QueryRequest

DEFAULT = "baseline"
MAX_KEPT = 1000
STEADY = 1.5
project_option = click.option("--project", default="", help="Where files are made and removed again; by default here.")
rounds_option = click.option("--rounds", default=30, show_default=True, type=click.IntRange(3, 40), help="How many.")


@click.group()
def perf() -> None:
    """Measure the running daemon, keep it, and tell whether it became slower."""


@perf.command("baseline")
@click.argument("name", default=DEFAULT)
@rounds_option
@project_option
@command
def keep_baseline(session: Session, name: str, rounds: int, project: str) -> None:
    """Measure now and keep it as NAME, as an event of the log; takes some 10 s. A later one replaces it."""
    from lighthoused.baseline.measurement import EVENT, STREAM

    measured = _measured(session, name, rounds, project)
    event = NewEvent(stream=STREAM, type=EVENT, payload=msgspec.to_builtins(measured))
    session.call(AppendRequest(id=0, events=(event,)))
    if session.as_json:
        show_json(measured)
    else:
        _show(measured)


@perf.command("compare")
@click.argument("name", default=DEFAULT)
@click.option("--with", "other", default="", metavar="NAME", help="Compare with this kept one; do not measure.")
@click.option(
    "--tolerance", default=10.0, show_default=True, type=click.FloatRange(1, 1000), help="Percent that may be slower."
)
@rounds_option
@project_option
@command
def compare_with(session: Session, name: str, other: str, tolerance: float, rounds: int, project: str) -> None:
    """Measure now and tell what is slower than in NAME, beyond noise; exit code 1 if anything is.

    Each round is set in relation to how fast the machine itself was in it (processor, processes taking turns, syncs).
    Slower is what is so by more than the tolerance (95th percentile: 2.5 times that), and by chance in fewer than one
    of a thousand (Mann-Whitney test over the rounds); on a machine that is not steady also by more than it varies.
    """
    from lighthoused.baseline.comparing import FEWEST, compare

    before = _kept(session, name)
    now = _kept(session, other) if other else _measured(session, "now", rounds, project)
    for one in (before, now):
        if (fewest := min(map(len, one.rounds.values()))) < FEWEST:
            raise Invalid(f"{one.name} has {fewest} rounds, too few to tell chance from change.", f"Take {FEWEST}.")
    found = compare(before, now, tolerance / 100)
    if session.as_json:
        show_json(
            {
                **msgspec.to_builtins(found),
                **{
                    name: sorted({one.component for one in ones})
                    for name, ones in (("slower", found.slower), ("unsure", found.unsure))
                },
            }
        )
    else:
        _show_comparison(found)
    if found.slower:
        sys.exit(EXIT_REFUSED)


@perf.command("list")
@command
def list_baselines(session: Session) -> None:
    """Measurements that are kept, the newest of each name."""
    found = list(_all(session))
    if session.as_json:
        show_json([{"time": event.time, **event.payload} for event in found])
        return
    rows = [(one["name"], local_time(event.time), one["version"], one["machine"]) for event, one in _named(found)]
    show_table(("name", "when", "version", "machine"), rows)


@perf.command("show")
@click.argument("name", default=DEFAULT)
@command
def show_baseline(session: Session, name: str) -> None:
    """A measurement that is kept."""
    found = _kept(session, name)
    if session.as_json:
        show_json(found)
    else:
        _show(found)


def _named(events: list[EventView]) -> Iterator[tuple[EventView, dict[str, Any]]]:
    return ((event, event.payload) for event in events)


def _all(session: Session) -> Iterator[EventView]:
    from lighthoused.baseline.measurement import EVENT, STREAM

    asked = QueryRequest(id=0, filter=Filter(stream=STREAM, type=EVENT), limit=MAX_KEPT, reverse=True)
    seen = set()
    for event in session.call(asked).events:
        if event.payload["name"] not in seen:
            seen.add(event.payload["name"])
            yield event


def _kept(session: Session, name: str) -> Any:
    from lighthoused.baseline.measurement import Measurement

    names = []
    for event in _all(session):
        if event.payload["name"] == name:
            return msgspec.convert(event.payload, Measurement)
        names.append(event.payload["name"])
    there = f"There are {', '.join(names)}." if names else f"Make it with `lighthousectl perf baseline {name}`."
    raise NotFound(f"No measurement {name!r} is kept.", there)


def _measured(session: Session, name: str, rounds: int, project: str) -> Any:
    from lighthoused.baseline.measuring import Bench

    current, why_not = _current(session, project)
    with session.client() as client, _bar() as progress:
        try:
            return Bench(client, session.config.paths.state, current, why_not).run(name, rounds, progress)
        except OSError as error:
            raise Invalid(
                f"Files under the mount could not be measured: {error}.", "See `lighthousectl health`."
            ) from None


def _current(session: Session, project: str) -> tuple[Path | None, str]:
    """Where files can be made; None and why, where they cannot."""
    try:
        current = session.config.paths.mount / session.project(project) / "current"
    except LighthouseError as error:
        if project:
            raise
        return None, error.message
    if not current.is_dir():
        return None, f"{current} is not there."
    return current, ""


def _show(measured: Any) -> None:
    say(f"{measured.name}: lighthoused {measured.version} on {measured.machine}")
    rows = [(component, _us(one.p50), _us(one.p95), _us(one.p99)) for component, one in measured.whole.items()]
    show_table(("", "p50 us", "p95 us", "p99 us"), rows)
    for what, why in measured.skipped.items():
        say(f"not measured: {what}: {why}", err=True)


def _show_comparison(found: Any) -> None:
    columns = ("", "", "before us", "now us", "ratio", "95 % interval", "")
    rows = [
        (
            one.component,
            one.percentile,
            _us(one.before_us),
            _us(one.now_us),
            f"{one.ratio:.2f}",
            f"{one.low:.2f}-{one.high:.2f}",
            "" if one.change == "same" else one.change.upper(),
        )
        for one in found.judged
    ]
    show_table(columns, rows)
    machine = ", ".join(f"{name.removeprefix('machine.')} {ratio:.2f}" for name, ratio in found.machine.items())
    say(f"the machine itself took, of before: {machine} (taken out of the ratios)")
    shaky = [
        f"{name.removeprefix('machine.')} {factor:.1f}" for name, factor in found.unsteady.items() if factor > STEADY
    ]
    if shaky:
        say(
            f"the machine was not steady ({', '.join(shaky)} times its median): smaller differences are unsure",
            err=True,
        )
    if found.missing:
        say(f"only in one of them: {', '.join(found.missing)}", err=True)
    if found.slower:
        say(f"slower than {found.before}: {', '.join(f'{one.component} ({one.percentile})' for one in found.slower)}")
    else:
        told = (
            " for sure; unsure: " + ", ".join(sorted({one.component for one in found.unsure})) if found.unsure else ""
        )
        say(f"nothing is slower than {found.before}{told}")


def _us(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


@contextmanager
def _bar() -> Iterator[Any]:
    console = Console(stderr=True)
    columns = (TextColumn("measuring: {task.description}"), BarColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)

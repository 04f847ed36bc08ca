"""Backups: how long a full and an incremental one take and how large they are, and how soon a store is back."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from lighthoused.protocol.messages.log import AppendRequest, NewEvent
from perf.daemon import Measured
from perf.scale import WORK
from perf.table import Row

STEPS = (10_000, 1_000_000)
FILES = 2_000
MORE = 1_000
"""Events between a backup and the next."""
BATCH = 500
CTL = (sys.executable, "-m", "lighthoused.cli.launch", "--json")


def measure() -> Iterator[Row]:
    """At both sizes: full, the next one, one while files are written, restored."""
    with Measured() as daemon:
        _write(daemon, 0, FILES)
        for events in STEPS:
            yield from _at(daemon, events)


def _at(daemon: Measured, events: int) -> Iterator[Row]:
    _append(daemon, events - daemon.head())
    place = daemon.base / f"backups-{events}"
    at = f", {events:,} events"
    made, seconds = _ctl(daemon, "backup", "run", "--to", str(place))
    yield Row(f"full backup{at}", "", "", f"{seconds:.1f} s, {_mb(made['size'])} -> {_mb(made['stored'])}")
    _append(daemon, MORE)
    made, seconds = _ctl(daemon, "backup", "run", "--to", str(place))
    yield Row(f"the next one, {MORE:,} events later{at}", "", "", f"{seconds:.1f} s, {_mb(made['stored'])} more")
    made, seconds = _ctl(daemon, "backup", "run", "--to", str(place))
    yield Row(f"the next one, nothing new{at}", "", "", f"{seconds:.1f} s, {_mb(made['stored'])} more")
    yield _slowed(daemon, place, at)
    _, seconds = _ctl(daemon, "backup", "verify", "--to", str(place))
    yield Row(f"verify{at}", "", "", f"{seconds:.1f} s")
    there = daemon.base / "restored"
    _, seconds = _ctl(daemon, "backup", "restore", str(there), "--to", str(place))
    yield Row(f"restore, log proven{at}", "", "", f"{seconds:.1f} s")
    shutil.rmtree(there)


def _slowed(daemon: Measured, place: Path, at: str) -> Row:
    """How much longer the same writes take while backups are made: the ratio, in one run."""
    alone = _write(daemon, 0, FILES)
    command = [*CTL, "backup", "run", "--to", str(place)]
    making = subprocess.Popen(command, env=_environment(daemon), stdout=subprocess.DEVNULL)
    beside = _write(daemon, 0, FILES)
    making.wait()
    return Row(f"writing while a backup is made{at}", "", "", f"{beside / alone:.2f} of the time without")


def _write(daemon: Measured, first: int, last: int) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", WORK, str(daemon.current), str(first), str(last), str(FILES)], check=True)
    return time.perf_counter() - started


def _append(daemon: Measured, count: int) -> None:
    """Events such as agents' reports."""
    with daemon.client() as client:
        for first in range(0, count, BATCH):
            numbers = range(first, min(count, first + BATCH))
            events = tuple(_event(number, f"work/{first % 97}") for number in numbers)
            client.call(AppendRequest(id=0, events=events))


def _event(number: int, stream: str) -> NewEvent:
    told = {"call": number, "output": f"{number} lines of {number * 7919 % 10_007}"}
    return NewEvent(stream=stream, type="work.done", payload=told)


def _ctl(daemon: Measured, *words: str) -> tuple[dict[str, int], float]:
    started = time.perf_counter()
    done = subprocess.run([*CTL, *words], env=_environment(daemon), capture_output=True, text=True, check=True)
    return json.loads(done.stdout), time.perf_counter() - started


def _environment(daemon: Measured) -> dict[str, str]:
    places = {"LIGHTHOUSE_STATE": daemon.base / "state", "LIGHTHOUSE_SOCKET": daemon.socket}
    return {**os.environ, **{name: str(place) for name, place in places.items()}}


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"

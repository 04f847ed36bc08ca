"""Measures a running daemon as its clients meet it: over the socket and, where it is mounted, under the mount.

It leaves events behind (stream `perf/scratch`, verdicts, files made and removed): it measures what is really done.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from pathlib import Path

from lighthoused.baseline.comparing import CPU, SWITCH, SYNC
from lighthoused.baseline.machine import busy, syncing, taking_turns, timed
from lighthoused.baseline.measurement import Measurement, percentiles
from lighthoused.client import Client
from lighthoused.protocol.messages.connection import Ping
from lighthoused.protocol.messages.gate import CheckRequest
from lighthoused.protocol.messages.log import AppendRequest, Filter, NewEvent, QueryRequest
from lighthoused.protocol.messages.status import Status, StatusRequest

SCRATCH = "perf/scratch"
FILE = bytes(4096)
FILES = 10
"""Made in each round."""
QUERIED = 100
WARM_UP = "warm-up"

Operation = Callable[[int], object]
Progress = Callable[[str, int, int], None]


class Bench:
    """One measurement of one daemon. `scratch`: a directory under the mount that is ours alone, None where none is."""

    def __init__(self, client: Client, state: Path, current: Path | None, why_not: str) -> None:
        self._client = client
        self._state = state
        self._current = current
        self._why_not = why_not
        self._nonce = secrets.token_hex(4)
        self._count = 0

    def run(self, name: str, rounds: int, progress: Progress) -> Measurement:
        """So many rounds of everything, and one before them that does not count. Raises core errors, OSError."""
        status: Status = self._client.call(StatusRequest(id=0))
        found: dict[str, list[list[float]]] = {}
        with ExitStack() as stack:
            machine = {
                CPU: lambda number: busy(),
                SWITCH: _ignoring(stack.enter_context(taking_turns())),
                SYNC: _ignoring(stack.enter_context(syncing(self._state))),
            }
            scratch = stack.enter_context(_scratch(self._current, self._nonce)) if self._current else None
            for number in range(rounds + 1):
                progress(WARM_UP if not number else f"round {number}", number, rounds + 1)
                for component, took in self._round(machine, scratch, number):
                    if number:
                        found.setdefault(component, []).append(took)
        system = os.uname()
        return Measurement(
            name=name,
            version=status.version,
            machine=f"{system.nodename}, {os.cpu_count()} processors, {system.sysname} {system.release}",
            head=status.head,
            whole={component: percentiles(list(chain(*took))) for component, took in found.items()},
            rounds={component: [percentiles(one) for one in took] for component, took in found.items()},
            skipped={} if scratch else {"mount": self._why_not},
        )

    def _round(
        self, machine: dict[str, Operation], scratch: Path | None, number: int
    ) -> Iterator[tuple[str, list[float]]]:
        yield CPU, timed(machine[CPU], 20)
        yield SWITCH, timed(machine[SWITCH], 60)
        yield SYNC, timed(machine[SYNC], 10)
        call = self._client.call
        yield "rpc.ping", timed(lambda _: call(Ping(id=0)), 60)
        yield "gate.cached", timed(lambda _: call(_check("ls -la")), 60)
        yield "gate.uncached", timed(lambda _: call(_check(f"git -C /tmp/{self._new()} status && ls")), 20)
        yield "log.append", timed(lambda _: call(self._append()), 20)
        queried = QueryRequest(id=0, filter=Filter(stream=SCRATCH), limit=QUERIED, reverse=True)
        yield "log.query", timed(lambda _: call(queried), 8)
        if scratch is not None:
            yield from self._files(scratch, number)

    def _files(self, scratch: Path, number: int) -> Iterator[tuple[str, list[float]]]:
        here = scratch / str(number)
        here.mkdir()
        there = [here / f"f{file}" for file in range(FILES)]
        yield "mount.create", timed(lambda n: _create(there[n]), FILES)
        yield "mount.lookup", timed(lambda n: os.path.exists(here / f"missing{n}"), 30)
        yield "mount.read", timed(lambda n: there[n % FILES].read_bytes(), 30)
        yield "mount.list", timed(lambda _: os.listdir(here), 8)
        self._settle(here)
        head = self._client.call(StatusRequest(id=0)).head
        past = _past(here)
        yield "history.look", timed(lambda n: past(head - n).read_bytes(), FILES // 2)
        yield "mount.rename", timed(lambda n: there[n].rename(f"{there[n]}.new"), FILES)
        yield "mount.unlink", timed(lambda n: os.unlink(f"{there[n]}.new"), FILES)

    def _settle(self, directory: Path) -> None:
        """Have all that was done there so far in the log."""
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _append(self) -> AppendRequest:
        event = NewEvent(stream=SCRATCH, type="perf.measured", payload={"number": self._new()})
        return AppendRequest(id=0, events=(event,))

    def _new(self) -> str:
        """A word that was not used before."""
        self._count += 1
        return f"{self._nonce}{self._count}"


def _ignoring(operation: Callable[[], object]) -> Operation:
    return lambda number: operation()


def _check(command: str) -> CheckRequest:
    return CheckRequest(id=0, input={"command": command}, cwd="/tmp")


def _create(path: Path) -> None:
    path.write_bytes(FILE)


def _past(here: Path) -> Callable[[int], Path]:
    """The first file of a directory under `current/`, as of a seq."""
    project = next(parent for parent in here.parents if parent.name == "current").parent
    within = here.relative_to(project / "current") / "f0"
    return lambda seq: project / "history" / f"@{seq}" / within


@contextmanager
def _scratch(current: Path, nonce: str) -> Iterator[Path]:
    made = current / f".lighthouse-perf-{nonce}"
    made.mkdir()
    try:
        yield made
    finally:
        with suppress(OSError):
            shutil.rmtree(made)

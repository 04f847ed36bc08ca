"""Many agents at once for minutes, and among them, every other while, one that does harm: who notices?

Calm and harm take turns in the same run on the same machine, so that their ratio means something where times do not.
"""

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lighthoused.client import Client
from lighthoused.core.errors import LighthouseError
from lighthoused.protocol.messages.gate import ApprovalAnswerRequest, ApprovalListRequest
from perf.abuse import KINDS, abuse
from perf.agent import Agent, Findings
from perf.daemon import Measured
from perf.load import percentile
from perf.sampling import Sampling, Size, slope_per_minute
from perf.table import Row

WARM_S = 5.0
GUARD_S = 0.5
SETTLE_S = 2.0
"""What is measured at the end of a while, or at its beginning, when harm just ended, does not count."""
LATE_S = 60.0
PROMISES = {
    "verdict, remembered": ("p99 < 5 ms", "p99 < 2 ms"),
    "verdict, new": ("p99 < 10 ms", "p50 < 0.5, p99 < 2 ms"),
    "append": ("p99 < 10 ms", "p99 < 5 ms"),
    "append of 10": ("p99 < 10 ms", "p99 < 5 ms"),
    "query of 50": ("< 100 ms", "< 5 ms"),
    "create, write, close": ("p99 < 5 ms", "0.25 ms"),
    "open, read, close": ("p99 < 5 ms", "0.06 ms"),
    "stat": ("p99 < 5 ms", "0.025 ms"),
    "list a directory": ("p99 < 5 ms", ""),
    "rename": ("p99 < 5 ms", "0.09 ms"),
    "unlink": ("p99 < 5 ms", "0.08 ms"),
}
WATCHED = ("verdict, remembered", "append", "open, read, close", "create, write, close")
_fork = multiprocessing.get_context("fork")


@dataclass
class While:
    """A part of the run: `kind` of harm, "" for calm."""

    kind: str
    begins: float
    ends: float

    def holds(self, moment: float) -> bool:
        settled = min(SETTLE_S, (self.ends - self.begins) / 3)
        return self.begins + settled <= moment < self.ends - GUARD_S


@dataclass
class Outcome:
    """All that a run showed."""

    whiles: list[While]
    findings: list[Findings]
    sizes: list[Size]
    events: int

    @property
    def errors(self) -> list[str]:
        return [error for found in self.findings for error in found.errors]

    def times(self, operation: str, kind: str = "") -> list[float]:
        """Seconds that an operation took in the whiles of a kind."""
        wanted = [each for each in self.whiles if each.kind == kind]
        samples = (sample for found in self.findings for sample in found.samples.get(operation, ()))
        return [took for began, took in samples if any(each.holds(began) for each in wanted)]

    @property
    def operations(self) -> list[str]:
        return list(dict.fromkeys([*PROMISES, *(name for found in self.findings for name in found.samples)]))


def run(agents: int, seconds: float, kinds: Sequence[str] = tuple(KINDS)) -> Outcome:
    """Start a daemon and everybody, and collect."""
    with Measured() as daemon, Sampling(daemon.process.pid) as sampling:
        results = daemon.base / "results"
        results.mkdir()
        begins = time.monotonic() + WARM_S
        whiles = _planned(kinds, begins, seconds)
        until = whiles[-1].ends
        workers = [
            _fork.Process(target=_work, args=(number, daemon.socket, daemon.current, until, results))
            for number in range(agents)
        ]
        workers.append(_fork.Process(target=_answer, args=(daemon.socket, until)))
        for worker in workers:
            worker.start()
        for each in whiles:
            _do_harm(each, daemon.socket)
        for worker in workers:
            worker.join(LATE_S)
            worker.kill()
        findings = [msgspec.msgpack.decode(file.read_bytes(), type=Findings) for file in results.iterdir()]
        missing = agents - len(findings)
        if missing:
            findings.append(Findings({}, [f"{missing} agents did not come to an end"]))
        return Outcome(whiles, findings, sampling.sizes, daemon.head())


def measure(agents: int = 100, seconds: float = 240.0) -> Iterator[Row]:
    """All rows."""
    outcome = run(agents, seconds)
    yield Row(f"{agents} agents", "", "", f"{outcome.events:,} events in {seconds:.0f} s")
    yield from _times(outcome)
    yield from _harm(outcome)
    yield from _sizes(outcome)
    yield Row("errors", "0", "0", str(len(outcome.errors)))
    for error in outcome.errors[:10]:
        yield Row("error", "", "", error)


def _planned(kinds: Sequence[str], begins: float, seconds: float) -> list[While]:
    """Calm before each harm and at the end, all equally long."""
    turns = [turn for kind in kinds for turn in ("", kind)] + [""]
    length = seconds / len(turns)
    return [While(kind, begins + length * place, begins + length * (place + 1)) for place, kind in enumerate(turns)]


def _do_harm(each: While, path: Path) -> None:
    """Be there for a while, with somebody harmful if it is of that kind."""
    time.sleep(max(0.0, each.begins - time.monotonic()))
    harmful = _fork.Process(target=abuse, args=(each.kind, path), daemon=True) if each.kind else None
    if harmful is not None:
        harmful.start()
    time.sleep(max(0.0, each.ends - time.monotonic()))
    if harmful is not None:
        harmful.kill()
        harmful.join()


def _work(number: int, path: Path, current: Path, until: float, results: Path) -> None:
    found = Agent(number, path, current).work(until)
    (results / str(number)).write_bytes(msgspec.msgpack.encode(found))
    os._exit(0)


def _answer(path: Path, until: float) -> None:
    """The person: allows whatever waits, looking twenty times a second."""
    with Client(path) as client:
        while time.monotonic() < until + LATE_S:
            for waiting in client.call(ApprovalListRequest(id=0)).approvals:
                try:
                    client.call(
                        ApprovalAnswerRequest(id=0, approval=waiting.id, answer="allow", request=waiting.request)
                    )
                except LighthouseError:
                    continue
            if time.monotonic() > until + 2:
                break
            time.sleep(0.05)
    os._exit(0)


def _times(outcome: Outcome) -> Iterator[Row]:
    for operation in outcome.operations:
        took = outcome.times(operation)
        if not took:
            continue
        p50, p95, p99 = (percentile(took, share) * 1e3 for share in (0.5, 0.95, 0.99))
        told = f"p50 {p50:.2f}, p95 {p95:.2f}, p99 {p99:.2f}, worst {max(took) * 1e3:.1f} ms ({len(took):,})"
        yield Row(operation, *PROMISES.get(operation, ("", "")), told)


def _harm(outcome: Outcome) -> Iterator[Row]:
    """p99 of others while somebody does harm, as a multiple of what it is without."""
    for kind in dict.fromkeys(each.kind for each in outcome.whiles if each.kind):
        told = []
        for operation in WATCHED:
            calm, harmed = outcome.times(operation), outcome.times(operation, kind)
            if calm and harmed:
                told.append(f"{operation} x{percentile(harmed, 0.99) / percentile(calm, 0.99):.1f}")
            elif calm:
                told.append(f"{operation} NOT SERVED")
        yield Row(f"p99 of others under {kind}", "", "x2", "; ".join(told))


def _sizes(outcome: Outcome) -> Iterator[Row]:
    """Memory and descriptors: at the first calm, the last calm, at most, and how they grow over calm whiles."""
    calm = [size for size in outcome.sizes for each in outcome.whiles if not each.kind and each.holds(size.at)]
    if not calm:
        return
    for what, pick, unit in (("memory", 1, " MB"), ("descriptors", 2, ""), ("threads", 3, "")):
        most = max(size[pick] for size in outcome.sizes)
        grows = slope_per_minute([(size.at, size[pick]) for size in calm[len(calm) // 2 :]])
        first, last = calm[0][pick], calm[-1][pick]
        told = f"{first:.0f} at first, {last:.0f} at the end, {most:.0f} at most{unit}; {grows:+.1f}{unit} a minute"
        promise = ("< 2 GB", "< 200 MB") if what == "memory" else ("flat", "flat")
        yield Row(what, *promise, told)

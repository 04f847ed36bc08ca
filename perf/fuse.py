"""The mount: single operations, ours beside native, bare pyfuse3 and libfuse in C++, client and server on one core."""

import os
import subprocess
import sys
from collections.abc import Iterator
from statistics import median

from perf import files, filesystems
from perf.table import Row

ROUNDS = 3
CLIENTS = (1, 4)
AIMS = {
    "create + write 4 KiB + close": "<= 250",
    "stat cold": "<= 25",
    "stat warm": "<= 1.2",
    "stat missing": "<= 20",
    "open + read 4 KiB + close, first": "<= 60",
    "open + read 4 KiB + close, cached": "<= 30",
    "append 100 B": "<= 40",
    "chmod": "<= 40",
    "rename": "<= 90",
    "unlink": "<= 80",
    "readdir of 10,000, cold (ms)": "<= 45",
    "readdir of 10,000, warm (ms)": "<= 20",
    "ls -l of 10,000, cold (ms)": "<= 80",
    "ls -l of 10,000, warm (ms)": "<= 30",
    "sequential write (MiB/s)": ">= 250",
    "sequential read, uncached (MiB/s)": ">= 800",
    "sequential read, cached (MiB/s)": ">= 5000",
}
WORK = """
import os, sys, time
directory, count = sys.argv[1], 400
os.mkdir(directory)
started = time.perf_counter()
for number in range(count):
    name = f"{directory}/f{number}"
    with open(name, "wb") as file:
        file.write(b"x" * 1000)
    os.stat(name)
    os.rename(name, name + "r")
    os.unlink(name + "r")
print(count * 6 / (time.perf_counter() - started))
"""


def measure() -> Iterator[Row]:
    """Operations, then how several clients share it."""
    kinds = {"native": filesystems.native, "bare": filesystems.bare, "lighthouse": filesystems.lighthouse}
    if filesystems.has_passthrough_hp():
        kinds["passthrough_hp"] = filesystems.passthrough_hp
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    found: dict[str, dict[str, list[float]]] = {}
    for number in range(ROUNDS):
        for kind, opened in kinds.items():
            with opened() as directory:
                for table in (files.operations, files.listings, files.throughput):
                    for what, value in table(directory / f"{table.__name__}{number}").items():
                        found.setdefault(what, {}).setdefault(kind, []).append(value)
    for what, by_kind in found.items():
        measured = ", ".join(f"{kind} {median(values):.3g}" for kind, values in by_kind.items() if kind != "lighthouse")
        yield Row(what, "p99 < 5 ms", AIMS[what], f"{median(by_kind['lighthouse']):.3g} ({measured})")
    os.sched_setaffinity(0, allowed)
    yield from _sharing()


def _sharing() -> Iterator[Row]:
    with filesystems.lighthouse() as directory:
        for clients in CLIENTS:
            workers = [
                subprocess.Popen(
                    [sys.executable, "-c", WORK, str(directory / f"c{clients}-{number}")], stdout=subprocess.PIPE
                )
                for number in range(clients)
            ]
            rates = [float(worker.communicate()[0]) for worker in workers]
            aim = "not slower in total than one" if clients > 1 else ""
            yield Row(f"{clients} clients: operations/s", "", aim, f"{sum(rates):,.0f}")

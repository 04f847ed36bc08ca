"""A test machine that stays until it is told to go, for molecule and for trying things by hand.

    python -m tests_support.standing_machine DIRECTORY [PACKAGE...]

boots one that has everything but Lighthouse: packages in apt's reach, these among them, and a user `dev`.
DIRECTORY/leader then holds the number of its first process, DIRECTORY/pid that of this program, which ends it at
SIGTERM.
"""

import os
import signal
import sys
from pathlib import Path

from tests_support.apt_source import download, offer
from tests_support.machine import Machine, booted


def prepare(machine: Machine, work: Path, *packages: Path) -> None:
    """Without FUSE, which apt can install again; with the users whom Lighthouse is for."""
    offer(machine, work, *packages, *download("fuse3", "prometheus", "prometheus-alertmanager"))
    machine.run("dpkg", "--purge", "--force-depends", "fuse3")
    machine.shell("useradd --create-home --key HOME_MODE=0700 dev; useradd --create-home other")


def main(work: Path, *packages: Path) -> None:
    """Boot, say that it is there, wait."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    (work / "pid").write_text(str(os.getpid()))
    with booted(work) as machine:
        prepare(machine, work, *packages)
        (work / "starting").write_text(str(machine.leader))
        (work / "starting").rename(work / "leader")
        signal.pause()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

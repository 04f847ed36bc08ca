"""Machines with real systemd and the Debian package of this checkout."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests_support.machine import Machine, booted
from tests_support.packages import build, install


@pytest.fixture(scope="session")
def deb() -> Path:
    """The Debian package of this checkout."""
    return build("deb")


@pytest.fixture(scope="session")
def shared(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The machine of all tests that leave the package installed and the daemon running."""
    with _provisioned(deb, tmp_path_factory.mktemp("machine")) as machine:
        yield machine


@pytest.fixture(scope="module")
def lasting(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine for the tests of one module, which change how the daemon is run."""
    with _provisioned(deb, tmp_path_factory.mktemp("machine")) as machine:
        yield machine


@pytest.fixture
def own(deb: Path, tmp_path: Path) -> Iterator[Machine]:
    """A machine for one test."""
    with _provisioned(deb, tmp_path) as machine:
        yield machine


@contextmanager
def _provisioned(deb: Path, work: Path) -> Iterator[Machine]:
    """A booted machine with the package, its user dev in the group, and dev's project imported."""
    with booted(work) as machine:
        install(machine, deb)
        machine.shell("useradd --create-home --key HOME_MODE=0700 dev; useradd --create-home other")
        machine.run("usermod", "--append", "--groups", "lighthouse", "dev")
        machine.shell(
            """mkdir -p ~/demo/src; cd ~/demo; echo 'int main;' > src/a.c; git init -q
            git config user.email dev@example.org; git config user.name dev; git add -A; git commit -qm one
            lighthousectl project import ~/demo""",
            user="dev",
            HOME="/home/dev",
        )
        yield machine

"""What users install, built from this checkout where that was not done already."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests_support.machine import Machine

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"
NAMES = {"onedir": "lighthoused", "onefile": "lighthoused-*-linux-*", "wheel": "*.whl", "deb": "*.deb"}
ON_MACHINE = "/root/lighthoused.deb"
FOR_DEB = ("dpkg-buildpackage", "dh", "po2debconf", "chrpath")


def build(form: str) -> Path:
    """Build a form as `./dev build` does; where it is. Skips the test, with the reason, where it cannot be built."""
    if Path(sys.prefix) != ROOT / ".venv":
        pytest.skip("packages are built from .venv: ./dev test")
    missing = [command for command in FOR_DEB if form == "deb" and shutil.which(command) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: apt-get install chrpath debhelper dpkg-dev po-debconf")
    done = subprocess.run([ROOT / "packaging/build", form], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (found,) = DIST.glob(NAMES[form])
    return found


def install(machine: Machine, deb: Path) -> str:
    """Install a package on a machine; what apt says."""
    machine.put(deb, ON_MACHINE)
    return machine.run("apt-get", "install", "--yes", ON_MACHINE, DEBIAN_FRONTEND="noninteractive")


def of_version(deb: Path, version: str, work: Path) -> Path:
    """The package as it is, with another version."""
    tree = work / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", deb, tree], check=True)
    control = tree / "DEBIAN/control"
    lines = control.read_text().splitlines(keepends=True)
    control.write_text("".join(f"Version: {version}\n" if line.startswith("Version: ") else line for line in lines))
    made = work / f"lighthoused_{version}.deb"
    subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", tree, made], check=True)
    return made

"""A repository of packages on a test machine, which has no network: what apt there can install.

Packages of the release come from this machine's own apt, where it is of the same release.
"""

import fcntl
import platform
import shutil
import subprocess
from pathlib import Path

from tests_support.machine import RELEASE, Machine, cache, root_directory

PLACE = "/srv/apt"
SOURCE = f"deb [trusted=yes] file:{PLACE} ./\n"


def download(*names: str) -> list[Path]:
    """Packages, with what they need and a test machine lacks. Raises subprocess.CalledProcessError."""
    place = cache() / "-".join((RELEASE, "packages", *names))
    with open(cache() / "packages.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            partial = place.with_suffix(".partial")
            (partial / "partial").mkdir(parents=True, exist_ok=True)
            options = {
                "Dir::State::status": root_directory() / "var/lib/dpkg/status",
                "Dir::Cache::archives": partial,
                "APT::Install-Recommends": "false",
            }
            command = ["apt-get", "--quiet", "--yes", "--download-only", "--reinstall"]
            command += [part for name, value in options.items() for part in ("--option", f"{name}={value}")]
            subprocess.run([*command, "install", *names], check=True, capture_output=True)
            partial.rename(place)
    return sorted(place.glob("*.deb"))


def of_same_release() -> bool:
    """Whether this machine's apt has packages for the test machine."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME") == RELEASE


def offer(machine: Machine, work: Path, *packages: Path) -> None:
    """Make these all that the machine's apt knows."""
    repository = work / "repository"
    repository.mkdir(exist_ok=True)
    for package in packages:
        if not (repository / package.name).exists():
            shutil.copyfile(package, repository / package.name)
    index = subprocess.run(
        ["dpkg-scanpackages", "--multiversion", "."], cwd=repository, check=True, capture_output=True
    )
    (repository / "Packages").write_bytes(index.stdout)
    machine.shell(f"rm -rf /etc/apt/sources.list.d/* {PLACE}; mkdir -p {PLACE}")
    for file in repository.iterdir():
        machine.put(file, f"{PLACE}/{file.name}")
    machine.write("/etc/apt/sources.list", SOURCE)

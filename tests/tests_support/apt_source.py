"""A repository of packages on a test machine, which has no network: what apt there can install.

Packages of the release are fetched once, by apt as the machine's own sources and keys have it.
"""

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from email.utils import formatdate
from pathlib import Path

from tests_support.machine import RELEASE, Machine, cache, root_directory

PLACE = "/srv/apt"
SOURCE = f"deb [trusted=yes] file:{PLACE} ./\n"
SIGNED = "/srv/signed"
SIGNER = "repository@example.org"


def download(*names: str) -> list[Path]:
    """Packages, with what they need and a test machine lacks. Raises subprocess.CalledProcessError."""
    place = cache() / "-".join((RELEASE, "packages", *names))
    with open(cache() / "packages.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            partial = place.with_suffix(".partial")
            (partial / "partial").mkdir(parents=True, exist_ok=True)
            root = root_directory()
            options = {
                "Dir::Etc": root / "etc/apt",
                "Dir::State": partial,
                "Dir::State::status": root / "var/lib/dpkg/status",
                "Dir::Cache": partial,
                "Dir::Cache::archives": partial,
                "APT::Install-Recommends": "false",
                "APT::Sandbox::User": "root",
            }
            apt = ["apt-get", "--quiet", *(f"--option={name}={value}" for name, value in options.items())]
            subprocess.run([*apt, "update"], check=True, capture_output=True)
            wanted = ["--yes", "--download-only", "--reinstall", "install", *names]
            subprocess.run([*apt, *wanted], check=True, capture_output=True)
            partial.rename(place)
    return sorted(place.glob("*.deb"))


def offer_signed(machine: Machine, work: Path, package: Path) -> Path:
    """Put a package into a repository of its own, which apt is not told of; the key that it is signed with."""
    repository = work / "signed"
    repository.mkdir()
    shutil.copyfile(package, repository / package.name)
    index = _index(repository)
    (repository / "Release").write_text(
        f"Date: {formatdate(usegmt=True)}\nSHA256:\n {hashlib.sha256(index).hexdigest()} {len(index)} Packages\n"
    )
    key = work / "signer.asc"
    with tempfile.TemporaryDirectory() as home:  # its sockets need a short name
        gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode=loopback", "--passphrase="]
        for step in (["--quick-gen-key", SIGNER], ["--output=InRelease", "--clearsign", "Release"]):
            subprocess.run([*gpg, *step], cwd=repository, check=True, capture_output=True)
        subprocess.run([*gpg, "--armor", f"--output={key}", "--export"], check=True, capture_output=True)
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
    _put(machine, repository, SIGNED)
    return key


def offer(machine: Machine, work: Path, *packages: Path) -> None:
    """Make these all that the machine's apt knows."""
    repository = work / "repository"
    repository.mkdir(exist_ok=True)
    for package in packages:
        if not (repository / package.name).exists():
            shutil.copyfile(package, repository / package.name)
    _index(repository)
    machine.shell(f"rm -rf /etc/apt/sources.list.d/* {PLACE}")
    _put(machine, repository, PLACE)
    machine.write("/etc/apt/sources.list", SOURCE)


def _index(repository: Path) -> bytes:
    scan = ["dpkg-scanpackages", "--multiversion", "."]
    found = subprocess.run(scan, cwd=repository, check=True, capture_output=True).stdout
    (repository / "Packages").write_bytes(found)
    return found


def _put(machine: Machine, repository: Path, place: str) -> None:
    machine.run("mkdir", "-p", place)
    for file in repository.iterdir():
        machine.put(file, f"{place}/{file.name}")

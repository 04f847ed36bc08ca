"""Gathers the licences of all that is packed into the binary.

    python packaging/licenses.py INTERNAL DIRECTORY

INTERNAL is the binary's `_internal`. Python packages bring their licences with their metadata, system libraries have
theirs in /usr/share/doc.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

PROJECT = "lighthoused"
LICENCE = re.compile(r"(licen[cs]e|copying|notice|copyright)", re.IGNORECASE)


def requirements(name: str, seen: set[str]) -> Iterator[metadata.Distribution]:
    """What a distribution needs at run time, all the way down."""
    for requirement in metadata.requires(name) or ():
        wanted = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        key = wanted.lower().replace("_", "-")
        if "extra ==" in requirement or key in seen:
            continue
        seen.add(key)
        try:
            yield metadata.distribution(wanted)
        except metadata.PackageNotFoundError:
            continue  # for another platform or version of Python
        yield from requirements(wanted, seen)


def of_distribution(found: metadata.Distribution) -> Iterator[Path]:
    """The licence files that a distribution installed."""
    for file in found.files or ():
        if ".dist-info" in file.parts[0] and LICENCE.match(file.name):
            yield Path(str(file.locate()))


def of_library(library: Path) -> Path | None:
    """The copyright file of the system's package that has a library of this name."""
    done = subprocess.run(["dpkg", "--search", f"*/{library.name}"], capture_output=True, text=True, check=False)
    package = done.stdout.partition(":")[0]
    file = Path("/usr/share/doc", package, "copyright")
    return file if package and file.is_file() else None


def gather(internal: Path, directory: Path) -> None:
    """Copy everything, a directory for each."""
    for found in requirements(PROJECT, {PROJECT}):
        kept = list(of_distribution(found))
        for file in kept:
            copy(file, directory / found.name / file.name)
        if not kept:
            said = found.metadata["License-Expression"] or found.metadata["License"] or "see its home page"
            place = directory / found.name
            place.mkdir(parents=True, exist_ok=True)
            (place / "LICENSE").write_text(f"{found.name} {found.version}: {said}\n")
    copy(Path(sysconfig.get_path("stdlib"), "LICENSE.txt"), directory / "python" / "LICENSE.txt")
    for library in sorted(internal.glob("*.so*")):
        if file := of_library(library):
            copy(file, directory / library.name.partition(".so")[0] / "copyright")


def copy(source: Path, target: Path) -> None:
    """A file, as everybody may read it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o644)


if __name__ == "__main__":
    gather(Path(sys.argv[1]), Path(sys.argv[2]))

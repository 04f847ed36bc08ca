"""Whole programs under the mount, as ratios to the same on the disk."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from perf import filesystems
from perf.filesystems import CACHE
from perf.table import Row

ROUNDS = 3
C_PROJECT = "lua5.4"
PACKAGE = """{"name": "demo", "version": "1.0.0", "dependencies": {"express": "4.21.2", "eslint": "9.17.0"}}"""
TEST = """import pytest
@pytest.mark.parametrize("n", range(300))
def test_it(n, tmp_path):
    (tmp_path / "f").write_text("x" * n)
    assert (tmp_path / "f").stat().st_size == n
"""


def measure() -> Iterator[Row]:
    """Each program on both, best of three."""
    with filesystems.native() as disk, filesystems.lighthouse() as mounted:
        for name, program in PROGRAMS.items():
            if shutil.which(name.split()[0]) is None:
                continue
            ground, ours = [], []
            for number in range(ROUNDS):
                ground.append(_timed(program, disk / "work", number))
                ours.append(_timed(program, mounted / "work", number))
            ratio = min(ours) / min(ground)
            measured = f"{ratio:.2f}x ({min(ours):.2f} s, native {min(ground):.2f} s)"
            yield Row(name, "", "within 3 times native", measured)


def _timed(program: Callable[[Path, int], Callable[[], None]], where: Path, number: int) -> float:
    where.mkdir(exist_ok=True)
    run = program(where, number)
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)


def _upstream() -> Path:
    upstream = CACHE / "upstream"
    if not (upstream / ".git").exists():
        shutil.copytree(
            Path(__file__).parents[1], upstream, ignore=shutil.ignore_patterns(".venv", ".git", "__pycache__")
        )
        _run("git", "init", "-q", cwd=upstream)
        _run("git", "add", "-A", cwd=upstream)
        _run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "all", cwd=upstream)
    return upstream


def _clone(where: Path, number: int) -> Callable[[], None]:
    """By a URL: on one filesystem git would only link the objects of a path."""
    return lambda: _run("git", "clone", "-q", f"file://{_upstream()}", f"clone{number}", cwd=where)


def _status(where: Path, number: int) -> Callable[[], None]:
    return lambda: _run("git", "status", "--porcelain", cwd=where / "clone0")


def _grep(where: Path, number: int) -> Callable[[], None]:
    return lambda: _run("grep", "-rc", "import", ".", cwd=where / "clone0")


def _make(where: Path, number: int) -> Callable[[], None]:
    project = where / f"make{number}"
    source = filesystems.debian_source(C_PROJECT)
    if source is None:
        raise SystemExit(f"error: the source of {C_PROJECT} cannot be had (apt-get source)")
    shutil.copytree(source, project)
    return lambda: _run("make", "-j4", "-C", "src", "linux", cwd=project)


def _npm(where: Path, number: int) -> Callable[[], None]:
    project = where / f"npm{number}"
    project.mkdir()
    (project / "package.json").write_text(PACKAGE)
    options = ("--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error")
    return lambda: _run("npm", "install", *options, cwd=project)


def _pytest(where: Path, number: int) -> Callable[[], None]:
    project = where / f"pytest{number}"
    project.mkdir()
    (project / "test_it.py").write_text(TEST)
    return lambda: _run(
        sys.executable, "-m", "pytest", "-q", "--basetemp=tmp", "-c", os.devnull, "--rootdir=.", cwd=project
    )


PROGRAMS = {
    "git clone": _clone,
    "git status": _status,
    "grep -r": _grep,
    "make -j4": _make,
    "npm install": _npm,
    "pytest": _pytest,
}

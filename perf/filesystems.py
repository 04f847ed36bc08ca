"""The filesystems that are compared, each ready to be used in a directory of its own.

``native`` is the disk, ``bare`` a bare pyfuse3 filesystem with our loop, ``passthrough_hp`` libfuse's example in C++
(compiled from Debian's source package, where that can be had), ``lighthouse`` ours.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from perf.daemon import Measured

CACHE = Path(tempfile.gettempdir()) / "lighthouse-perf-cache"
SOURCES = """Types: deb-src
URIs: http://deb.debian.org/debian
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


@contextlib.contextmanager
def native() -> Iterator[Path]:
    """A directory on the disk."""
    with tempfile.TemporaryDirectory(prefix="lighthouse-native-") as directory:
        yield Path(directory)


@contextlib.contextmanager
def bare() -> Iterator[Path]:
    """A bare in-memory pyfuse3 filesystem."""
    with tempfile.TemporaryDirectory(prefix="lighthouse-bare-") as mountpoint:
        server = subprocess.Popen([sys.executable, "-m", "perf.bare", mountpoint], stdout=subprocess.PIPE)
        assert server.stdout is not None
        server.stdout.readline()
        with _mounted(server, mountpoint):
            yield Path(mountpoint)


@contextlib.contextmanager
def passthrough_hp() -> Iterator[Path]:
    """libfuse's passthrough_hp over a directory on the disk, single-threaded as we are."""
    with native() as source, tempfile.TemporaryDirectory(prefix="lighthouse-hp-") as mountpoint:
        program = [str(CACHE / "passthrough_hp"), "--foreground", "--single", str(source), mountpoint]
        server = subprocess.Popen(program, stderr=subprocess.DEVNULL)
        while not os.path.ismount(mountpoint):
            if server.poll() is not None:
                raise SystemExit("error: passthrough_hp did not start")
        with _mounted(server, mountpoint):
            yield Path(mountpoint)


@contextlib.contextmanager
def lighthouse() -> Iterator[Path]:
    """`current/` of a daemon of its own."""
    with Measured() as daemon:
        yield daemon.current


@contextlib.contextmanager
def _mounted(server: subprocess.Popen[bytes], mountpoint: str) -> Iterator[None]:
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", mountpoint], check=True)
        server.wait()


def has_passthrough_hp() -> bool:
    """Whether passthrough_hp is there; it is compiled at the first call."""
    if (CACHE / "passthrough_hp").exists():
        return True
    if shutil.which("g++") is None or shutil.which("apt-get") is None:
        return False
    source = debian_source("fuse3")
    if source is None:
        return False
    compiled = (
        f"g++ -O2 -std=c++17 -w -o {CACHE}/passthrough_hp example/passthrough_hp.cc $(pkg-config --cflags --libs fuse3)"
    )
    return subprocess.run(compiled, shell=True, cwd=source, check=False).returncode == 0


def debian_source(package: str) -> Path | None:
    """The unpacked upstream source of a Debian package, fetched at the first call; None where it cannot be had."""
    unpacked = CACHE / package
    if not unpacked.is_dir():
        (CACHE / "lists/partial").mkdir(parents=True, exist_ok=True)
        (CACHE / "source.sources").write_text(SOURCES)
        apt = f"apt-get -qq -o Dir::Etc::sourcelist={CACHE}/source.sources -o Dir::Etc::sourceparts=-"
        apt += f" -o Dir::State::lists={CACHE}/lists"
        script = f"{apt} update && {apt} source --download-only {package} && mkdir {package}.new"
        script += (
            f" && tar xf {package}_*.orig.tar.?z -C {package}.new --strip-components=1 && mv {package}.new {package}"
        )
        if subprocess.run(script, shell=True, cwd=CACHE, capture_output=True, check=False).returncode:
            return None
    return unpacked

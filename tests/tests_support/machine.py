"""A Debian machine to try packages on: real systemd as PID 1, in a container whose limits are enforced.

The root directory is made once by mmdebstrap and kept (LIGHTHOUSE_TEST_CACHE, else /var/tmp/lighthouse-test); each
machine works on an overlay in memory. LIGHTHOUSE_TEST_RELEASE names another release than Debian 12: trixie, jammy or
noble (for these with its archive keyring). systemd-nspawn boots it without systemd-machined, in control groups of its
own: of version 1 each hierarchy must be given to it and made writable by its first process.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

RELEASE = os.environ.get("LIGHTHOUSE_TEST_RELEASE", "bookworm")
UBUNTU = {"jammy", "noble"}
UBUNTU_KEYS = "/usr/share/keyrings/ubuntu-archive-keyring.gpg"
PACKAGES = (
    "ca-certificates,dbus,debconf,fuse3,git,jq,libnss-systemd,libpam-systemd,passwd,procps,python3,"
    "python3-apt,systemd,systemd-sysv,util-linux"
)
CGROUPS = Path("/sys/fs/cgroup")
NEEDED = ("mmdebstrap", "systemd-nspawn", "nsenter")
BOOT_S = 60.0
STOP_S = 30.0
FIRST = """#!/bin/sh
# The first process of a test machine: control groups and /dev/fuse as on a real one, then systemd.
for group in /sys/fs/cgroup/*/; do
    mount -o remount,rw,nosuid,nodev,noexec,bind "$group" 2>/dev/null
done
[ -e /dev/fuse ] || mknod -m 0666 /dev/fuse c 10 229
exec /lib/systemd/systemd "$@"
"""
VERSION_1 = ("systemd.unified_cgroup_hierarchy=0", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1")
"""What systemd 256 and later must be told to use control groups of version 1 (systemd's NEWS)."""


def missing() -> str:
    """Why there can be no machine here, "" where there can."""
    if os.geteuid() != 0:
        return "test machines need root"
    absent = [command for command in NEEDED if shutil.which(command) is None]
    if absent:
        return f"no {', '.join(absent)}: apt-get install mmdebstrap systemd-container util-linux"
    if not Path("/sys/class/misc/fuse").exists():
        return "this kernel has no FUSE"
    confined = subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True, check=False)
    return "containers cannot be started here" if confined.returncode else ""


def cache() -> Path:
    """Where what takes long to make is kept."""
    return Path(os.environ.get("LIGHTHOUSE_TEST_CACHE", "/var/tmp/lighthouse-test"))


def root_directory() -> Path:
    """The machine's files, made where they are not there yet. Raises NoFiles."""
    what = hashlib.sha256(f"{RELEASE} {PACKAGES} {FIRST}".encode()).hexdigest()[:12]
    root = cache() / f"{RELEASE}-{what}"
    if not root.exists():
        cache().mkdir(parents=True, exist_ok=True)
        partial = cache() / f"{root.name}.{os.getpid()}"
        make = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}"]
        if RELEASE in UBUNTU:
            make += ["--components=main,universe", "--include=apt", f"--keyring={UBUNTU_KEYS}"]
        make += [RELEASE, str(partial)]
        made = subprocess.run(make, capture_output=True, text=True, check=False)
        if made.returncode:
            shutil.rmtree(partial, ignore_errors=True)
            raise NoFiles(f"mmdebstrap could not make {RELEASE}: {made.stderr.strip()[-300:]}")
        (partial / "sbin/first").write_text(FIRST)
        (partial / "sbin/first").chmod(0o755)
        partial.rename(root)
    return root


class NoFiles(Exception):
    """The machine's files cannot be had, say because no mirror of Debian can be reached."""


@contextmanager
def booted(work: Path) -> "Iterator[Machine]":
    """A machine as it is after its first start. Skips, with the reason, where there can be none."""
    if reason := missing():
        pytest.skip(reason)
    try:
        root = root_directory()
    except NoFiles as reason:
        pytest.skip(str(reason))
    machine = Machine(root, work)
    try:
        machine.boot()
        yield machine
    finally:
        machine.stop()


class Machine:
    """One booted machine."""

    def __init__(self, root: Path, work: Path) -> None:
        self.name = f"lh{os.getpid()}-{time.monotonic_ns() % 10**6}"
        self._root = root
        self._log = work / f"{self.name}.log"
        self._groups: list[Path] = []
        self._container: subprocess.Popen[bytes] | None = None
        self.leader = 0

    def boot(self) -> None:
        """Start it and wait until systemd says that all is up. Raises AssertionError."""
        self._groups = [group for hierarchy in _hierarchies() if (group := _subgroup(hierarchy, self.name))]
        command = ["systemd-nspawn", "--quiet", f"--directory={self._root}", "--volatile=overlay", "--register=no"]
        command += [f"--machine={self.name}", "--keep-unit", "--private-network", "--console=pipe", "--capability=all"]
        command += ["--kill-signal=SIGRTMIN+3", "--resolv-conf=off", "/sbin/first"]
        command += VERSION_1 if (CGROUPS / "memory").exists() else ()
        enter = 'for group in "$@"; do [ "$group" = -- ] && break; echo $$ > "$group/cgroup.procs" || exit; shift; done'
        shell = ["sh", "-c", f'{enter}; shift; exec "$@"', "sh", *map(str, self._groups), "--", *command]
        with open(self._log, "wb") as log:
            self._container = subprocess.Popen(
                shell, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + BOOT_S
        while self._state() not in ("running", "degraded"):
            assert time.monotonic() < until, f"{self.name} did not boot: {self._log.read_text(errors='replace')}"
            assert self._container.poll() is None, self._log.read_text(errors="replace")
            time.sleep(0.1)

    def stop(self) -> None:
        """Power it off, and leave nothing behind."""
        if self._container is not None and self._container.poll() is None:
            self._container.send_signal(signal.SIGTERM)
            try:
                self._container.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._container.kill()
                self._container.wait()
        for group in self._groups:
            for path, _, _ in os.walk(group, topdown=False):
                os.rmdir(path)

    def run(self, *command: str | Path, check: bool = True, user: str = "", **options: object) -> str:
        """Run a command on the machine, by default as root; its standard output and error, mixed."""
        done = self.start(*command, user=user, **options)
        said, _ = done.communicate()
        if check and done.returncode:
            raise AssertionError(f"{' '.join(map(str, command))} gave {done.returncode}:\n{said}")
        return str(said)

    def start(self, *command: str | Path, user: str = "", **environment: object) -> "subprocess.Popen[str]":
        """Start a command on the machine, with these variables in its environment."""
        variables = [f"{name}={value}" for name, value in environment.items()]
        base = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/root", *variables]
        inside = [*base, *(["runuser", "-u", user, "--"] if user else []), *map(str, command)]
        return subprocess.Popen(
            [*self._enter(), *inside],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def shell(self, script: str, *, user: str = "", check: bool = True, **environment: object) -> str:
        """Run a script with sh -eu."""
        return self.run("sh", "-euc", script, user=user, check=check, **environment)

    def put(self, source: Path, target: str) -> None:
        """Copy a file onto the machine."""
        shutil.copyfile(source, f"/proc/{self.leader}/root{target}")

    def write(self, target: str, text: str) -> None:
        """Write a file on the machine."""
        Path(f"/proc/{self.leader}/root{target}").write_text(text)

    def _enter(self) -> Sequence[str]:
        # Not `--user`: it has no user namespace of its own.
        return ("nsenter", f"--target={self.leader}", "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--")

    def _state(self) -> str:
        assert self._container is not None
        children = Path(f"/proc/{self._container.pid}/task/{self._container.pid}/children")
        self.leader = int((children.read_text().split() or ["0"])[0]) if children.exists() else 0
        if not self.leader:
            return "starting"
        asked = [*self._enter(), "systemctl", "is-system-running"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        return done.stdout.strip()


def _hierarchies() -> list[tuple[Path, str]]:
    """Mounted control group hierarchies, each with the group we are in."""
    found = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, names, own = line.split(":", 2)
        place = CGROUPS if number == "0" else CGROUPS / names.removeprefix("name=").split(",")[0]
        if number == "0" and (CGROUPS / "unified").exists():
            place = CGROUPS / "unified"
        if (place / "cgroup.procs").exists():
            found.append((place, own))
    return found


def _subgroup(hierarchy: tuple[Path, str], name: str) -> Path | None:
    """A group for the machine below our own; None where there can be none."""
    place, own = hierarchy
    group = place / own.strip("/") / name
    try:
        group.mkdir()
    except OSError:
        return None
    for file in ("cpuset.cpus", "cpuset.mems"):
        if (group / file).exists() and place.name == "cpuset":
            (group / file).write_text((group.parent / file).read_text())
    return group

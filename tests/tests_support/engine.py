"""A container engine to try the image with: podman, with storage of its own and what this machine lets it have.

The base is the Debian that test machines boot (`tests_support.machine`), as there may be no registry to pull one from.
"""

import json
import os
import resource
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests_support.machine import NoFiles, root_directory
from tests_support.packages import ROOT

BASE = "localhost/lighthouse-test/base"
IMAGE = "localhost/lighthouse-test/lighthoused"
LIMITS = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
MOST_PROCESSES = 4096


def missing() -> str:
    """Why no container can be run here, "" where they can."""
    if os.geteuid() != 0:
        return "containers that mount need root"
    if shutil.which("podman") is None:
        return "no podman: apt-get install podman runc"
    return "" if Path("/sys/class/misc/fuse").exists() else "this kernel has no FUSE"


class Engine:
    """podman. `work` is a directory of its own; containers and images in it end with `close`."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.device = work / "fuse"
        self._configuration = work / "containers.conf"
        self._configure()
        # The machine's own may be closed to other users than root, which is not so on most.
        os.mknod(self.device, stat.S_IFCHR, _number())
        self.device.chmod(0o666)

    def _configure(self) -> None:
        """Without rights to raise limits podman's defaults cannot be had; crun knows no hybrid control groups."""
        limits = {name: resource.getrlimit(which)[1] for name, which in LIMITS.items()}
        limits["nproc"] = min(MOST_PROCESSES, limits["nproc"]) if limits["nproc"] > 0 else MOST_PROCESSES
        named = json.dumps([f"{name}={limit}:{limit}" for name, limit in limits.items()])
        runtime = 'runtime = "runc"\n' if shutil.which("runc") else ""
        self._configuration.write_text(f"[engine]\n{runtime}[containers]\ndefault_ulimits = {named}\n")

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "CONTAINERS_CONF": str(self._configuration)}

    @property
    def command(self) -> list[str]:
        places = {"root": self.work / "storage", "runroot": self.work / "run"}
        return ["podman", *(f"--{name}={place}" for name, place in places.items())]

    def run(self, *arguments: str | Path, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run podman."""
        command = [*self.command, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=self.environment, **options)
        if check and done.returncode:
            raise AssertionError(f"podman {' '.join(map(str, arguments))} gave {done.returncode}:\n{done.stderr}")
        return done

    def build(self) -> None:
        """Make the image from this checkout, with the binary in dist/. Raises NoFiles where there can be no base."""
        with subprocess.Popen(["tar", "-C", root_directory(), "-c", "."], stdout=subprocess.PIPE) as files:
            self.run("import", "--quiet", "-", BASE, stdin=files.stdout)
        refused = self.run("run", "--rm", "--network=host", BASE, "true", check=False)
        if refused.returncode:
            raise NoFiles(f"podman cannot run containers here: {refused.stderr.strip()[-300:]}")
        options = ["--quiet", "--network=host", "--format=docker", "--layers=false", f"--tag={IMAGE}"]
        options += [f"--build-arg={each}" for each in (f"BASE={BASE}", "PROGRAM=dist")]
        built = self.run("build", *options, "-f", ROOT / "packaging/container/Containerfile", ROOT, check=False)
        if built.returncode and "Temporary failure" in built.stderr:
            raise NoFiles("no mirror of Debian can be reached from a container")
        assert built.returncode == 0, built.stderr

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        """What podman knows of an image or a container."""
        (found,) = json.loads(self.run(kind, "inspect", name).stdout)
        return dict(found)

    def close(self) -> None:
        """Leave nothing behind."""
        self.run("rm", "--all", "--force", "--time=2", check=False)
        self.run("volume", "rm", "--all", "--force", check=False)
        self.run("rmi", "--all", "--force", check=False)
        subprocess.run(["umount", "--lazy", self.work / "storage/overlay"], capture_output=True, check=False)


class Container:
    """One container, running until `remove`."""

    def __init__(self, engine: Engine, name: str, image: str, options: Sequence[str], *words: str) -> None:
        self.engine = engine
        self.name = name
        engine.run("run", "--detach", "--no-healthcheck", f"--name={name}", *options, image, *words)

    def exec(self, *words: str, check: bool = True, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run a command in it."""
        return self.engine.run("exec", *options, self.name, *words, check=check)

    def logs(self) -> str:
        """What it said."""
        said = self.engine.run("logs", self.name)
        return said.stdout + said.stderr

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.engine.run("kill", "--signal=KILL", self.name)
        self.engine.run("wait", self.name)

    def start(self) -> None:
        """Start it again."""
        self.engine.run("start", self.name)

    def stop(self) -> int:
        """Stop it as an administrator does; its exit code."""
        self.engine.run("stop", "--time=30", self.name)
        return self.exit_code()

    def exit_code(self) -> int:
        """Wait until it has ended; its exit code."""
        return int(self.engine.run("wait", self.name).stdout)

    def remove(self) -> None:
        """Take it away, running or not."""
        self.engine.run("rm", "--force", "--time=10", "--volumes", self.name, check=False)


def _number() -> int:
    major, minor = Path("/sys/class/misc/fuse/dev").read_text().split(":")
    return os.makedev(int(major), int(minor))

"""Where a daemon in a container and agents in others meet: a directory on a mount that is shared."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests_support.engine import IMAGE, Container, Engine
from tests_support.waiting import until

DAEMON = ("--network=none", "--pid=host", "--read-only", "--cap-drop=ALL", "--cap-add=SYS_ADMIN")
AGENT = ("--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--entrypoint=sh")
SHARED = "/run/lighthouse"
OWNER = 10001


class Place:
    """Where containers share the mount and the socket: `directory` is theirs, on a mount that is shared."""

    def __init__(self, engine: Engine, directory: Path) -> None:
        self.engine = engine
        self.directory = directory
        self.mount = directory / "mnt"
        self._containers: list[Container] = []

    def volume(self, propagation: str) -> str:
        return f"--volume={self.directory}:{SHARED}:{propagation}"

    def given(self) -> list[str]:
        """What docs/containers.md gives a daemon."""
        return [*DAEMON, f"--device={self.engine.device}:/dev/fuse", self.volume("rshared")]

    def daemon(self, *options: str, name: str = "lighthoused") -> Container:
        """A daemon; not waited for."""
        return self.started(name, [*self.given(), *options])

    def ready(self, container: Container) -> Container:
        """Wait until a daemon is ready for work."""
        until(lambda: container.exec("lighthousectl", "health", check=False).returncode == 0)
        return container

    def agent(self, script: str, *options: str, name: str = "agent") -> Container:
        """A container that runs a script where the mount is to be seen."""
        return self.started(name, [*AGENT, self.volume("rslave"), *options], "-c", script)

    def started(self, name: str, options: Sequence[str], *words: str) -> Container:
        """A container of the image, taken away at the end."""
        container = Container(self.engine, name, IMAGE, options, *words)
        self._containers.append(container)
        return container

    def is_mounted(self) -> bool:
        """Whether the host sees the mount."""
        return f" {self.mount} fuse.lighthouse " in Path("/proc/self/mounts").read_text()

    def close(self) -> None:
        for container in reversed(self._containers):
            container.remove()
        subprocess.run(["umount", "--lazy", self.mount], capture_output=True, check=False)

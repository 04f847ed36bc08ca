"""A real daemon as a separate process, with its mount and socket in a temporary directory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lighthoused.client import Client
from lighthoused.protocol.messages.log import Filter, QueryRequest
from lighthoused.protocol.messages.status import StatusRequest

READY = "lighthoused is ready"
START_S = 60.0


@contextmanager
def serving(daemon: "Running") -> Iterator["Running"]:
    """A daemon that is there for the time of the block, and then ends in order."""
    daemon.start()
    yield daemon
    assert daemon.stop() == 0, daemon.log.read_text()


class Running:
    """`current` is the project's directory under the mount, `state` the daemon's own, `flags` more of its own."""

    daemon: tuple[str, ...] = (sys.executable, "-m", "lighthoused")
    control: tuple[str, ...] = (sys.executable, "-m", "lighthoused.cli.launch")

    def __init__(self, base: Path, source: Path, *flags: str) -> None:
        self.flags = flags
        self.state = base / "state"
        self.mount = base / "mnt"
        self.socket = base / "sock"
        self.log = base / "daemon.log"
        self.source = source
        self.project = self.mount / source.name
        self.current = self.project / "current"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        places = {"STATE": self.state, "MOUNT": self.mount, "SOCKET": self.socket}
        return {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONFAULTHANDLER": "1",
            **{f"LIGHTHOUSE_{name}": str(path) for name, path in places.items()},
        }

    def start(self) -> None:
        """Start the daemon and wait until it says that it is ready."""
        with open(self.log, "ab") as log:
            before = log.tell()
            self.process = subprocess.Popen(
                [*self.daemon, "serve", "--log-format", "json", *self.flags, str(self.source)],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        self._wait_ready(before)

    def _wait_ready(self, before: int) -> None:
        assert self.process is not None
        until = time.monotonic() + START_S
        with open(self.log, encoding="utf-8", errors="replace") as log:
            log.seek(before)
            said = ""
            while READY not in said and self.process.poll() is None and time.monotonic() < until:
                time.sleep(0.02)
                said += log.read()
            said += log.read()
        if READY not in said:
            self.kill()
            raise AssertionError(f"the daemon did not start: exit code {self.process.returncode}\n{said}")

    def stop(self) -> int:
        """Stop it as systemd would; its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(START_S)
        if str(self.mount) in Path("/proc/self/mounts").read_text():
            subprocess.run(["umount", "--lazy", str(self.mount)], check=False)
        return code

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Stop and start."""
        assert self.stop() == 0
        self.start()

    def client(self, **options: Any) -> Client:
        """A connected client."""
        client = Client(self.socket, **options)
        client.connect()
        return client

    def head(self) -> int:
        """seq of the newest event, everything done before it included."""
        self.settle()
        with self.client() as client:
            head: int = client.call(StatusRequest(id=0)).head
            return head

    def settle(self) -> None:
        """Make everything done so far durable."""
        descriptor = os.open(self.current, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def events(self, after: int = 0, **filter: Any) -> tuple[Any, ...]:
        """Events after a seq that pass a filter."""
        asked = QueryRequest(id=0, filter=Filter(**filter), cursor=after, limit=10_000)
        with self.client() as client:
            events: tuple[Any, ...] = client.call(asked).events
            return events

    def ctl(self, *arguments: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run lighthousectl."""
        command = [*self.control, *arguments]
        options.setdefault("env", self.environment)
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
        if check and done.returncode:
            raise AssertionError(f"{arguments} gave {done.returncode}: {done.stdout}{done.stderr}")
        return done

"""A daemon of its own to measure, in a temporary directory."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lighthoused.client import Client
from lighthoused.protocol.messages.status import StatusRequest

READY = "lighthoused is ready"


class Measured:
    """A running daemon that serves a small project called `demo`."""

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="lighthouse-perf-"))
        self.source = self.base / "demo"
        self.source.mkdir()
        (self.source / "kept.txt").write_text("kept")
        self.socket = self.base / "sock"
        self.mount = self.base / "mnt"
        self.current = self.mount / "demo" / "current"
        self.command = [
            sys.executable,
            "-m",
            "lighthoused",
            "serve",
            str(self.source),
            "--state",
            str(self.base / "state"),
        ]
        self.command += ["--socket", str(self.socket), "--mount", str(self.mount), "--log-format", "json"]
        self.log = open(self.base / "log", "wb")  # noqa: SIM115
        self._start()

    def _start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        assert self.process.stdout is not None
        if not any(READY in line for line in self.process.stdout):
            raise SystemExit("error: the daemon did not start: " + (self.base / "log").read_text())

    def restart(self) -> float:
        """Stop and start; seconds from start until it is ready."""
        self.process.terminate()
        self.process.wait()
        started = time.perf_counter()
        self._start()
        return time.perf_counter() - started

    def __enter__(self) -> "Measured":
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.base, ignore_errors=True)

    def client(self) -> Client:
        """A connected client."""
        client = Client(self.socket)
        client.connect()
        return client

    def head(self) -> int:
        """seq of the newest event."""
        with self.client() as client:
            head: int = client.call(StatusRequest(id=0)).head
            return head

    def resident_mb(self) -> float:
        """Resident memory of the daemon, MB, without the pages of the store's file that the kernel has mapped in."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("RssAnon:")[2].split()[0]) * 1024 / 1e6

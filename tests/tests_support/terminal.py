"""`lighthousectl` on a terminal of its own: what it shows, and keys typed at it."""

import os
import pty
import re
import select
import subprocess
import sys
import time

from tests_support.running import Running

CTL = [sys.executable, "-m", "lighthoused.cli.launch"]
WAIT_S = 30.0
_STYLES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """One command on a pseudo-terminal. `shown` is all that it wrote so far, without styles."""

    def __init__(self, running: Running, *arguments: str, columns: int = 400) -> None:
        main, side = pty.openpty()
        environment = {**running.environment, "COLUMNS": str(columns), "TERM": "xterm"}
        self.process = subprocess.Popen(
            [*running.control, *arguments],
            env=environment,
            stdin=side,
            stdout=side,
            stderr=side,
            start_new_session=True,
        )
        os.close(side)
        self._main = main
        self._raw = b""
        self._seen = 0

    @property
    def shown(self) -> str:
        return _STYLES.sub("", self._raw.decode(errors="replace")).replace("\r\n", "\n")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._main, keys.encode())

    def expect(self, text: str) -> str:
        """Wait until `text` appears after what was expected before; everything up to it."""
        until = time.monotonic() + WAIT_S
        while (at := self.shown.find(text, self._seen)) < 0:
            if not self._read(until):
                raise AssertionError(f"{text!r} did not appear in {self.shown[self._seen :]!r}")
        before = self.shown[self._seen : at]
        self._seen = at + len(text)
        return before

    def end(self) -> int:
        """Wait until it ends; its exit code."""
        while self._read(time.monotonic() + WAIT_S):
            pass
        os.close(self._main)
        return self.process.wait(WAIT_S)

    def _read(self, until: float) -> bool:
        ready, _, _ = select.select([self._main], [], [], max(0.0, until - time.monotonic()))
        try:
            part = os.read(self._main, 65_536) if ready else b""
        except OSError:
            part = b""
        self._raw += part
        return bool(part)

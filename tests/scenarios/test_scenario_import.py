"""An import that is interrupted goes on where it was, and nothing is imported twice."""

import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from tests_support.running import Running
from tests_support.waiting import until

FILES = 3_000


def test_stopped_in_the_middle_it_goes_on_and_ends_with_everything(tmp_path: Path) -> None:
    source = tmp_path / "demo"
    for number in range(FILES):
        path = source / f"d{number % 50}" / f"f{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n")
    running = Running(tmp_path, source)
    command = [sys.executable, "-m", "lighthoused", "serve", str(source)]
    for _ in range(3):
        process = subprocess.Popen(command, env=running.environment, stdout=subprocess.DEVNULL)
        until(partial(_catches, process.pid, signal.SIGTERM))
        time.sleep(0.3)
        process.terminate()
        assert process.wait(30) == 0
    running.start()
    try:
        assert subprocess.run(["diff", "-r", str(source), str(running.current)], check=False).returncode == 0
        head = running.head()
        running.restart()
        assert [event.type for event in running.events(after=head)] == ["daemon.started"]
    finally:
        running.stop()


def _catches(pid: int, wanted: signal.Signals) -> bool:
    """Whether a process handles a signal by now (``SigCgt`` of proc_pid_status(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (wanted - 1) & 1)

"""kill -9 at random moments under load: nothing acknowledged is lost, log and tree hold together, the next start works.

LIGHTHOUSE_CRASH_ROUNDS sets the number of rounds (50; the aim is 1,000 of 1,000).
"""

import contextlib
import os
import random
import threading
from pathlib import Path

import pytest
from tests_support.running import Running
from tests_support.tree_check import problems_of

from lighthoused.core.errors import LighthouseError
from lighthoused.protocol.messages.log import AppendRequest, Filter, NewEvent, QueryRequest

ROUNDS = int(os.environ.get("LIGHTHOUSE_CRASH_ROUNDS", "50"))


class Load:
    """Appends events and writes files until the daemon dies; remembers what was acknowledged."""

    def __init__(self, running: Running, seed: int) -> None:
        self.running = running
        self.seed = seed
        self.events: list[str] = []
        self.files: dict[str, bytes] = {}
        self.attempted: dict[str, bytes] = {}
        self.done = threading.Semaphore(0)

    def append(self) -> None:
        with contextlib.suppress(LighthouseError), self.running.client(timeout=10.0) as client:
            for number in range(100_000):
                name = f"{self.seed}-{number}"
                client.call(AppendRequest(id=0, events=(NewEvent(stream="load", type="t", event_id=name),)))
                self.events.append(name)
                self.done.release()

    def write(self) -> None:
        generator = random.Random(self.seed)
        with contextlib.suppress(OSError):
            for number in range(100_000):
                name = f"f{number % 7}"
                content = generator.randbytes(generator.choice((10, 5_000, 200_000)))
                self.attempted[name] = content
                partial = self.running.current / f"{name}.new"
                with open(partial, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.rename(partial, self.running.current / name)
                directory = os.open(self.running.current, os.O_RDONLY)
                try:
                    os.fsync(directory)
                finally:
                    os.close(directory)
                self.files[name] = content
                self.done.release()


@pytest.mark.slow
@pytest.mark.timeout(60 + ROUNDS * 30)
def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    source = tmp_path / "demo"
    source.mkdir()
    (source / "kept.txt").write_text("kept")
    running = Running(tmp_path, source)
    generator = random.Random(1)
    acknowledged: set[str] = set()
    for seed in range(ROUNDS):
        running.start()
        load = Load(running, seed)
        threads = [threading.Thread(target=load.append), threading.Thread(target=load.write)]
        for thread in threads:
            thread.start()
        for _ in range(generator.randrange(1, 120)):
            assert load.done.acquire(timeout=30)
        running.kill()
        for thread in threads:
            thread.join()
        acknowledged.update(load.events)
        assert problems_of(running.state) == []
        running.start()
        assert (running.current / "kept.txt").read_text() == "kept"
        for name, content in load.files.items():
            found = (running.current / name).read_bytes()
            assert found in (content, load.attempted.get(name)), name
        stored = _stored_ids(running)
        assert acknowledged <= stored
        assert running.stop() == 0


def _stored_ids(running: Running) -> set[str]:
    found: set[str] = set()
    cursor = 0
    with running.client() as client:
        while True:
            page = client.call(QueryRequest(id=0, filter=Filter(stream="load"), cursor=cursor, limit=5_000))
            found.update(event.event_id for event in page.events)
            cursor = page.cursor
            if not cursor:
                return found

"""How fast the machine itself is at what the daemon needs: processor, processes taking turns, syncs of the disk."""

import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Operation = Callable[[], object]


def busy() -> None:
    """A fixed piece of work for the processor, some 100 us."""
    sum(number * number for number in range(2000))


@contextmanager
def taking_turns() -> Iterator[Operation]:
    """A byte to another process and back."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        _echo(ours, theirs)
    theirs.close()

    def there_and_back() -> None:
        ours.send(b"x")
        ours.recv(1)

    try:
        yield there_and_back
    finally:
        ours.close()
        os.waitpid(child, 0)


def _echo(ours: socket.socket, theirs: socket.socket) -> None:
    """The other process: never returns."""
    try:
        ours.close()
        while data := theirs.recv(1):
            theirs.send(data)
    finally:
        os._exit(0)


@contextmanager
def syncing(state: Path) -> Iterator[Operation]:
    """4 KiB to the disk: the store's, where we may write there, else that of /var/tmp."""
    place = state if os.access(state, os.W_OK) else Path("/var/tmp")
    with tempfile.TemporaryFile(dir=place, buffering=0) as file:
        content = bytes(4096)

        def sync() -> None:
            os.pwrite(file.fileno(), content, 0)
            os.fdatasync(file.fileno())

        yield sync


def timed(operation: Callable[[int], object], times: int) -> list[float]:
    """Seconds that each of so many took."""
    took = []
    for number in range(times):
        started = time.perf_counter()
        operation(number)
        took.append(time.perf_counter() - started)
    return took

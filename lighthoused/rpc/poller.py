"""One task for the reading side of all connections, on an epoll set of its own inside the trio run.

Waiting in trio for every socket costs two epoll_ctl and a task switch a request; here it costs one wait for all that is
ready. Level-triggered (epoll(7)): what is not read now is reported again.
"""

import select
import socket
import time
from typing import Protocol

import trio

BATCH = 64
"""Sockets served before other tasks get a turn."""


TURN_S = 0.0005
"""How long sockets are served before other tasks get a turn."""


class Readable(Protocol):
    """What is told that its socket can be read."""

    def readable(self) -> None:
        """Read once, without waiting."""


class Poller:
    """Watches sockets and calls their readers."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._readers: dict[int, Readable] = {}

    def watch(self, sock: socket.socket, reader: Readable) -> None:
        """Call the reader whenever the socket can be read."""
        self._readers[sock.fileno()] = reader
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def leave(self, sock: socket.socket) -> None:
        """Watch the socket no more; it is still open."""
        if self._readers.pop(sock.fileno(), None) is not None and not self._epoll.closed:
            self._epoll.unregister(sock.fileno())

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Call readers until cancelled."""
        task_status.started()
        try:
            while True:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
                until = time.perf_counter() + TURN_S
                while ready := self._epoll.poll(0, BATCH):
                    for descriptor, _ in ready:
                        reader = self._readers.get(descriptor)
                        if reader is not None:
                            reader.readable()
                    if time.perf_counter() > until:
                        break
        finally:
            self._epoll.close()

"""One task for the reading side of all connections, on an epoll set of its own inside the trio run.

Waiting in trio for every socket costs two epoll_ctl and a task switch a request; here it costs one wait for all that is
ready. Level-triggered (epoll(7)): what is not read now is reported again. Who sent more than can be answered in its
turn is set aside, not read from, and goes on after the others had theirs.
"""

import os
import select
import socket
import time
from collections import deque
from typing import Protocol

import trio

BATCH = 64
"""Sockets asked for at once."""
TURN_S = 0.001
"""How long sockets are served before other tasks get a turn."""
ASIDE_S = 0.0002
"""How long those that were set aside are, at most one request longer."""


class Readable(Protocol):
    """What is told that its socket can be read."""

    def readable(self) -> bool:
        """Read once, without waiting; whether there is more to do with what was read."""

    def go_on(self) -> bool:
        """Do some of it; whether there still is more."""


class Poller:
    """Watches sockets and calls their readers."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._readers: dict[int, Readable] = {}
        self._aside: deque[tuple[int, Readable]] = deque()
        self._waiting: set[int] = set()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._bell, select.EPOLLIN)

    def watch(self, sock: socket.socket, reader: Readable, busy: bool = False) -> None:
        """Call the reader whenever the socket can be read; a `busy` one after it has gone on with what it has."""
        descriptor = sock.fileno()
        self._readers[descriptor] = reader
        if busy:
            self._set_aside(descriptor, reader)
            os.eventfd_write(self._bell, 1)
        else:
            self._epoll.register(descriptor, select.EPOLLIN)

    def leave(self, sock: socket.socket) -> None:
        """Watch the socket no more; it is still open."""
        descriptor = sock.fileno()
        if self._readers.pop(descriptor, None) is None or self._epoll.closed:
            return
        if descriptor in self._waiting:
            self._waiting.discard(descriptor)
        else:
            self._epoll.unregister(descriptor)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Call readers until cancelled."""
        task_status.started()
        try:
            while True:
                if self._aside:
                    await trio.lowlevel.checkpoint()
                else:
                    await trio.lowlevel.wait_readable(self._epoll.fileno())
                self._serve_ready(time.perf_counter() + TURN_S)
                self._serve_aside(time.perf_counter() + ASIDE_S)
        finally:
            self._epoll.close()
            os.close(self._bell)

    def _serve_ready(self, until: float) -> None:
        while ready := self._epoll.poll(0, BATCH):
            for descriptor, _ in ready:
                if descriptor == self._bell:
                    os.eventfd_read(self._bell)
                    continue
                reader = self._readers.get(descriptor)
                if reader is not None and reader.readable() and descriptor in self._readers:
                    self._epoll.unregister(descriptor)
                    self._set_aside(descriptor, reader)
                if time.perf_counter() > until:
                    return

    def _serve_aside(self, until: float) -> None:
        for _ in range(len(self._aside)):
            descriptor, reader = self._aside.popleft()
            if self._readers.get(descriptor) is not reader or descriptor not in self._waiting:
                continue
            if reader.go_on():
                self._aside.append((descriptor, reader))
            elif self._readers.get(descriptor) is reader:
                self._waiting.discard(descriptor)
                self._epoll.register(descriptor, select.EPOLLIN)
            if time.perf_counter() > until:
                return

    def _set_aside(self, descriptor: int, reader: Readable) -> None:
        self._waiting.add(descriptor)
        self._aside.append((descriptor, reader))

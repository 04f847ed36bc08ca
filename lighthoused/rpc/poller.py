"""One task for the reading side of all connections, on an epoll set of its own inside the trio run.

Waiting in trio for every socket costs two epoll_ctl and a task switch a request; here it costs one wait for all that is
ready. Level-triggered (epoll(7)): what is not read now is reported again. Who sent more than can be answered in its
turn, or rests (`turns`), is set aside, not read from, and goes on after the others had theirs.
"""

import heapq
import itertools
import math
import os
import select
import socket
import time
from collections import deque
from typing import Protocol

import trio

from lighthoused.rpc.outbox import Outbox

BATCH = 32
"""Sockets asked for at once. Their answers leave together; those not served in this turn are the first in the next."""
TURN_S = 0.001
LONGEST_TURN_S = 0.005
"""How long sockets are served before other tasks get a turn: as long as those took, within these bounds."""
ASIDE_S = 0.0002
"""How long those that were set aside are, at most one request longer."""
HEAVY_S = 0.0001
"""A turn that is longer is charged to whom it was for."""


class Readable(Protocol):
    """What is told that its socket can be read."""

    def readable(self) -> bool:
        """Read once, without waiting; whether there is more to do with what was read."""

    def go_on(self) -> bool:
        """Do some of it; whether there still is more."""

    @property
    def rests_until(self) -> float:
        """When it may have its next turn (of time.perf_counter)."""

    def charge(self, seconds: float) -> None:
        """So long was its turn."""


class Poller:
    """Watches sockets and calls their readers."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._epoll = select.epoll()
        self._readers: dict[int, Readable] = {}
        self._ready: deque[int] = deque()
        self._aside: list[tuple[float, int, int, Readable]] = []
        self._waiting: set[int] = set()
        self._turn = itertools.count()
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
                ended = time.perf_counter()
                await self._something_to_do()
                began = time.perf_counter()
                self._serve_ready(began + min(max(TURN_S, began - ended), LONGEST_TURN_S))
                if self._aside:
                    with self._outbox:
                        self._serve_aside(time.perf_counter() + ASIDE_S)
        finally:
            self._epoll.close()
            os.close(self._bell)

    async def _something_to_do(self) -> None:
        rest = self._aside[0][0] - time.perf_counter() if self._aside else math.inf
        if self._ready or rest <= 0:
            await trio.lowlevel.checkpoint()
        else:
            with trio.move_on_after(rest):
                await trio.lowlevel.wait_readable(self._epoll.fileno())

    def _serve_ready(self, until: float) -> None:
        now = time.perf_counter()
        while self._ready or self._ask_kernel():
            with self._outbox:
                while self._ready:
                    now = self._serve(self._ready.popleft(), now)
                    if now > until:
                        return

    def _ask_kernel(self) -> bool:
        """Whether there are sockets to read."""
        self._ready.extend(descriptor for descriptor, _ in self._epoll.poll(0, BATCH))
        return bool(self._ready)

    def _serve(self, descriptor: int, began: float) -> float:
        """Let one read, or set it aside where it rests; when that was done."""
        if descriptor == self._bell:
            os.eventfd_read(self._bell)
            return began
        reader = self._readers.get(descriptor)
        if reader is None or descriptor in self._waiting:
            return began
        is_left = reader.rests_until > began or reader.readable()
        if is_left and descriptor in self._readers:
            self._epoll.unregister(descriptor)
            self._set_aside(descriptor, reader)
        return _charged(reader, began)

    def _serve_aside(self, until: float) -> None:
        """Let those set aside go on whose rest is over, who waited longest first."""
        now = time.perf_counter()
        while self._aside and self._aside[0][0] <= now < until:
            _, _, descriptor, reader = heapq.heappop(self._aside)
            if self._readers.get(descriptor) is not reader or descriptor not in self._waiting:
                continue
            if reader.rests_until > now:
                self._set_aside(descriptor, reader)
                continue
            is_left = reader.go_on()
            now = _charged(reader, now)
            if is_left:
                self._set_aside(descriptor, reader)
            elif self._readers.get(descriptor) is reader:
                self._waiting.discard(descriptor)
                self._epoll.register(descriptor, select.EPOLLIN)

    def _set_aside(self, descriptor: int, reader: Readable) -> None:
        self._waiting.add(descriptor)
        due = max(reader.rests_until, time.perf_counter())
        heapq.heappush(self._aside, (due, next(self._turn), descriptor, reader))


def _charged(reader: Readable, began: float) -> float:
    """Charge a turn that was long; when it ended."""
    now = time.perf_counter()
    if now - began > HEAVY_S:
        reader.charge(now - began)
    return now

"""Following the log from a thread of its own, on a connection that is made anew whenever it breaks.

What it is told is passed on in that thread: whoever listens must not block. Behind by too much it leaves events out.
"""

import threading
from collections.abc import Callable
from typing import Protocol

from lighthoused.client import Client, Unreachable
from lighthoused.core.errors import DeadlineExceeded, LighthouseError
from lighthoused.protocol.messages.log import EventView, Filter, SubscribeRequest
from lighthoused.protocol.messages.status import StatusRequest

TICK_S = 0.5
"""How soon it notices that it has to stop."""
RETRY_S = 1.0
REST_S = 0.5
"""How long nothing is followed before what came meanwhile is left out."""


class Listener(Protocol):
    """Is told what comes, in the follower's thread."""

    def connected(self, client: Client) -> None:
        """Also after each reconnection, before any event: to ask what the events do not say."""

    def event(self, event: EventView) -> None: ...

    def lost(self, error: LighthouseError) -> None:
        """The daemon cannot be reached; it is tried again. Any other refusal ends the following."""


class Follower:
    """Follows events that pass a filter, from the moment of the first connection on."""

    def __init__(self, client: Callable[[], Client], filter: Filter, listener: Listener) -> None:
        self._client = client
        self._filter = filter
        self._listener = listener
        self._stopping = threading.Event()
        self._skipping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._reached = -1

    def start(self) -> None:
        self._thread.start()

    @property
    def reached(self) -> int:
        """seq of the newest event that was passed on; -1 before the first connection."""
        return self._reached

    def skip(self) -> None:
        """Rest a little, leave out what there is until then, and go on with what is new."""
        self._skipping.set()

    def stop(self) -> None:
        """End, soon."""
        self._stopping.set()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._client() as client:
                    self._follow(client)
                if self._skipping.is_set():
                    self._stopping.wait(REST_S)
            except (Unreachable, DeadlineExceeded) as error:
                self._listener.lost(error)
                self._stopping.wait(RETRY_S)
            except LighthouseError as error:
                self._listener.lost(error)
                return

    def _follow(self, client: Client) -> None:
        head = client.call(StatusRequest(id=0)).head
        if self._skipping.is_set() or not 0 <= self._reached <= head:
            self._reached = head
        self._skipping.clear()
        self._listener.connected(client)
        client.wait_at_most(TICK_S)
        stream = client.stream(SubscribeRequest(id=0, filter=self._filter, after=self._reached))
        while not (self._stopping.is_set() or self._skipping.is_set()):
            try:
                for event in stream:
                    self._reached = event.seq
                    self._listener.event(event)
                    if self._stopping.is_set() or self._skipping.is_set():
                        return
            except DeadlineExceeded:
                continue

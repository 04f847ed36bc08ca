"""What the live view is fed with: events from one thread, and from another how the daemon is, asked every second.

Neither draws. The board is changed and read under `lock`. Events are left out rather than fallen behind with.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from lighthoused.cli.following import Follower
from lighthoused.client import Client
from lighthoused.core.errors import LighthouseError
from lighthoused.protocol.messages.agents import AgentListRequest, AgentView
from lighthoused.protocol.messages.gate import Approval, ApprovalListRequest
from lighthoused.protocol.messages.log import EventView, Filter, QueryRequest
from lighthoused.protocol.messages.status import MetricsRequest, Status, StatusRequest
from lighthoused.top.board import Board
from lighthoused.top.numbers import Look, look

EVERY_S = 1.0
TIMEOUT_S = 10.0
RECENT = 500
"""Events from before that the view begins with, and goes on with after it left some out."""
LOOKS = 10
"""Seconds over which rates and percentiles are taken."""
MAX_BEHIND = 5000
MAX_A_SECOND = 5000
"""Events that the view takes in a second, and may be behind, before it leaves some out: it costs the daemon no more."""


class State(NamedTuple):
    """How the daemon is, at one moment; `before` and `now` are two looks at its metrics, a few seconds apart."""

    status: Status
    agents: tuple[AgentView, ...]
    approvals: tuple[Approval, ...]
    before: Look
    now: Look


class Feed:
    """Feeds a board and keeps the newest state. `problem`: why the daemon cannot be reached, "" while it can."""

    def __init__(self, client: Callable[[float], Client]) -> None:
        self.lock = threading.Lock()
        self.board = Board()
        self.state: State | None = None
        self.problem = "connecting"
        self._looks: deque[Look] = deque(maxlen=LOOKS)
        self._second = self._taken = 0
        self._client = client
        self._follower = Follower(lambda: client(TIMEOUT_S), Filter(), self)
        self._stopping = threading.Event()
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="poll", daemon=True)

    def start(self) -> None:
        self._follower.start()
        self._thread.start()

    def stop(self) -> None:
        """End both threads."""
        self._follower.stop()
        self._stopping.set()
        self._asked.set()
        self._follower.join()
        self._thread.join()

    def ask_now(self) -> None:
        """Do not wait for the next second."""
        self._asked.set()

    def connected(self, client: Client) -> None:
        """Show the newest, also where older events were left out before."""
        if self._follower.reached <= self.board.seq:
            return
        found = client.call(QueryRequest(id=0, limit=RECENT, reverse=True)).events
        with self.lock:
            for event in reversed(found):
                if self.board.seq < event.seq <= self._follower.reached:
                    self.board.fold(event)

    def event(self, event: EventView) -> None:
        with self.lock:
            moved = self.board.approvals_moved
            self.board.fold(event)
            moved = self.board.approvals_moved - moved
        if moved:
            self.ask_now()
        second = int(time.monotonic())
        self._taken = self._taken + 1 if second == self._second else 0
        self._second = second
        if self._taken == MAX_A_SECOND:
            self._follower.skip()

    def lost(self, error: LighthouseError) -> None:
        self.problem = error.message

    def _poll(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._client(TIMEOUT_S) as client:
                    while not self._stopping.is_set():
                        self._ask(client)
                        self._asked.wait(EVERY_S)
                        self._asked.clear()
            except LighthouseError as error:
                self.problem = error.message
                self._stopping.wait(EVERY_S)

    def _ask(self, client: Client) -> None:
        status = client.call(StatusRequest(id=0))
        agents = client.call(AgentListRequest(id=0)).agents
        approvals = client.call(ApprovalListRequest(id=0)).approvals
        now = self._looked(client, status)
        self.state = State(status, agents, approvals, *now)
        self.problem = ""
        if 0 <= self._follower.reached < status.head - MAX_BEHIND:
            self._follower.skip()

    def _looked(self, client: Client, status: Status) -> tuple[Look, Look]:
        """The oldest and the newest look at this daemon's metrics; being asked more often makes no more of them."""
        if self.state is not None and self.state.status.pid != status.pid:
            self._looks.clear()
        at = time.monotonic()
        if not self._looks or at - self._looks[-1].at > EVERY_S / 2:
            self._looks.append(look(client.call(MetricsRequest(id=0)).text, at))
        return self._looks[0], self._looks[-1]

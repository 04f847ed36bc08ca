"""Agents over the socket for Locust (https://locust.io), for those who want its page and charts.

    pip install -r perf/requirements.txt
    LIGHTHOUSE_SOCKET=/run/lighthouse/lighthouse.sock locust -f perf/locustfile.py

``./dev perf agents`` measures more: work under the mount, subscriptions, people, harm. Here each user is a connection
that asks for verdicts, appends and queries.
"""

import os
import time
from collections.abc import Callable

from locust import User, between, task

from lighthoused.client import Client
from lighthoused.core.errors import LighthouseError
from lighthoused.paths import ROOT, SOCKET, default_socket
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.gate import CheckRequest
from lighthoused.protocol.messages.log import AppendRequest, NewEvent, QueryRequest

HABITS = ("ls -la", "git status --short", "pytest -q tests/unit", "grep -rn TODO src/", "make -j4 lint")


class Agent(User):  # type: ignore[misc]
    """One agent with a connection of its own."""

    wait_time = between(0.1, 0.5)

    def on_start(self) -> None:
        self.number = id(self)
        self.step = 0
        self.client = Client(os.environ.get(SOCKET) or default_socket(dict(os.environ), os.geteuid() or ROOT))
        self.client.connect()

    def on_stop(self) -> None:
        self.client.close()

    @task(5)
    def habit(self) -> None:
        self.step += 1
        self._check("verdict, remembered", HABITS[self.step % len(HABITS)])

    @task(3)
    def new(self) -> None:
        self.step += 1
        self._check("verdict, new", f"git -C work/{self.number} commit -qm 'step {self.step}' && git log -1")

    @task(2)
    def append(self) -> None:
        event = NewEvent(stream=f"load/{self.number}", type="load.step", payload={"step": self.step})
        self._timed("append", lambda: AppendRequest(id=0, events=(event,)))

    @task(1)
    def query(self) -> None:
        self._timed("query of 50", lambda: QueryRequest(id=0, limit=50, reverse=True))

    def _check(self, name: str, command: str) -> None:
        self._timed(name, lambda: CheckRequest(id=0, input={"command": command}, cwd="/tmp"))

    def _timed(self, name: str, made: Callable[[], Request]) -> None:
        began, failure = time.perf_counter(), None
        try:
            self.client.call(made())
        except LighthouseError as error:
            failure = error
        took_ms = (time.perf_counter() - began) * 1000
        self.environment.events.request.fire(
            request_type="rpc", name=name, response_time=took_ms, response_length=0, exception=failure
        )

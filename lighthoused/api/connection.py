"""hello, ping, status and metrics."""

import time
from collections.abc import Callable, Mapping

import trio

from lighthoused import __version__
from lighthoused.core.errors import Invalid
from lighthoused.identity.access import Access
from lighthoused.protocol.messages.base import PROTOCOL_VERSION, Request
from lighthoused.protocol.messages.connection import Hello, Ping, Pong, Welcome
from lighthoused.protocol.messages.status import MetricsReply, MetricsRequest, Status, StatusRequest
from lighthoused.rpc.call import Call, Handler


class ConnectionApi:
    """Who is there, and how it is."""

    def __init__(self, access: Access, status: Callable[[], Status], metrics: Callable[[], bytes]) -> None:
        self._access = access
        self._status = status
        self._metrics = metrics

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {Hello: self.hello, Ping: self.ping, StatusRequest: self.status, MetricsRequest: self.metrics}

    def hello(self, request: Hello, call: Call) -> Welcome:
        if request.protocol != PROTOCOL_VERSION:
            raise Invalid(
                f"The client speaks protocol {request.protocol}, this daemon {PROTOCOL_VERSION}.",
                "Use the same version.",
            )
        if request.token:
            self._access.present(call.peer, request.token)
        author = call.author
        return Welcome(PROTOCOL_VERSION, __version__, author.agent, call.peer.role, author.uid, author.pid)

    def ping(self, request: Ping, call: Call) -> Pong:
        return Pong(time.time_ns())

    def status(self, request: StatusRequest, call: Call) -> Status:
        return self._status()

    async def metrics(self, request: MetricsRequest, call: Call) -> MetricsReply:
        return MetricsReply((await trio.to_thread.run_sync(self._metrics)).decode())

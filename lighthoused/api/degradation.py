"""degradation.*: what an operator may say to it, and what the log tells of it."""

from collections.abc import Callable, Mapping

import msgspec

from lighthoused.core.author import Author
from lighthoused.core.degradation import Condition
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.connection import Done
from lighthoused.protocol.messages.log import Filter
from lighthoused.protocol.messages.status import DegradationApproveRequest
from lighthoused.rpc.call import Call, Handler
from lighthoused.store.log import Log


class DegradationApi:
    """`approve` raises Conflict where there is nothing to approve."""

    def __init__(self, approve: Callable[[Author], None]) -> None:
        self._approve = approve

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {DegradationApproveRequest: self.approve}

    def approve(self, request: DegradationApproveRequest, call: Call) -> Done:
        self._approve(call.author)
        return Done()


def last(log: Log) -> Condition:
    """The condition to start with: what was an emergency when the process before us ended has to be recovered from."""
    newest = log.query(Filter(type="degradation.changed"), limit=1, reverse=True).events
    if newest and msgspec.msgpack.decode(newest[0].event.payload)["to"] != "normal":
        return Condition("recovering")
    return Condition()

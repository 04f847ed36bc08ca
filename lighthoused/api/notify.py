"""notify.test."""

from collections.abc import Mapping

from lighthoused.notify.notifier import Notifier
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.notifications import NotifyTestReply, NotifyTestRequest
from lighthoused.rpc.call import Call, Handler


class NotifyApi:
    """Trying the ways to tell people."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {NotifyTestRequest: self.test}

    async def test(self, request: NotifyTestRequest, call: Call) -> NotifyTestReply:
        return NotifyTestReply(await self._notifier.test())

"""daemon.reload."""

from collections.abc import Awaitable, Callable, Mapping

from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.policies import ReloadReply, ReloadRequest
from lighthoused.rpc.call import Call, Handler


class ReloadApi:
    """Reading anew what the daemon was told, for who may."""

    def __init__(self, reload: Callable[[], Awaitable[ReloadReply]]) -> None:
        self._reload = reload

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {ReloadRequest: self.reload}

    async def reload(self, request: ReloadRequest, call: Call) -> ReloadReply:
        return await self._reload()

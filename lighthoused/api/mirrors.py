"""mirror.*: projects kept equal with ordinary directories."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from lighthoused.api.following import followed
from lighthoused.mirror.mirrors import Mirrors
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.connection import Done
from lighthoused.protocol.messages.log import Progress
from lighthoused.protocol.messages.mirrors import (
    MirrorAddRequest,
    MirrorList,
    MirrorListRequest,
    MirrorRemoveRequest,
    MirrorStatusReply,
    MirrorStatusRequest,
)
from lighthoused.rpc.call import Call, Final, Handler


class MirrorsApi:
    """What can be asked of mirrors."""

    def __init__(self, mirrors: Mirrors) -> None:
        self._mirrors = mirrors

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {
            MirrorAddRequest: self.add,
            MirrorListRequest: self.list,
            MirrorRemoveRequest: self.remove,
            MirrorStatusRequest: self.status,
        }

    def add(self, request: MirrorAddRequest, call: Call) -> AsyncIterator[Progress | Final]:
        directory = Path(request.directory)
        return followed(lambda tell: self._mirrors.add(request.project, directory, request.adopt, call.author, tell))

    def list(self, request: MirrorListRequest, call: Call) -> MirrorList:
        return MirrorList(self._mirrors.all())

    async def remove(self, request: MirrorRemoveRequest, call: Call) -> Done:
        await self._mirrors.remove(request.project, request.directory, call.author)
        return Done()

    def status(self, request: MirrorStatusRequest, call: Call) -> MirrorStatusReply:
        return MirrorStatusReply(self._mirrors.status(request.project))

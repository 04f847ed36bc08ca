"""store.*: keeping the store whole."""

from collections.abc import AsyncIterator, Mapping

from lighthoused.api.following import followed
from lighthoused.protocol.messages import FsckRequest, Progress, Request
from lighthoused.rpc.call import Call, Final, Handler
from lighthoused.tree.mending import Fsck


class UpkeepApi:
    """Checks and repairs."""

    def __init__(self, fsck: Fsck) -> None:
        self._fsck = fsck

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {FsckRequest: self.fsck}

    def fsck(self, request: FsckRequest, call: Call) -> AsyncIterator[Progress | Final]:
        return followed(lambda tell: self._fsck.run(request.project, request.deep, request.repair, tell))

"""store.*: keeping the store whole."""

from collections.abc import AsyncIterator, Mapping

from lighthoused.api.following import followed
from lighthoused.protocol.messages import FsckRequest, GcRequest, Progress, Request
from lighthoused.rpc.call import Call, Final, Handler
from lighthoused.tree.gc import Gc
from lighthoused.tree.mending import Fsck


class UpkeepApi:
    """Checks, repairs and collections."""

    def __init__(self, fsck: Fsck, gc: Gc) -> None:
        self._fsck = fsck
        self._gc = gc

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {FsckRequest: self.fsck, GcRequest: self.gc}

    def fsck(self, request: FsckRequest, call: Call) -> AsyncIterator[Progress | Final]:
        return followed(lambda tell: self._fsck.run(request.project, request.deep, request.repair, tell))

    def gc(self, request: GcRequest, call: Call) -> AsyncIterator[Progress | Final]:
        return followed(lambda tell: self._gc.run(request.keep, request.dry_run, call.author, tell))

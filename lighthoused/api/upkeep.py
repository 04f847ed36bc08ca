"""store.*: keeping the store whole."""

from collections.abc import AsyncIterator, Mapping

from lighthoused.api.following import Tell, followed
from lighthoused.api.log import Scrubbed
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.log import Progress
from lighthoused.protocol.messages.upkeep import FsckReply, FsckRequest, GcRequest
from lighthoused.rpc.call import Call, Final, Handler
from lighthoused.tree.gc import Gc
from lighthoused.tree.mending import Fsck


class UpkeepApi:
    """Checks, repairs and collections."""

    def __init__(self, fsck: Fsck, gc: Gc, scrubbed: Scrubbed) -> None:
        self._fsck = fsck
        self._scrubbed = scrubbed
        self._gc = gc

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {FsckRequest: self.fsck, GcRequest: self.gc}

    def fsck(self, request: FsckRequest, call: Call) -> AsyncIterator[Progress | Final]:
        return followed(lambda tell: self._check(request, tell))

    async def _check(self, request: FsckRequest, tell: Tell) -> FsckReply:
        found = await self._fsck.run(request.project, request.deep, request.repair, tell)
        if request.deep and not request.project:
            await self._scrubbed("tree", sum(not fault.mended for fault in found.faults) + found.more)
        return found

    def gc(self, request: GcRequest, call: Call) -> AsyncIterator[Progress | Final]:
        return followed(lambda tell: self._gc.run(request.keep, request.dry_run, call.author, tell))

"""tree.blame and tree.change_points: asking the past."""

from collections.abc import Mapping

import trio

from lighthoused.core.names import raw
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.projects import BlameReply, BlameRequest, ChangePointsReply, ChangePointsRequest
from lighthoused.rpc.call import Call, Handler
from lighthoused.tree.blame import Blame
from lighthoused.tree.points import change_points
from lighthoused.tree.tree import Tree


class TimeTravelApi:
    """Questions about how things came to be."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {BlameRequest: self.blame, ChangePointsRequest: self.change_points}

    async def blame(self, request: BlameRequest, call: Call) -> BlameReply:
        project = self._tree.projects.get(request.project)
        at = await self._tree.moment(project.name, request.at)
        blame = Blame(self._tree.store, self._tree.reading, self._tree.projects.horizon)
        return await trio.to_thread.run_sync(blame.run, project.root, raw(request.path), at, abandon_on_cancel=True)

    async def change_points(self, request: ChangePointsRequest, call: Call) -> ChangePointsReply:
        project = self._tree.projects.get(request.project)
        until = await self._tree.moment(project.name, request.until)
        since = await self._tree.moment(project.name, request.since)
        points = await change_points(self._tree.store.log, project.name, since, until)
        return ChangePointsReply(since, until, points)

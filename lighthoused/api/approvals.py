"""approvals.list, show and answer."""

from collections.abc import Mapping

from lighthoused.core.edits import edited_path
from lighthoused.core.errors import Conflict
from lighthoused.core.sight import FileView, seen
from lighthoused.gate.approvals import Approvals
from lighthoused.protocol.messages import (
    Approval,
    ApprovalAnswerRequest,
    ApprovalList,
    ApprovalListRequest,
    ApprovalShowRequest,
    ApprovalView,
    Done,
    Request,
)
from lighthoused.rpc.call import Call, Handler
from lighthoused.tree.glance import Glance


class ApprovalsApi:
    """What waits for a person, and the person's answer."""

    def __init__(self, approvals: Approvals, glance: Glance) -> None:
        self._approvals = approvals
        self._glance = glance

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {ApprovalListRequest: self.list, ApprovalShowRequest: self.show, ApprovalAnswerRequest: self.answer}

    def list(self, request: ApprovalListRequest, call: Call) -> ApprovalList:
        return ApprovalList(self._approvals.waiting())

    def show(self, request: ApprovalShowRequest, call: Call) -> ApprovalView:
        return self._view(self._approvals.get(request.approval))

    def answer(self, request: ApprovalAnswerRequest, call: Call) -> Done:
        if request.seen and request.seen != self._view(self._approvals.get(request.approval)).seen:
            raise Conflict(
                f"What the approval {request.approval} would change is not as it was when it was shown.",
                hint="Look at it again: `lighthousectl approvals show`.",
            )
        self._approvals.answer(request.approval, request.answer, request.reason, request.request, call.author)
        return Done()

    def _view(self, approval: Approval) -> ApprovalView:
        path = edited_path(approval.tool, approval.input, approval.cwd)
        files: tuple[FileView, ...] = (self._glance.of(path),) if path else ()
        return ApprovalView(approval, files, seen(approval.request, files))

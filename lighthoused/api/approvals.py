"""approvals.list and approvals.answer."""

from collections.abc import Mapping

from lighthoused.gate.approvals import Approvals
from lighthoused.protocol.messages import ApprovalAnswerRequest, ApprovalList, ApprovalListRequest, Done, Request
from lighthoused.rpc.call import Call, Handler


class ApprovalsApi:
    """What waits for a person, and the person's answer."""

    def __init__(self, approvals: Approvals) -> None:
        self._approvals = approvals

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {ApprovalListRequest: self.list, ApprovalAnswerRequest: self.answer}

    def list(self, request: ApprovalListRequest, call: Call) -> ApprovalList:
        return ApprovalList(self._approvals.waiting())

    def answer(self, request: ApprovalAnswerRequest, call: Call) -> Done:
        self._approvals.answer(request.approval, request.answer, request.reason, request.request, call.author)
        return Done()

"""approvals.list, show and answer; what waited before the daemon was started is folded from the log."""

from collections.abc import Mapping
from typing import Any

import msgspec

from lighthoused.core.edits import edited_path
from lighthoused.core.errors import Conflict
from lighthoused.core.events import Event
from lighthoused.core.sight import FileView, seen
from lighthoused.core.verdicts import Verdict
from lighthoused.gate.approvals import MAX_LEFT_S, MAX_PARKED, Approvals, by_person
from lighthoused.gate.remembering import remembered
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.connection import Done
from lighthoused.protocol.messages.gate import (
    Approval,
    ApprovalAnswerRequest,
    ApprovalList,
    ApprovalListRequest,
    ApprovalShowRequest,
    ApprovalView,
)
from lighthoused.protocol.messages.log import Filter
from lighthoused.rpc.call import Call, Handler
from lighthoused.store.log import Log
from lighthoused.tree.glance import Glance


def fold(approvals: Approvals, log: Log, now: int) -> None:
    """Know again what waits, and grants that nobody has used, of the last hour; the oldest first."""
    recent = Filter(type="approval.requested", since=max(1, now - int(MAX_LEFT_S * 1e9)))
    for stored in reversed(log.query(recent, limit=2 * MAX_PARKED, reverse=True).events):
        known = remembered(_payload(stored.event))
        if known is None:
            continue
        approval, origin = known
        after = log.query(Filter(stream=stored.event.stream, since=stored.event.time)).events
        ends = {each.event.type: each.event for each in after if each.event.seq > stored.event.seq}
        if not ends:
            approvals.restore(approval, origin, None)
        elif (verdict := _granted(approval, ends, log)) is not None:
            approvals.restore(approval, origin, verdict)


def _granted(approval: Approval, ends: Mapping[str, Event], log: Log) -> Verdict | None:
    """What a person allowed, where nobody has got that answer."""
    answered = ends.get("approval.answered")
    if answered is None or "approval.used" in ends:
        return None
    said = _payload(answered)
    judged = Filter(type="gate.judged", correlation=approval.request, since=answered.time)
    told = any(_payload(each.event).get("approval") == approval.id for each in log.query(judged).events)
    if said.get("answer") != "allow" or told:
        return None
    return by_person(approval, "allow", str(said.get("reason")) or f"{answered.agent} allowed it.")


def _payload(event: Event) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.msgpack.decode(event.payload)
    return decoded


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

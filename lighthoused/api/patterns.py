"""approvals.always and pattern.list, show and revoke: what people said shall count for more than one request."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
import trio

from lighthoused.core.appended import Appended
from lighthoused.core.errors import Conflict, Denied, Overloaded
from lighthoused.core.events import Draft
from lighthoused.core.verdicts import Template
from lighthoused.gate.approvals import Approvals, asked
from lighthoused.pattern.learning import STREAM, take_rule
from lighthoused.pattern.patterns import Patterns
from lighthoused.pattern.standing import MAX_STANDING
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.connection import Done
from lighthoused.protocol.messages.gate import Approval, ApprovalAlwaysRequest
from lighthoused.protocol.messages.patterns import (
    Pattern,
    PatternList,
    PatternListRequest,
    PatternReply,
    PatternRevokeRequest,
    PatternShowRequest,
)
from lighthoused.rpc.call import Call, Handler

PIECE = 20
"""Patterns looked at without a turn for others."""
Append = Callable[[tuple[Draft, ...]], Awaitable[tuple[Appended, ...]]]


class PatternsApi:
    """Makes, lists and revokes. What it makes are events; they are in force once they are on disk."""

    def __init__(self, approvals: Approvals, patterns: Patterns, append: Append, clock: Callable[[], int]) -> None:
        self._approvals = approvals
        self._patterns = patterns
        self._append = append
        self._clock = clock

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {
            ApprovalAlwaysRequest: self.always,
            PatternListRequest: self.list,
            PatternShowRequest: self.show,
            PatternRevokeRequest: self.revoke,
        }

    async def always(self, request: ApprovalAlwaysRequest, call: Call) -> Pattern:
        """Allow what waits, and from then on all that is like it."""
        approval = self._approvals.get(request.approval)
        template = self._shown(approval, request)
        agent = approval.agent if request.scope == "agent" else ""
        project = template.project if request.scope != "everywhere" else ""
        rule = {
            "agent": agent,
            "project": project,
            "asked": asked(approval),
            "template": msgspec.to_builtins(template),
            "approval": approval.id,
        }
        self._approvals.answer(approval.id, "allow", request.reason, request.request, call.author)
        made = await self._record("pattern.allowed", rule, call)
        return self._patterns.view(made, self._clock())[0]

    async def list(self, request: PatternListRequest, call: Call) -> PatternList:
        found: dict[str, Pattern] = {}
        now = self._clock()
        for number, pattern in enumerate(self._patterns.ids()):
            if number % PIECE == PIECE - 1:
                await trio.lowlevel.checkpoint()
            view = self._patterns.view_of(pattern, now)
            if view is not None:
                found[pattern] = view
            if len(found) >= request.limit:
                break
        return PatternList(tuple(found.values()))

    def show(self, request: PatternShowRequest, call: Call) -> PatternReply:
        return PatternReply(*self._patterns.view(request.pattern, self._clock()))

    async def revoke(self, request: PatternRevokeRequest, call: Call) -> Done:
        self._patterns.view(request.pattern, self._clock())
        await self._record("pattern.revoked", {"pattern": request.pattern}, call)
        return Done()

    def _shown(self, approval: Approval, request: ApprovalAlwaysRequest) -> Template:
        """The template that was shown. Raises Denied where none may be used, Conflict where another one was shown."""
        if approval.template is None:
            raise Denied(
                f"What {approval.rule} asks about is asked each time, so it cannot be allowed for good.",
                "Approve it once, or change the policy: a rule with negotiable(...) may be answered from before.",
            )
        if request.template != approval.template.id or request.request != approval.request:
            raise Conflict(
                f"The approval {approval.id} is for another request than the one that was shown.",
                "Look at it again: `lighthousectl approvals show`.",
            )
        if len(self._patterns.standing) >= MAX_STANDING:
            raise Overloaded(
                f"There are {MAX_STANDING} patterns already that are always allowed.",
                "Revoke some: 'lighthousectl patterns list', 'lighthousectl patterns revoke ID'.",
            )
        return approval.template

    async def _record(self, kind: str, payload: dict[str, object], call: Call) -> str:
        """Make the event, and have it in force before the caller hears of it. The id of its pattern."""
        draft = call.author.draft(STREAM, kind, payload, self._clock())
        (appended,) = await self._append((draft,))
        return take_rule(self._patterns, kind, appended.seq, appended.time, call.author.agent, draft.payload)

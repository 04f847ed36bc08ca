"""Requests to be judged, their verdicts, and approvals by people."""

from typing import Any, Literal

import msgspec

from lighthoused.core.sight import FileView
from lighthoused.core.verdicts import Effect, Template
from lighthoused.protocol.messages.base import Request


class CheckRequest(Request, tag="gate.check"):
    """Judge what an agent asks to do. `wait`: an escalation is parked until a person answers or its deadline denies it.

    `agent` and `session` count only for operators; others are who their peer is.
    """

    input: dict[str, Any]
    tool: str = "Bash"
    cwd: str = "/"
    agent: str = ""
    session: str = ""
    wait: bool = False
    explain: bool = False


class HookRequest(Request, tag="gate.hook"):
    """A PreToolUse hook: `event` is its standard input; the result is what Claude Code's hook prints, as it is.

    `agent`: what the program that runs the hook is registered as, if it is no agent yet; "" leaves it as it is.
    `can_ask` False: that program cannot ask its user, so that an escalation always waits for a person here.
    """

    event: dict[str, Any]
    agent: str = ""
    can_ask: bool = True


class HookReportRequest(Request, tag="gate.report"):
    """What other hooks tell: a tool call's end, a session's begin and end, a prompt. Recorded as the agent's own word.

    `sizes`: bytes of fields of `event` that are cut or left out. `agent` as in gate.hook.
    """

    event: dict[str, Any]
    agent: str = ""
    sizes: dict[str, int] = {}


class HookDecision(msgspec.Struct, frozen=True, rename="camel"):
    """`permission_decision` is ``allow``, ``deny`` or ``ask``."""

    hook_event_name: str
    permission_decision: str
    permission_decision_reason: str


class HookReply(msgspec.Struct, frozen=True, rename="camel"):
    hook_specific_output: HookDecision


class Approval(msgspec.Struct, frozen=True):
    """A parked request. `request` is the hash of exactly what was shown; approving binds to it."""

    id: str
    request: str
    agent: str
    session: str
    tool: str
    input: dict[str, Any]
    cwd: str
    rule: str
    reason: str
    suggestion: str
    effects: tuple[Effect, ...]
    created: int
    deadline: int
    uid: int = -1
    template: Template | None = None
    """What `always` would allow; None where a person is to be asked each time."""


class ApprovalListRequest(Request, tag="approvals.list"):
    """Requests that wait for a person, oldest first; long inputs and effects are cut, and say so."""


class ApprovalList(msgspec.Struct, frozen=True):
    approvals: tuple[Approval, ...]


class ApprovalShowRequest(Request, tag="approvals.show"):
    """One request that waits, whole, with the files it would change as they are now."""

    approval: str


class ApprovalView(msgspec.Struct, frozen=True):
    """`seen` is the hash of exactly this: the request, and the state of its files."""

    approval: Approval
    files: tuple[FileView, ...]
    seen: str


class ApprovalAnswerRequest(Request, tag="approvals.answer"):
    """Answer one. `request` must be the hash of what was shown; only a denial may leave it out.

    `seen`, where given, must be what approvals.show says now: no file that was shown has changed since.
    """

    approval: str
    answer: Literal["allow", "deny"]
    reason: str = ""
    request: str = ""
    seen: str = ""


class ApprovalAlwaysRequest(Request, tag="approvals.always"):
    """Allow a request that waits, and from now on all with its template. Never for an escalation that is required.

    `request` and `template` must be what was shown. `scope`: for this agent in this project, for any agent in this
    project, or for any agent in any project.
    """

    approval: str
    request: str
    template: str
    scope: Literal["agent", "project", "everywhere"] = "agent"
    reason: str = ""

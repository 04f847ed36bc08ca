"""gate.check and gate.hook: who asks is proven, what they ask is judged."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Request as Asked
from lighthoused.core.verdicts import Verdict
from lighthoused.gate.gate import Gate
from lighthoused.identity.access import Identity
from lighthoused.protocol.messages import ROLES, CheckRequest, HookDecision, HookReply, HookRequest, Request
from lighthoused.rpc.call import Call, Handler

SMALL = 4 * 1024
"""Characters of input up to which a verdict is made on the spot, without a task."""
DECISIONS = {"allow": "allow", "deny": "deny", "escalate": "ask"}


class GateApi:
    """Passes requests to the gate. `hook_waits`: a hook's escalation waits for a person here, else its user decides."""

    def __init__(self, gate: Gate, world: Callable[[], World], hook_waits: bool) -> None:
        self._gate = gate
        self._world = world
        self._hook_waits = hook_waits

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {CheckRequest: self.check, HookRequest: self.hook}

    def check(self, request: CheckRequest, call: Call) -> Verdict | Awaitable[Verdict]:
        asked = _asked(call.peer, request.tool, request.input, request.cwd, request.agent, request.session)
        if _is_small(request.input):
            verdict = self._gate.judge(asked, self._world(), request.explain)
            return verdict if verdict.verdict != "escalate" else self._gate.settle(asked, verdict, request.wait)
        return self._gate.ask(asked, self._world(), request.wait, request.explain)

    async def hook(self, request: HookRequest, call: Call) -> HookReply:
        event = request.event
        tool, given = event.get("tool_name"), event.get("tool_input")
        if not isinstance(tool, str) or not isinstance(given, dict):
            return _hook_reply("deny", "The hook's event has no tool_name and tool_input, so it cannot be judged.")
        session = call.author.session or _text(event.get("session_id"))
        asked = _asked(call.peer, tool, given, _text(event.get("cwd")) or "/", "", session)
        verdict = await self._gate.ask(asked, self._world(), wait=self._hook_waits)
        return _hook_reply(DECISIONS[verdict.verdict], _told(verdict))


def _asked(peer: Identity, tool: str, given: dict[str, Any], cwd: str, agent: str, session: str) -> Asked:
    author = peer.author
    speaks_for_others = peer.role in ROLES[ROLES.index("operator") :]
    return Asked(
        tool=tool,
        input=given,
        cwd=cwd,
        agent=(agent if speaks_for_others else "") or author.agent,
        session=(session if speaks_for_others else "") or author.session,
        uid=author.uid,
    )


def _is_small(given: dict[str, Any]) -> bool:
    return all(isinstance(value, str) and len(value) <= SMALL for value in given.values())


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _told(verdict: Verdict) -> str:
    parts = [f"Lighthouse: {verdict.reason}"]
    if verdict.suggestion:
        parts.append(f"Instead: {verdict.suggestion}")
    return " ".join(parts)


def _hook_reply(decision: str, reason: str) -> HookReply:
    return HookReply(HookDecision("PreToolUse", decision, reason))

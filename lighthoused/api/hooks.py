"""gate.hook and gate.report: what an agent's program asks before a tool call, and what it reports.

The first hook of a program that no agent is known by makes it one (`identity.hosts`): what it and its descendants do
from then on is that agent's, in the session that the program names.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from cachetools import LRUCache

from lighthoused.api.gate import asked_by
from lighthoused.core.author import Author
from lighthoused.core.effects import World
from lighthoused.core.errors import Invalid, LighthouseError
from lighthoused.core.events import MAX_NAME, Draft
from lighthoused.core.verdicts import Verdict
from lighthoused.gate.gate import Gate
from lighthoused.gate.reports import report_of
from lighthoused.identity.agents import Agents, is_name, is_session
from lighthoused.identity.hosts import host_of
from lighthoused.protocol.messages.agents import AgentView
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.connection import Done
from lighthoused.protocol.messages.gate import HookDecision, HookReply, HookReportRequest, HookRequest
from lighthoused.rpc.call import Call, Handler

DECISIONS = {"allow": "allow", "deny": "deny", "escalate": "ask"}
CALLS = 10_000
"""Calls whose verdict is remembered until they are reported to have ended."""

Register = Callable[[str, int, str, Author], Awaitable[AgentView]]


class HooksApi:
    """`waits`: an escalation waits for a person here, else the agent's user is asked, where the program can do that."""

    def __init__(
        self,
        gate: Gate,
        world: Callable[[int], World],
        agents: Agents,
        register: Register,
        record: Callable[[Draft], Awaitable[None]],
        clock: Callable[[], int],
        waits: bool,
    ) -> None:
        self._gate = gate
        self._world = world
        self._agents = agents
        self._register = register
        self._record = record
        self._clock = clock
        self._waits = waits
        self._calls: LRUCache[tuple[str, str], str] = LRUCache(CALLS)

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {HookRequest: self.hook, HookReportRequest: self.report}

    async def hook(self, request: HookRequest, call: Call) -> HookReply:
        event = request.event
        tool, given = event.get("tool_name"), event.get("tool_input")
        if not isinstance(tool, str) or not isinstance(given, dict):
            return _reply("deny", "The hook's event has no tool_name and tool_input, so it cannot be judged.")
        await self._attribute(request.agent, event, call)
        session = call.author.session or _session(event)
        asked = asked_by(call.peer, tool, given, _text(event, "cwd") or "/", request.agent, session)
        wait = self._waits or not request.can_ask
        verdict = await self._gate.ask(asked, self._world(asked.uid), wait, turn=call.in_turn())
        if known := _text(event, "tool_use_id")[:MAX_NAME]:
            self._calls[_text(event, "session_id")[:MAX_NAME], known] = verdict.request
        return _reply(DECISIONS[verdict.verdict], _told(verdict))

    async def report(self, request: HookReportRequest, call: Call) -> Done:
        event = request.event
        await self._attribute(request.agent, event, call)
        of_call = _text(event, "session_id")[:MAX_NAME], _text(event, "tool_use_id")[:MAX_NAME]
        report = report_of(event, request.sizes, self._calls.pop(of_call, ""))
        if report is None:
            raise Invalid(
                "The event's hook_event_name is none that is recorded.",
                "Report PostToolUse, PostToolUseFailure, SessionStart, SessionEnd or UserPromptSubmit.",
            )
        if report.payload.get("outcome") in ("done", "failed"):
            self._gate.flows.finished(report.payload["request"])
        author = self._reporter(request, call)
        stream = f"{report.stream}/{author.agent}".encode()[:MAX_NAME].decode("utf-8", "ignore")
        correlation = report.payload.get("request", "")
        await self._record(author.draft(stream, report.kind, report.payload, self._clock(), correlation))
        return Done()

    async def _attribute(self, agent: str, event: Mapping[str, Any], call: Call) -> None:
        """Make the hook's host an agent, or let it begin another session. What cannot be attributed stays as it is."""
        if agent and not is_name(agent):
            raise Invalid(f"{agent!r} cannot be the name of an agent.", "Install the hook again, with another --agent.")
        session = _session(event)
        if not agent or call.peer.token or not session:
            return
        author = call.author
        known = call.peer.role == "agent"
        if known and not self._begins_session(author, agent, session, event):
            return
        host = host_of(author.pid)
        if not host or (known and not self._is_registered(host)):
            return
        try:
            await self._register(agent, host, session, author)
        except LighthouseError:
            return
        acting = self._agents.of(host)
        call.peer.author = author._replace(agent=acting.agent, session=acting.session)
        call.peer.role = "agent"

    @staticmethod
    def _begins_session(author: Author, agent: str, session: str, event: Mapping[str, Any]) -> bool:
        is_start = event.get("hook_event_name") == "SessionStart"
        return is_start and author.agent == agent and author.session != session

    def _is_registered(self, host: int) -> bool:
        """Whether the host itself was registered: the session of one that was started as an agent is not its own."""
        return any(view.pid == host and view.alive for view in self._agents.list())

    @staticmethod
    def _reporter(request: HookReportRequest, call: Call) -> Author:
        """Who reports: a proven agent, else the owner's program by the name and session that it gives itself."""
        author = call.author
        if call.peer.role == "agent":
            return author
        return author._replace(agent=request.agent or author.agent, session=_session(request.event) or author.session)


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


def _session(event: Mapping[str, Any]) -> str:
    """The program's own id of its session, "" where it cannot be one here."""
    session = _text(event, "session_id")
    return session if is_session(session) else ""


def _told(verdict: Verdict) -> str:
    parts = [f"Lighthouse: {verdict.reason}"]
    if verdict.suggestion:
        parts.append(f"Instead: {verdict.suggestion}")
    return " ".join(parts)


def _reply(decision: str, reason: str) -> HookReply:
    return HookReply(HookDecision("PreToolUse", decision, reason))

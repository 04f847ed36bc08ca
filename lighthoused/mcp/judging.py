"""Tools about verdicts: what would be allowed, and what waits for a person. They grant nothing: a call is judged again
when it is made, and only people approve."""

import time
from typing import Annotated, Any

import msgspec
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from lighthoused.core.verdicts import Verdict
from lighthoused.mcp.desk import Desk, told
from lighthoused.mcp.shaping import bounded, fitting, shortened, spelled_time
from lighthoused.protocol.messages.gate import ApprovalListRequest, CheckRequest

MAX_EFFECTS = 20
NEXT = {
    "allow": "Go ahead.",
    "deny": "Do not do this, nor the same by another way: do what 'instead' says, or ask your user.",
    "escalate": "A person decides. Choose the way that 'instead' says; or make the call, tell your user, and wait.",
}


class Judging:
    """validate and approvals."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.tools = (self.validate, self.approvals)

    @told
    async def validate(
        self,
        command: Annotated[str, Field(description="A shell command, exactly as you would run it.")] = "",
        tool: Annotated[str, Field(description="The tool you would call, for example Write or WebFetch.")] = "Bash",
        input: Annotated[
            dict[str, Any] | None, Field(description="That tool's input, where it is not a shell command.")
        ] = None,
        cwd: Annotated[str, Field(description="Directory to run it in; by default this server's.")] = "",
    ) -> dict[str, Any]:
        """Ask whether a shell command or tool call would be allowed, before you make it, and why.

        Answers with the verdict (allow, deny, or escalate: a person decides), the reason, what it would do (effects),
        and what to do instead. Asking grants nothing and changes nothing. Use it when you plan something that deletes,
        overwrites, publishes, reaches the network or needs rights.
        """
        if bool(command) == (input is not None):
            raise ToolError(
                'Give either "command", or "tool" and "input". For example {"command": "git push --force"}.'
            )
        given = input if input is not None else {"command": command}
        verdict: Verdict = await self._desk.ask(
            CheckRequest(id=0, tool=tool, input=given, cwd=cwd or self._desk.cwd, explain=False)
        )
        return {
            "verdict": verdict.verdict,
            "reason": verdict.reason,
            "instead": verdict.suggestion,
            "next": NEXT[verdict.verdict],
            "rule": verdict.rule,
            "tier": verdict.tier,
            "effects": [bounded(msgspec.to_builtins(effect)) for effect in verdict.effects[:MAX_EFFECTS]],
            "more_effects": max(0, len(verdict.effects) - MAX_EFFECTS),
        }

    @told
    async def approvals(self) -> dict[str, Any]:
        """See which requests wait for a person's answer now. You cannot answer them: only people can.

        A request that is no longer here was answered, or its deadline has denied it.
        """
        waiting = (await self._desk.ask(ApprovalListRequest(id=0))).approvals
        rows = [
            {
                "id": one.id,
                "agent": one.agent,
                "tool": one.tool,
                "input": bounded(one.input),
                "cwd": one.cwd,
                "reason": shortened(one.reason),
                "instead": shortened(one.suggestion),
                "asked": spelled_time(one.created),
                "seconds_left": max(0, (one.deadline - time.time_ns()) // 10**9),
            }
            for one in waiting
        ]
        shown = fitting(rows)
        return {"waiting": shown, "more": len(rows) - len(shown)}

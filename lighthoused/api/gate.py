"""gate.check: who asks is proven, what they ask is judged."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lighthoused.core.effects import World
from lighthoused.core.errors import Invalid
from lighthoused.core.events import MAX_NAME
from lighthoused.core.verdicts import Request as Asked
from lighthoused.core.verdicts import Verdict
from lighthoused.gate.gate import Gate
from lighthoused.identity.access import Identity
from lighthoused.protocol.messages.base import ROLES, Request
from lighthoused.protocol.messages.gate import CheckRequest
from lighthoused.rpc.call import Call, Handler

PEOPLE = frozenset(ROLES[ROLES.index("operator") :])
"""Roles of a person or a program of theirs, rather than of an agent: who has one may ask on behalf of others."""


class GateApi:
    """Passes requests to the gate."""

    def __init__(self, gate: Gate, world: Callable[[int], World]) -> None:
        self._gate = gate
        self._world = world

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {CheckRequest: self.check}

    def check(self, request: CheckRequest, call: Call) -> Verdict | Awaitable[Verdict]:
        asked = asked_by(
            call.peer,
            request.tool,
            request.input,
            request.cwd,
            request.agent,
            request.session,
            question=not request.wait and call.peer.role in PEOPLE,
        )
        if self._gate.answers_at_once(asked):
            verdict = self._gate.judge(asked, self._world(asked.uid), request.explain)
            return verdict if verdict.verdict != "escalate" else self._gate.settle(asked, verdict, request.wait)
        return self._gate.ask(asked, self._world(asked.uid), request.wait, request.explain, call.in_turn())


def asked_by(
    peer: Identity,
    tool: str,
    given: dict[str, Any],
    cwd: str,
    agent: str,
    session: str,
    question: bool = False,
) -> Asked:
    """What the gate is asked. `agent` and `session` count only from who speaks for others. Raises Invalid."""
    for name in (agent, session):
        if len(name.encode(errors="replace")) > MAX_NAME or "\0" in name:
            raise Invalid("The name of an agent or session is too long.", f"At most {MAX_NAME} bytes, without NUL.")
    author = peer.author
    for_others = peer.role in PEOPLE
    return Asked(
        tool=tool,
        input=given,
        cwd=cwd,
        agent=(agent if for_others else "") or author.agent,
        session=(session if for_others else "") or author.session,
        uid=author.uid,
        pid=author.pid,
        question=question,
    )

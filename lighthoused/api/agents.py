"""agent.register and agent.list."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from lighthoused.core.appended import Appended
from lighthoused.core.errors import Denied
from lighthoused.core.events import Draft
from lighthoused.identity.agents import Agents
from lighthoused.protocol.messages import AgentList, AgentListRequest, AgentRegisterRequest, AgentView, Request
from lighthoused.rpc.call import Call, Handler

Append = Callable[[tuple[Draft, ...]], Awaitable[tuple[Appended, ...]]]


class AgentsApi:
    """Registers processes as agents."""

    def __init__(self, agents: Agents, append: Append, clock: Callable[[], int]) -> None:
        self._agents = agents
        self._append = append
        self._clock = clock

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {AgentRegisterRequest: self.register, AgentListRequest: self.list}

    async def register(self, request: AgentRegisterRequest, call: Call) -> AgentView:
        author = call.author
        pid = request.pid or author.pid
        if call.peer.role == "agent" and (pid != author.pid or request.agent != author.agent):
            raise Denied(
                f"Agent {author.agent!r} may register only its own processes.", "Ask the person whose machine it is."
            )
        view = self._agents.register(request.agent, pid, request.session, author.uid)
        draft = Draft(
            stream=f"agents/{view.agent}",
            type="agent.registered",
            payload=msgspec.msgpack.encode({"pid": view.pid, "session": view.session}),
            time=self._clock(),
            agent=view.agent,
            session=view.session,
            uid=author.uid,
            pid=author.pid,
        )
        await self._append((draft,))
        return view

    def list(self, request: AgentListRequest, call: Call) -> AgentList:
        return AgentList(self._agents.list())

"""agent.register and agent.list."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
import structlog

from lighthoused.core.appended import Appended
from lighthoused.core.author import Author
from lighthoused.core.errors import Denied, NotFound
from lighthoused.core.events import Draft
from lighthoused.identity.agents import MAX_AGENTS, Agents
from lighthoused.protocol.messages.agents import AgentList, AgentListRequest, AgentRegisterRequest, AgentView
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.log import Filter
from lighthoused.rpc.call import Call, Handler
from lighthoused.store.log import Log

log = structlog.get_logger()

TYPE = "agent.registered"
INVISIBLE = "A daemon in a container sees other containers in the host's pid namespace: pid: host, hostPID: true."
Append = Callable[[tuple[Draft, ...]], Awaitable[tuple[Appended, ...]]]


def fold(agents: Agents, log: Log) -> None:
    """Know again the processes that the log says were registered last."""
    cursor = seen = 0
    while seen < MAX_AGENTS:
        page = log.query(Filter(type=TYPE), cursor=cursor, reverse=True)
        for event, _ in page.events:
            agents.restore(event.agent, event.uid, event.time, msgspec.msgpack.decode(event.payload))
        seen += len(page.events)
        cursor = page.cursor
        if not cursor:
            return


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
        if not pid:
            raise NotFound("The daemon cannot see the process that asks.", INVISIBLE)
        if call.peer.role == "agent" and (pid != author.pid or request.agent != author.agent):
            raise Denied(
                f"Agent {author.agent!r} may register only its own processes.", "Ask the person whose machine it is."
            )
        return await self.admit(request.agent, pid, request.session, author)

    async def admit(self, agent: str, pid: int, session: str, author: Author) -> AgentView:
        """Register a process for whoever may, and record it."""
        view = self._agents.register(agent, pid, session, author.uid)
        mark = await self._agents.mark(view.pid)
        registered = author._replace(agent=view.agent, session=view.session)
        await self._append((registered.draft(f"agents/{view.agent}", TYPE, mark, self._clock()),))
        log.info("agent.registered", agent=view.agent, session=view.session, pid=view.pid, uid=author.uid)
        return view

    def list(self, request: AgentListRequest, call: Call) -> AgentList:
        return AgentList(self._agents.list())

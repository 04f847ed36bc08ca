"""Who a connection is and what it may do: socket credentials first, a token where they do not suffice.

Root and the daemon's own user are admins, other users what the configuration says of them, and without it or a token
they may do nothing. A process that belongs to a registered agent is that agent, and no token raises it above it. Users
of a container (of another pid namespace) are not those of this machine, whatever their number: a token speaks for them,
or that their process was registered as an agent's.
"""

import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache

from lighthoused.core.author import Author
from lighthoused.core.errors import Denied, LighthouseError, Overloaded, Unauthenticated
from lighthoused.identity.acting import NOBODY
from lighthoused.identity.agents import Agents
from lighthoused.identity.processes import is_contained
from lighthoused.identity.tokens import Tokens
from lighthoused.identity.users import Users
from lighthoused.protocol.messages.base import RANKS
from lighthoused.protocol.table import Method

STRANGER = "stranger"
OPEN_TO_ALL = ("hello", "ping")
SECURITY_PER_S = 10
"""Refusals per second of one user and agent that become events; all are counted."""
REPORTED = 1000
OWNER = "owner"
"""The agent name of the person whose daemon it is."""

Report = Callable[[str, dict[str, object], Author], None]
"""Records a security event: its type, payload, and who caused it."""


@dataclass(slots=True)
class Identity:
    """A connection's peer. `token` is the id of the one it presented; `allowance` requests left, as of `refilled`.

    `generation`: of the users that its role is from.
    """

    author: Author
    role: str
    generation: int = 0
    scopes: tuple[str, ...] = ()
    token: str = ""
    allowance: float = 0.0
    refilled: float = 0.0


class Access:
    """Identifies peers and checks their rights."""

    def __init__(
        self, agents: Agents, tokens: Tokens, users: Users, owner_uid: int, rate: float, report: Report
    ) -> None:
        self._agents = agents
        self._tokens = tokens
        self._users = users
        self._owner_uid = owner_uid
        self._rate = rate
        self._report = report
        self._reported: LRUCache[tuple[int, int, str], int] = LRUCache(REPORTED)
        self.refusals = 0

    def identify(self, connection: socket.socket) -> Identity:
        """The peer by SO_PEERCRED (unix(7))."""
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid, uid, gid = struct.unpack("3i", raw)
        author, role = self._standing(Author(NOBODY.agent, NOBODY.session, uid, gid, pid))
        return Identity(author, role, self._users.generation)

    def _standing(self, author: Author) -> tuple[Author, str]:
        """Whom a process speaks for by itself, and in what role."""
        acting = self._agents.of(author.pid)
        contained = is_contained(author.pid)
        name, role = ("", "") if contained else self._named(author.uid)
        if acting != NOBODY:
            known = author._replace(agent=acting.agent, session=acting.session)
            return known, "agent" if role or contained else STRANGER
        if role:
            return author._replace(agent=name), role
        return author._replace(agent=NOBODY.agent), STRANGER

    def _named(self, uid: int) -> tuple[str, str]:
        """How a user is called in events, and their role, "" for none."""
        if uid in (0, self._owner_uid):
            return OWNER, "admin"
        user = self._users.find(uid)
        return (f"user:{user.name}", user.role) if user else ("", "")

    def present(self, peer: Identity, token: str) -> None:
        """Let a token speak for the peer. Raises Unauthenticated."""
        view = self._tokens.verify(token)
        if peer.role == "agent" and view.agent != peer.author.agent:
            raise Unauthenticated(f"The token is of {view.agent!r}, the process is agent {peer.author.agent!r}.")
        peer.token = view.id
        if peer.role == "agent":
            peer.scopes = view.scopes
            return
        peer.author = peer.author._replace(agent=view.agent)
        peer.role = view.role
        peer.scopes = view.scopes

    def refresh(self, peer: Identity) -> None:
        """Since it connected its process may have been registered as an agent, its user have got other rights, or its
        token have lost its standing.

        Raises Unauthenticated.
        """
        if peer.token:
            self._tokens.standing(peer.token)
        elif peer.generation != self._users.generation:
            peer.generation = self._users.generation
            peer.author, peer.role = self._standing(peer.author)
        acting = self._agents.of(peer.author.pid)
        if acting != NOBODY and peer.role not in ("agent", STRANGER):
            peer.author = peer.author._replace(agent=acting.agent, session=acting.session)
            peer.role = "agent"

    def allows(self, peer: Identity, method: Method) -> bool:
        """Whether role and scopes cover a method."""
        if method.name in OPEN_TO_ALL:
            return True
        if peer.role == STRANGER:
            return False
        if peer.scopes and not any(method.name.startswith(scope) for scope in peer.scopes):
            return False
        return RANKS[peer.role] >= method.rank

    def spend(self, peer: Identity) -> None:
        """Count a request against the peer's rate. Raises Overloaded."""
        now = time.monotonic()
        peer.allowance = min(self._rate, peer.allowance + (now - peer.refilled) * self._rate)
        peer.refilled = now
        if peer.allowance < 1:
            raise Overloaded(f"More than {self._rate:.0f} requests a second.", "Slow down.")
        peer.allowance -= 1

    def refused(self, peer: Identity, method: str, error: LighthouseError) -> None:
        """Note a refusal for want of rights."""
        if not isinstance(error, Denied | Unauthenticated):
            return
        self.refusals += 1
        peers = (int(time.monotonic()), peer.author.uid, peer.author.agent)
        count = self._reported.get(peers, 0)
        self._reported[peers] = count + 1
        if count < SECURITY_PER_S:
            self._report(
                "security.refused", {"method": method, "code": error.code, "reason": error.message}, peer.author
            )

"""Agents and their tokens."""

import msgspec

from lighthoused.protocol.messages.base import Request, Role


class AgentRegisterRequest(Request, tag="agent.register"):
    """Declare that process `pid` (0: the peer) and all its descendants are this agent."""

    agent: str
    pid: int = 0
    session: str = ""
    """"" makes a new session id."""


class AgentView(msgspec.Struct, frozen=True):
    agent: str
    session: str
    pid: int
    uid: int
    since: int
    alive: bool


class AgentListRequest(Request, tag="agent.list"):
    """Registered agents and their sessions."""


class AgentList(msgspec.Struct, frozen=True):
    agents: tuple[AgentView, ...]


class TokenIssueRequest(Request, tag="token.issue"):
    """Issue a token for an agent: JWT, HMAC-SHA256. The token itself is shown only here."""

    agent: str
    role: Role = "agent"
    ttl_s: int = 86_400
    scopes: tuple[str, ...] = ()
    """Method prefixes it may call (``gate.``, ``log.query``); none: all that its role may."""


class TokenView(msgspec.Struct, frozen=True):
    id: str
    agent: str
    role: str
    scopes: tuple[str, ...]
    issued: int
    expires: int
    revoked: bool


class TokenReply(msgspec.Struct, frozen=True):
    token: str
    view: TokenView


class TokenListRequest(Request, tag="token.list"):
    """Tokens issued, without their secrets."""


class TokenList(msgspec.Struct, frozen=True):
    tokens: tuple[TokenView, ...]


class TokenRevokeRequest(Request, tag="token.revoke"):
    """Refuse a token from now on."""

    token_id: str


class TokenKeysRequest(Request, tag="token.keys"):
    """The ring of keys that sign tokens: their ids."""


class TokenKeys(msgspec.Struct, frozen=True):
    """`signing` signs new tokens, all of `keys` verify. `file`: the ring's; `managed`: the daemon only reads it."""

    keys: tuple[str, ...]
    signing: str
    file: str
    managed: bool


class TokenRotateRequest(Request, tag="token.rotate"):
    """Add a key to the ring, which signs from now on; tokens of the others stay valid."""


class TokenRetireRequest(Request, tag="token.retire"):
    """Remove a key from the ring: tokens that it signed are refused from now on."""

    key: str

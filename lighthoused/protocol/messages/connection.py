"""Who speaks, and whether anybody is there."""

import msgspec

from lighthoused.protocol.messages.base import PROTOCOL_VERSION, Request


class Hello(Request, tag="hello", omit_defaults=False):
    """Introduce the client: the protocol it speaks and, where the socket's credentials do not suffice, its token."""

    protocol: int = PROTOCOL_VERSION
    client: str = ""
    token: str = ""


class Welcome(msgspec.Struct, frozen=True):
    protocol: int
    server: str
    agent: str
    role: str
    uid: int
    pid: int


class Ping(Request, tag="ping"):
    """Answer at once."""


class Pong(msgspec.Struct, frozen=True):
    time: int
    """The daemon's clock, ns since the epoch."""


class Cancel(Request, tag="cancel"):
    """Stop the open request `target` of this connection (also ends a subscription)."""

    target: int


class Done(msgspec.Struct, frozen=True):
    """Nothing but success to report."""

    ok: bool = True

"""A real server on a real socket, over a real store, on the test's trio run."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from lighthoused.api.connection import ConnectionApi
from lighthoused.api.log import LogApi
from lighthoused.api.tokens import TokensApi
from lighthoused.core.author import Author
from lighthoused.identity.access import Access
from lighthoused.identity.agents import Agents
from lighthoused.identity.keyring import KeyRing
from lighthoused.identity.tokens import Tokens
from lighthoused.identity.users import Users
from lighthoused.protocol.messages.status import Status
from lighthoused.rpc.dispatch import Dispatcher
from lighthoused.rpc.server import Server, listen
from lighthoused.store.store import Store


class Noted:
    """Observes requests and security events."""

    def __init__(self) -> None:
        self.codes: list[tuple[str, str]] = []
        self.open = 0
        self.security: list[str] = []

    def request(self, method: str, code: str, seconds: float) -> None:
        self.codes.append((method, code))

    def connections(self, count: int) -> None:
        self.open = count

    def report(self, kind: str, payload: dict[str, object], author: Author) -> None:
        self.security.append(kind)


class Served:
    """A running server."""

    def __init__(self, path: Path, noted: Noted, tokens: Tokens, access: Access) -> None:
        self.path = path
        self.noted = noted
        self.tokens = tokens
        self.access = access

    async def connect(self) -> trio.SocketStream:
        """A raw connection."""
        return await trio.open_unix_socket(self.path)


async def unheard(check: str, problems: int) -> None:
    """Nobody wants to know how a check of the log went."""


@pytest.fixture
async def served(store: Store, tmp_path: Path, nursery: trio.Nursery) -> AsyncIterator[Served]:
    noted = Noted()
    ring = KeyRing.load(tmp_path / "keys")
    tokens = Tokens(ring, time.time_ns)
    access = Access(Agents(), tokens, Users(()), os.geteuid(), 1e6, noted.report)

    def status() -> Status:
        return Status("0", 0, "NORMAL", 0.0, store.log.head().seq, {}, (), 0, 0, {}, {})

    families = (
        ConnectionApi(access, status, bytes),
        LogApi(store, time.time_ns, trio.lowlevel.checkpoint, unheard),
        TokensApi(tokens, ring, store.append, time.time_ns),
    )
    dispatcher = Dispatcher({kind: handler for family in families for kind, handler in family.handlers().items()})
    path = tmp_path / "rpc.sock"
    listener = listen(path)
    server = Server(dispatcher, access, noted)
    await nursery.start(server.serve, listener)
    yield Served(path, noted, tokens, access)
    listener.close()

"""token.*: tokens are events, their state is folded from the log; the keys that sign them are in the ring's file."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
import trio

from lighthoused.core.appended import Appended
from lighthoused.core.events import Draft
from lighthoused.identity.keyring import KeyRing
from lighthoused.identity.tokens import Tokens
from lighthoused.protocol.messages.agents import (
    TokenIssueRequest,
    TokenKeys,
    TokenKeysRequest,
    TokenList,
    TokenListRequest,
    TokenReply,
    TokenRetireRequest,
    TokenRevokeRequest,
    TokenRotateRequest,
    TokenView,
)
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.connection import Done
from lighthoused.protocol.messages.log import Filter
from lighthoused.rpc.call import Call, Handler
from lighthoused.store.log import Log

STREAM = "identity/tokens"
KEYS = "identity/keys"
Append = Callable[[tuple[Draft, ...]], Awaitable[tuple[Appended, ...]]]


def fold(tokens: Tokens, log: Log) -> None:
    """Take in all tokens that the log knows of."""
    cursor = 0
    while True:
        page = log.query(Filter(stream=STREAM), cursor=cursor)
        for stored in page.events:
            tokens.remember(msgspec.msgpack.decode(stored.event.payload, type=TokenView))
        cursor = page.cursor
        if not cursor:
            return


class TokensApi:
    """Issues and revokes; changes the ring."""

    def __init__(self, tokens: Tokens, ring: KeyRing, append: Append, clock: Callable[[], int]) -> None:
        self._tokens = tokens
        self._ring = ring
        self._append = append
        self._clock = clock

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {
            TokenIssueRequest: self.issue,
            TokenListRequest: self.list,
            TokenRevokeRequest: self.revoke,
            TokenKeysRequest: self.keys,
            TokenRotateRequest: self.rotate,
            TokenRetireRequest: self.retire,
        }

    async def issue(self, request: TokenIssueRequest, call: Call) -> TokenReply:
        token, view = self._tokens.issue(request.agent, request.role, request.ttl_s, request.scopes)
        await self._record("token.issued", view, call)
        return TokenReply(token, view)

    def list(self, request: TokenListRequest, call: Call) -> TokenList:
        return TokenList(self._tokens.list())

    async def revoke(self, request: TokenRevokeRequest, call: Call) -> Done:
        view = msgspec.structs.replace(self._tokens.view(request.token_id), revoked=True)
        await self._record("token.revoked", view, call)
        return Done()

    def keys(self, request: TokenKeysRequest, call: Call) -> TokenKeys:
        ring = self._ring
        return TokenKeys(tuple(ring.keys), ring.signing, str(ring.path or ""), ring.managed)

    async def rotate(self, request: TokenRotateRequest, call: Call) -> TokenKeys:
        added = await trio.to_thread.run_sync(self._ring.rotate)
        await self._append((call.author.draft(KEYS, "token.key_added", {"key": added}, self._clock()),))
        return self.keys(TokenKeysRequest(id=0), call)

    async def retire(self, request: TokenRetireRequest, call: Call) -> TokenKeys:
        await trio.to_thread.run_sync(self._ring.retire, request.key)
        await self._append((call.author.draft(KEYS, "token.key_retired", {"key": request.key}, self._clock()),))
        return self.keys(TokenKeysRequest(id=0), call)

    async def _record(self, kind: str, view: TokenView, call: Call) -> None:
        await self._append((call.author.draft(STREAM, kind, view, self._clock()),))
        self._tokens.remember(view)

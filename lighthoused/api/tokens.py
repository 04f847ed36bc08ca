"""token.issue, list and revoke: tokens are events, their state is folded from the log."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from lighthoused.core.appended import Appended
from lighthoused.core.events import Draft
from lighthoused.identity.tokens import Tokens
from lighthoused.protocol.messages import (
    Done,
    Filter,
    Request,
    TokenIssueRequest,
    TokenList,
    TokenListRequest,
    TokenReply,
    TokenRevokeRequest,
    TokenView,
)
from lighthoused.rpc.call import Call, Handler
from lighthoused.store.log import Log

STREAM = "identity/tokens"
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
    """Issues and revokes."""

    def __init__(self, tokens: Tokens, append: Append, clock: Callable[[], int]) -> None:
        self._tokens = tokens
        self._append = append
        self._clock = clock

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {TokenIssueRequest: self.issue, TokenListRequest: self.list, TokenRevokeRequest: self.revoke}

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

    async def _record(self, kind: str, view: TokenView, call: Call) -> None:
        await self._append((call.author.draft(STREAM, kind, view, self._clock()),))
        self._tokens.remember(view)

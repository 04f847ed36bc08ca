"""log.append, query, subscribe and verify."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import msgspec
import trio

from lighthoused.api.views import event_view
from lighthoused.core.errors import Denied, Invalid, LighthouseError
from lighthoused.core.events import Draft
from lighthoused.core.spans import CURRENT
from lighthoused.protocol.messages.base import RANKS, Request
from lighthoused.protocol.messages.log import (
    AppendReply,
    AppendRequest,
    EventView,
    NewEvent,
    Progress,
    QueryReply,
    QueryRequest,
    SubscribeRequest,
    VerifyReply,
    VerifyRequest,
)
from lighthoused.rpc.call import Call, Final, Handler, Later
from lighthoused.store.store import Store
from lighthoused.store.writer import Batch, Outcome

RESERVED = (
    "tree/",
    "identity/",
    "security",
    "agents/",
    "gate/",
    "policies/",
    "patterns",
    "approvals",
    "daemon",
    "projects",
)
"""Beginnings of streams that only the daemon writes."""
OPERATED = ("backup", "perf")
"""Beginnings of streams that only operators write: monitoring believes them."""
MAX_EVENTS = 10_000
MAX_PAGE = 10_000
PIECE = 50
"""Events read without a turn for others."""
SENT_AT_ONCE = 25
"""Events of a subscription that are sent without a turn for others: some 1 ms."""
PROGRESS_S = 0.2
Scrubbed = Callable[[str, int], Awaitable[None]]
"""Told that all of the log or the tree was checked, and how many problems were found."""

_encode = msgspec.msgpack.Encoder().encode


class LogApi:
    """The event log to its clients. `caught_up` waits for what was done under the mount: a query shows all of it."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], int],
        caught_up: Callable[[], Awaitable[None]],
        scrubbed: Scrubbed,
    ) -> None:
        self._store = store
        self._scrubbed = scrubbed
        self._clock = clock
        self._caught_up = caught_up

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {
            AppendRequest: self.append,
            QueryRequest: self.query,
            SubscribeRequest: self.subscribe,
            VerifyRequest: self.verify,
        }

    def append(self, request: AppendRequest, call: Call) -> Later:
        if not 1 <= len(request.events) <= MAX_EVENTS:
            raise Invalid(f"An append of {len(request.events)} events.", f"Append 1 to {MAX_EVENTS}.")
        now = self._clock()
        drafts = tuple(self._draft(event, call, now) for event in request.events)
        later = Later()
        span = CURRENT.get()
        writing = span.child("store.append", events=len(drafts)) if span is not None else None

        def done(outcome: Outcome) -> None:
            if writing is not None:
                writing.end(outcome.code if isinstance(outcome, LighthouseError) else "ok")
            if isinstance(outcome, LighthouseError):
                later.complete(outcome)
            else:
                later.complete(AppendReply(outcome))

        self._store.writer.submit(Batch(drafts), done)
        return later

    async def query(self, request: QueryRequest, call: Call) -> QueryReply:
        await self._caught_up()
        if not 1 <= request.limit <= MAX_PAGE:
            raise Invalid(f"The limit {request.limit} is out of range.", f"Ask for 1 to {MAX_PAGE} events.")
        call.begin_piece()
        views: list[Any] = []
        cursor = request.cursor
        while True:
            wanted = min(PIECE, request.limit - len(views))
            page = self._store.log.query(request.filter, cursor, wanted, request.reverse)
            views += [call.encoded(event_view(stored)) for stored in page.events]
            cursor = page.cursor
            if not cursor or len(views) == request.limit:
                return QueryReply(tuple(views), cursor)
            await call.breathe()

    async def subscribe(self, request: SubscribeRequest, call: Call) -> AsyncIterator[EventView]:
        async for page in self._store.feed.events(request.filter, request.after):
            call.begin_piece()
            for number, stored in enumerate(page, 1):
                yield event_view(stored)
                if number % SENT_AT_ONCE == 0:
                    await call.breathe()
            await call.breathe()

    async def verify(self, request: VerifyRequest, call: Call) -> AsyncIterator[Progress | Final]:
        reached = [0, self._store.log.head().seq]

        def progress(done: int, total: int) -> None:
            reached[:] = [done, total]

        finished = trio.Event()
        replies: list[VerifyReply] = []

        async def verify() -> None:
            proof = await trio.to_thread.run_sync(self._store.verify, progress, abandon_on_cancel=True)
            replies.append(VerifyReply(not proof.problems, proof.events, proof.head.hex(), proof.problems))
            finished.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(verify)
            while not finished.is_set():
                with trio.move_on_after(PROGRESS_S):
                    await finished.wait()
                if not finished.is_set():
                    yield Progress(reached[0], reached[1], "events")
        await self._scrubbed("log", len(replies[0].problems))
        yield Final(replies[0])

    def _draft(self, event: NewEvent, call: Call, now: int) -> Draft:
        if event.stream.startswith(RESERVED):
            raise Denied(f"The stream {event.stream!r} is the daemon's own.", "Choose another name.")
        if event.stream.startswith(OPERATED) and RANKS[call.peer.role] < RANKS["operator"]:
            raise Denied(f"The stream {event.stream!r} is operators' own.", "Choose another name.")
        author = call.author
        return Draft(
            stream=event.stream,
            type=event.type,
            payload=_encode(event.payload),
            time=now,
            agent=author.agent,
            session=event.session or author.session,
            uid=author.uid,
            pid=author.pid,
            schema=event.schema,
            id=event.event_id,
            correlation=event.correlation,
            causation=event.causation,
            paths=event.paths,
            expected_version=event.expected_version,
        )

"""policy.*: what judges, and changing it. Every policy that is put or deleted is an event with its whole source.

The log says which policies were put; the shelf holds their files, and `restore` makes it equal to the log at start.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import msgspec
import structlog
import trio

from lighthoused.core.appended import Appended
from lighthoused.core.errors import Invalid, NotFound
from lighthoused.core.events import Draft, Event
from lighthoused.gate import examples
from lighthoused.gate.analysis import Analyser
from lighthoused.policy.engine import Loaded, Policies
from lighthoused.policy.listing import Listing
from lighthoused.policy.shelf import Shelf
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.log import Filter
from lighthoused.protocol.messages.policies import (
    PolicyChanged,
    PolicyDeleteRequest,
    PolicyExplainReply,
    PolicyExplainRequest,
    PolicyList,
    PolicyListRequest,
    PolicyPutRequest,
    PolicyReloadReply,
    PolicyReloadRequest,
    PolicyShowRequest,
    PolicySource,
    PolicyTestReply,
    PolicyTestRequest,
    PolicyView,
)
from lighthoused.rpc.call import Call, Handler
from lighthoused.store.log import Log

log = structlog.get_logger()

STREAM = "policies/"
PUT = "policy.put"
DELETED = "policy.deleted"
MAX_TOLD = 5
Append = Callable[[tuple[Draft, ...]], Awaitable[tuple[Appended, ...]]]
Reload = Callable[[], Awaitable[Loaded]]


def newest(events: Log) -> dict[str, Event]:
    """The newest event about each policy that was ever put, by its name."""
    found: dict[str, Event] = {}
    for kind in (PUT, DELETED):
        cursor = 0
        while True:
            page = events.query(Filter(type=kind), cursor=cursor)
            for stored in page.events:
                event = stored.event
                name = event.stream.removeprefix(STREAM)
                if name not in found or found[name].seq < event.seq:
                    found[name] = event
            cursor = page.cursor
            if not cursor:
                break
    return found


def restore(shelf: Shelf, events: Log) -> dict[str, Event]:
    """Make the shelf hold what the log says, where a crash or somebody changed it; the newest events by name."""
    found = newest(events)
    for name, event in found.items():
        source = msgspec.msgpack.decode(event.payload)["source"] if event.type == PUT else None
        if shelf.read(name) != source:
            log.warning("policy.restored", name=name, seq=event.seq)
            if source is None:
                shelf.remove(name)
            else:
                shelf.write(name, source)
    return found


class PoliciesApi:
    """Lists, changes, tests and explains. `put`: the newest event about each policy; one change at a time."""

    def __init__(
        self,
        policies: Policies,
        shelf: Shelf,
        put: dict[str, Event],
        analyser: Analyser,
        append: Append,
        reload: Reload,
        clock: Callable[[], int],
        profile: str,
    ) -> None:
        self._policies = policies
        self._shelf = shelf
        self._put = {name: (event.version, event.agent, event.time) for name, event in put.items()}
        self._analyser = analyser
        self._append = append
        self._reload = reload
        self._clock = clock
        self._profile = profile
        self._changing = trio.Lock()

    def handlers(self) -> Mapping[type[Request], Handler]:
        return {
            PolicyListRequest: self.list,
            PolicyShowRequest: self.show,
            PolicyPutRequest: self.put,
            PolicyDeleteRequest: self.delete,
            PolicyTestRequest: self.test,
            PolicyExplainRequest: self.explain,
            PolicyReloadRequest: self.reload,
        }

    async def list(self, request: PolicyListRequest, call: Call) -> PolicyList:
        listing = await self._listing()
        views = tuple(self._view(listing, name) for name in listing.sources)
        return PolicyList(views, self._policies.version, self._profile, self._policies.problem)

    async def show(self, request: PolicyShowRequest, call: Call) -> PolicySource:
        listing = await self._listing()
        name = listing.find(request.name, self._shelf.folder)
        return PolicySource(self._view(listing, name), listing.sources[name])

    async def explain(self, request: PolicyExplainRequest, call: Call) -> PolicyExplainReply:
        return PolicyExplainReply((await self._listing()).explain(request.rule))

    async def put(self, request: PolicyPutRequest, call: Call) -> PolicyChanged:
        path = str(self._shelf.path(request.name))
        async with self._changing:
            tested = await trio.to_thread.run_sync(self._check, path, request.source)
            if not request.check_only:
                with trio.CancelScope(shield=True):
                    await self._record(PUT, request.name, {"source": request.source}, call)
                    await trio.to_thread.run_sync(self._shelf.write, request.name, request.source)
                    await self._reload()
            revision, _, _ = self._put.get(request.name, (0, "", 0))
            return PolicyChanged(request.name, revision, self._policies.version, tested.examples, tested.lacking)

    async def delete(self, request: PolicyDeleteRequest, call: Call) -> PolicyChanged:
        path = str(self._shelf.path(request.name))
        async with self._changing:
            if self._shelf.read(request.name) is None:
                raise NotFound(
                    f"No policy {request.name!r} was put.",
                    "Only those that 'lighthousectl policy list' says were put can be deleted; "
                    "a rule is switched off by a policy that adds its id to disabled.",
                )
            await trio.to_thread.run_sync(self._policies.proposed, {path: None})
            with trio.CancelScope(shield=True):
                await self._record(DELETED, request.name, {}, call)
                await trio.to_thread.run_sync(self._shelf.remove, request.name)
                await self._reload()
            return PolicyChanged(request.name, self._put[request.name][0], self._policies.version)

    async def test(self, request: PolicyTestRequest, call: Call) -> PolicyTestReply:
        return await trio.to_thread.run_sync(self._test, request, abandon_on_cancel=True)

    async def reload(self, request: PolicyReloadRequest, call: Call) -> PolicyReloadReply:
        async with self._changing:
            loaded = await self._reload()
        return PolicyReloadReply(loaded.version, len(loaded.policies), loaded.problem)

    def _check(self, path: str, source: str) -> PolicyTestReply:
        """Whether a policy can be put. Raises Invalid."""
        compiled, _ = self._policies.proposed({path: source})
        tested = examples.report({path: source}, compiled, self._analyser)
        if not tested.ok:
            told = [f"line {one.line}: {one.call}: {one.problem}" for one in tested.failures]
            more = f" (and {len(told) - MAX_TOLD} more)" if len(told) > MAX_TOLD else ""
            raise Invalid(
                "Examples of the policy do not hold: " + "; ".join(told[:MAX_TOLD]) + more,
                "Correct the rule or the example; 'lighthousectl policy test FILE' tries it again.",
            )
        return tested

    def _test(self, request: PolicyTestRequest) -> PolicyTestReply:
        paths = {str(self._shelf.path(name)): source for name, source in request.sources.items()}
        compiled, users = self._policies.proposed(paths)
        return examples.report({**self._policies.builtin, **users}, compiled, self._analyser, request.rule)

    async def _listing(self) -> Listing:
        return await trio.to_thread.run_sync(partial(Listing, self._policies))

    def _view(self, listing: Listing, name: str) -> PolicyView:
        view = listing.view(name, self._shelf.folder)
        if view.origin != "put" or view.name not in self._put:
            return view
        revision, agent, time = self._put[view.name]
        return msgspec.structs.replace(view, revision=revision, agent=agent, time=time)

    async def _record(self, kind: str, name: str, payload: dict[str, str], call: Call) -> None:
        now = self._clock()
        (stored,) = await self._append((call.author.draft(STREAM + name, kind, {"name": name, **payload}, now),))
        self._put[name] = (stored.version, call.author.agent, stored.time)

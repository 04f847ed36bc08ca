"""Requests that wait for a person: parked, shown, answered once, or denied by their deadline. Bounded.

An approval is bound to the hash of exactly what was shown, who asked and where. If its requester has gone when a person
allows it, it stays as a grant that the same request uses up once, until the deadline it had. Whoever asked does not
allow it themselves. What waits, and grants, outlive the daemon (`remembering`). Must not judge.
"""

import secrets
import time
from collections.abc import Callable
from itertools import islice
from typing import NamedTuple, Protocol

import msgspec
import trio

from lighthoused.core.author import DAEMON, Author
from lighthoused.core.errors import Conflict, Denied, Invalid, NotFound, Overloaded
from lighthoused.core.events import Draft
from lighthoused.core.origin import NOWHERE, Origin
from lighthoused.core.verdicts import Answer, Effect, Request, Verdict
from lighthoused.gate.remembering import asking
from lighthoused.protocol.messages.gate import Approval

MAX_PARKED = 256
MAX_PARKED_BYTES = 64 << 20
"""Of all that wait, as JSON."""
MAX_ANSWERED = 1024
DEADLINE_S = 300.0
EXPIRY_EVERY_S = 0.5
MAX_LEFT_S = 3600.0
"""Longest deadline that there is (`gate.approval_deadline_s`)."""
UNANSWERED = "approval.unanswered"
"""The rule of a denial that nobody gave."""
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"

Record = Callable[[Draft], None]
"""Takes an event to append; must not block."""


class Listener(Protocol):
    """Is told at once what becomes of requests that wait; must not block."""

    def requested(self, approval: Approval) -> None: ...

    def answered(self, approval: Approval, answer: str, reason: str, by: Author) -> None: ...

    def expired(self, approval: Approval) -> None: ...


class Unheard:
    """Tells nobody."""

    def requested(self, approval: Approval) -> None:
        """Not told."""

    def answered(self, approval: Approval, answer: str, reason: str, by: Author) -> None:
        """Not told."""

    def expired(self, approval: Approval) -> None:
        """Not told."""


UNHEARD = Unheard()


class _Parked:
    """One request that waits. `answer` is set once."""

    def __init__(self, approval: Approval, expires: float, origin: Origin) -> None:
        self.approval = approval
        self.brief, self.size = _brief(approval)
        self.expires = expires
        self.origins = {origin}
        """Trees of processes that asked for it."""
        self.askers = 0
        """How many of those who asked wait."""
        self.answered = trio.Event()
        self.verdict: Verdict | None = None


class _Answered(NamedTuple):
    """How a request ended: for those who answer it too late."""

    answer: Answer
    by: str
    at: int


class Approvals:
    """All requests that wait for a person. For the trio thread only."""

    def __init__(
        self,
        record: Record,
        *,
        deadline_s: float = DEADLINE_S,
        now: Callable[[], int] = time.time_ns,
        listener: Listener = UNHEARD,
        origin_of: Callable[[int], Origin] = lambda pid: NOWHERE,
        descends: Callable[[int, Origin], bool] = lambda pid, origin: False,
    ) -> None:
        self._listener = listener
        self._origin_of = origin_of
        self._descends = descends
        self._record = record
        self.deadline_s = deadline_s
        self._now = now
        self._parked: dict[str, _Parked] = {}
        self._grants: dict[str, _Parked] = {}
        self._answered: dict[str, _Answered] = {}

    def waiting(self) -> tuple[Approval, ...]:
        """Those that nobody has answered, oldest first, with what is long in them cut."""
        return tuple(parked.brief for parked in self._parked.values())

    def get(self, approval: str) -> Approval:
        """One that waits, whole. Raises NotFound, Conflict where it was answered before."""
        return self._find(approval).approval

    async def run(self) -> None:
        """Let deadlines deny in time, also what its requester has given up; until cancelled."""
        while True:
            await trio.sleep(EXPIRY_EVERY_S)
            self._forget_expired()

    async def park(self, request: Request, verdict: Verdict) -> Verdict:
        """Wait until a person answers or the deadline denies. Raises Overloaded when too many wait already.

        Who asks the same again after a restart, or having given up, waits for the answer to what they asked before.
        """
        parked = self._left_by(request, verdict.request) or self._add(request, verdict)
        parked.origins.add(self._origin_of(request.pid))
        parked.askers += 1
        try:
            with trio.move_on_at(parked.expires):
                await parked.answered.wait()
        finally:
            parked.askers -= 1
        if parked.verdict is None:
            self._expire(parked)
        self._grants.pop(parked.approval.request, None)
        assert parked.verdict is not None
        return parked.verdict

    def answer(self, approval: str, answer: Answer, reason: str, request: str, by: Author) -> Approval:
        """A person's answer.

        Raises NotFound, Conflict where it was answered before, Invalid for another request, Denied to who asked.
        """
        parked = self._find(approval)
        if answer == "allow":
            self._refuse_asker(parked, by)
        if answer == "allow" and not request:
            raise Invalid(
                "An approval has to say what it is for: the hash of the request that was shown.",
                hint="`lighthousectl approvals show` shows it whole.",
            )
        if request and request != parked.approval.request:
            raise Conflict(
                f"The approval {approval} is for another request than the one that was shown.",
                hint="`lighthousectl approvals` shows what waits now.",
            )
        if answer not in ("allow", "deny"):
            raise Invalid(f'An approval is answered with "allow" or "deny", not with "{answer}".')
        told = reason or (f"{by.agent} allowed it." if answer == "allow" else f"{by.agent} denied it.")
        self._conclude(parked, by_person(parked.approval, answer, told), by.agent)
        said = {"answer": answer, "reason": reason, **_lesson(parked.approval)}
        self._record(self._draft("approval.answered", parked, said, by))
        self._listener.answered(parked.brief, answer, reason, by)
        if answer == "allow":
            self._grants[parked.approval.request] = parked
        return parked.approval

    def _refuse_asker(self, parked: _Parked, by: Author) -> None:
        """Raises Denied."""
        for origin in parked.origins:
            if self._descends(by.pid, origin):
                raise Denied(
                    f"The approval {parked.approval.id} was asked for from the same program (process {origin.pid}): "
                    "nobody allows what they ask for.",
                    "Answer it from another terminal.",
                )

    def use_grant(self, request: str) -> Verdict | None:
        """The verdict of a person whose requester went before the answer; None where there is none. It counts once."""
        self._forget_expired()
        parked = self._grants.pop(request, None)
        if parked is None:
            return None
        self._record(self._draft("approval.used", parked, {}, DAEMON))
        return parked.verdict

    def restore(self, approval: Approval, origin: Origin, verdict: Verdict | None) -> None:
        """Know again what waited, or with `verdict` was allowed and not used, when the daemon ended."""
        left_s = (approval.deadline - self._now()) / 1e9
        if not 0 < left_s <= MAX_LEFT_S:
            return
        parked = _Parked(approval, trio.current_time() + left_s, origin)
        if verdict is not None:
            parked.verdict = verdict
            self._grants[approval.request] = parked
        elif len(self._parked) < MAX_PARKED:
            self._parked[approval.id] = parked

    def _left_by(self, request: Request, hashed: str) -> _Parked | None:
        """What the same agent asked before, and nobody waits for now."""
        left = (each for each in self._parked.values() if each.approval.request == hashed and not each.askers)
        return next((each for each in left if each.approval.uid == request.uid), None)

    def _add(self, request: Request, verdict: Verdict) -> _Parked:
        self._forget_expired()
        if len(self._parked) >= MAX_PARKED:
            raise Overloaded(
                f"{MAX_PARKED} requests wait for a person already; this one was not added.",
                hint="`lighthousectl approvals` answers them.",
            )
        approval = self._approval(request, verdict)
        parked = _Parked(approval, trio.current_time() + self.deadline_s, self._origin_of(request.pid))
        if parked.size + sum(each.size for each in self._parked.values()) > MAX_PARKED_BYTES:
            raise Overloaded("The requests that wait for a person are too large together; this one was not added.")
        self._parked[approval.id] = parked
        self._listener.requested(parked.brief)
        self._record(self._draft("approval.requested", parked, asking(approval, *parked.origins), _requester(request)))
        return parked

    def _approval(self, request: Request, verdict: Verdict) -> Approval:
        now = self._now()
        return Approval(
            id=self._new_id(),
            request=verdict.request,
            agent=request.agent,
            session=request.session,
            tool=request.tool,
            input=request.input,
            cwd=request.cwd,
            rule=verdict.rule,
            reason=verdict.reason,
            suggestion=verdict.suggestion,
            effects=verdict.effects,
            created=now,
            deadline=now + int(self.deadline_s * 1e9),
            uid=request.uid,
            template=verdict.template,
        )

    def _find(self, approval: str) -> _Parked:
        self._forget_expired()
        parked = self._parked.get(approval)
        if parked is not None:
            return parked
        before = self._answered.get(approval)
        if before is not None:
            raise Conflict(_too_late(approval, before, self._now()), hint="`lighthousectl approvals` shows what waits.")
        raise NotFound(
            f"There is no approval {approval} that waits; it may have passed its deadline.",
            hint="`lighthousectl approvals` shows what waits now.",
        )

    def _conclude(self, parked: _Parked, verdict: Verdict, by: str) -> None:
        """`by` "": its deadline."""
        parked.verdict = verdict
        self._parked.pop(parked.approval.id, None)
        self._answered[parked.approval.id] = _Answered(verdict.verdict, by, self._now())
        while len(self._answered) > MAX_ANSWERED:
            del self._answered[next(iter(self._answered))]
        parked.answered.set()

    def _expire(self, parked: _Parked) -> None:
        denied = by_person(parked.approval, "deny", "Nobody answered before the deadline.")
        self._conclude(parked, msgspec.structs.replace(denied, rule=UNANSWERED), "")
        self._record(self._draft("approval.expired", parked, {}, DAEMON))
        self._listener.expired(parked.brief)

    def _forget_expired(self) -> None:
        now = trio.current_time()
        for parked in [each for each in self._parked.values() if each.expires <= now]:
            self._expire(parked)
        for request in [request for request, each in self._grants.items() if each.expires <= now]:
            del self._grants[request]

    def _new_id(self) -> str:
        while True:
            made = "".join(secrets.choice(_ALPHABET) for _ in range(5))
            if made not in self._parked and made not in self._answered:
                return made

    def _draft(self, kind: str, parked: _Parked, payload: dict[str, object], author: Author) -> Draft:
        approval = parked.approval
        whole = {"approval": approval.id, "request": approval.request, **payload}
        return author.draft(f"approvals/{approval.id}", kind, whole, self._now(), approval.request)


MAX_BRIEF = 8000
"""Bytes of an approval up to which it is listed whole: all that may wait fit into one answer."""
MAX_BRIEF_PARTS = 10
MAX_TEXT = 300
"""Characters of a text that is cut."""
MAX_ASKED = 300


def asked(approval: Approval) -> str:
    """What was asked, in a line that is kept with the answer."""
    command = approval.input.get("command")
    text = command if isinstance(command, str) else msgspec.json.encode(approval.input).decode()
    return text[:MAX_ASKED]


def _lesson(approval: Approval) -> dict[str, object]:
    """What an answer teaches: to whom, and what it may count for. Nothing where a person is to be asked each time."""
    if approval.template is None:
        return {}
    return {
        "agent": approval.agent,
        "asked": asked(approval),
        "template": msgspec.to_builtins(approval.template),
    }


def _brief(approval: Approval) -> tuple[Approval, int]:
    """The approval with what is long in it cut, and the bytes of the whole one as JSON."""
    size = len(msgspec.json.encode(approval))
    if size <= MAX_BRIEF:
        return approval, size
    given = {_cut(key): _cut(value) for key, value in islice(approval.input.items(), MAX_BRIEF_PARTS)}
    if len(approval.input) > MAX_BRIEF_PARTS:
        given["..."] = f"{len(approval.input) - MAX_BRIEF_PARTS} more keys"
    brief = msgspec.structs.replace(
        approval,
        input=given,
        cwd=_cut(approval.cwd),
        reason=_cut(approval.reason),
        suggestion=_cut(approval.suggestion),
        effects=tuple(map(_brief_effect, approval.effects[:MAX_BRIEF_PARTS])),
        template=None,
    )
    return brief, size


def _brief_effect(effect: Effect) -> Effect:
    return msgspec.structs.replace(
        effect, target=_cut(effect.target), note=_cut(effect.note), instead=_cut(effect.instead)
    )


def _cut(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}... ({len(text) - MAX_TEXT} more characters)"


def _too_late(approval: str, before: _Answered, now: int) -> str:
    ago = f"{max(0, now - before.at) / 1e9:.0f} s ago"
    if not before.by:
        return f"The approval {approval} passed its deadline {ago}, and was denied."
    return f'The approval {approval} was answered by {before.by} {ago}, with "{before.answer}".'


def _requester(request: Request) -> Author:
    return Author(agent=request.agent, session=request.session, uid=request.uid)


def by_person(approval: Approval, answer: Answer, reason: str) -> Verdict:
    """The verdict that a person gave."""
    return Verdict(
        verdict=answer,
        tier="human",
        rule=approval.rule,
        reason=reason,
        suggestion=approval.suggestion if answer == "deny" else "",
        effects=approval.effects,
        request=approval.request,
        approval=approval.id,
    )

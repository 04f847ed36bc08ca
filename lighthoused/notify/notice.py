"""What people are told: a notice, and its wording. Pure; must not know where it goes.

What an agent said can be left out (`brief`): a webhook's host is none of an agent's business.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from lighthoused.core.verdicts import Effect
from lighthoused.core.wording import in_words, verb_of, visible
from lighthoused.protocol.messages.gate import Approval

Kind = Literal["requested", "answered", "expired", "degraded", "recovered", "test"]
MAX_ASKED = 300
MAX_EFFECTS = 5
LASTS_NS = 120 * 10**9
"""How long it makes sense to tell what is over already."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell. `until` (ns): from then on it is of no use. `details` are what an agent asked, in full."""

    id: str
    kind: Kind
    time: int
    until: int
    title: str
    text: str
    approval: str = ""
    agent: str = ""
    rule: str = ""
    details: str = ""

    @property
    def whole(self) -> str:
        """The text with its details."""
        return f"{self.text}\n{self.details}" if self.details else self.text


def requested(approval: Approval, now: int) -> Notice:
    """Something waits for a person."""
    agent = visible(approval.agent)
    does = ", ".join(dict.fromkeys(verb_of(one.kind).rstrip(":,") for one in approval.effects[:MAX_EFFECTS]))
    text = (
        f"{agent} waits for a person ({visible(approval.rule)}{': it ' + does if does else ''}). "
        f"`lighthousectl approvals show {approval.id}` shows it; in {_lasts(approval.deadline - now)} it is denied."
    )
    title = f"{agent} asks: {approval.id}"
    return _of(approval, "requested", now, approval.deadline, title, text, _details(approval))


def _lasts(ns: int) -> str:
    seconds = max(0, ns) / 1e9
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


def answered(approval: Approval, answer: str, by: str, reason: str, now: int) -> Notice:
    """A person has answered."""
    said = "approved" if answer == "allow" else "denied"
    title = f"{approval.id} was {said}"
    text = f"{visible(by)} {said} what {visible(approval.agent)} asked ({visible(approval.rule)})."
    return _of(approval, "answered", now, now + LASTS_NS, title, text, visible(reason))


def expired(approval: Approval, now: int) -> Notice:
    """Nobody has answered."""
    title = f"{approval.id} was denied: nobody answered"
    text = f"Nobody answered what {visible(approval.agent)} asked ({visible(approval.rule)}), so it was denied."
    return _of(approval, "expired", now, now + LASTS_NS, title, text, _details(approval))


def health(problems: Mapping[str, str], now: int) -> Notice:
    """The daemon is not well, or well again."""
    bad = [f"{name}: {why}" for name, why in problems.items() if why]
    kind: Kind = "degraded" if bad else "recovered"
    title = "lighthoused is not well" if bad else "lighthoused is well again"
    text = "; ".join(bad) if bad else "All components work."
    return Notice(id=f"{kind}-{now}", kind=kind, time=now, until=now + LASTS_NS, title=title, text=visible(text))


def test(now: int) -> Notice:
    """Only to try whether it arrives."""
    return Notice(
        id=f"test-{now}",
        kind="test",
        time=now,
        until=now + LASTS_NS,
        title="Lighthouse: a test",
        text="This is what a notification looks like. Nothing waits.",
    )


def _of(approval: Approval, kind: Kind, now: int, until: int, title: str, text: str, details: str) -> Notice:
    return Notice(
        id=f"{kind}-{approval.id}-{approval.created}",
        kind=kind,
        time=now,
        until=until,
        title=title,
        text=text,
        approval=approval.id,
        agent=visible(approval.agent),
        rule=visible(approval.rule),
        details=details,
    )


def _details(approval: Approval) -> str:
    command = approval.input.get("command")
    asked = command if isinstance(command, str) else msgspec.json.encode(approval.input).decode()
    lines = [visible(asked[:MAX_ASKED]) + ("..." if len(asked) > MAX_ASKED else ""), f"in {visible(approval.cwd)}"]
    return "\n".join([*lines, *map(_effect, approval.effects[:MAX_EFFECTS])])


def _effect(effect: Effect) -> str:
    return f"- {visible(in_words(effect))[:MAX_ASKED]}"

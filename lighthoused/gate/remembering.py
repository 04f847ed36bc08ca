"""Requests that wait for a person, as events, and back: they outlive the daemon. Must not know the log.

Secrets in what was asked are taken out before it is an event (`content.redaction`): what is known again shows none.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from lighthoused.core.origin import Origin
from lighthoused.protocol.messages.gate import Approval

MAX_INPUT = 16 * 1024
MAX_EFFECTS = 32
_LATER = ("id", "request")
"""Fields that are in the event under other names."""


def asking(approval: Approval, origin: Origin) -> dict[str, object]:
    """What the event of a request keeps: enough to show it again, unless it is too long."""
    told: dict[str, object] = msgspec.to_builtins(approval)
    encoded = msgspec.json.encode(approval.input)
    if len(encoded) > MAX_INPUT:
        told["input"] = {"truncated": encoded[:MAX_INPUT].decode("utf-8", "ignore")}
    told["effects"] = [msgspec.to_builtins(effect) for effect in approval.effects[:MAX_EFFECTS]]
    told["origin"] = list(origin)
    told["whole"] = len(encoded) <= MAX_INPUT and len(approval.effects) <= MAX_EFFECTS
    return {name: value for name, value in told.items() if name not in _LATER}


def remembered(payload: Mapping[str, Any]) -> tuple[Approval, Origin] | None:
    """The request in such an event; None where the event does not hold all of it."""
    if not payload.get("whole"):
        return None
    fields = {**payload, "id": payload["approval"]}
    try:
        return msgspec.convert(fields, Approval), Origin(*msgspec.convert(payload["origin"], tuple[int, int]))
    except (msgspec.ValidationError, KeyError):
        return None

"""Telling people elsewhere."""

import msgspec

from lighthoused.protocol.messages.base import Request


class NotifyTestRequest(Request, tag="notify.test"):
    """Tell a test notice by every way that is configured, once, and say what became of it."""


class Delivery(msgspec.Struct, frozen=True):
    """What became of a notice at one outlet (``webhook``, ``desktop``, ``command``); `told` says it in words."""

    outlet: str
    ok: bool
    told: str
    took_ms: int


class NotifyTestReply(msgspec.Struct, frozen=True):
    deliveries: tuple[Delivery, ...]

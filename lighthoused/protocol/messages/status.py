"""How the daemon is."""

from typing import Any, Literal

import msgspec

from lighthoused.protocol.messages.base import Request


class StatusRequest(Request, tag="status"):
    """How the daemon is: versions, paths, projects, counts."""


class TierView(msgspec.Struct, frozen=True):
    """A tier of the gate, with its counts since the daemon started. Times are microseconds.

    `abstained`: left to the next tier. `failed`: an error, or no answer within the deadline. `skipped`: not asked,
    as its circuit breaker was open.
    """

    name: str
    breaker: Literal["closed", "open", "half-open"]
    answered: int
    abstained: int
    failed: int
    skipped: int
    mean_us: int
    p99_us: int


class DegradationView(msgspec.Struct, frozen=True):
    """Whether the daemon can be relied on. `since`: ns since the epoch. `reason`: why it is not normal, or "".

    `losses`: what is lost, each with why. `held`: checks have passed, and an operator has to approve.
    """

    state: Literal["normal", "emergency", "recovering"]
    since: int
    reason: str
    losses: dict[str, str]
    held: bool


class Status(msgspec.Struct, frozen=True):
    version: str
    pid: int
    state: str
    uptime_s: float
    head: int
    """seq of the newest event."""
    paths: dict[str, str]
    """``state``, ``mount``, ``socket``, ``metrics`` (a URL or "")."""
    projects: tuple[str, ...]
    agents: int
    pending_approvals: int
    store: dict[str, Any]
    policy: dict[str, Any]
    tiers: tuple[TierView, ...] = ()
    health: dict[str, str] = {}
    """What keeps each component from working, "" where nothing does."""
    degradation: DegradationView = DegradationView("normal", 0, "", {}, False)
    warnings: dict[str, str] = {}
    """What is less good than it should be, while all works: little room, no OPA server, a tier that is skipped."""


class DegradationApproveRequest(Request, tag="degradation.approve"):
    """Let normal work go on, once the checks after an emergency have passed and the daemon waits for approval."""


class MetricsRequest(Request, tag="metrics"):
    """All metrics, as ``/metrics`` gives them."""


class MetricsReply(msgspec.Struct, frozen=True):
    text: str
    """In the Prometheus text format."""

"""Policies, their rules and examples."""

import msgspec

from lighthoused.protocol.messages.base import Request


class PolicyRule(msgspec.Struct, frozen=True):
    """A rule of a policy. `state`: ``in force``, ``disabled`` or ``replaced`` (a user's rule stands in its place)."""

    id: str
    verdict: str
    line: int
    state: str
    examples: int


class PolicyView(msgspec.Struct, frozen=True):
    """A policy. `origin`: ``default``, ``file`` (of a directory) or ``put`` (by policy.put: it has a `revision`)."""

    name: str
    origin: str
    path: str
    rules: tuple[PolicyRule, ...]
    revision: int = 0
    """How often this name was put or deleted."""
    agent: str = ""
    """Who put it."""
    time: int = 0


class PolicyListRequest(Request, tag="policy.list"):
    """All policies in force and their rules."""


class PolicyList(msgspec.Struct, frozen=True):
    """`version`: a hash of all sources in force. `problem`: why newer ones are not, "" where there are none."""

    policies: tuple[PolicyView, ...]
    version: str
    profile: str
    problem: str


class PolicyShowRequest(Request, tag="policy.show"):
    """One policy with its source."""

    name: str


class PolicySource(msgspec.Struct, frozen=True):
    view: PolicyView
    source: str


class PolicyPutRequest(Request, tag="policy.put"):
    """Add a policy, or replace the one of that name. Refused where it does not compile or its own examples fail.

    `check_only`: only say whether it would be taken.
    """

    name: str
    source: str
    check_only: bool = False


class PolicyDeleteRequest(Request, tag="policy.delete"):
    """Remove a policy that was put."""

    name: str


class PolicyChanged(msgspec.Struct, frozen=True):
    """`version` of the set now in force. `lacking`: rules of the policy without an example of both kinds."""

    name: str
    revision: int
    version: str
    examples: int = 0
    lacking: tuple[str, ...] = ()


class PolicyTestRequest(Request, tag="policy.test"):
    """Run the examples of all policies in force, or those about one rule; with `sources`, as if these were put."""

    rule: str = ""
    sources: dict[str, str] = {}


class PolicyFailure(msgspec.Struct, frozen=True):
    """An example that does not hold, and why."""

    rule: str
    policy: str
    line: int
    expected: str
    call: str
    problem: str


class PolicyTestReply(msgspec.Struct, frozen=True):
    """`rules`: how many examples each rule has."""

    ok: bool
    examples: int
    rules: dict[str, int]
    failures: tuple[PolicyFailure, ...] = ()
    lacking: tuple[str, ...] = ()


class PolicyExplainRequest(Request, tag="policy.explain"):
    """One rule: where it is, what it says, what it catches and spares. ``*`` may stand for a part of the id."""

    rule: str


class RuleView(msgspec.Struct, frozen=True):
    """A rule with its source; `caught` and `spared` are its examples."""

    id: str
    verdict: str
    policy: str
    line: int
    state: str
    source: str
    caught: tuple[str, ...]
    spared: tuple[str, ...]


class PolicyExplainReply(msgspec.Struct, frozen=True):
    rules: tuple[RuleView, ...]


class ReloadRequest(Request, tag="daemon.reload"):
    """Read policies, configuration and key ring anew, as SIGHUP does. What is wrong leaves what was in force."""


class ReloadReply(msgspec.Struct, frozen=True):
    """`changed`: settings now in force (``section.key``). `restart`: those that count from the next start on."""

    policies: int
    changed: tuple[str, ...]
    restart: tuple[str, ...]
    problems: tuple[str, ...]


class PolicyReloadRequest(Request, tag="policy.reload"):
    """Read all policies again, all or none, as SIGHUP does."""


class PolicyReloadReply(msgspec.Struct, frozen=True):
    """`problem`: why the policies in force before stay, "" where the new ones took over."""

    version: str
    policies: int
    problem: str = ""

"""What people's answers taught."""

import msgspec

from lighthoused.core.verdicts import Answer, Template
from lighthoused.protocol.messages.base import Request


class Precedent(msgspec.Struct, frozen=True):
    """What a person said before. `by` is who, `agent` who asked, `seq` the event that proves it."""

    seq: int
    time: int
    by: str
    said: Answer
    agent: str
    asked: str


class Pattern(msgspec.Struct, frozen=True):
    """What people said about one template. `agent` and `project` "": any.

    `standing`: somebody allowed it for good. `verdict`: what the gate answers from it; ``escalate`` while the answers
    are too few or do not agree. `seq`, `time` and `by` are of the newest answer.
    """

    id: str
    standing: bool
    verdict: Answer
    agent: str
    project: str
    template: Template
    text: str
    allowed: int
    denied: int
    seq: int
    time: int
    by: str


class PatternListRequest(Request, tag="pattern.list"):
    """What people allowed for good, then what they answered lately, newest first; at most `limit`."""

    limit: int = 200


class PatternList(msgspec.Struct, frozen=True):
    patterns: tuple[Pattern, ...]


class PatternShowRequest(Request, tag="pattern.show"):
    """One pattern with its precedents, newest first."""

    pattern: str


class PatternReply(msgspec.Struct, frozen=True):
    pattern: Pattern
    precedents: tuple[Precedent, ...]


class PatternRevokeRequest(Request, tag="pattern.revoke"):
    """Take a pattern back: people are asked again, and what they said about it before does not count any more."""

    pattern: str

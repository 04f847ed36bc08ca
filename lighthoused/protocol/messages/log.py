"""Events: appended, asked for, followed, verified."""

from typing import Any

import msgspec

from lighthoused.core.appended import Appended
from lighthoused.protocol.messages.base import Request


class NewEvent(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An event to append. `event_id`: idempotency key. `expected_version`: -1 any, 0 the stream must be new."""

    stream: str
    type: str
    payload: Any = None
    event_id: str = ""
    schema: int = 1
    session: str = ""
    correlation: str = ""
    causation: int = 0
    paths: tuple[str, ...] = ()
    expected_version: int = -1


class AppendRequest(Request, tag="log.append"):
    """Append events, all or none. Acknowledged means synced to disk. Streams of the daemon's own are refused."""

    events: tuple[NewEvent, ...]


class AppendReply(msgspec.Struct, frozen=True):
    events: tuple[Appended, ...]


class Filter(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which events; an empty field means any. `stream` and `type` may end in ``*``. `path` includes what is below it.

    `since` and `until` are ns since the epoch, inclusive.
    """

    stream: str = ""
    type: str = ""
    agent: str = ""
    session: str = ""
    path: str = ""
    correlation: str = ""
    since: int = 0
    until: int = 0


class QueryRequest(Request, tag="log.query"):
    """A page of events by seq. `cursor` is the seq to continue after (before, where `reverse`); 0: from the end."""

    filter: Filter = Filter()
    cursor: int = 0
    limit: int = 1000
    reverse: bool = False


class EventView(msgspec.Struct, frozen=True):
    """An event as clients see it; hashes in hex."""

    seq: int
    time: int
    stream: str
    version: int
    type: str
    schema: int
    agent: str
    session: str
    uid: int
    pid: int
    event_id: str
    correlation: str
    causation: int
    paths: tuple[str, ...]
    payload: Any
    prev: str
    hash: str


class QueryReply(msgspec.Struct, frozen=True):
    events: tuple[EventView, ...]
    cursor: int
    """Pass this on to continue; 0 when there is nothing more."""


class SubscribeRequest(Request, tag="log.subscribe"):
    """Stream events with seq > `after` as they are committed, without gap or duplicate; -1: only new ones."""

    filter: Filter = Filter()
    after: int = -1


class VerifyRequest(Request, tag="log.verify"):
    """Prove the log: dense seqs, increasing times, hashes, chain, indexes. Streams progress."""


class Progress(msgspec.Struct, frozen=True):
    """How far a long request is; `total` 0 while unknown."""

    done: int
    total: int
    what: str = ""


class VerifyReply(msgspec.Struct, frozen=True):
    ok: bool
    events: int
    head: str
    problems: tuple[str, ...] = ()

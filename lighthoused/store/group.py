"""One group of batches being assembled: places given out, keys and values gathered, put in one go per table.

Nothing of it counts until the transaction has committed: the position after is `position`, and is taken over then.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec
from cachetools import LRUCache

from lighthoused.core.appended import Appended
from lighthoused.core.errors import Conflict, LighthouseError
from lighthoused.core.events import GENESIS, Draft, Event, chain_hash, decode_event, encode_event
from lighthoused.store.environment import Environment
from lighthoused.store.log import Log, Stored
from lighthoused.store.schema import (
    BLOCKS,
    DENTRIES,
    IDS,
    INODES,
    LOG,
    STREAMS,
    TAG_AGENT,
    TAG_CORRELATION,
    TAG_PATH,
    TAG_SESSION,
    TAG_TYPE,
    TAGS,
    descending,
    number,
    stream_key,
    tag_key,
    u64,
)

STREAM_HEADS = 20_000
"""Streams whose newest version is remembered."""
ROW_TABLES = {"inodes": INODES, "dentries": DENTRIES}


@dataclass(slots=True)
class Position:
    """Where the log ends, and the versions that streams stand at."""

    seq: int = 0
    time: int = 0
    hash: bytes = GENESIS
    streams: LRUCache[str, int] = field(default_factory=lambda: LRUCache(STREAM_HEADS))

    @classmethod
    def at(cls, log: Log) -> "Position":
        """Of a log as it is on disk."""
        head = log.head()
        return cls(head.seq, head.time, head.hash)


class Group:
    """Batches that are going to be committed together: `events` are all that they add, in order."""

    def __init__(self, env: Environment, txn: Any, before: Position) -> None:
        self._env = env
        self._txn = txn
        self._before = before
        self._seq, self._time, self._hash = before.seq, before.time, before.hash
        self._versions: dict[str, int] = {}
        self._ids: dict[str, Appended] = {}
        self.events: list[Stored] = []
        self._log: list[tuple[bytes, bytes]] = []
        self._streams: list[tuple[bytes, bytes]] = []
        self._tags: list[tuple[bytes, bytes]] = []
        self._id_rows: list[tuple[bytes, bytes]] = []
        self._rows: dict[str, list[tuple[bytes, bytes]]] = {"inodes": [], "dentries": []}
        self._blocks: list[tuple[bytes, bytes]] = []

    @property
    def position(self) -> Position:
        """Where the log ends once this group is committed."""
        streams = self._before.streams
        for stream, version in self._versions.items():
            streams[stream] = version
        return Position(self._seq, self._time, self._hash, streams)

    def add(
        self, drafts: tuple[Draft, ...], blocks: tuple[tuple[bytes, bytes], ...]
    ) -> tuple[Appended, ...] | LighthouseError:
        """Give a batch its place, or refuse it and leave no trace."""
        known = [self._known(draft.id) if draft.id else None for draft in drafts]
        if any(known):
            if all(known):
                return tuple(found for found in known if found is not None)
            return Conflict("Some events of the batch are in the log already, some are not.", "Send them apart.")
        refusal = self._expectation_failed(drafts)
        if refusal is not None:
            return refusal
        self._blocks.extend(blocks)
        return tuple(map(self._place, drafts))

    def put(self) -> None:
        """Put everything into the transaction."""
        self._put_sorted(BLOCKS, self._blocks, overwrite=False)
        with self._txn.cursor(db=self._env.table(LOG)) as cursor:
            cursor.putmulti(self._log, append=True)
        self._put_sorted(STREAMS, self._streams)
        self._put_sorted(TAGS, self._tags)
        self._put_sorted(IDS, self._id_rows)
        for name, rows in self._rows.items():
            self._put_sorted(ROW_TABLES[name], rows)

    def _put_sorted(self, table: Any, rows: list[tuple[bytes, bytes]], overwrite: bool = True) -> None:
        if rows:
            rows.sort()
            with self._txn.cursor(db=self._env.table(table)) as cursor:
                cursor.putmulti(rows, dupdata=True, overwrite=overwrite)

    def _place(self, draft: Draft) -> Appended:
        seq = self._seq = self._seq + 1
        time = self._time = max(draft.time, self._time + 1)
        version = self._version(draft.stream) + 1
        self._versions[draft.stream] = version
        event = Event(
            seq,
            time,
            draft.stream,
            version,
            draft.type,
            draft.schema,
            draft.agent,
            draft.session,
            draft.uid,
            draft.pid,
            draft.id,
            draft.correlation,
            draft.causation,
            draft.paths,
            msgspec.Raw(draft.payload),
            self._hash,
        )
        body = encode_event(event)
        self._hash = chain_hash(self._hash, body)
        self.events.append(Stored(event, self._hash))
        key = u64(seq)
        self._log.append((key, self._hash + body))
        self._streams.append((stream_key(draft.stream, version), key))
        self._tag(draft, key)
        tail = descending(seq)
        for table, prefix, value in draft.rows:
            self._rows[table].append((prefix + tail, value))
        appended = Appended(seq, version, time)
        if draft.id:
            self._ids[draft.id] = appended
            self._id_rows.append((draft.id.encode(), key))
        return appended

    def _tag(self, draft: Draft, key: bytes) -> None:
        tags = self._tags
        tags.append((tag_key(TAG_TYPE, draft.type), key))
        tags.append((tag_key(TAG_AGENT, draft.agent), key))
        if draft.session:
            tags.append((tag_key(TAG_SESSION, draft.session), key))
        if draft.correlation:
            tags.append((tag_key(TAG_CORRELATION, draft.correlation), key))
        for path in draft.paths:
            tags.append((tag_key(TAG_PATH, path), key))

    def _known(self, id: str) -> Appended | None:
        found = self._ids.get(id)
        if found is not None:
            return msgspec.structs.replace(found, duplicate=True)
        key = self._txn.get(id.encode(), db=self._env.table(IDS))
        if key is None:
            return None
        body = self._txn.get(key, db=self._env.table(LOG))[len(GENESIS) :]
        event = decode_event(body)
        return Appended(event.seq, event.version, event.time, duplicate=True)

    def _expectation_failed(self, drafts: tuple[Draft, ...]) -> Conflict | None:
        ahead: dict[str, int] = {}
        for draft in drafts:
            at = self._version(draft.stream) + ahead.get(draft.stream, 0)
            if draft.expected_version not in (-1, at):
                return Conflict(
                    f"Stream {draft.stream!r} stands at version {at}, not {draft.expected_version}.",
                    "Read it again and decide anew.",
                )
            ahead[draft.stream] = ahead.get(draft.stream, 0) + 1
        return None

    def _version(self, stream: str) -> int:
        version = self._versions.get(stream)
        if version is None:
            version = self._before.streams.get(stream)
        if version is None:
            version = self._stored_version(stream)
        return version

    def _stored_version(self, stream: str) -> int:
        prefix = stream.encode() + b"\0"
        with self._txn.cursor(db=self._env.table(STREAMS)) as cursor:
            there = cursor.set_range(prefix + b"\xff" * 8)
            there = cursor.prev() if there else cursor.last()
            if there and cursor.key()[:-8] == prefix:
                return number(cursor.key()[-8:])
        return 0

"""Proof of the log: dense seqs, increasing times, hashes, chain, stream versions and indexes."""

from collections.abc import Callable
from typing import Any, NamedTuple

from lighthoused.core.events import GENESIS, Event, chain_hash, decode_event
from lighthoused.store.environment import Environment
from lighthoused.store.log import Log
from lighthoused.store.schema import (
    HASH_SIZE,
    IDS,
    STREAMS,
    TAG_AGENT,
    TAG_CORRELATION,
    TAG_PATH,
    TAG_SESSION,
    TAG_TYPE,
    TAGS,
    number,
    stream_key,
    tag_key,
    u64,
)

PAGE = 1000
MAX_PROBLEMS = 100


class Proof(NamedTuple):
    """What was found: how many events, the head's hash, and problems as sentences (at most `MAX_PROBLEMS`)."""

    events: int
    head: bytes
    problems: tuple[str, ...]


class Verifier:
    """Goes through the log once; meant for a worker thread."""

    def __init__(self, env: Environment, log: Log) -> None:
        self._env = env
        self._log = log
        self._streams: dict[str, int] = {}
        self._seq, self._time, self._hash = 0, 0, GENESIS
        self._problems: list[str] = []
        self._tags = 0

    def run(self, progress: Callable[[int, int], None]) -> Proof:
        """Verify everything there was at the start; `progress` is told (events done, total)."""
        total = self._log.head().seq
        while self._seq < total and len(self._problems) < MAX_PROBLEMS:
            records = self._log.raw(self._seq, PAGE)
            if not records:
                break
            with self._env.read() as txn:
                for seq, value in records:
                    self._check(txn, seq, value)
            progress(self._seq, total)
        if not self._problems:
            self._check_counts(total)
        return Proof(self._seq, self._hash, tuple(self._problems[:MAX_PROBLEMS]))

    def _check(self, txn: Any, seq: int, value: bytes) -> None:
        if seq != self._seq + 1:
            self._problems.append(f"Events {self._seq + 1} to {seq - 1} are missing.")
        body = value[HASH_SIZE:]
        try:
            event = decode_event(body)
        except ValueError as error:
            self._problems.append(f"Event {seq} cannot be read: {error}.")
            self._seq, self._hash = seq, value[:HASH_SIZE]
            return
        if event.seq != seq:
            self._problems.append(f"Event {seq} says that it is event {event.seq}.")
        if event.prev != self._hash:
            self._problems.append(f"Event {seq} does not follow the hash of the event before it.")
        if chain_hash(event.prev, body) != value[:HASH_SIZE]:
            self._problems.append(f"Event {seq} has another hash than its content.")
        if event.time <= self._time:
            self._problems.append(f"Event {seq} is not later than the event before it.")
        self._check_indexes(txn, event)
        self._seq, self._time, self._hash = seq, event.time, value[:HASH_SIZE]

    def _check_indexes(self, txn: Any, event: Event) -> None:
        version = self._streams.get(event.stream, 0) + 1
        self._streams[event.stream] = version
        if event.version != version:
            self._problems.append(f"Event {event.seq} is version {event.version} of its stream, not {version}.")
        if txn.get(stream_key(event.stream, event.version), db=self._env.table(STREAMS)) != u64(event.seq):
            self._problems.append(f"Event {event.seq} is not in the index of streams.")
        if event.id and txn.get(event.id.encode(), db=self._env.table(IDS)) != u64(event.seq):
            self._problems.append(f"Event {event.seq} is not in the index of ids.")
        with txn.cursor(db=self._env.table(TAGS)) as cursor:
            for key in tags_of(event):
                self._tags += 1
                if not cursor.set_key_dup(key, u64(event.seq)):
                    self._problems.append(f"Event {event.seq} is not in the index under {key!r}.")

    def _check_counts(self, total: int) -> None:
        """Entries that belong to no event: there are as many as there should be, so none is left over."""
        with self._env.read() as txn:
            streams = txn.stat(self._env.table(STREAMS))["entries"]
            tags = txn.stat(self._env.table(TAGS))["entries"]
            with txn.cursor(db=self._env.table(STREAMS)) as cursor:
                newer = sum(1 for _, seq in cursor.iternext() if number(seq) > total) if streams != total else 0
        if streams - newer != total:
            self._problems.append(f"The index of streams has {streams - newer} entries for {total} events.")
        if not newer and tags != self._tags:
            self._problems.append(f"The index of tags has {tags} entries where there should be {self._tags}.")


def broken_link(log: Log, after: int) -> str:
    """The first event after a seq whose hash, or whose link to the event before it, is wrong; "" where none is."""
    last = log.get(after)
    expected = last.hash if last is not None else GENESIS
    for seq, value in log.raw(after, log.head().seq - after):
        body = value[HASH_SIZE:]
        if decode_event(body).prev != expected or chain_hash(expected, body) != value[:HASH_SIZE]:
            return f"event {seq} does not follow the one before it."
        expected = value[:HASH_SIZE]
    return ""


def tags_of(event: Event) -> set[bytes]:
    """Keys of all tags of an event."""
    keys = {tag_key(TAG_TYPE, event.type), tag_key(TAG_AGENT, event.agent)}
    keys.update(tag_key(TAG_PATH, path) for path in event.paths)
    if event.session:
        keys.add(tag_key(TAG_SESSION, event.session))
    if event.correlation:
        keys.add(tag_key(TAG_CORRELATION, event.correlation))
    return keys

"""The event: one immutable fact, and what a caller supplies to make one.

An event's hash is blake3-256 over its predecessor's hash and its own encoding: a tamper-evident chain.
"""

from typing import NamedTuple

import msgspec
from blake3 import blake3

GENESIS = bytes(32)
"""The `prev` of event 1."""

MAX_PAYLOAD = 8 * 1024 * 1024
MAX_NAME = 200
"""Longest stream, type, agent, session, id or correlation, in UTF-8 bytes."""
MAX_PATHS = 64
MAX_PATH = 4096 * 4
UNKNOWN_AGENT = "unknown"


class Event(msgspec.Struct, frozen=True, array_like=True):
    """One event as stored. `time` is hybrid logical time in ns since the epoch, strictly increasing with `seq`.

    `version` counts from 1 within the stream. `payload` is msgpack. `causation` is the seq of the causing event or 0.
    `paths` are spelled by `core.names.shown`, as ``project/dir/file``.
    """

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
    id: str
    correlation: str
    causation: int
    paths: tuple[str, ...]
    payload: msgspec.Raw
    prev: bytes


class Row(NamedTuple):
    """A projection row that the writer stores with its event: the event's seq completes the key (see store.schema)."""

    table: str
    prefix: bytes
    value: bytes


class Draft(msgspec.Struct, frozen=True):
    """An event before the writer gives it seq, version and hash.

    `time` is when it happened (ns); the writer moves it forward where needed to stay increasing. `expected_version`:
    the stream must stand exactly there (0: must not exist yet), -1: anywhere. `id`: idempotency key, "" for none; an
    id that the log already holds makes the append answer with the event stored then.
    """

    stream: str
    type: str
    payload: bytes
    time: int
    agent: str = UNKNOWN_AGENT
    session: str = ""
    uid: int = -1
    pid: int = 0
    schema: int = 1
    id: str = ""
    correlation: str = ""
    causation: int = 0
    paths: tuple[str, ...] = ()
    expected_version: int = -1
    rows: tuple[Row, ...] = ()


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Event)


def encode_event(event: Event) -> bytes:
    """The bytes that are hashed and stored."""
    return _encoder.encode(event)


def decode_event(body: bytes | memoryview) -> Event:
    """Inverse of `encode_event`. Raises msgspec.DecodeError."""
    return _decoder.decode(body)


def chain_hash(prev: bytes, body: bytes | memoryview) -> bytes:
    """The 32-byte hash of an event with this encoding that follows the event with hash `prev`."""
    return blake3(prev + bytes(body)).digest()

"""Engine values as clients see them."""

import re
from typing import Any

import msgspec

from lighthoused.protocol.messages.log import EventView
from lighthoused.store.log import Stored

MAX_LINE_PAYLOAD = 256 * 1024
"""Bytes of a payload that a line of JSON shows."""
_decode = msgspec.msgpack.Decoder().decode
_BINARY = re.compile(rb"[\xc4-\xc6]")
"""The first byte of every bin value in msgpack (it may stand for something else too)."""


def event_view(stored: Stored) -> EventView:
    """An event with its payload decoded; bytes in it appear as hex, so that JSON can carry them."""
    event = stored.event
    payload = _decode(event.payload)
    return EventView(
        event.seq,
        event.time,
        event.stream,
        event.version,
        event.type,
        event.schema,
        event.agent,
        event.session,
        event.uid,
        event.pid,
        event.id,
        event.correlation,
        event.causation,
        event.paths,
        _without_bytes(payload) if _BINARY.search(event.payload) else payload,
        event.prev.hex(),
        stored.hash.hex(),
    )


def event_line(stored: Stored) -> bytes:
    """An event as one line of JSON; of a payload over `MAX_LINE_PAYLOAD` only its size."""
    event = stored.event
    if len(event.payload) > MAX_LINE_PAYLOAD:
        shortened = msgspec.msgpack.encode({"omitted": len(event.payload)})
        event = msgspec.structs.replace(event, payload=msgspec.Raw(shortened))
    return msgspec.json.encode(event_view(Stored(event, stored.hash))) + b"\n"


def _without_bytes(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [_without_bytes(part) for part in value]
    if isinstance(value, dict):
        return {_key(key): _without_bytes(part) for key, part in value.items()}
    return value


def _key(key: Any) -> str:
    return key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else str(key)

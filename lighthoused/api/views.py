"""Engine values as clients see them."""

from typing import Any

import msgspec

from lighthoused.protocol.messages import EventView
from lighthoused.store.log import Stored


def event_view(stored: Stored) -> EventView:
    """An event with its payload decoded; bytes in it appear as hex, so that JSON can carry them."""
    event = stored.event
    return EventView(
        seq=event.seq,
        time=event.time,
        stream=event.stream,
        version=event.version,
        type=event.type,
        schema=event.schema,
        agent=event.agent,
        session=event.session,
        uid=event.uid,
        pid=event.pid,
        event_id=event.id,
        correlation=event.correlation,
        causation=event.causation,
        paths=event.paths,
        payload=_without_bytes(msgspec.msgpack.decode(event.payload)),
        prev=event.prev.hex(),
        hash=stored.hash.hex(),
    )


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

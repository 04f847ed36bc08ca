"""Which events a filter means, and which index narrows it down best."""

from typing import NamedTuple

from lighthoused.core.events import Event
from lighthoused.protocol.messages.log import Filter
from lighthoused.store.schema import (
    TAG_AGENT,
    TAG_CORRELATION,
    TAG_PATH,
    TAG_SESSION,
    TAG_TYPE,
    tag_key,
    tag_prefix,
)


class Index(NamedTuple):
    """Where to look: one tag's key, all tags with these prefixes, or a stream."""

    key: bytes = b""
    prefixes: tuple[bytes, ...] = ()
    stream: str | None = None


def accepts(filter: Filter, event: Event) -> bool:
    """Whether an event passes."""
    return (
        _matches(filter.stream, event.stream)
        and _matches(filter.type, event.type)
        and filter.agent in ("", event.agent)
        and filter.session in ("", event.session)
        and filter.correlation in ("", event.correlation)
        and (not filter.since or event.time >= filter.since)
        and (not filter.until or event.time <= filter.until)
        and (not filter.path or any(_is_under(path, filter.path.rstrip("/")) for path in event.paths))
    )


def index_of(filter: Filter) -> Index | None:
    """The most selective index; None: none helps, the log itself has to be scanned."""
    path = filter.path.rstrip("/")
    if filter.correlation:
        return Index(tag_key(TAG_CORRELATION, filter.correlation))
    if filter.session:
        return Index(tag_key(TAG_SESSION, filter.session))
    if path and "/" in path:
        return Index(tag_key(TAG_PATH, path), (tag_key(TAG_PATH, path), tag_prefix(TAG_PATH, path + "/")))
    if filter.agent:
        return Index(tag_key(TAG_AGENT, filter.agent))
    if filter.type and not filter.type.endswith("*"):
        return Index(tag_key(TAG_TYPE, filter.type))
    if filter.stream and not filter.stream.endswith("*"):
        return Index(stream=filter.stream)
    return None


def _matches(pattern: str, text: str) -> bool:
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    return pattern in ("", text)


def _is_under(path: str, wanted: str) -> bool:
    return path == wanted or path.startswith(wanted + "/")

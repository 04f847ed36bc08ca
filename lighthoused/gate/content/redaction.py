"""Takes secrets out of what becomes an event: the log keeps for ever what an agent asks, but not the keys in it.

What the forms recognise (`secrets.toml`) is replaced wherever it stands in the event, by its kind and, of what surely
is a secret, the beginning of its blake3: enough to see the same one again. A password can be guessed from a hash, so
what only looks like a secret keeps none. Takes its time: for worker threads.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import structlog
from blake3 import blake3

from lighthoused.core.events import Draft
from lighthoused.gate.content.secrets import MAX_TEXT, scanner

log = structlog.get_logger()

HASH = 12
"""Hex digits."""
SHORTEST = 6
"""Characters of a value that is replaced outside of the place where it was found."""
_AS_IT_IS = frozenset({"gate.hits", "gate.audit_lost"})


def redacted(draft: Draft) -> Draft:
    """The event without the secrets in its payload. Where that cannot be done it is without its payload."""
    if draft.type in _AS_IT_IS or not draft.payload:
        return draft
    try:
        payload = msgspec.msgpack.decode(draft.payload)
        found = secrets_in(payload)
        if not found:
            return draft
        return msgspec.structs.replace(draft, payload=msgspec.msgpack.encode(without(payload, found)))
    except Exception as error:
        log.error("redaction.bug", kind=draft.type, error=type(error).__name__)
        return msgspec.structs.replace(draft, payload=msgspec.msgpack.encode({"unredacted": True}))


def secrets_in(value: Any) -> dict[str, str]:
    """The secrets in all texts of a value, and what to put in their place; longest first."""
    found: dict[str, str] = {}
    texts = list(_texts(value))
    forms = scanner().forms_in("\n".join(texts))
    for text in texts if forms else ():
        for form in {text, _unescaped(text)}:
            for secret, id, certain in scanner().values(form, forms):
                if len(secret) >= SHORTEST:
                    found.setdefault(secret, _mark(secret, id, certain))
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))


def without(value: Any, secrets: dict[str, str]) -> Any:
    """The value with every secret replaced, wherever it stands."""
    if isinstance(value, str):
        for secret, mark in secrets.items():
            value = value.replace(secret, mark)
        return value
    if isinstance(value, dict):
        return {without(key, secrets): without(each, secrets) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without(each, secrets) for each in value]
    return value


def _texts(value: Any) -> Iterator[str]:
    """All texts, in pieces that the scanner takes whole; they overlap by more than a secret is long."""
    if isinstance(value, str):
        for start in range(0, max(1, len(value)), MAX_TEXT // 2):
            yield value[start : start + MAX_TEXT]
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(key)
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _unescaped(text: str) -> str:
    """JSON within a text as it was: forms are told by quotes and ends of lines."""
    return text.replace('\\"', '"').replace("\\n", "\n") if "\\" in text else text


def _mark(secret: str, id: str, certain: bool) -> str:
    told = f"{id}:{blake3(secret.encode(errors='replace')).hexdigest()[:HASH]}" if certain else id
    return f"<secret:{told}>"

"""Answers for models: times as text, long values cut, and never more than they can read."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from lighthoused.core.errors import Invalid
from lighthoused.tree.moments import parse_ago, parse_time

MAX_ANSWER = 40_000
"""Characters of one answer, some 10,000 tokens."""
MAX_VALUE = 2_000
CUT = "... (cut)"


def spelled_time(ns: int) -> str:
    """A time as models and people write it, in UTC."""
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parsed_time(text: str, now: int) -> int:
    """ns since the epoch of a time or duration ago, 0 for "". Raises Invalid."""
    if not text:
        return 0
    found = parse_ago(text, now)
    if found is None:
        found = parse_time(text)
    if found is None:
        raise Invalid(f"{text!r} is no time.", "Use one like 2026-01-31T12:00:00Z, or a duration ago like 10m or 2h.")
    return found


def shortened(text: str, most: int = MAX_VALUE) -> str:
    """Text that says where it was cut."""
    return text if len(text) <= most else text[:most] + CUT


def bounded(value: Any) -> Any:
    """A value as it is where it is short, else the beginning of its JSON."""
    text = msgspec.json.encode(value).decode()
    return value if len(text) <= MAX_VALUE else shortened(text)


def fitting(rows: list[dict[str, Any]], most: int = MAX_ANSWER) -> list[dict[str, Any]]:
    """As many rows from the first as fit into an answer, one at least."""
    size = 0
    for number, row in enumerate(rows):
        size += len(msgspec.json.encode(row))
        if size > most and number:
            return rows[:number]
    return rows

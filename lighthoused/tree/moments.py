"""Moments as people write them: an RFC 3339 time, ``@seq``, a snapshot's name, or how long ago."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from lighthoused.core.errors import Invalid, NotFound

_SEQ = re.compile(r"@(\d{1,19})")
_AGO = re.compile(r"(\d{1,9})(s|m|h|d|w)")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[Tt _](\d{2}:\d{2})(?:(:\d{2})(?:\.(\d+))?)?\s?(Z|z|[+-]\d{2}:\d{2})?)?", re.ASCII
)
LEAP = ":60"


def parse_time(text: str) -> int | None:
    """ns since the epoch of an RFC 3339 time (a date alone: its beginning); None if it is not one.

    Without a zone it is this machine's local time, as `lighthousectl log` shows it. Finer fractions than ns are cut; a
    leap second is the one after it. Raises Invalid for a time that does not exist, such as February 30th.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    date, minutes, seconds, fraction, zone = found.groups()
    is_leap = seconds == LEAP
    iso = f"{date}T{minutes or '00:00'}{':59' if is_leap else seconds or ':00'}{_offset(zone)}"
    try:
        whole = int(datetime.fromisoformat(iso).timestamp())
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{text!r} is not a time that exists: {error}.") from None
    return (whole + is_leap) * 1_000_000_000 + int((fraction or "0")[:9].ljust(9, "0"))


def parse_ago(text: str, now: int) -> int | None:
    """ns since the epoch of a moment like ``10m`` (ago) or ``yesterday``; None if it is not one."""
    if text == "yesterday":
        return now - 86_400 * 1_000_000_000
    found = _AGO.fullmatch(text)
    if found is None:
        return None
    return now - int(found[1]) * _UNIT_S[found[2]] * 1_000_000_000


def parse_seq(text: str) -> int | None:
    """The seq of ``@123``; None if it is not one."""
    found = _SEQ.fullmatch(text)
    return int(found[1]) if found else None


def resolve(text: str, *, now: int, head: int, seq_at: Callable[[int], int], snapshots: Mapping[str, int]) -> int:
    """The seq that a moment stands for. Raises NotFound for the future and unknown names, Invalid for impossible times.

    `seq_at` gives the newest seq at or before a time (ns).
    """
    if text in ("", "now"):
        return head
    seq = parse_seq(text)
    if seq is not None:
        if seq > head:
            raise NotFound(f"There is no event {text} yet.", f"The newest is @{head}.")
        return seq
    if text in snapshots:
        return snapshots[text]
    time = parse_ago(text, now)
    if time is None:
        time = parse_time(text)
    if time is None:
        known = ", ".join(sorted(snapshots)[:5]) or "none so far"
        raise NotFound(
            f"{text!r} is neither a time, @seq, a duration ago nor a snapshot.",
            f"Use 2026-01-31T12:00:00Z, @123, 10m, or a snapshot ({known}).",
        )
    if time > now:
        raise NotFound(f"{text} is in the future.", "History ends now.")
    return seq_at(time)


def shown_time(ns: int) -> str:
    """RFC 3339 in UTC with nanoseconds where there are any."""
    seconds, fraction = divmod(ns, 1_000_000_000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{fraction:09d}Z" if fraction else f"{text}Z"


def _offset(zone: str | None) -> str:
    if zone is None:
        return ""
    return "+00:00" if zone in "Zz" else zone

"""Which backups are kept: the newest of each of the last hours, days, weeks and months, so many of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple


class Keep(NamedTuple):
    """How many; the newest backup is always kept."""

    last: int = 3
    daily: int = 7
    weekly: int = 4
    monthly: int = 6


def kept(ids: Sequence[str], keep: Keep) -> set[str]:
    """The ids (times, UTC) that stay."""
    newest_first = sorted(ids, reverse=True)
    stay = set(newest_first[: max(1, keep.last)])
    for count, form in ((keep.daily, "%Y-%m-%d"), (keep.weekly, "%G-%V"), (keep.monthly, "%Y-%m")):
        periods: dict[str, str] = {}
        for id in newest_first:
            periods.setdefault(time_of(id).strftime(form), id)
        stay.update(list(periods.values())[:count])
    return stay


def time_of(id: str) -> datetime:
    """When a backup was made."""
    return datetime.strptime(id, "%Y%m%dT%H%M%S.%f%z")

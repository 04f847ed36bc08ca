"""What every match of a regular expression contains, so that most texts need not be searched at all. Pure."""

from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any


def needles(pattern: str) -> tuple[str, ...]:
    """Lower-case texts, one of which is in every match; none where that cannot be said."""
    found = _sequence(_parser.parse(pattern))
    return tuple(sorted(found)) if found and min(map(len, found)) > 1 else ()


def _sequence(items: Any) -> frozenset[str]:
    """The best of what each item asks for: the set whose shortest text is longest."""
    candidates: list[frozenset[str]] = []
    run = ""
    for kind, value in items:
        if kind is sre.LITERAL:
            run += chr(value).lower()
            continue
        candidates.append(frozenset({run} if run else ()))
        run = ""
        candidates.append(_item(kind, value))
    candidates.append(frozenset({run} if run else ()))
    return max(candidates, key=lambda texts: min(map(len, texts), default=0))


def _item(kind: Any, value: Any) -> frozenset[str]:
    if kind is sre.SUBPATTERN:
        return _sequence(value[3])
    if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT) and value[0] > 0:
        return _sequence(value[2])
    if kind is sre.BRANCH:
        branches = [_sequence(branch) for branch in value[1]]
        return frozenset().union(*branches) if all(branches) else frozenset()
    return frozenset()

"""The bounds of understanding: whatever is larger is not guessed at. Must not know what is bounded."""

import re

MAX_MATCHED = 1 << 13
"""Characters of text that is searched with a pattern which may take quadratic time."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")


class Unresolvable(Exception):
    """The request is over a bound: what it would do is not known."""


def decimal(text: str) -> int | None:
    """The decimal number, or None where it is none or has more than nine digits."""
    return int(text) if _NUMBER.fullmatch(text) else None

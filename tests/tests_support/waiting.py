"""Waiting for what comes to be so, and not for an amount of time."""

import time
from collections.abc import Callable
from typing import TypeVar

import trio

PAUSE_S = 0.02
WITHIN_S = 60.0

Found = TypeVar("Found")


def until(look: Callable[[], Found], what: str = "it did not come true in time", within: float = WITHIN_S) -> Found:
    """What `look` gives as soon as that is true. Raises AssertionError with `what` after `within` seconds."""
    end = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < end, what
        time.sleep(PAUSE_S)
    return found


async def until_soon(look: Callable[[], object], within: float = WITHIN_S) -> None:
    """The same where other tasks of this run have to go on. Raises trio.TooSlowError."""
    with trio.fail_after(within):
        while not look():
            await trio.sleep(PAUSE_S / 2)

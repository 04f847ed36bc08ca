"""Spans: what took how long within what, for whoever collects traces. Nobody does unless telemetry is configured.

Owns how parts find the span that they are in. It knows neither who collects nor how.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

Attribute = str | int | float | bool


class Span(Protocol):
    """Something under way."""

    def child(self, name: str, **attributes: Attribute) -> "Span":
        """A part of it, that begins now."""

    def note(self, **attributes: Attribute) -> None:
        """Add details."""

    def end(self, outcome: str = "ok") -> None:
        """It is over; any other outcome than ``ok`` is an error's code."""


CURRENT: ContextVar[Span | None] = ContextVar("span", default=None)
"""The span that the running task or thread is in; None almost always: most requests are not sampled."""


@contextmanager
def within(name: str, **attributes: Attribute) -> Iterator[Span | None]:
    """A span for the block, if there is one to be a part of."""
    parent = CURRENT.get()
    if parent is None:
        yield None
        return
    span = parent.child(name, **attributes)
    token = CURRENT.set(span)
    try:
        yield span
    except BaseException as error:
        span.end(type(error).__name__)
        raise
    else:
        span.end()
    finally:
        CURRENT.reset(token)

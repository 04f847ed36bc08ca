"""Answers held back for a moment, so that all that one peer gets in a round leaves with one send."""

from types import TracebackType
from typing import Protocol


class Flushing(Protocol):
    """What has answers to send."""

    def flush(self) -> None:
        """Send what can be sent now."""


class Outbox:
    """Inside ``with outbox:`` answers are held; at its end every connection that has some sends them."""

    def __init__(self) -> None:
        self._depth = 0
        self._held: set[Flushing] = set()

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if not self._depth:
            held, self._held = self._held, set()
            for connection in held:
                connection.flush()

    def has_answers(self, connection: Flushing) -> None:
        """Send its answers at the end of the round, or now if there is none."""
        if self._depth:
            self._held.add(connection)
        else:
            connection.flush()

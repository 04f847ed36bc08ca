"""Where notices go, seen from who sends them: a way out that takes one, or says why it did not."""

from typing import Protocol

from lighthoused.notify.notice import Notice


class Undelivered(Exception):
    """It did not arrive; the message says why and names no secret. `again`: it may, later, after `wait_s` at least."""

    def __init__(self, message: str, *, again: bool = False, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.message = message
        self.again = again
        self.wait_s = wait_s


class Outlet(Protocol):
    """One way to tell people."""

    name: str

    async def deliver(self, notice: Notice) -> str:
        """Tell it once, within a bounded time; what became of it. Raises Undelivered."""

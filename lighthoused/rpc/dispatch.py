"""From a request to its handler: the table of methods, who may call them, and how answers get back."""

import difflib
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from lighthoused.core.errors import Denied, LighthouseError, NotFound
from lighthoused.core.spans import Span
from lighthoused.protocol.messages.base import ErrorBody, Request
from lighthoused.protocol.table import METHODS, Method
from lighthoused.protocol.wire import Envelope
from lighthoused.rpc.call import Handler


class Observer(Protocol):
    """Takes note of requests and connections, for metrics."""

    def request(self, method: str, code: str, seconds: float) -> None:
        """`code` is "ok" or an error's."""

    def connections(self, count: int) -> None:
        """How many there are now."""


class Tracer(Protocol):
    """Decides which requests are traced."""

    def begin(self, method: str, traceparent: str) -> Span | None:
        """A span for a request, None for most."""


class Dispatcher:
    """Handlers by type of request. A method without one is refused; `missing` names them.

    `refusal`: why no new work is taken at present, None where it is.
    """

    def __init__(
        self, handlers: Mapping[type[Request], Handler], refusal: Callable[[], LighthouseError | None] = lambda: None
    ) -> None:
        self._refusal = refusal
        self._table: dict[type[Request], tuple[Method, Handler]] = {}
        for method in METHODS:
            if method.request in handlers:
                self._table[method.request] = (method, handlers[method.request])

    @property
    def missing(self) -> list[str]:
        """Methods that nobody handles (the connection itself handles `cancel`)."""
        return [method.name for method in METHODS if method.request not in self._table and method.name != "cancel"]

    def find(self, request: Request) -> tuple[Method, Handler]:
        """Method and handler of a request. Raises NotFound."""
        found = self._table.get(type(request))
        if found is None:
            raise NotFound("This daemon does not serve that method.")
        return found

    def check_welcome(self, method: Method) -> None:
        """Raises Degraded for new work while none is taken."""
        if method.is_new_work and (refusal := self._refusal()) is not None:
            raise refusal


def check_rights(method: Method, allowed: bool, role: str) -> None:
    """Raises Denied."""
    if not allowed:
        raise Denied(
            f"The role {role!r} may not call {method.name}; it takes {method.role!r}.", "Use a token with that role."
        )


def error_body(error: LighthouseError) -> ErrorBody:
    """An error as it is sent."""
    return ErrorBody(error.code, error.message, error.hint)


def decoding_error(envelope: Envelope, error: Exception) -> ErrorBody:
    """What to tell a peer whose request is not valid."""
    names = [method.name for method in METHODS]
    if isinstance(error, msgspec.ValidationError) and envelope.method not in names:
        near = difflib.get_close_matches(envelope.method, names, 3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "See docs/protocol.md for the methods there are."
        return ErrorBody("unknown_method", f"There is no method {envelope.method!r}.", hint)
    return ErrorBody("invalid", f"The request is not valid: {error}.", "See docs/protocol.md.")

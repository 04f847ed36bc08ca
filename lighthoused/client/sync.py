"""The blocking client: one connection, requests answered in any order."""

import os
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from lighthoused.client.replies import decode_reply, encode_request, item_of, result_of
from lighthoused.client.unreachable import unreachable
from lighthoused.core.errors import DeadlineExceeded, LighthouseError
from lighthoused.protocol.frames import FrameReader, framed
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.connection import Cancel, Hello
from lighthoused.protocol.wire import RawReply

WINDOW = 256
"""Requests of a pipeline under way at once."""


class Client:
    """A connection to the daemon at a Unix socket. `timeout` in seconds bounds each wait; None waits for ever.

    Where the environment has ``TRACEPARENT``, the daemon's spans become parts of that trace.
    """

    def __init__(self, socket_path: str | os.PathLike[str], token: str = "", timeout: float | None = 30.0) -> None:
        self._path = os.fspath(socket_path)
        self._token = token or os.environ.get("LIGHTHOUSE_TOKEN", "")
        self._traceparent = os.environ.get("TRACEPARENT", "")
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._frames = FrameReader()
        self._ready: deque[RawReply] = deque()
        self._next = 1

    def __enter__(self) -> "Client":
        self.connect()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def connect(self) -> None:
        """Connect, and present the token if there is one. Raises Unreachable, Unauthenticated."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(self._timeout)
        try:
            self._socket.connect(self._path)
        except OSError as error:
            self.close()
            raise unreachable(self._path, error) from None
        if self._token:
            self.call(Hello(id=0, client="python", token=self._token))

    def wait_at_most(self, timeout: float | None) -> None:
        """Bound each wait from now on, in seconds. One that is over can be begun again: nothing is lost."""
        self._timeout = timeout
        if self._socket is not None:
            self._socket.settimeout(timeout)

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def call(self, request: Request) -> Any:
        """The method's result. Raises core errors as the daemon sent them, Unreachable, DeadlineExceeded."""
        self._send((request,))
        while True:
            reply = self._receive()
            if reply.id == request.id and reply.item is msgspec.UNSET:
                return result_of(reply, request)

    def pipeline(self, requests: Sequence[Request]) -> list[Any]:
        """Results, or core errors in their place, in the order of the requests."""
        outcomes: dict[int, Any] = {}
        for start in range(0, len(requests), WINDOW):
            window = requests[start : start + WINDOW]
            self._send(window)
            open_requests = {request.id: request for request in window}
            while open_requests:
                reply = self._receive()
                request = open_requests.pop(reply.id, None)
                if request is not None:
                    outcomes[reply.id] = _outcome(reply, request)
        return [outcomes[request.id] for request in requests]

    def stream(self, request: Request) -> "Stream":
        """The items of a streaming method; one stream at a time on a connection."""
        self._send((request,))
        return Stream(self, request)

    def receive(self, request: Request) -> RawReply:
        """The next reply to a request; for `Stream`."""
        while True:
            reply = self._receive()
            if reply.id == request.id:
                return reply

    def cancel(self, request: Request) -> None:
        """Tell the daemon that nobody waits for this any more."""
        self._send((Cancel(id=0, target=request.id),))

    def _send(self, requests: Sequence[Request]) -> None:
        if self._socket is None:
            self.connect()
        assert self._socket is not None
        out = bytearray()
        for request in requests:
            request.id = self._next
            self._next += 1
            request.traceparent = request.traceparent or self._traceparent
            out += framed(encode_request(request), json=False)
        try:
            self._socket.sendall(out)
        except OSError as error:
            raise unreachable(self._path, error) from None

    def _receive(self) -> RawReply:
        while not self._ready:
            assert self._socket is not None
            try:
                data = self._socket.recv(1 << 18)
            except TimeoutError:
                raise DeadlineExceeded(f"lighthoused did not answer within {self._timeout} s.") from None
            except OSError as error:
                raise unreachable(self._path, error) from None
            if not data:
                raise unreachable(self._path, ConnectionResetError(104, "the connection was closed"))
            self._frames.json = False
            self._ready.extend(map(decode_reply, self._frames.feed(data)))
        return self._ready.popleft()


class Stream:
    """Iterates over items; `result` is there once they have ended."""

    def __init__(self, client: Client, request: Request) -> None:
        self._client = client
        self._request = request
        self.result: Any = None

    def __iter__(self) -> Iterator[Any]:
        while True:
            reply = self._client.receive(self._request)
            if reply.item is msgspec.UNSET:
                self.result = result_of(reply, self._request)
                return
            yield item_of(reply, self._request)


def _outcome(reply: RawReply, request: Request) -> Any:
    try:
        return result_of(reply, request)
    except LighthouseError as error:
        return error

"""Metrics and health over HTTP/1.1 on a loopback port: GET /metrics, /health/live, /health/ready, /health/COMPONENT.

Owns the port and the bounds on who uses it: connections, size of a request, time. Knows nothing of what is measured or
what makes the daemon ready; it asks.
"""

import errno
from collections.abc import Callable, Mapping
from typing import NamedTuple

import h11
import msgspec
import trio
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import CollectorRegistry

from lighthoused.core.errors import AlreadyExists, Invalid, LighthouseError

MAX_CONNECTIONS = 32
MAX_REQUEST = 8 * 1024
READ_SIZE = 4 * 1024
MAX_DRAINED = 64 * 1024
COMPONENT = b"/health/"
REQUEST_SECONDS = 10.0

Checks = Callable[[], Mapping[str, str]]
"""Names each component with what keeps it from being ready, "" where nothing does."""


class Answer(NamedTuple):
    """A response: status, type and body."""

    status: int
    content_type: str
    body: bytes


class Observatory:
    """The HTTP side of a registry and a set of health checks."""

    def __init__(
        self,
        registry: CollectorRegistry,
        checks: Checks,
        *,
        max_connections: int = MAX_CONNECTIONS,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self._registry = registry
        self._checks = checks
        self._max_connections = max_connections
        self._request_seconds = request_seconds
        self._open = 0

    async def serve(self, host: str, port: int, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; started with the base URL. Raises AlreadyExists where the port is taken."""
        listeners = await _listen(host, port)
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, self._connection, listeners)
            shown = f"[{host}]" if ":" in host else host
            task_status.started(f"http://{shown}:{listeners[0].socket.getsockname()[1]}")

    async def _connection(self, stream: trio.SocketStream) -> None:
        """One request and its answer; then the connection is closed."""
        if self._open >= self._max_connections:
            await trio.aclose_forcefully(stream)
            return
        self._open += 1
        try:
            with trio.move_on_after(self._request_seconds):
                await self._exchange(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return
        finally:
            self._open -= 1
            await trio.aclose_forcefully(stream)

    async def _exchange(self, stream: trio.SocketStream) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_REQUEST)
        try:
            request = await _request(connection, stream)
            if request is None:
                return
            answer = await self._answer(request)
        except h11.RemoteProtocolError as error:
            answer = _text(error.error_status_hint, "This is not a request that can be answered.\n")
        await stream.send_all(_encode(connection, answer))
        await stream.send_eof()
        await _drain(stream)

    async def _answer(self, request: h11.Request) -> Answer:
        if request.method != b"GET":
            return _text(405, "Only GET is answered here.\n")
        match request.target.partition(b"?")[0]:
            case b"/metrics":
                body = await trio.to_thread.run_sync(generate_latest, self._registry)
                return Answer(200, CONTENT_TYPE_LATEST, body)
            case b"/health/live" | b"/healthz" | b"/livez":
                return _text(200, "live\n")
            case b"/health/ready" | b"/readyz":
                return self._ready()
            case path if path.startswith(COMPONENT):
                return self._component(path.removeprefix(COMPONENT).decode("ascii", "replace"))
        return _text(404, "There are /metrics, /health/live, /health/ready and /health/COMPONENT.\n")

    def _ready(self) -> Answer:
        problems = self._checks()
        ready = not any(problems.values())
        components = {name: problem or "ok" for name, problem in problems.items()}
        body = msgspec.json.encode({"ready": ready, "components": components}) + b"\n"
        return Answer(200 if ready else 503, "application/json", body)

    def _component(self, name: str) -> Answer:
        problems = self._checks()
        if name not in problems:
            return _text(404, f"The components are {', '.join(problems)}.\n")
        return _text(503 if problems[name] else 200, f"{problems[name] or 'ok'}\n")


async def _listen(host: str, port: int) -> list[trio.SocketListener]:
    try:
        return await trio.open_tcp_listeners(port, host=host)
    except OSError as error:
        hint = "Set metrics.port to another one, or to 0 for any free one; or set metrics.enabled to false."
        refusal: type[LighthouseError] = AlreadyExists if error.errno == errno.EADDRINUSE else Invalid
        raise refusal(f"Metrics cannot listen on {host} port {port}: {error.strerror}.", hint) from None


async def _request(connection: h11.Connection, stream: trio.SocketStream) -> h11.Request | None:
    """The request's head, None where the peer goes first. Raises h11.RemoteProtocolError."""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            return None
        connection.receive_data(await stream.receive_some(READ_SIZE))


async def _drain(stream: trio.SocketStream) -> None:
    """Read what else the peer sends, within bounds: closing over unread bytes would reset the answer away."""
    for _ in range(MAX_DRAINED // READ_SIZE):
        if not await stream.receive_some(READ_SIZE):
            return


def _text(status: int, text: str) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", text.encode())


def _encode(connection: h11.Connection, answer: Answer) -> bytes:
    head = h11.Response(
        status_code=answer.status,
        headers=[
            ("content-type", answer.content_type),
            ("content-length", str(len(answer.body))),
            ("connection", "close"),
        ],
    )
    parts = [connection.send(head), connection.send(h11.Data(data=answer.body)), connection.send(h11.EndOfMessage())]
    return b"".join(part for part in parts if part)

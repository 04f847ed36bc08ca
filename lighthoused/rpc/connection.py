"""One client: frames in, answers out. What can be answered at once is, all frames of a turn with one send.

Bounds: `TURN_S` of work before others have their turn; `MAX_OPEN` requests under way, beyond which nothing more is
read; `MAX_OUTPUT` bytes of answers not taken, beyond which streams wait and nothing more is read; and what all
connections of a peer share (`shares`). A peer that does not read costs only itself.
"""

import contextlib
import inspect
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import msgspec
import structlog
import trio

from lighthoused.core.errors import (
    Cancelled,
    DeadlineExceeded,
    LighthouseError,
    NotFound,
    Overloaded,
    TooLarge,
)
from lighthoused.core.spans import CURRENT, Span
from lighthoused.identity.access import Access, Identity
from lighthoused.protocol.frames import FrameReader, framed
from lighthoused.protocol.messages.base import MAX_DEADLINE_MS, ErrorBody, Request
from lighthoused.protocol.messages.connection import Cancel, Done
from lighthoused.protocol.table import Method
from lighthoused.protocol.wire import Format, Reply
from lighthoused.rpc.call import Call, Final, Handler, Later
from lighthoused.rpc.dispatch import Dispatcher, Observer, Tracer, check_rights, decoding_error, error_body
from lighthoused.rpc.outbox import Outbox
from lighthoused.rpc.poller import Poller
from lighthoused.rpc.shares import MAX_STREAMS, MAX_TASKS, Share

log = structlog.get_logger()

_inbox = memoryview(bytearray(65_536))
"""What one socket holds, until it is taken over at once: no connection needs that much of its own."""
MAX_OPEN = 1024
MAX_OUTPUT = 1 << 20
TURN_S = 0.0002
WAITING = ("gate.check", "gate.hook", "notify.test")
"""Methods that wait for somebody, rather than compute."""
FORMATS = {False: Format(json=False), True: Format(json=True)}


class Connection:
    """Serves one socket until the peer leaves."""

    def __init__(
        self,
        sock: socket.socket,
        peer: Identity,
        dispatcher: Dispatcher,
        access: Access,
        observer: Observer,
        poller: Poller,
        outbox: Outbox,
        share: Share,
        tracer: Tracer | None = None,
    ) -> None:
        self.peer = peer
        self._socket = sock
        self._dispatcher = dispatcher
        self._access = access
        self._observer = observer
        self._poller = poller
        self._outbox = outbox
        self.share = share
        self._tracer = tracer
        self._spans: dict[int, Span] = {}
        self._frames = FrameReader()
        self.format = FORMATS[False]
        self._left_over: deque[bytes] = deque()
        self._output = bytearray()
        self._counted = 0
        self._open: dict[int, trio.CancelScope] = {}
        self._under_way = 0
        self._moved = trio.lowlevel.ParkingLot()
        self._send_wanted = trio.Event()
        self._left = trio.Event()
        self._paused = False
        self._nursery: trio.Nursery | None = None

    async def serve(self) -> None:
        """Answer until the peer hangs up; what it had under way is then cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._send_rest)
            self._poller.watch(self._socket, self)
            try:
                await self._left.wait()
            finally:
                self._leave()
            nursery.cancel_scope.cancel()
        for id in tuple(self._spans):
            self._ended(id, Cancelled.code)

    @property
    def rests_until(self) -> float:
        """When its peer may have its next turn (of time.perf_counter)."""
        return self.share.rests_until

    def charge(self, seconds: float) -> None:
        """So long was its turn."""
        self.share.charge(seconds)

    def close(self) -> None:
        """Give back what it has of its peer's share."""
        self.share.buffered -= self._counted
        self._counted = 0

    def readable(self) -> bool:
        """Read once, and answer what can be answered in a turn; whether frames are left."""
        self.share.takes_turn()
        try:
            data = bytes(_inbox[: self._socket.recv_into(_inbox)])
            if data:
                self._feed(data)
        except BlockingIOError:
            return False
        except (OSError, TooLarge):
            data = b""
        if data:
            return self.go_on()
        self._leave()
        return False

    def go_on(self) -> bool:
        """Answer what can be answered in a turn; whether frames are left."""
        frames = self._left_over
        until = time.perf_counter() + TURN_S if len(frames) > 1 else 0.0
        while frames and not self._is_loaded():
            self._request(frames.popleft())
            if frames and time.perf_counter() > until:
                break
        if self._is_loaded() and not self._left.is_set():
            self._paused = True
            self._poller.leave(self._socket)
            return False
        return bool(frames)

    def answer(self, id: int, method: str, outcome: Any, started: float) -> None:
        """Send a result or an error, and note it."""
        failed = isinstance(outcome, LighthouseError)
        self._observer.request(method, outcome.code if failed else "ok", time.perf_counter() - started)
        if self._spans:
            self._ended(id, outcome.code if failed else "ok")
        self._send(Reply(id, error=error_body(outcome)) if failed else Reply(id, result=outcome))
        if self._paused:
            self._relieved()

    def _leave(self) -> None:
        self._poller.leave(self._socket)
        self._left.set()
        self._left_over.clear()

    def _is_loaded(self) -> bool:
        return self._under_way >= MAX_OPEN or len(self._output) > MAX_OUTPUT

    def _relieved(self) -> None:
        """There is less to do for this peer than before: streams may go on, and so may reading."""
        if len(self._output) <= MAX_OUTPUT:
            self._moved.unpark_all()
        if self._paused and not self._is_loaded() and not self._left.is_set():
            self._paused = False
            self._poller.watch(self._socket, self, busy=bool(self._left_over))

    def _feed(self, data: bytes) -> None:
        """Take whole frames out. Raises TooLarge."""
        try:
            self._left_over.extend(self._frames.feed(data))
            if self._counted or self._frames.buffered:
                self._count()
        except TooLarge as error:
            self._send(Reply(0, error=error_body(error)))
            self.flush()
            raise
        self.format = FORMATS[bool(self._frames.json)]

    def _count(self) -> None:
        """Keep the peer's share right. Raises TooLarge where it is used up: this connection is then given up."""
        held = self._frames.buffered + len(self._output)
        self.share.buffered += held - self._counted
        self._counted = held
        if self.share.is_exceeded and held:
            log.warning("rpc.peer_takes_too_much", pid=self.peer.author.pid, agent=self.peer.author.agent)
            raise TooLarge("Too much of this peer waits in memory.", "Read the answers; send less at a time.")

    def _request(self, frame: bytes) -> None:
        try:
            request = self.format.request(frame)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            envelope = self.format.envelope(frame)
            body = decoding_error(envelope, error)
            self._observer.request("invalid", body.code, 0.0)
            self._send(Reply(envelope.id, error=body))
            return
        if type(request) is Cancel:
            self._cancel(request)
            return
        started = time.perf_counter()
        try:
            method, handler = self._dispatcher.find(request)
        except NotFound as error:
            self.answer(request.id, "unserved", error, started)
            return
        try:
            self._access.refresh(self.peer)
            self._access.spend(self.peer)
            check_rights(method, self._access.allows(self.peer, method), self.peer.role)
            self._dispatcher.check_welcome(method)
            if self._tracer is None:
                self._begin(method, request, handler(request, Call(self.peer, self)), started)
            else:
                self._begin_traced(self._tracer, method, request, handler, started)
        except LighthouseError as error:
            self._access.refused(self.peer, method.name, error)
            self.answer(request.id, method.name, error, started)
        except Exception:
            log.exception("rpc.bug", method=method.name)
            self.answer(request.id, method.name, LighthouseError(_BUG), started)

    def _begin_traced(self, tracer: Tracer, method: Method, request: Request, handler: Handler, started: float) -> None:
        """As a part of the client's trace, or of one of our own, if it is to be traced."""
        span = tracer.begin(method.name, request.traceparent)
        if span is not None:
            span.note(agent=self.peer.author.agent, uid=self.peer.author.uid)
            self._spans[request.id] = span
        token = CURRENT.set(span)
        try:
            self._begin(method, request, handler(request, Call(self.peer, self)), started)
        finally:
            CURRENT.reset(token)

    def _ended(self, id: int, code: str) -> None:
        span = self._spans.pop(id, None)
        if span is not None:
            span.end(code)

    def _begin(self, method: Method, request: Request, result: Any, started: float) -> None:
        if isinstance(result, Later):
            self._under_way += 1
            result.listen(lambda outcome: self._completed(request.id, method.name, outcome, started))
        elif isinstance(result, msgspec.Struct):
            self.answer(request.id, method.name, result, started)
        else:
            self._start(method, request, result, started)

    def _completed(self, id: int, method: str, outcome: Any, started: float) -> None:
        self._under_way -= 1
        self.answer(id, method, outcome, started)

    def _start(self, method: Method, request: Request, result: Any, started: float) -> None:
        """Raises Overloaded."""
        is_stream = not inspect.isawaitable(result)
        share = self.share
        if share.tasks >= MAX_TASKS or (is_stream and share.streams >= MAX_STREAMS):
            if inspect.iscoroutine(result):
                result.close()
            raise Overloaded("Too much that this peer asked for is under way.", "Wait for some of the answers.")
        self._under_way += 1
        self._open[request.id] = scope = trio.CancelScope()
        assert self._nursery is not None
        share.tasks += 1
        share.streams += is_stream
        self._nursery.start_soon(self._run, method, request, result, scope, started, is_stream)

    async def _run(
        self, method: Method, request: Request, result: Any, scope: trio.CancelScope, started: float, is_stream: bool
    ) -> None:
        try:
            outcome = await self._outcome_of(method, request, result, scope)
        finally:
            self.share.tasks -= 1
            self.share.streams -= is_stream
        if self._open.get(request.id) is scope:
            del self._open[request.id]
        answering = time.perf_counter()
        self._completed(request.id, method.name, outcome, started)
        self.share.charge(time.perf_counter() - answering)

    async def _outcome_of(self, method: Method, request: Request, result: Any, scope: trio.CancelScope) -> Any:
        """What came of a request, be it an error."""
        deadline_ms = min(request.deadline_ms or method.deadline_ms, MAX_DEADLINE_MS)
        if deadline_ms:
            scope.deadline = trio.current_time() + deadline_ms / 1000
        outcome: Any = None
        with scope:
            try:
                outcome = await self._outcome(method, request, result)
            except LighthouseError as error:
                outcome = error
            except Exception:
                log.exception("rpc.bug", method=method.name)
                outcome = LighthouseError(_BUG)
        if outcome is None:
            timed_out = deadline_ms and trio.current_time() >= scope.deadline
            outcome = DeadlineExceeded(f"{method.name} took over {deadline_ms} ms.") if timed_out else Cancelled(_STOP)
        return outcome

    async def _outcome(self, method: Method, request: Request, result: Awaitable[Any] | AsyncIterator[Any]) -> Any:
        if inspect.isawaitable(result):
            return await (result if method.name in WAITING else self._in_turn(result))
        async with contextlib.aclosing(result) as items:  # type: ignore[type-var]
            async for item in items:
                if isinstance(item, Final):
                    return item.result
                while len(self._output) > MAX_OUTPUT:
                    await self._moved.park()
                self._send(Reply(request.id, item=item))
        return Done()

    async def _in_turn(self, result: Awaitable[Any]) -> Any:
        try:
            while len(self._output) > MAX_OUTPUT:
                await self._moved.park()
            async with self.share.running:
                return await result
        finally:
            if inspect.iscoroutine(result):
                result.close()

    def _cancel(self, request: Cancel) -> None:
        scope = self._open.get(request.target)
        if scope is not None:
            scope.cancel()
        self._send(Reply(request.id, result=Done(ok=scope is not None)))

    def _send(self, reply: Reply) -> None:
        try:
            body = self.format.encode(reply)
        except (TypeError, ValueError, msgspec.EncodeError) as error:
            body = self.format.encode(Reply(reply.id, error=ErrorBody("internal", f"The answer: {error}.")))
        self._output += framed(body, self.format.json)
        self._outbox.has_answers(self)

    def flush(self) -> None:
        """Send what the socket takes now."""
        if not self._output or self._left.is_set():
            return
        try:
            sent = self._socket.send(self._output)
        except BlockingIOError:
            sent = 0
        except OSError:  # nobody is there any more to be answered, whatever they asked before they left
            self._output.clear()
            self._leave()
            return
        del self._output[:sent]
        if self._output:
            self._send_wanted.set()
        if self._output or self._counted:
            self._keep_within()

    def _keep_within(self) -> None:
        """Give up a peer that lets answers pile up."""
        try:
            self._count()
        except TooLarge:
            self._output.clear()
            self._leave()

    async def _send_rest(self) -> None:
        while True:
            await self._send_wanted.wait()
            self._send_wanted = trio.Event()
            while self._output:
                await trio.lowlevel.wait_writable(self._socket)
                self.flush()
            self._relieved()


_BUG = "Lighthouse failed on this request; the daemon's log says why."
_STOP = "The request was cancelled."

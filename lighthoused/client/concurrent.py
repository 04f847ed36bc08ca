"""The trio client: many calls and streams at once over one connection."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import trio

from lighthoused.client.replies import decode_reply, encode_request, item_of, result_of
from lighthoused.client.unreachable import unreachable
from lighthoused.protocol.frames import FrameReader, framed
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.connection import Cancel, Hello
from lighthoused.protocol.wire import RawReply

STREAM_BUFFER = 256
"""Items of one stream that may wait; then nothing more is read, and the daemon waits too."""


class TrioClient:
    """A connection to the daemon; made by `connected`."""

    def __init__(self, stream: trio.SocketStream, path: str) -> None:
        self._stream = stream
        self._path = path
        self._open: dict[int, trio.MemorySendChannel[RawReply]] = {}
        self._next = 1
        self._sending = trio.Lock()
        self._broken = False

    async def call(self, request: Request) -> Any:
        """The method's result. Raises core errors as the daemon sent them, Unreachable."""
        async with self._asked(request) as replies:
            reply = await self._reply(replies)
            return result_of(reply, request)

    async def stream(self, request: Request) -> AsyncIterator[Any]:
        """The items of a streaming method; leave it early, and the daemon is told. Raises core errors."""
        async with self._asked(request) as replies:
            while True:
                reply = await self._reply(replies)
                if reply.item is msgspec.UNSET:
                    result_of(reply, request)
                    return
                yield item_of(reply, request)

    async def receive(self) -> None:
        """Pass replies on until the connection ends."""
        frames = FrameReader()
        frames.json = False
        try:
            async for data in self._stream:
                for reply in map(decode_reply, frames.feed(data)):
                    waiting = self._open.get(reply.id)
                    if waiting is not None:
                        await waiting.send(reply)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        self._broken = True
        for waiting in list(self._open.values()):
            waiting.close()

    @asynccontextmanager
    async def _asked(self, request: Request) -> AsyncIterator[trio.MemoryReceiveChannel[RawReply]]:
        send, receive = trio.open_memory_channel[RawReply](STREAM_BUFFER)
        request.id = self._next
        self._next += 1
        self._open[request.id] = send
        finished = False
        try:
            await self._send(request)
            yield receive
            finished = True
        finally:
            del self._open[request.id]
            receive.close()
            if not finished and not self._broken:
                with trio.move_on_after(1, shield=True):
                    await self._send(Cancel(id=0, target=request.id))

    async def _send(self, request: Request) -> None:
        try:
            async with self._sending:
                await self._stream.send_all(framed(encode_request(request), json=False))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise unreachable(self._path, OSError(str(error))) from None

    async def _reply(self, replies: trio.MemoryReceiveChannel[RawReply]) -> RawReply:
        try:
            return await replies.receive()
        except trio.EndOfChannel:
            raise unreachable(self._path, ConnectionResetError(104, "the connection was closed")) from None


@asynccontextmanager
async def connected(socket_path: str | os.PathLike[str], token: str = "") -> AsyncIterator[TrioClient]:
    """A client for the length of a block. Raises Unreachable, Unauthenticated."""
    path = os.fspath(socket_path)
    try:
        stream = await trio.open_unix_socket(path)
    except OSError as error:
        raise unreachable(path, error) from None
    async with stream, trio.open_nursery() as nursery:
        client = TrioClient(stream, path)
        nursery.start_soon(client.receive)
        token = token or os.environ.get("LIGHTHOUSE_TOKEN", "")
        if token:
            await client.call(Hello(id=0, client="trio", token=token))
        yield client
        nursery.cancel_scope.cancel()

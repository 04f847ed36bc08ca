"""Peers for the server's tests."""

import json
from typing import Any

import msgspec
import trio

from lighthoused.client import Client
from lighthoused.protocol.messages.base import Request


async def ask(served: Any, request: Request) -> Any:
    """One call by the blocking client, in a thread."""

    def call() -> Any:
        with Client(served.path) as client:
            return client.call(request)

    return await trio.to_thread.run_sync(call)


async def exchange_json(served: Any, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send JSON Lines and read as many replies."""
    stream = await served.connect()
    await stream.send_all(b"".join(json.dumps(request).encode() + b"\n" for request in requests))
    received = b""
    while received.count(b"\n") < len(requests):
        received += await stream.receive_some()
    await stream.aclose()
    return [json.loads(line) for line in received.splitlines()]


async def packed(stream: trio.SocketStream) -> Any:
    """One msgpack reply."""
    received = b""
    while len(received) < 4 or len(received) < 4 + int.from_bytes(received[:4], "big"):
        received += await stream.receive_some()
    return msgspec.msgpack.decode(received[4 : 4 + int.from_bytes(received[:4], "big")])

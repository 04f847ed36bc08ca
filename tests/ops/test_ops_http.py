"""The HTTP side over real loopback sockets: answers, refusals, bounds."""

import json

import pytest
import trio
import trio.testing
from prometheus_client import Counter
from prometheus_client.registry import CollectorRegistry

from lighthoused.core.errors import AlreadyExists
from lighthoused.ops.http import MAX_REQUEST, Observatory


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("demo", "a test", registry=registry).inc(5)
    return registry


async def started(nursery: trio.Nursery, observatory: Observatory) -> int:
    url = await nursery.start(observatory.serve, "127.0.0.1", 0)
    assert url.startswith("http://127.0.0.1:")
    return int(url.rpartition(":")[2])


async def receive_all(stream: trio.SocketStream) -> bytes:
    return b"".join([chunk async for chunk in stream])


async def ask(port: int, sent: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to these bytes."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        await stream.send_all(sent)
        head, _, body = (await receive_all(stream)).partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


async def test_metrics(registry: CollectorRegistry, nursery: trio.Nursery) -> None:
    port = await started(nursery, Observatory(registry, dict))
    status, body = await ask(port, get("/metrics?x=1"))
    assert status == 200
    assert b"demo_total 5.0" in body


async def test_health(registry: CollectorRegistry, nursery: trio.Nursery) -> None:
    problems = {"store": "", "mount": ""}
    port = await started(nursery, Observatory(registry, lambda: problems))
    for path in ("/health/live", "/healthz", "/livez"):
        assert await ask(port, get(path)) == (200, b"live\n")
    assert (await ask(port, get("/readyz")))[0] == 200
    status, body = await ask(port, get("/health/ready"))
    assert (status, json.loads(body)) == (200, {"ready": True, "components": {"store": "ok", "mount": "ok"}})
    problems["mount"] = "The mount is gone."
    status, body = await ask(port, get("/health/ready"))
    assert (status, json.loads(body)["components"]["mount"]) == (503, "The mount is gone.")
    assert await ask(port, get("/health/mount")) == (503, b"The mount is gone.\n")
    assert await ask(port, get("/health/store")) == (200, b"ok\n")
    assert await ask(port, get("/health/elsewhere")) == (404, b"The components are store, mount.\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (get("/nothing"), 404),
        (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 405),
        (b"\x00\x01\x02\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"y" * (MAX_REQUEST * 2) + b"\r\n\r\n", 431),
    ],
)
async def test_refusals(registry: CollectorRegistry, nursery: trio.Nursery, sent: bytes, status: int) -> None:
    port = await started(nursery, Observatory(registry, dict))
    assert (await ask(port, sent))[0] == status
    assert (await ask(port, get("/health/live")))[0] == 200


async def test_connections_are_bounded(registry: CollectorRegistry, nursery: trio.Nursery) -> None:
    port = await started(nursery, Observatory(registry, dict, max_connections=1))
    async with await trio.open_tcp_stream("127.0.0.1", port) as idle:
        await idle.send_all(b"GET ")
        async with await trio.open_tcp_stream("127.0.0.1", port) as second:
            assert await receive_all(second) == b""
        await idle.send_all(get("/health/live")[4:])
        assert b"200" in await receive_all(idle)


async def test_a_slow_client_is_cut_off(
    registry: CollectorRegistry, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    port = await started(nursery, Observatory(registry, dict, request_seconds=5.0))
    async with await trio.open_tcp_stream("127.0.0.1", port) as slow:
        await slow.send_all(b"GET /metrics")
        assert await receive_all(slow) == b""


async def test_a_taken_port_is_a_clear_error(registry: CollectorRegistry, nursery: trio.Nursery) -> None:
    port = await started(nursery, Observatory(registry, dict))
    with pytest.raises(AlreadyExists, match=f"127.0.0.1 port {port}: Address already in use"):
        await Observatory(registry, dict).serve("127.0.0.1", port)

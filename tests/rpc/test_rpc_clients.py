"""The trio client, and what the clients import."""

import subprocess
import sys
from typing import Any

import pytest
import trio

from lighthoused.client import Unreachable
from lighthoused.client.concurrent import connected
from lighthoused.core.errors import Denied
from lighthoused.protocol.messages.connection import Ping
from lighthoused.protocol.messages.log import AppendRequest, Filter, NewEvent, SubscribeRequest


async def test_many_calls_share_one_connection(served: Any) -> None:
    answers: list[int] = []
    async with connected(served.path) as client:

        async def ping() -> None:
            answers.append((await client.call(Ping(id=0))).time)

        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(ping)
    assert len(answers) == 50


async def test_a_stream_and_calls_go_side_by_side(served: Any) -> None:
    seen: list[int] = []
    async with connected(served.path) as client:
        async with trio.open_nursery() as nursery:

            async def follow() -> None:
                stream = client.stream(SubscribeRequest(id=0, filter=Filter(stream="a"), after=0))
                async for event in stream:
                    seen.append(event.seq)
                    if len(seen) == 3:
                        await stream.aclose()  # type: ignore[attr-defined]
                        return

            nursery.start_soon(follow)
            for _ in range(3):
                await client.call(AppendRequest(id=0, events=(NewEvent(stream="a", type="t"),)))
        assert (await client.call(Ping(id=0))).time > 0
    assert seen == [1, 2, 3]


async def test_errors_arrive_as_what_they_are(served: Any) -> None:
    async with connected(served.path) as client:
        with pytest.raises(Denied):
            await client.call(AppendRequest(id=0, events=(NewEvent(stream="tree/x", type="t"),)))


async def test_nobody_there(tmp_path: Any) -> None:
    with pytest.raises(Unreachable):
        async with connected(tmp_path / "none"):
            pass


def test_the_client_imports_light() -> None:
    code = (
        "import sys, lighthoused.client; print([m for m in ('trio', 'lmdb', 'click', 'structlog') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

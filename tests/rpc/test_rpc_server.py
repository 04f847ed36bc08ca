"""The server against peers of every kind: each costs only itself, each gets a clear answer."""

import json
import os
import resource
import sys
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rpc_peers import ask, exchange_json, packed

from lighthoused.client import Client, Unreachable
from lighthoused.core.errors import AlreadyExists, Denied, Invalid, TooLarge, Unauthenticated
from lighthoused.protocol.frames import FrameReader, framed
from lighthoused.protocol.messages.agents import TokenIssueRequest, TokenRevokeRequest
from lighthoused.protocol.messages.connection import Hello, Ping
from lighthoused.protocol.messages.log import (
    AppendRequest,
    Filter,
    NewEvent,
    QueryRequest,
    SubscribeRequest,
    VerifyRequest,
)
from lighthoused.protocol.messages.status import StatusRequest
from lighthoused.rpc.server import listen


async def test_json_lines_are_answered_in_json_lines(served: Any) -> None:
    replies = await exchange_json(served, [{"method": "ping", "id": 7}, {"method": "status", "id": 8}])
    assert replies[0]["id"] == 7
    assert replies[1]["result"]["state"] == "NORMAL"


async def test_an_unknown_method_is_named_with_what_is_near(served: Any) -> None:
    (reply,) = await exchange_json(served, [{"method": "log.apend", "id": 3}])
    assert (reply["id"], reply["error"]["code"]) == (3, "unknown_method")
    assert "log.append" in reply["error"]["hint"]


async def test_a_wrong_parameter_is_named(served: Any) -> None:
    (reply,) = await exchange_json(served, [{"method": "log.query", "id": 4, "limit": "many"}])
    assert (reply["id"], reply["error"]["code"]) == (4, "invalid")
    assert "limit" in reply["error"]["message"]


@pytest.mark.parametrize("line", [b"{", b'{"id": 1}', b'{"method": 5, "id": []}', b'{"\xff": 1}', b"{} {}"])
async def test_malformed_json_gets_an_error_and_the_connection_goes_on(served: Any, line: bytes) -> None:
    stream = await served.connect()
    await stream.send_all(b'{"method":"ping","id":1}\n' + line + b'\n{"method":"ping","id":2}\n')
    received = b""
    while received.count(b"\n") < 3:
        received += await stream.receive_some()
    first, second, third = (json.loads(part) for part in received.splitlines())
    assert (first["id"], third["id"]) == (1, 2)
    assert second["error"]["code"] in ("invalid", "unknown_method")


async def test_an_oversized_frame_is_refused_before_it_is_read(served: Any) -> None:
    stream = await served.connect()
    await stream.send_all((1 << 31).to_bytes(4, "big") + b"x")
    reply = await packed(stream)
    assert reply["error"]["code"] == "too_large"
    assert await stream.receive_some() == b""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=5), st.data())
def test_the_frame_parser_survives_any_bytes_in_any_pieces(frames: list[bytes], data: Any) -> None:
    stream = b"".join(framed(frame, json=False) for frame in frames)
    if stream[:1] in (b"{", b" ", b"\t", b"\n", b"\r"):
        return
    reader = FrameReader()
    seen: list[bytes] = []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        seen += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert seen == frames


@given(st.lists(st.binary(max_size=100), max_size=5))
def test_garbage_is_at_most_too_large(pieces: list[bytes]) -> None:
    reader = FrameReader(max_frame=50)
    for piece in pieces:
        try:
            assert all(len(frame) <= 50 for frame in reader.feed(piece))
        except TooLarge:
            return
    assert reader.buffered <= 54


async def test_pipelined_requests_are_all_answered_by_id(served: Any) -> None:
    def run() -> list[Any]:
        with Client(served.path) as client:
            requests = [Ping(id=0) if n % 2 else _append(f"s{n}") for n in range(500)]
            return client.pipeline(requests)

    outcomes = await trio.to_thread.run_sync(run)
    assert [hasattr(outcome, "events") for outcome in outcomes] == [n % 2 == 0 for n in range(500)]


async def test_what_is_acknowledged_is_in_the_log(served: Any, store: Any) -> None:
    reply = await ask(served, _append("mine", event_id="e1"))
    assert store.log.get(reply.events[0].seq).event.stream == "mine"
    again = await ask(served, _append("mine", event_id="e1"))
    assert (again.events[0].seq, again.events[0].duplicate) == (reply.events[0].seq, True)


async def test_streams_of_the_daemon_are_refused(served: Any) -> None:
    for stream in ("tree/x", "security", "identity/tokens", "projects"):
        with pytest.raises(Denied):
            await ask(served, _append(stream))


async def test_half_a_frame_and_silence_costs_nobody_else(served: Any) -> None:
    half = await served.connect()
    await half.send_all(b"\0\0\0\x10abc")
    assert (await ask(served, Ping(id=0))).time > 0
    await half.aclose()
    assert (await ask(served, Ping(id=0))).time > 0


async def test_a_thousand_idle_connections_are_held_and_others_served(served: Any) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    idle = [await served.connect() for _ in range(1000)]
    assert (await ask(served, Ping(id=0))).time > 0
    assert served.noted.open >= 1000
    for stream in idle:
        await stream.aclose()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_peer_that_does_not_read_delays_nobody(served: Any) -> None:
    await ask(
        served,
        AppendRequest(id=0, events=tuple(NewEvent(stream="s", type="t", payload="x" * 1000) for _ in range(2000))),
    )
    lazy = await served.connect()
    line = b'{"method":"log.query","id":1,"limit":2000}\n'
    with trio.move_on_after(1):
        await lazy.send_all(line * 200)
    assert (await ask(served, Ping(id=0))).time > 0
    await lazy.aclose()


async def test_a_subscription_resumes_without_gap_or_duplicate(served: Any) -> None:
    await ask(served, AppendRequest(id=0, events=tuple(NewEvent(stream="a", type="t") for _ in range(5))))
    seen: list[int] = []

    def follow(after: int, count: int) -> None:
        with Client(served.path) as client:
            for event in client.stream(SubscribeRequest(id=0, filter=Filter(stream="a"), after=after)):
                seen.append(event.seq)
                if len(seen) == count:
                    return

    await trio.to_thread.run_sync(follow, 2, 3)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, follow, 5, 6)
        await ask(served, AppendRequest(id=0, events=tuple(NewEvent(stream="a", type="t") for _ in range(5))))
    assert seen == [3, 4, 5, 6, 7, 8]


async def test_a_request_past_its_deadline_says_so_and_a_cancelled_one_too(served: Any) -> None:
    (reply,) = await exchange_json(served, [{"method": "log.subscribe", "id": 1, "deadline_ms": 50}])
    assert reply["error"]["code"] == "deadline_exceeded"
    stream = await served.connect()
    await stream.send_all(b'{"method":"log.subscribe","id":1}\n{"method":"cancel","id":2,"target":1}\n')
    received = b""
    while received.count(b"\n") < 2:
        received += await stream.receive_some()
    replies = {reply["id"]: reply for reply in map(json.loads, received.splitlines())}
    assert replies[1]["error"]["code"] == "cancelled"
    assert replies[2]["result"]["ok"] is True


async def test_verification_answers_over_the_socket(served: Any) -> None:
    await ask(served, _append("s"))

    def verify() -> Any:
        with Client(served.path) as client:
            stream = client.stream(VerifyRequest(id=0))
            list(stream)
            return stream.result

    assert (await trio.to_thread.run_sync(verify)).ok is True


async def test_tokens_are_issued_used_and_revoked(served: Any) -> None:
    issued = await ask(served, TokenIssueRequest(id=0, agent="bob", role="viewer", scopes=("log.query",)))

    def use() -> Any:
        with Client(served.path, token=issued.token) as client:
            client.call(QueryRequest(id=0))
            with pytest.raises(Denied):
                client.call(StatusRequest(id=0))

    await trio.to_thread.run_sync(use)
    assert served.noted.security == ["security.refused"]
    await ask(served, TokenRevokeRequest(id=0, token_id=issued.view.id))
    with pytest.raises(Unauthenticated, match="revoked"):
        await ask(served, Hello(id=0, token=issued.token))


@pytest.mark.parametrize("token", ["x", "a.b.c", "x" * 10_000])
async def test_a_wrong_token_is_refused(served: Any, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await ask(served, Hello(id=0, token=token))


async def test_a_stranger_may_do_nothing_without_a_token(served: Any) -> None:
    if os.geteuid() != 0:
        pytest.skip("becoming another user takes root")
    served.path.chmod(0o666)
    for above in served.path.parents[:3]:
        above.chmod(0o755)
    code = (
        "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        's.sendall(b\'{"method":"status","id":1}\\n\'); print(s.recv(4096).decode())'
    )
    command = [sys.executable, "-c", code, str(served.path)]
    done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    assert json.loads(done.stdout)["error"]["code"] == "denied", done.stderr


def test_nobody_there_is_said_with_what_to_do(tmp_path: Any) -> None:
    with pytest.raises(Unreachable) as refused:
        Client(tmp_path / "none").connect()
    assert "lighthoused serve" in refused.value.hint


def test_a_socket_path_too_long_or_taken_is_refused(tmp_path: Any) -> None:
    with pytest.raises(Invalid, match="longer"):
        listen(tmp_path / ("x" * 120))
    held = listen(tmp_path / "held")
    with pytest.raises(AlreadyExists):
        listen(tmp_path / "held")
    held.close()
    listen(tmp_path / "held").close()


def _append(stream: str, **fields: Any) -> AppendRequest:
    return AppendRequest(id=0, events=(NewEvent(stream=stream, type="t", payload={"n": 1}, **fields),))

"""One peer that takes all it can get: what it costs others, and where it is stopped."""

import json
import os
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from rpc_peers import ask, packed

from lighthoused.core.author import Author
from lighthoused.protocol.frames import framed
from lighthoused.protocol.messages.base import MAX_FRAME
from lighthoused.protocol.messages.connection import Ping
from lighthoused.protocol.messages.log import AppendRequest, NewEvent
from lighthoused.rpc import connection, server, shares
from lighthoused.rpc.outbox import Outbox
from lighthoused.rpc.poller import Poller
from lighthoused.rpc.shares import MAX_CONNECTIONS, Shares
from lighthoused.rpc.turns import Turns


def request(method: str, id: int, **given: Any) -> bytes:
    return framed(msgspec.msgpack.encode({"method": method, "id": id, **given}), json=False)


def author(pid: int, agent: str = "owner") -> Author:
    return Author(agent, "", 0, 0, pid)


async def test_another_peer_is_answered_before_a_flood_is_done(served: Any) -> None:
    flood, other = await served.connect(), await served.connect()
    await flood.send_all(b'{"method":"status","id":1}\n' * 2000)
    await other.send_all(request("ping", 7))
    with trio.fail_after(30):
        assert (await packed(other))["id"] == 7
        answered = served.noted.codes.index(("ping", "ok"))
        said = b""
        while said.count(b"\n") < 2000:
            said += await flood.receive_some()
    assert answered < 1999
    assert {json.loads(line)["id"] for line in said.splitlines()} == {1}
    await flood.aclose()
    await other.aclose()


async def test_requests_of_one_id_count_each(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_TASKS", 10)
    peer = await served.connect()
    await peer.send_all(b'{"method":"log.query","id":1}\n' * 100)
    said = b""
    with trio.fail_after(30):
        while said.count(b"\n") < 100:
            said += await peer.receive_some()
    refused = [line for line in said.splitlines() if b'"overloaded"' in line]
    assert len(refused) >= 80
    await peer.send_all(b'{"method":"log.query","id":2}\n')
    with trio.fail_after(30):
        assert b'"result"' in await peer.receive_some()
    await peer.aclose()


async def test_streams_of_one_peer_are_bounded_over_all_its_connections(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_STREAMS", 3)
    peers = [await served.connect() for _ in range(4)]
    for peer in peers[:3]:
        await peer.send_all(request("log.subscribe", 1) + request("ping", 2))
        assert (await packed(peer))["id"] == 2
    await peers[3].send_all(request("log.subscribe", 1))
    assert (await packed(peers[3]))["error"]["code"] == "overloaded"
    await peers[0].aclose()
    with trio.fail_after(30):
        refused = True
        while refused:
            again = await served.connect()
            await again.send_all(request("log.subscribe", 2))
            await trio.sleep(0.05)
            await again.send_all(request("ping", 3))
            refused = "error" in await packed(again)


async def test_half_frames_of_one_peer_are_bounded_over_all_its_connections(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "MAX_BUFFERED", 1 << 20)
    half = (MAX_FRAME - 1).to_bytes(4, "big") + bytes(700_000)
    first, second = await served.connect(), await served.connect()
    await first.send_all(half)
    assert (await ask(served, Ping(id=0))).time > 0
    with trio.fail_after(30):
        try:
            await second.send_all(half)
            said = await packed(second)
            assert said["error"]["code"] == "too_large"
        except trio.BrokenResourceError:
            pass
    await first.send_all(bytes(1000))
    await first.aclose()
    assert (await ask(served, Ping(id=0))).time > 0
    third = await served.connect()
    await third.send_all(half)
    await third.send_all(bytes(1000))
    await third.aclose()


async def test_who_does_not_read_is_given_up_at_a_bound(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "MAX_BUFFERED", 1 << 20)
    events = tuple(NewEvent(stream="s", type="t", payload="x" * 400) for _ in range(1000))
    await ask(served, AppendRequest(id=0, events=events))
    deaf = await served.connect()
    with trio.fail_after(30), pytest.raises(trio.BrokenResourceError):
        while True:
            await deaf.send_all(b'{"method":"log.query","id":1,"limit":1000}\n' * 4)
            await trio.sleep(0.01)
    await deaf.aclose()
    assert (await ask(served, Ping(id=0))).time > 0


async def test_who_has_left_is_not_worked_for(served: Any) -> None:
    events = tuple(NewEvent(stream="s", type="t", payload="x" * 400) for _ in range(1000))
    await ask(served, AppendRequest(id=0, events=events))
    gone = await served.connect()
    with trio.move_on_after(0.5):
        await gone.send_all(b'{"method":"log.query","id":1,"limit":1000}\n' * 3000)
    await gone.aclose()
    with trio.fail_after(60):
        while served.noted.open:
            await trio.sleep(0.05)
    assert len(served.noted.codes) < 2500


async def test_a_peer_has_so_many_connections_and_others_still_have_theirs(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "MAX_CONNECTIONS", 5)
    held = []
    for _ in range(5):
        held.append(await served.connect())
        await held[-1].send_all(request("ping", 1))
        await packed(held[-1])
    one_more = await served.connect()
    with trio.fail_after(30):
        assert await one_more.receive_some() == b""
    other = await trio.run_process(
        ["python3", "-c", ASK.format(path=os.fspath(served.path))], capture_stdout=True, check=True
    )
    assert b'"result"' in other.stdout
    await held.pop().aclose()
    for peer in held:
        await peer.aclose()


ASK = """
import socket
peer = socket.socket(socket.AF_UNIX)
peer.connect({path!r})
peer.sendall(b'{{"method":"ping","id":1}}\\n')
print(peer.recv(1000).decode())
"""


def test_agents_share_by_name_others_by_process() -> None:
    known = Shares(Turns())
    first = known.take(author(10, "ann"), True)
    second = known.take(author(11, "ann"), True)
    process = known.take(author(10), False)
    assert first is not None
    assert second is not None
    assert process is not None
    assert first[1] is second[1]
    assert process[1] is not first[1]


def test_a_share_ends_with_its_last_connection() -> None:
    known = Shares(Turns())
    for _ in range(MAX_CONNECTIONS):
        taken = known.take(author(1), False)
        assert taken is not None
    assert known.take(author(1), False) is None
    known.leave(taken[0])
    assert known.take(author(1), False) is not None


async def test_thousands_who_connect_at_once_are_counted(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections count from the moment they are accepted, not from when their task runs."""
    admitted = []
    monkeypatch.setattr(server.Connection, "serve", lambda self: _held(admitted))
    monkeypatch.setattr(shares, "MAX_CONNECTIONS", 20)
    peers = [await served.connect() for _ in range(60)]
    await trio.testing.wait_all_tasks_blocked()
    assert len(admitted) == 20
    for peer in peers:
        await peer.aclose()


async def _held(admitted: list[int]) -> None:
    admitted.append(1)
    await trio.sleep_forever()


def test_what_is_set_aside_and_left_is_not_gone_on_with() -> None:
    import socket

    ours, theirs = socket.socketpair()

    class Busy:
        turns = 0
        rests_until = 0.0

        def charge(self, seconds: float) -> None:
            pass

        def readable(self) -> bool:
            return True

        def go_on(self) -> bool:
            self.turns += 1
            return True

    poller, busy = Poller(Outbox()), Busy()
    poller.watch(ours, busy, busy=True)
    poller._serve_aside(float("inf"))
    assert busy.turns == 1
    poller.leave(ours)
    poller._serve_aside(float("inf"))
    assert busy.turns == 1
    ours.close()
    theirs.close()

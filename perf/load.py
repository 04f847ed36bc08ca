"""Many clients from one process, on an epoll set: raw frames out, replies counted and timed in."""

import select
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from lighthoused.protocol.frames import FrameReader, framed

Encoded = Callable[[int], bytes]
"""The body of the request with this id."""


class Peer:
    """One connection with at most `depth` requests under way."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.frames = FrameReader()
        self.frames.json = False
        self.sent: list[float] = []


def drive(path: Path, clients: int, depth: int, total: int, request: Encoded) -> tuple[float, list[float]]:
    """(requests per second, seconds each took): `total` requests over `clients` connections, `depth` deep each."""
    poll = select.epoll()
    peers = {}
    for _ in range(clients):
        peer = Peer(path)
        peers[peer.socket.fileno()] = peer
        poll.register(peer.socket, select.EPOLLIN)
    issued = 0
    took: list[float] = []
    started = time.perf_counter()
    for peer in peers.values():
        issued += _send(peer, min(depth, total - issued), issued, request)
    while len(took) < total:
        for descriptor, _ in poll.poll():
            peer = peers[descriptor]
            count = len(peer.frames.feed(peer.socket.recv(1 << 18)))
            now = time.perf_counter()
            took += [now - at for at in peer.sent[:count]]
            del peer.sent[:count]
            issued += _send(peer, min(count, total - issued), issued, request)
    seconds = time.perf_counter() - started
    for peer in peers.values():
        peer.socket.close()
    poll.close()
    return total / seconds, took


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all are at or below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def append_request(number: int) -> bytes:
    """One small event."""
    event = {"stream": f"perf-{number % 100}", "type": "measured", "payload": {"n": number}}
    return msgspec.msgpack.encode({"method": "log.append", "id": number + 1, "events": [event]})


def check_request(command: Callable[[int], str]) -> Encoded:
    """A verdict on a command."""

    def encoded(number: int) -> bytes:
        asked = {"method": "gate.check", "id": number + 1, "input": {"command": command(number)}, "cwd": "/tmp"}
        return msgspec.msgpack.encode(asked)

    return encoded


def _send(peer: Peer, count: int, first: int, request: Encoded) -> int:
    if count <= 0:
        return 0
    out = b"".join(framed(request(first + n), json=False) for n in range(count))
    peer.sent += [time.perf_counter()] * count
    peer.socket.sendall(out)
    return count

"""Abusive clients: each an agent of its own that does one kind of harm over the socket until it is ended."""

import contextlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from lighthoused.client import Client
from lighthoused.protocol.frames import framed
from lighthoused.protocol.messages.agents import AgentRegisterRequest
from lighthoused.protocol.messages.base import MAX_FRAME

AGENT = "mallory"
MANY = 64
BATCH = 500


def flood(path: Path) -> None:
    """Ask for new verdicts and append events as fast as the daemon takes them, hundreds at a time."""
    connections = [_connected(path) for _ in range(4)]
    number = 0
    while True:
        for connection in connections:
            number += BATCH
            _send(connection, b"".join(_asked(number + each) for each in range(BATCH)))
            _drain(connection)


def deaf(path: Path) -> None:
    """Subscribe to everything there ever was, ask for pages of the log, and never read an answer."""
    page = {"method": "log.query", "id": 2, "limit": 1000}
    everything = {"method": "log.subscribe", "id": 1, "after": 0}
    while True:
        connections = [_connected(path) for _ in range(MANY)]
        for connection in connections:
            _send(connection, _frame(everything) + _frame(page) * BATCH)
        time.sleep(1)


def garbage(path: Path) -> None:
    """Send what is no request."""
    while True:
        connection = _connected(path)
        for _ in range(50):
            noise = os.urandom(8192)
            if not _send(connection, b"{" + noise.replace(b"\n", b"}\n{")):
                break
            _drain(connection)
        connection.close()


def huge(path: Path) -> None:
    """Begin frames that are as large as they may be, on many connections, and never end them."""
    half = MAX_FRAME - 4096
    begun = (MAX_FRAME - 1).to_bytes(4, "big") + bytes(half)
    while True:
        connections = [_connected(path) for _ in range(MANY)]
        for connection in connections:
            connection.settimeout(1.0)
            with contextlib.suppress(OSError):
                connection.sendall(begun)
        time.sleep(1)


def connections(path: Path) -> None:
    """Open connections without end, and keep them."""
    kept = []
    while True:
        try:
            connection = _connected(path)
            connection.sendall(b"\0\0")
            kept.append(connection)
        except OSError:
            time.sleep(0.001)


KINDS: dict[str, Callable[[Path], None]] = {
    "flood": flood,
    "deaf": deaf,
    "garbage": garbage,
    "huge frames": huge,
    "connections": connections,
}


def abuse(kind: str, path: Path) -> None:
    """Be an agent that does this until killed."""
    with Client(path) as client:
        client.call(AgentRegisterRequest(id=0, agent=AGENT))
    while True:
        with contextlib.suppress(OSError):
            KINDS[kind](path)


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    connection.setblocking(False)
    return connection


def _send(connection: socket.socket, data: bytes) -> bool:
    """Whether the peer is still there; what it does not take now is given up."""
    try:
        connection.send(data)
    except BlockingIOError:
        time.sleep(0.001)
    except OSError:
        return False
    return True


def _drain(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while connection.recv(1 << 18):
            pass


def _asked(number: int) -> bytes:
    if number % 10 == 0:
        event = {"stream": "flood", "type": "flooded", "payload": {"n": number}}
        return _frame({"method": "log.append", "id": number, "events": [event]})
    command = f"cd /tmp/{number} && git status && rm -rf build/{number} | tee log-{number}"
    return _frame({"method": "gate.check", "id": number, "input": {"command": command}, "cwd": "/tmp"})


def _frame(request: dict[str, object]) -> bytes:
    return framed(msgspec.msgpack.encode(request), json=False)

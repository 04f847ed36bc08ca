"""The listening Unix socket."""

import grp
import itertools
import os
import socket
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog
import trio

from lighthoused.core.author import Author
from lighthoused.core.errors import AlreadyExists, Invalid
from lighthoused.identity.access import Access, Identity
from lighthoused.rpc.connection import Connection
from lighthoused.rpc.dispatch import Dispatcher, Observer, Tracer
from lighthoused.rpc.outbox import Outbox
from lighthoused.rpc.poller import Poller
from lighthoused.rpc.shares import Key, Share, Shares
from lighthoused.rpc.turns import Turns

log = structlog.get_logger()

MAX_PATH = 107
"""sun_path of unix(7) less its NUL."""
BACKLOG = 1024
AT_ONCE = 4
"""Connections accepted without a turn for others: well under 1 ms."""
TELL_S = 1.0
"""Refused connections are logged at most so often; all are counted."""
LISTENER = "rpc"
"""Name of the socket that systemd listens on for us."""


class Server:
    """Accepts connections, `max_connections` at most: one more is closed at once.

    `elsewhere` counts what is done for others than its peers: while it grows, no peer may have all of the loop.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        access: Access,
        observer: Observer,
        max_connections: int = 4096,
        tracer: Tracer | None = None,
        elsewhere: Callable[[], int] = lambda: 0,
    ) -> None:
        self._tracer = tracer
        self._dispatcher = dispatcher
        self._access = access
        self._observer = observer
        self.max_connections = max_connections
        self.refused_connections = 0
        self._count = 0
        self._told = -TELL_S
        self._shares = Shares(Turns(elsewhere))
        self.outbox = Outbox()
        self._poller = Poller(self.outbox)

    async def serve(
        self, listener: socket.socket, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve a listening socket until cancelled."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self._poller.run)
            task_status.started()
            for count in itertools.count(1):
                try:
                    accepted, _ = listener.accept()
                except BlockingIOError:
                    await trio.lowlevel.wait_readable(listener)
                    continue
                except OSError as error:
                    log.error("rpc.accept_failed", error=str(error))
                    await trio.sleep(0.1)
                    continue
                self._admit(accepted, nursery)
                if count % AT_ONCE == 0:
                    await trio.lowlevel.checkpoint()

    def _admit(self, accepted: socket.socket, nursery: trio.Nursery) -> None:
        """Serve one more connection, or close it where there are as many as may be, in all or of this peer."""
        peer = self._access.identify(accepted)
        share = self._shares.take(peer.author, peer.role == "agent") if self._count < self.max_connections else None
        if share is None:
            self._refuse(accepted, peer.author)
            return
        self._count += 1
        self._observer.connections(self._count)
        nursery.start_soon(self._connection, accepted, peer, *share)

    def _refuse(self, accepted: socket.socket, author: Author) -> None:
        accepted.close()
        self.refused_connections += 1
        if time.monotonic() >= self._told + TELL_S:
            self._told = time.monotonic()
            log.warning("rpc.too_many_connections", pid=author.pid, agent=author.agent, open=self._count)

    async def _connection(self, accepted: socket.socket, peer: Identity, key: Key, share: Share) -> None:
        connection = Connection(
            accepted,
            peer,
            self._dispatcher,
            self._access,
            self._observer,
            self._poller,
            self.outbox,
            share,
            self._tracer,
        )
        try:
            with accepted:
                accepted.setblocking(False)
                await connection.serve()
        finally:
            connection.close()
            self._shares.leave(key)
            self._count -= 1
            self._observer.connections(self._count)


def inherited_listener(passed: Mapping[str, tuple[int, ...]]) -> socket.socket | None:
    """The listening socket that systemd made for us (systemd.socket(5), ``FileDescriptorName=rpc``)."""
    if LISTENER not in passed:
        return None
    listener = socket.socket(fileno=passed[LISTENER][0])
    listener.setblocking(False)
    return listener


def listen(path: Path, mode: int = 0o600, group: str = "") -> socket.socket:
    """A listening socket at `path`; a dead daemon's socket file is replaced. Raises Invalid, AlreadyExists."""
    if len(os.fsencode(path)) > MAX_PATH:
        raise Invalid(f"The socket path {path} is longer than {MAX_PATH} bytes.", "Choose a shorter --socket.")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError as error:
        raise Invalid(f"The socket {path} cannot be made: {error.strerror}.", "Choose another --socket.") from error
    finally:
        os.umask(before)
    if group:
        os.chown(path, -1, _group_id(group))
    path.chmod(mode)
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def _group_id(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise Invalid(f"There is no group {name!r}.", "Create it, or change rpc.socket_group.") from None


def _remove_stale(path: Path) -> None:
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise Invalid(f"{path} is there and is no socket.", "Choose another --socket.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink()
            return
    raise AlreadyExists(f"Another lighthoused answers at {path}.", "Stop it, or choose another --socket.")

"""The life of a daemon's process: from the store up to the edges, and down again.

Constructs nothing: `daemon` does.
"""

import ctypes
import faulthandler
import gc
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import trio

from lighthoused import __version__
from lighthoused.config import Config
from lighthoused.core.author import Author
from lighthoused.credentials import names_passed
from lighthoused.daemon import Daemon
from lighthoused.gate.content import checks
from lighthoused.identity.access import OWNER
from lighthoused.measured import measure
from lighthoused.ops.http import Observatory
from lighthoused.ops.lag import probe
from lighthoused.protocol.messages.log import Progress
from lighthoused.protocol.messages.projects import Project
from lighthoused.reported import SERVING
from lighthoused.rpc.server import LISTENER, inherited_listener, listen
from lighthoused.store.store import Store
from lighthoused.survival.notify import Passed, notify, passed_descriptors
from lighthoused.survival.watchdog import tell_supervisor
from lighthoused.takeover import store_missing, take_over
from lighthoused.tree.importer import import_directory

SWITCH_INTERVAL_S = 0.0002
"""How soon a thread that wants the interpreter gets it: the writer would else wait 5 ms after each sync."""

M_MMAP_THRESHOLD = -3
"""Of malloc.h."""
LARGE = 1 << 20

EVERYWHERE = "0.0.0.0"
"""The address of all networks of a machine, or of a container."""


class Ready(NamedTuple):
    """What is there once the daemon serves; `metrics` is a URL or ""; `project` the one imported at start, if any."""

    config: Config
    metrics: str
    project: Project | None


async def serve(
    config: Config,
    *,
    reread: Callable[[], Config],
    import_source: Path | None = None,
    ready: Callable[[Ready], None],
    progress: Callable[[Progress], None],
    stop: trio.Event,
) -> None:
    """Run a daemon until `stop` is set; `reread` gives the configuration as it is then. Raises core errors."""
    faulthandler.enable()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    give_back_large_buffers()
    passed = passed_descriptors()
    store = Store(config.paths.state, config.store.map_size, max_size=config.store.max_size)
    store.start(trio.lowlevel.current_trio_token())
    try:
        takeover = take_over(passed) if config.mount.enabled else None
        if takeover is not None:
            await store_missing(store, takeover.unstored)
        daemon = Daemon(config, store, takeover, reread)
        measure(daemon)
        async with trio.open_nursery() as engine:
            await engine.start(daemon.tree.run)
            try:
                if takeover is not None:
                    await daemon.tree.redo(takeover.unstored)
                project = None
                if import_source is not None:
                    async with stopped_by(stop):
                        project = await _imported(daemon, import_source, progress)
                if not stop.is_set():
                    await _serve_edges(daemon, passed, project, ready, stop)
            finally:
                daemon.phase = "STOPPING"
                notify("STOPPING=1")
                await daemon.audit.close()
                with trio.CancelScope(shield=True):
                    await daemon.degradation.catch_up()
                    await daemon.tree.close()
    finally:
        store.close()


async def _imported(daemon: Daemon, source: Path, progress: Callable[[Progress], None]) -> Project:
    """A directory imported under its own name, or the project that is there already. Raises core errors."""
    author = Author(OWNER, "", os.geteuid(), os.getegid(), os.getpid())
    project: Project | None = None
    async for step in import_directory(daemon.tree, source, source.name, author, daemon.is_own_path):
        if isinstance(step, Progress):
            progress(step)
        else:
            project = step
    assert project is not None
    return project


def give_back_large_buffers() -> None:
    """Let malloc map what is large by itself, and unmap it when it is freed (``M_MMAP_THRESHOLD`` of mallopt(3)).

    The first large buffer that is freed would else move the bound up to its size: later ones leave holes in the heap.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE)


@asynccontextmanager
async def stopped_by(stop: trio.Event) -> AsyncIterator[None]:
    """Cancel the block once `stop` is set."""

    async def watch() -> None:
        await stop.wait()
        nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        yield
        nursery.cancel_scope.cancel()


def spare_garbage_collection() -> None:
    """Leave out of every later collection what is there now: going through it all would stop the loop for 40 ms.

    Five thousand new objects take some 2 ms at most; four times as many, seldom, took up to 20.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 50, 100)


async def _serve_edges(
    daemon: Daemon, passed: Passed, project: Project | None, ready: Callable[[Ready], None], stop: trio.Event
) -> None:
    config = daemon.config
    listener = inherited_listener(passed) or listen(
        config.paths.socket, config.rpc.socket_mode, config.rpc.socket_group
    )
    try:
        async with trio.open_nursery() as edges:
            await _start_edges(daemon, edges, listener)
            async with trio.open_nursery() as mounted:
                try:
                    await _start_mount(daemon, edges, mounted)
                    ready(Ready(config, daemon.metrics_url, project))
                    await stop.wait()
                finally:
                    await _stop_mount(daemon)
            edges.cancel_scope.cancel()
    finally:
        if daemon.telemetry is not None:
            await daemon.telemetry.close(daemon.metrics.registry)
        if daemon.session is not None:
            daemon.session.close()
        daemon.agents.close()
        listener.close()
        if LISTENER not in passed:
            config.paths.socket.unlink(missing_ok=True)


async def _start_edges(daemon: Daemon, edges: trio.Nursery, listener: socket.socket) -> None:
    """All that does not need the mount: metrics, what goes on by itself, the socket, streams."""
    config = daemon.config
    if config.metrics.enabled:
        observatory = Observatory(daemon.metrics.registry, daemon.report.checks)
        host = EVERYWHERE if config.metrics.everywhere else config.metrics.host
        daemon.metrics_url = await edges.start(observatory.serve, host, config.metrics.port)
    edges.start_soon(probe, daemon.metrics.loop)
    edges.start_soon(trio.to_thread.run_sync, checks.warm)
    if daemon.opa is not None:
        edges.start_soon(daemon.opa.run)
    if daemon.telemetry is not None:
        edges.start_soon(daemon.telemetry.run, daemon.metrics.registry)
    edges.start_soon(daemon.audit.run)
    edges.start_soon(daemon.approvals.run)
    edges.start_soon(daemon.notifier.run, daemon.report.problems)
    edges.start_soon(daemon.learning.run)
    edges.start_soon(daemon.gc.now_and_then)
    edges.start_soon(daemon.automatic.now_and_then)
    await edges.start(daemon.reloading.at_hangups)
    await edges.start(daemon.server.serve, listener)
    await edges.start(daemon.following.run)
    await edges.start(daemon.pipes.run)


async def _start_mount(daemon: Daemon, edges: trio.Nursery, mounted: trio.Nursery) -> None:
    """The mount and what needs it; from here on the daemon serves."""
    if daemon.session is not None:
        await daemon.session.mount()
        await mounted.start(daemon.session.serve)
    spare_garbage_collection()
    await edges.start(daemon.mirrors.run)
    daemon.phase = SERVING
    await edges.start(daemon.degradation.run)
    started = {"version": __version__, "pid": os.getpid(), "credentials": names_passed(os.environ)}
    await daemon.announce("daemon.started", started)
    edges.start_soon(tell_supervisor, daemon.report.summary)


async def _stop_mount(daemon: Daemon) -> None:
    daemon.tree.journal.hold(None)
    if daemon.session is not None:
        with trio.CancelScope(shield=True):
            await daemon.session.unmount()

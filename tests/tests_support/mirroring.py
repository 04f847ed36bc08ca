"""What tests of mirrors look at: two directories, and whether they are equal."""

import os
import stat
import time
from pathlib import Path
from typing import Any

from lighthoused.protocol.messages.mirrors import MirrorAddRequest, MirrorStatus, MirrorStatusRequest
from tests_support.running import Running

QUIET_S = 60.0


def picture(root: Path, times: bool = True) -> dict[bytes, tuple[Any, ...]]:
    """Kind, mode, time and content of all below a directory, by path."""
    found: dict[bytes, tuple[Any, ...]] = {}
    todo = [os.fsencode(root)]
    while todo:
        at = todo.pop()
        for entry in os.scandir(at):
            status = entry.stat(follow_symlinks=False)
            key = os.path.relpath(entry.path, os.fsencode(root))
            mode = stat.S_IMODE(status.st_mode)
            if stat.S_ISDIR(status.st_mode):
                found[key] = ("directory", mode)
                todo.append(entry.path)
            elif stat.S_ISLNK(status.st_mode):
                found[key] = ("symlink", os.readlink(entry.path))
            else:
                found[key] = (
                    "file",
                    mode,
                    status.st_mtime_ns if times else 0,
                    Path(os.fsdecode(entry.path)).read_bytes(),
                )
    return found


def bind(running: Running, directory: Path, adopt: str = "") -> None:
    """Make the project of a daemon a mirror of a directory."""
    with running.client(timeout=None) as client:
        stream = client.stream(
            MirrorAddRequest(id=0, project=running.source.name, directory=str(directory), adopt=adopt)
        )
        for _ in stream:
            pass


def status_of(running: Running) -> MirrorStatus:
    """How the daemon's only mirror is."""
    with running.client() as client:
        found: MirrorStatus = client.call(MirrorStatusRequest(id=0)).mirrors[0]
        return found


def settled(running: Running, directory: Path, within: float = QUIET_S) -> dict[bytes, tuple[Any, ...]]:
    """Wait until both sides are equal and stay so; what they hold."""
    end = time.monotonic() + within
    equal_since = 0.0
    while True:
        try:
            inside, outside = picture(running.current), picture(directory)
            equal = inside == outside and status_of(running).state == "live" and not status_of(running).pending
        except OSError:
            equal = False
            inside = outside = {}
        now = time.monotonic()
        if not equal:
            equal_since = 0.0
        elif not equal_since:
            equal_since = now
        elif now - equal_since > 0.8:
            return inside
        if now > end:
            differing = sorted(key for key in inside.keys() | outside.keys() if inside.get(key) != outside.get(key))
            shown = [(key, str(inside.get(key))[:150], str(outside.get(key))[:150]) for key in differing[:10]]
            raise AssertionError(f"not equal: {shown} {status_of(running)}\n{running.log.read_text()[-3000:]}")
        time.sleep(0.05)

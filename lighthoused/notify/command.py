"""Notices by a program of the owner's: it gets the notice as JSON on its standard input, and a few seconds."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence

import msgspec
import trio

from lighthoused.core.wording import visible
from lighthoused.notify.notice import Notice
from lighthoused.notify.outlet import Undelivered

MAX_TOLD = 500


class Command:
    """Runs one program for each notice, in a process group that ends with it."""

    name = "command"

    def __init__(self, argv: Sequence[str], timeout_s: float) -> None:
        self._argv = tuple(argv)
        self._timeout_s = timeout_s

    async def deliver(self, notice: Notice) -> str:
        """Run it once. Raises Undelivered."""
        try:
            process = await trio.lowlevel.open_process(
                self._argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
                cwd="/",
            )
        except OSError as error:
            raise Undelivered(f"{self._argv[0]} cannot be run: {error.strerror}.") from None
        told = bytearray()
        try:
            with trio.move_on_after(self._timeout_s) as scope:
                await _talk(process, msgspec.json.encode(notice) + b"\n", told)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with trio.CancelScope(shield=True):
                await process.wait()
        if scope.cancelled_caught:
            raise Undelivered(f"{self._argv[0]} did not end within {self._timeout_s:g} s and was killed.")
        said = visible(told.decode(errors="replace").strip())
        if process.returncode:
            how = f"exit code {process.returncode}{': ' + said if said else ''}"
            raise Undelivered(f"{self._argv[0]} failed with {how}.")
        return f"{self._argv[0]} took it."


async def _talk(process: trio.Process, body: bytes, told: bytearray) -> None:
    """Hand the notice over, keep the beginning of what is said on standard error, and wait for the end."""

    async def feed() -> None:
        assert process.stdin is not None
        with contextlib.suppress(trio.BrokenResourceError):
            await process.stdin.send_all(body)
        await process.stdin.aclose()

    async def listen() -> None:
        assert process.stderr is not None
        async for part in process.stderr:
            told.extend(part[: max(0, MAX_TOLD - len(told))])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed)
        nursery.start_soon(listen)
        await process.wait()
        nursery.cancel_scope.deadline = trio.current_time() + 0.2

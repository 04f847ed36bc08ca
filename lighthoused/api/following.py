"""A long piece of work as a stream: how far it is, now and then, and at last its result."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import trio

from lighthoused.core.errors import LighthouseError
from lighthoused.protocol.messages.log import Progress
from lighthoused.rpc.call import Final

PROGRESS_S = 0.2

Tell = Callable[[str, int, int], None]
"""Says what is being done, how many of it are done, and of how many (0: unknown). May be called in any thread."""


async def followed(work: Callable[[Tell], Awaitable[Any]]) -> AsyncIterator[Progress | Final]:
    """Do the work and yield its progress, last its result. Raises the core errors that the work raises."""
    latest: list[Progress] = []
    results: list[Any] = []
    refusals: list[LighthouseError] = []
    finished = trio.Event()

    def tell(what: str, done: int, total: int) -> None:
        latest[:] = [Progress(done, total, what)]

    async def run() -> None:
        try:
            results.append(await work(tell))
        except LighthouseError as refused:
            refusals.append(refused)
        finished.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        while not finished.is_set():
            with trio.move_on_after(PROGRESS_S):
                await finished.wait()
            if latest and not finished.is_set():
                yield latest[0]
    if refusals:
        raise refusals[0]
    yield Final(results[0])

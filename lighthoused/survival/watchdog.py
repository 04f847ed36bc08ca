"""Tells systemd how the daemon is, and that its loop still turns: a loop that hangs is a daemon that is restarted."""

from collections.abc import Callable

import trio

from lighthoused.survival.notify import notify, supervised, watchdog_interval

STATUS_EVERY_S = 5.0


async def tell_supervisor(summary: Callable[[], str]) -> None:
    """Say that we are ready, then keep saying how we are; returns where nobody listens."""
    if not supervised():
        return
    notify("READY=1", f"STATUS={summary()}")
    every = min(STATUS_EVERY_S, watchdog_interval() / 3 or STATUS_EVERY_S)
    while True:
        await trio.sleep(every)
        notify("WATCHDOG=1", f"STATUS={summary()}")

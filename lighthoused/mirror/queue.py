"""Paths to look at: each once, some not before a moment. Bounded: what is too much becomes a full comparison."""

from collections.abc import Callable

import trio

MAX_PATHS = 50_000


class Queue:
    """Paths that may differ. `overflowed`: some were dropped, so that everything has to be compared."""

    def __init__(self, clock: Callable[[], float] = trio.current_time) -> None:
        self._clock = clock
        self._ready: dict[bytes, None] = {}
        self._later: dict[bytes, float] = {}
        self._wanted = trio.Event()
        self.overflowed = False

    def __len__(self) -> int:
        return len(self._ready) + len(self._later)

    def add(self, path: bytes, delay: float = 0.0) -> None:
        """Look at a path, after a while."""
        if len(self) >= MAX_PATHS:
            self.overflow()
        elif delay and path not in self._ready:
            self._later.setdefault(path, self._clock() + delay)
        else:
            self._later.pop(path, None)
            self._ready[path] = None
        self._wanted.set()

    def overflow(self) -> None:
        """Give up on single paths."""
        self._ready.clear()
        self._later.clear()
        self.overflowed = True
        self._wanted.set()

    def take(self, count: int) -> list[bytes]:
        """Up to so many paths that are due."""
        now = self._clock()
        for path in [path for path, due in self._later.items() if due <= now]:
            del self._later[path]
            self._ready[path] = None
        taken = list(self._ready)[:count]
        for path in taken:
            del self._ready[path]
        return taken

    async def wait(self) -> None:
        """Until there is something due."""
        self._wanted = trio.Event()
        if self._ready or self.overflowed:
            return
        due = min(self._later.values(), default=float("inf"))
        with trio.move_on_at(due):
            await self._wanted.wait()

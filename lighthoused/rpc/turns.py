"""Whose turn it is: who takes much of the loop while others work too rests for a multiple of it.

A peer alone may have all of the loop; among others it has as much as each of them, or a tenth, whichever is more. Must
not know what is asked, nor by whom.
"""

import time
from collections.abc import Callable

WINDOW_S = 0.1
"""Who was served in this time or in the one before counts as working."""
MOST_REST = 9
"""A peer rests at most for so many times as long as it was worked for."""
GRACE_S = 0.03
"""Rest that a peer may owe before it has to take it: who asks for little never waits."""


class Turns:
    """Knows how many are being served.

    `elsewhere` counts what is done for others than peers of the socket, under the mount say.
    """

    def __init__(self, elsewhere: Callable[[], int] = lambda: 0) -> None:
        self._elsewhere = elsewhere
        self._counted = 0
        self._latest: object = None
        self._now: set[object] = set()
        self._before = 0
        self._ends = 0.0

    def takes(self, who: object) -> None:
        """Somebody is being served."""
        if who is not self._latest:
            self._latest = who
            self._now.add(who)

    def others(self, now: float) -> int:
        """How many others work, besides one."""
        if now > self._ends:
            self._begin_window(now)
        return max(self._before, len(self._now)) - 1

    def rest_after(self, resting_until: float, seconds: float, least: int) -> float:
        """Until when a peer rests that has been worked for so long; `least`: so many count as others in any case."""
        now = time.perf_counter()
        others = max(least, min(self.others(now), MOST_REST))
        if others <= 0:
            return resting_until
        return max(resting_until, now - GRACE_S) + others * seconds

    def _begin_window(self, now: float) -> None:
        self._before = len(self._now) if now < self._ends + WINDOW_S else 0
        count = self._elsewhere()
        if count != self._counted:
            self._counted = count
            self._before += 1
        self._now.clear()
        self._latest = None
        self._ends = now + WINDOW_S

"""The memory tier: verdicts given before, by exactly what was asked, where, and under which policies. Bounded in bytes.

Escalations and verdicts of people never come here, nor anything that was not judged in full.
"""

from lighthoused.core.bytecache import ByteCache
from lighthoused.core.verdicts import Verdict

_OVERHEAD = 1200
"""Bytes that an entry takes besides its texts (measured with tracemalloc, rounded up)."""


class Memory(ByteCache[bytes, Verdict]):
    """A least recently used cache of verdicts, emptied when the policies change."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max(1, max_bytes), _size)
        self._version = ""

    def get(self, key: bytes, version: str) -> Verdict | None:
        """The verdict given before under these policies."""
        if version != self._version:
            self.misses += 1
            return None
        return self.look_up(key)

    def put(self, key: bytes, version: str, verdict: Verdict) -> None:
        """Remember a verdict; one that is larger than everything that may be kept is not."""
        if version != self._version:
            self.clear()
            self._version = version
        self.remember(key, verdict)


def _size(verdict: Verdict) -> int:
    texts = len(verdict.reason) + len(verdict.suggestion) + len(verdict.rule)
    effects = sum(300 + len(effect.target) + len(effect.program) + len(effect.note) for effect in verdict.effects)
    return _OVERHEAD + 2 * texts + 2 * effects

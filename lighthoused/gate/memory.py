"""The memory tier: verdicts given before, by exactly what was asked, where, and under which policies. Bounded in bytes.

Escalations and verdicts of people never come here, nor anything that was not judged in full.
"""

from cachetools import LRUCache

from lighthoused.core.verdicts import Verdict

_OVERHEAD = 1200
"""Bytes that an entry takes besides its texts (measured with tracemalloc, rounded up)."""


class Memory:
    """A least recently used cache of verdicts, emptied when the policies change."""

    def __init__(self, max_bytes: int) -> None:
        self._cache: LRUCache[bytes, Verdict] = LRUCache(max(1, max_bytes), getsizeof=_size)
        self._version = ""
        self.hits = 0
        self.misses = 0

    def get(self, key: bytes, version: str) -> Verdict | None:
        """The verdict given before under these policies."""
        found = self._cache.get(key) if version == self._version else None
        if found is None:
            self.misses += 1
        else:
            self.hits += 1
        return found

    def put(self, key: bytes, version: str, verdict: Verdict) -> None:
        """Remember a verdict; one that is larger than everything that may be kept is not."""
        if version != self._version:
            self._cache.clear()
            self._version = version
        if _size(verdict) <= self._cache.maxsize:
            self._cache[key] = verdict

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return int(self._cache.currsize)

    @property
    def limit(self) -> int:
        """Bytes that it may hold."""
        return int(self._cache.maxsize)

    def __len__(self) -> int:
        return len(self._cache)


def _size(verdict: Verdict) -> int:
    texts = len(verdict.reason) + len(verdict.suggestion) + len(verdict.rule)
    effects = sum(300 + len(effect.target) + len(effect.program) + len(effect.note) for effect in verdict.effects)
    return _OVERHEAD + 2 * texts + 2 * effects

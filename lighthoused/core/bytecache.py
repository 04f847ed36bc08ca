"""A cache that is bounded in bytes. Must not know what it keeps, nor who may ask at the same time."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ByteCache(Generic[Key, Value]):
    """What was used last, up to `max_bytes`; `size_of` gives the bytes that one value takes."""

    def __init__(self, max_bytes: int, size_of: Callable[[Value], int]) -> None:
        self._size_of = size_of
        self._kept: LRUCache[Key, Value] = LRUCache(max_bytes, getsizeof=size_of)
        self.hits = 0
        self.misses = 0

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return int(self._kept.currsize)

    @property
    def limit(self) -> int:
        """Bytes that it may hold."""
        return int(self._kept.maxsize)

    def __len__(self) -> int:
        return len(self._kept)

    def look_up(self, key: Key) -> Value | None:
        """What is kept under this key; counted as a hit or a miss."""
        found = self._kept.get(key)
        if found is None:
            self.misses += 1
        else:
            self.hits += 1
        return found

    def remember(self, key: Key, value: Value) -> None:
        """Keep a value in place of what was used longest ago; one that is larger than all that may be kept is not."""
        if self._size_of(value) <= self._kept.maxsize:
            self._kept[key] = value

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()

"""A set of hashes in few bytes each, which may take one that was never added for one that was (Bloom, 1970).

Where "is in it" means "is to stay", as in `tree.gc`, the error keeps something too long and loses nothing.
"""

import random
from struct import Struct

BITS_EACH = 32
"""Of each hash expected; with four of them set for each added, about one of 5,000 others is mistaken."""
LEAST_BITS = 1 << 20
_words = Struct("<8I").unpack_from


class Sketch:
    """Holds 32-byte hashes. Each sketch looks at other parts of them, so that the next one is mistaken for others."""

    def __init__(self, expected: int) -> None:
        bits = LEAST_BITS
        while bits < expected * BITS_EACH:
            bits *= 2
        self._bits = bytearray(bits // 8)
        self._mask = bits - 1
        self._parts = slice(first := random.randrange(5), first + 4)

    def add(self, hash: bytes) -> None:
        """Take in a hash."""
        bits, mask = self._bits, self._mask
        for word in _words(hash)[self._parts]:
            word &= mask
            bits[word >> 3] |= 1 << (word & 7)

    def __contains__(self, hash: bytes) -> bool:
        bits, mask = self._bits, self._mask
        for word in _words(hash)[self._parts]:
            word &= mask
            if not bits[word >> 3] & 1 << (word & 7):
                return False
        return True

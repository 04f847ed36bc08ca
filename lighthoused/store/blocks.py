"""Content-addressed blocks: stored once under the blake3 of their content, compressed when it pays."""

import zstandard
from blake3 import blake3

from lighthoused.core.errors import Corrupt
from lighthoused.store.environment import Environment
from lighthoused.store.schema import BLOCKS

RAW = b"\0"
ZSTD = b"\1"
LEVEL = 1
WORTH_TRYING = 512
"""Bytes below which compression is not tried."""
WORTH_KEEPING = 0.9
"""A compressed form larger than this share of the content is not kept."""
MAX_CONTENT = 1 << 20


def encode(content: bytes) -> tuple[bytes, bytes]:
    """(hash, stored form) of a block."""
    key = blake3(content).digest()
    if len(content) >= WORTH_TRYING:
        packed = zstandard.ZstdCompressor(level=LEVEL, write_checksum=False).compress(content)
        if len(packed) < WORTH_KEEPING * len(content):
            return key, ZSTD + packed
    return key, RAW + content


def decode(stored: bytes) -> bytes:
    """Content of a stored form. Raises Corrupt."""
    if stored[:1] == RAW:
        return stored[1:]
    if stored[:1] == ZSTD:
        try:
            return zstandard.ZstdDecompressor().decompress(stored[1:], max_output_size=MAX_CONTENT)
        except zstandard.ZstdError as error:
            raise Corrupt(f"A stored block does not decompress: {error}.") from error
    raise Corrupt(f"A stored block has the unknown codec {stored[:1]!r}.")


class Blocks:
    """Reads blocks by hash."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        env.bind(self._take_tables)

    def _take_tables(self) -> None:
        self._table = self._env.table(BLOCKS)

    def get(self, key: bytes, verify: bool = False) -> bytes:
        """Content of a block. Raises Corrupt where it is missing or, with `verify`, is not what its hash says."""
        with self._env.read() as txn:
            stored = txn.get(key, db=self._table)
        if stored is None:
            raise Corrupt(f"Block {key.hex()} is missing.", "Run 'lighthousectl log verify'.")
        content = decode(stored)
        if verify and blake3(content).digest() != key:
            raise Corrupt(f"Block {key.hex()} holds something else.")
        return content

    def has(self, key: bytes) -> bool:
        """Whether the block is stored."""
        with self._env.read() as txn:
            return txn.get(key, db=self._table) is not None

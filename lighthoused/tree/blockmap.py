"""Which stored block holds which part of a file: block hashes by index, in a list or, for large files, in map nodes."""

from collections.abc import Callable, Iterator

import msgspec

from lighthoused.core.inode import BLOCK, HOLE, INLINE_BLOCKS, MAP_FANOUT, Inode
from lighthoused.store.blocks import encode

Load = Callable[[bytes], bytes]
"""Reads a stored block by its hash."""

_encode_node = msgspec.msgpack.Encoder().encode
_decode_node = msgspec.msgpack.Decoder(list[bytes]).decode


class Sealed(msgspec.Struct, frozen=True):
    """A block map as an inode version holds it, and the map nodes that have to be stored with it."""

    content: tuple[bytes, ...]
    mapped: bool
    nodes: tuple[tuple[bytes, bytes], ...] = ()


class BlockMap:
    """Block hashes of one file. Map nodes are loaded when first needed and written again only when touched."""

    __slots__ = ("_hashes", "_load", "_loaded", "_maps", "_touched")

    def __init__(self, inode: Inode, load: Load) -> None:
        self._load = load
        self._hashes: list[bytes] | None = None if inode.mapped else list(inode.content)
        self._maps: list[bytes] = list(inode.content) if inode.mapped else []
        self._loaded: dict[int, list[bytes]] = {}
        self._touched: set[int] = set()

    def get(self, index: int) -> bytes:
        """Hash of block `index`; HOLE where nothing is stored."""
        if self._hashes is not None:
            return self._hashes[index] if index < len(self._hashes) else HOLE
        node = self._node(index // MAP_FANOUT)
        within = index % MAP_FANOUT
        return node[within] if within < len(node) else HOLE

    def stored(self) -> Iterator[tuple[int, bytes]]:
        """(index, hash) of all stored blocks in order."""
        if self._hashes is not None:
            yield from ((index, key) for index, key in enumerate(self._hashes) if key)
            return
        for number in range(len(self._maps)):
            start = number * MAP_FANOUT
            yield from ((start + within, key) for within, key in enumerate(self._node(number)) if key)

    def set(self, index: int, block: bytes) -> None:
        """Let block `index` be the one with this hash (HOLE: zeros)."""
        if self._hashes is not None and index >= INLINE_BLOCKS and block != HOLE:
            self._become_mapped()
        if self._hashes is not None:
            if index < INLINE_BLOCKS:
                _put(self._hashes, index, block)
            return
        number = index // MAP_FANOUT
        _put(self._node(number), index % MAP_FANOUT, block)
        self._touched.add(number)

    def truncate(self, size: int) -> None:
        """Forget all blocks that lie wholly beyond `size` bytes."""
        count = -(-size // BLOCK)
        if self._hashes is not None:
            del self._hashes[count:]
            return
        last, within = divmod(count, MAP_FANOUT)
        if last < len(self._maps) or last in self._loaded:
            del self._node(last)[within:]
            self._touched.add(last)
        keep = last + 1
        del self._maps[keep:]
        for table in [number for number in self._loaded if number >= keep]:
            del self._loaded[table]
            self._touched.discard(table)

    def seal(self) -> Sealed:
        """The map as it is now, for an inode version."""
        if self._hashes is not None:
            return Sealed(tuple(_trimmed(self._hashes)), mapped=False)
        nodes = []
        for number in sorted(self._touched):
            hashes = _trimmed(self._loaded[number])
            if not hashes:
                _put(self._maps, number, HOLE)
                continue
            key, stored = encode(_encode_node(hashes))
            _put(self._maps, number, key)
            nodes.append((key, stored))
        self._touched.clear()
        self._loaded.clear()
        return Sealed(tuple(_trimmed(self._maps)), mapped=True, nodes=tuple(nodes))

    def _node(self, number: int) -> list[bytes]:
        node = self._loaded.get(number)
        if node is None:
            key = self._maps[number] if number < len(self._maps) else HOLE
            node = _decode_node(self._load(key)) if key else []
            self._loaded[number] = node
        return node

    def _become_mapped(self) -> None:
        assert self._hashes is not None
        self._loaded = {0: self._hashes}
        self._touched = {0}
        self._hashes = None


def _put(hashes: list[bytes], index: int, block: bytes) -> None:
    missing = index + 1 - len(hashes)
    if missing > 0:
        hashes.extend([HOLE] * missing)
    hashes[index] = block


def _trimmed(hashes: list[bytes]) -> list[bytes]:
    end = len(hashes)
    while end and not hashes[end - 1]:
        end -= 1
    return hashes[:end]

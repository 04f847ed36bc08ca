"""Every table of the LMDB environment, its keys and values. All integers are big-endian.

table      key                                        value
log        seq u64                                    hash (32 bytes) ‖ encoded event (core.events)
streams    stream utf-8 ‖ NUL ‖ version u64           seq u64
tags       tag letter ‖ value (DUPSORT, DUPFIXED)     seq u64, one per event that carries the tag
ids        idempotency id utf-8                       seq u64
inodes     inode u64 ‖ (2^64-1-seq) u64               core.inode.Inode
dentries   parent u64 ‖ name ‖ NUL ‖ (2^64-1-seq)     core.inode.Dentry
blocks     blake3 of the content (32 bytes)           codec byte ‖ content (store.blocks)
pruned     inode u64                                  seq u64 of its newest version removed as unversioned (tree.gc)
meta       "format"                                   format number in decimal
           "tried"                                    when (ns, decimal) the store was last tried after a failure

A version key's seq is descending, so that the newest version at or before a seq is one seek away. Events need no index
by time: time increases with seq, and a binary search over `log` finds any.
"""

from typing import NamedTuple

from blake3 import blake3

FORMAT = 1
NOW = 2**64 - 1
"""An `at` that means the newest."""
HASH_SIZE = 32

TAG_TYPE = b"t"
TAG_AGENT = b"a"
TAG_SESSION = b"s"
TAG_CORRELATION = b"c"
TAG_PATH = b"p"
MAX_TAG = 400
"""Bytes of a tag's value that are kept as they are; of longer ones a hash follows what fits. LMDB keys end at 511."""


class Table(NamedTuple):
    """A named database; `sorted_values`: several fixed-size values under one key."""

    name: str
    sorted_values: bool = False


LOG = Table("log")
STREAMS = Table("streams")
TAGS = Table("tags", sorted_values=True)
IDS = Table("ids")
INODES = Table("inodes")
DENTRIES = Table("dentries")
BLOCKS = Table("blocks")
PRUNED = Table("pruned")
META = Table("meta")
TABLES = (LOG, STREAMS, TAGS, IDS, INODES, DENTRIES, BLOCKS, PRUNED, META)


def u64(number: int) -> bytes:
    """Key or value form of a number."""
    return number.to_bytes(8, "big")


def number(encoded: bytes | memoryview) -> int:
    """Inverse of `u64`."""
    return int.from_bytes(encoded, "big")


def descending(seq: int) -> bytes:
    """The seq part of a version key: newer sorts first."""
    return (NOW - seq).to_bytes(8, "big")


def stream_key(stream: str, version: int) -> bytes:
    """Key of `streams`."""
    return stream.encode() + b"\0" + version.to_bytes(8, "big")


def tag_key(tag: bytes, value: str) -> bytes:
    """Key of `tags`. Values over `MAX_TAG` bytes share their beginning and differ in a hash."""
    encoded = value.encode()
    if len(encoded) > MAX_TAG:
        encoded = encoded[:MAX_TAG] + b"\0" + blake3(encoded).digest(16)
    return tag + encoded


def tag_prefix(tag: bytes, value: str) -> bytes:
    """What keys of values that begin with `value` begin with."""
    return tag + value.encode()[:MAX_TAG]

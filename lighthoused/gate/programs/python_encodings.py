"""The encodings of Python's standard library, by the names of their functions: what a text becomes by each."""

import base64
import binascii
import bz2
import lzma
import zlib
from collections.abc import Callable

from lighthoused.gate.shell.text import UNKNOWN, literal, opaque, origin

MAX_TEXT = 1 << 16


def guarded(function: Callable[[str], str], text: str) -> str:
    """What the function makes of a text; what nobody knows stays so, and says where it came from."""
    if opaque(text):
        return origin(text)
    try:
        return literal(function(text))
    except (ValueError, OverflowError, binascii.Error, TypeError, zlib.error, OSError, EOFError, lzma.LZMAError):
        return UNKNOWN


def decoded(data: bytes) -> str:
    """Bytes as text; what is no UTF-8 is kept as Latin-1, so that a decompressor finds it."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _inflated(text: str) -> str:
    return decoded(zlib.decompressobj(wbits=47).decompress(text.encode("latin-1"), MAX_TEXT))


ENCODINGS: dict[str, Callable[[str], str]] = {
    "zlib.decompress": _inflated,
    "gzip.decompress": _inflated,
    "bz2.decompress": lambda text: decoded(bz2.BZ2Decompressor().decompress(text.encode("latin-1"), MAX_TEXT)),
    "lzma.decompress": lambda text: decoded(lzma.LZMADecompressor().decompress(text.encode("latin-1"), MAX_TEXT)),
    "base64.b64decode": lambda text: decoded(base64.b64decode(text + "=" * (-len(text) % 4))),
    "base64.b32decode": lambda text: decoded(base64.b32decode(text)),
    "base64.urlsafe_b64decode": lambda text: decoded(base64.urlsafe_b64decode(text)),
    "base64.b64encode": lambda text: base64.b64encode(text.encode()).decode(),
    "base64.b32encode": lambda text: base64.b32encode(text.encode()).decode(),
    "binascii.hexlify": lambda text: text.encode().hex(),
    "bytes.fromhex": lambda text: decoded(bytes.fromhex(text)),
    "binascii.unhexlify": lambda text: decoded(binascii.unhexlify(text)),
    "bytearray.fromhex": lambda text: decoded(bytes.fromhex(text)),
    "chr": lambda text: chr(int(text)),
    "str": str,
    "bytes": str,
    "repr": str,
    "shlex.quote": str,
}

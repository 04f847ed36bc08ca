"""File names are bytes; events, JSON and people need text. A reversible spelling of one as the other.

Valid UTF-8 stays as it is, a backslash is doubled, any other byte becomes ``\\xNN``.
"""

import re

_ESCAPE = re.compile(r"\\(\\|x([0-9a-f]{2}))")


def shown(name: bytes) -> str:
    """Spell a file name or path as text; `raw` turns it back."""
    text = name.decode("utf-8", "surrogateescape").replace("\\", "\\\\")
    if text.isascii():
        return text
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in text)


def raw(text: str) -> bytes:
    """The bytes that `shown` spelled. A backslash that starts no escape stands for itself."""
    if "\\" not in text:
        return text.encode("utf-8", "surrogateescape")
    out = bytearray()
    at = 0
    for found in _ESCAPE.finditer(text):
        out += text[at : found.start()].encode("utf-8", "surrogateescape")
        out += b"\\" if found[2] is None else bytes([int(found[2], 16)])
        at = found.end()
    out += text[at:].encode("utf-8", "surrogateescape")
    return bytes(out)

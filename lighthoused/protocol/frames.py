"""Frames out of a stream of bytes, without any I/O: u32 length and msgpack, or a line of JSON each.

The first byte of a connection decides: ``{`` (or white space before it) means JSON Lines.
"""

from lighthoused.core.errors import TooLarge
from lighthoused.protocol.messages.base import MAX_FRAME

HEADER = 4
JSON_STARTS = b"{ \t\r\n"


class FrameReader:
    """Collects bytes and gives whole frames. `json` is None until the first byte is there."""

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self.json: bool | None = None
        self._max = max_frame
        self._buffer = bytearray()

    def feed(self, data: bytes | bytearray) -> list[bytes]:
        """The frames that are complete now. Raises TooLarge, after which the stream cannot be read on."""
        if self.json is None and data:
            self.json = data[0] in JSON_STARTS
        self._buffer += data
        if not self.json:
            return self._prefixed()
        return self._lines() if b"\n" in data or len(self._buffer) > self._max else []

    @property
    def buffered(self) -> int:
        """Bytes of a frame that is not complete."""
        return len(self._buffer)

    def _prefixed(self) -> list[bytes]:
        frames: list[bytes] = []
        buffer = self._buffer
        at = 0
        while len(buffer) - at >= HEADER:
            size = int.from_bytes(buffer[at : at + HEADER], "big")
            if size > self._max:
                del buffer[:at]
                raise self._too_large(size)
            if len(buffer) - at - HEADER < size:
                break
            frames.append(bytes(buffer[at + HEADER : at + HEADER + size]))
            at += HEADER + size
        del buffer[:at]
        return frames

    def _lines(self) -> list[bytes]:
        *lines, rest = self._buffer.split(b"\n")
        if len(rest) > self._max or any(len(line) > self._max for line in lines):
            raise self._too_large(max(len(rest), *map(len, lines), 0))
        self._buffer = bytearray(rest)
        return [bytes(line) for line in lines if line.strip()]

    def _too_large(self, size: int) -> TooLarge:
        return TooLarge(f"A frame of {size} bytes is too large.", f"At most {self._max} bytes.")


def framed(body: bytes, json: bool) -> bytes:
    """A message's bytes as they are sent."""
    return body + b"\n" if json else len(body).to_bytes(HEADER, "big") + body

"""Encoding and decoding of messages in both formats."""

from typing import Any, Union

import msgspec

from lighthoused.protocol.messages.base import ErrorBody, Request
from lighthoused.protocol.table import METHODS

ANY_REQUEST: Any = Union[tuple(method.request for method in METHODS)]  # noqa: UP007


class Envelope(msgspec.Struct):
    """As much of a request as an error reply needs."""

    id: int = 0
    method: str = ""


class Reply(msgspec.Struct, omit_defaults=True):
    """One answer: exactly one of `result`, `error`, `item` is there."""

    id: int
    result: Any = msgspec.UNSET
    error: ErrorBody | msgspec.UnsetType = msgspec.UNSET
    item: Any = msgspec.UNSET


class RawReply(msgspec.Struct):
    """An answer as the client first reads it; the result is decoded once its type is known."""

    id: int
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: ErrorBody | msgspec.UnsetType = msgspec.UNSET
    item: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Format:
    """One of the two encodings, with its decoders prepared."""

    def __init__(self, json: bool) -> None:
        codec: Any = msgspec.json if json else msgspec.msgpack
        self.json = json
        self._requests = codec.Decoder(ANY_REQUEST)
        self._envelopes = codec.Decoder(Envelope)
        self.encode = codec.Encoder().encode

    def request(self, body: bytes) -> Request:
        """A request. Raises msgspec.DecodeError, msgspec.ValidationError."""
        request: Request = self._requests.decode(body)
        return request

    def envelope(self, body: bytes) -> Envelope:
        """Id and method of what is not a valid request; empty where even they cannot be read."""
        try:
            envelope: Envelope = self._envelopes.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Envelope()
        return envelope

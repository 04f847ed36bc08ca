"""Replies to results: what both clients share."""

import threading
from functools import cache
from typing import Any

import msgspec

from lighthoused.core import errors
from lighthoused.protocol.messages.base import ErrorBody, Request
from lighthoused.protocol.table import METHODS, Method
from lighthoused.protocol.wire import RawReply

BY_REQUEST: dict[type[Request], Method] = {method.request: method for method in METHODS}
ERRORS: dict[str, type[errors.LighthouseError]] = {
    kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")
}
decode_reply = msgspec.msgpack.Decoder(RawReply).decode
encode_request = msgspec.msgpack.Encoder().encode
_making = threading.Lock()


def result_of(reply: RawReply, request: Request) -> Any:
    """The result, in the method's type. Raises the core error that the daemon sent."""
    if isinstance(reply.error, ErrorBody):
        raise error_of(reply.error)
    assert isinstance(reply.result, msgspec.Raw)
    return _decoder_of(BY_REQUEST[type(request)].result).decode(reply.result)


def item_of(reply: RawReply, request: Request) -> Any:
    """An item of a stream, in the method's type."""
    assert isinstance(reply.item, msgspec.Raw)
    return _decoder_of(BY_REQUEST[type(request)].item).decode(reply.item)


def error_of(body: ErrorBody) -> errors.LighthouseError:
    """The core error of an error reply."""
    error = ERRORS.get(body.code, errors.LighthouseError)(body.message, body.hint)
    error.code = body.code
    return error


@cache
def _decoder_of(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    """Made by one thread at a time: msgspec does not stand two (see `core.prepared`)."""
    with _making:
        return msgspec.msgpack.Decoder(kind)

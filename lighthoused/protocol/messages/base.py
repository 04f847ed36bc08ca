"""What every message builds on: version, limits, roles, the request, the error."""

from typing import Literal, get_args

import msgspec

PROTOCOL_VERSION = 1
MAX_FRAME = 16 * 1024 * 1024
DEFAULT_DEADLINE_MS = 30_000
MAX_DEADLINE_MS = 3_600_000

Role = Literal["viewer", "agent", "expert", "operator", "admin"]
ROLES: tuple[str, ...] = get_args(Role)
"""Weakest first: each may do what the ones before it may."""
RANKS = {role: rank for rank, role in enumerate(ROLES)}


class ErrorBody(msgspec.Struct, frozen=True):
    """An error as sent. `code` is the `code` of a `core.errors` class, or `unknown_method`."""

    code: str
    message: str
    hint: str = ""


class Request(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="method"):
    """Fields of every request. `deadline_ms` 0: the method's default.

    `traceparent`: the client's span as in W3C Trace Context, so that the daemon's spans become parts of its trace.
    """

    id: int
    deadline_ms: int = 0
    traceparent: str = ""

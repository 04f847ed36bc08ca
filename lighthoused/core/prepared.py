"""Types that are read from data in several threads.

msgspec (0.22) works out how a type is read when that is first done; two threads that do it at once end the process.
"""

from typing import TypeVar

import msgspec

Kind = TypeVar("Kind", bound=type[msgspec.Struct])


def prepared(kind: Kind) -> Kind:
    """Work it out now, while modules are imported: a decorator, or called after a type that names itself."""
    msgspec.msgpack.Decoder(kind)
    return kind

"""What an append is answered with."""

import msgspec


class Appended(msgspec.Struct, frozen=True):
    """Where a draft came to stand in the log. `duplicate`: its id was known, nothing was written."""

    seq: int
    version: int
    time: int
    duplicate: bool = False

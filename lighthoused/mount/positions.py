"""How far each reader of a stream has been served, kept for the next process: nobody gets a gap or a duplicate.

What a reader is to get is written into a pipe of ours first, and then moved into the reader's (splice(2)). A process
that dies while it fills ours leaves there what nobody has seen: it is thrown away and made again. One that dies while
it moves leaves in ours exactly what the reader's pipe does not have. It must know neither pipes nor events.
"""

from typing import NamedTuple

import msgspec

from lighthoused.survival.kept import KeptLog

POSITIONS_NAME = "positions"
SPARE = 10_000
"""Records that no longer count, beyond four times those that do, at which the log is rewritten."""


class Place(NamedTuple):
    """The end of all lines of events up to seq `after`, and `skip` bytes further."""

    after: int
    skip: int = 0


class Served(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """A reader of a project's events, by its pipe's name. `whole`: our pipe has what leads to `place`, and all of it.

    Else the reader's pipe has all that there is until `place`, and what is in ours does not count.
    """

    name: str
    project: str
    place: Place
    whole: bool = False


class Ended(msgspec.Struct, frozen=True, array_like=True, tag="e"):
    """The reader is gone."""

    name: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Served | Ended).decode


class Positions:
    """All readers that are served, in memory and in a kept log."""

    def __init__(self, kept: KeptLog) -> None:
        self.served: dict[str, Served] = {}
        self._kept = kept
        self._records = 0
        for record in kept.records():
            self._apply(_decode(record))

    def note(self, served: Served) -> None:
        """A reader is served so far."""
        self._add(served)

    def ended(self, name: str) -> None:
        """A reader is gone."""
        if name in self.served:
            self._add(Ended(name))

    def _add(self, record: Served | Ended) -> None:
        self._apply(record)
        self._kept.append(_encode(record))
        if self._records > 4 * len(self.served) + SPARE:
            self._kept.rewrite(map(_encode, self.served.values()))
            self._records = len(self.served)

    def _apply(self, record: Served | Ended) -> None:
        self._records += 1
        if isinstance(record, Served):
            self.served[record.name] = record
        else:
            self.served.pop(record.name, None)

"""Checks and collection of the store."""

import msgspec

from lighthoused.protocol.messages.base import Request


class FsckRequest(Request, tag="store.fsck"):
    """Check that store and tree hold together: log, rows against its replay, names, links, blocks. Streams progress.

    `deep` also compares every block with its hash. `repair` mends what can be mended: rows as the log says, all else by
    new events. `project` "" is all of them (the log and the rows always are).
    """

    project: str = ""
    deep: bool = False
    repair: bool = False


class Fault(msgspec.Struct, frozen=True):
    """`kind`: log, row, root, entry, kind, place, links, orphan, size, block. `remedy` "": it cannot be mended."""

    kind: str
    message: str
    remedy: str = ""
    project: str = ""
    """"" where it is not of one project."""
    mended: bool = False


class GcRequest(Request, tag="store.gc"):
    """Remove what nothing can show: content that is not versioned, blocks of nothing. Streams progress.

    With `keep`, a duration like ``30d``, also history older than that, but for snapshots. Events always stay.
    """

    keep: str = ""
    dry_run: bool = False


class GcReply(msgspec.Struct, frozen=True):
    horizon: int
    """seq from which on any moment can be shown."""
    rows: int
    """Versions of inodes and directory entries that were removed (or would be, in a dry run)."""
    blocks: int
    bytes: int
    dry_run: bool


class FsckReply(msgspec.Struct, frozen=True):
    """`ok`: nothing is wrong (any more)."""

    ok: bool
    head: int
    events: int
    inodes: int
    entries: int
    blocks: int
    """Blocks whose presence (or, `deep`, content) was checked."""
    faults: tuple[Fault, ...] = ()
    more: int = 0
    """Faults beyond those in `faults`."""

"""Directories that projects are kept equal with."""

from typing import Literal

import msgspec

from lighthoused.protocol.messages.base import Request


class Mirror(msgspec.Struct, frozen=True):
    """A project and an ordinary directory that are kept equal. `since`: ns since the epoch."""

    project: str
    directory: str
    adopt: str
    since: int


class MirrorAddRequest(Request, tag="mirror.add"):
    """Keep a project and a directory equal, both ways. Streams progress (entries compared).

    The directory is empty or equal, or `adopt` says whose files win at first where both have them: the project's
    (``inside``) or the directory's (``outside``). What only one side has is kept, the losers are in the history.
    """

    project: str
    directory: str
    adopt: Literal["", "inside", "outside"] = ""


class MirrorListRequest(Request, tag="mirror.list"):
    """All mirrors."""


class MirrorList(msgspec.Struct, frozen=True):
    mirrors: tuple[Mirror, ...]


class MirrorRemoveRequest(Request, tag="mirror.remove"):
    """Stop keeping them equal; both sides stay as they are. `directory` "": the project's only mirror."""

    project: str
    directory: str = ""


class MirrorConflict(msgspec.Struct, frozen=True):
    """Both sides changed `path`. `copy`: the new name of the directory's version; "" where one side had removed it."""

    path: str
    copy: str
    reason: str
    time: int


class MirrorRefused(msgspec.Struct, frozen=True):
    """A path that is not mirrored, and why."""

    path: str
    reason: str


class MirrorStatus(msgspec.Struct, frozen=True):
    """`state`: starting, comparing, live or paused. `reason`: why it was paused last, until it is live again.

    `pending`: paths that wait to be looked at.
    """

    project: str
    directory: str
    state: str
    reason: str
    compared: int
    """Entries of the latest full comparison so far."""
    pending: int
    refused: tuple[MirrorRefused, ...]
    conflicts: tuple[MirrorConflict, ...]
    """The newest ones."""


class MirrorStatusRequest(Request, tag="mirror.status"):
    """How mirrors are, of one project or all."""

    project: str = ""


class MirrorStatusReply(msgspec.Struct, frozen=True):
    mirrors: tuple[MirrorStatus, ...]

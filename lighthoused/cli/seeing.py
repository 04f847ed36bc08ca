"""A request as a person sees it, and the answer bound to that: the files it would change are read, and read again.

Files under the mount come from the daemon; others are read here, by who answers. Must not know how things are drawn.
"""

import errno
import os
import stat
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from lighthoused.core.errors import Conflict, Invalid
from lighthoused.core.sight import MAX_TEXT, FileView, kind_of, seen, seen_as
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.connection import Done
from lighthoused.protocol.messages.gate import Approval, ApprovalAnswerRequest, ApprovalShowRequest

SHORT = 16
"""Hex digits of `Seen.code` that people type; no fewer are taken."""
Call = Callable[[Request], Any]
"""Asks the daemon. Raises core errors."""


class Seen(NamedTuple):
    """What was shown: `code` is the hash of all of it, `daemon` of the part that the daemon can check."""

    approval: Approval
    files: tuple[FileView, ...]
    code: str
    daemon: str


def look(call: Call, approval: str) -> Seen:
    """One request whole, with its files as they are. Raises core errors."""
    view = call(ApprovalShowRequest(id=0, approval=approval))
    files = tuple(read(each.path) if each.state == "elsewhere" else each for each in view.files)
    return Seen(view.approval, files, seen(view.approval.request, files), view.seen)


def check_code(shown: Seen, given: str) -> None:
    """Whether somebody who gives this code saw what there is to see now. Raises Invalid, Conflict."""
    code = given.strip().lower()
    if len(code) < SHORT:
        raise Invalid(
            f"{given!r} is too short to say what was seen.", f"It has at least {SHORT} digits, as `show` says."
        )
    if not shown.code.startswith(code):
        raise Conflict(
            f"What the approval {shown.approval.id} is for is not what was seen as {given[:SHORT]}.",
            "Look at it again: `lighthousectl approvals show`.",
        )


def answer(call: Call, shown: Seen, answer: Literal["allow", "deny"], reason: str = "") -> Done:
    """Answer what was seen; an approval only while it is still so. Raises core errors."""
    approval = shown.approval
    asked = ApprovalAnswerRequest(id=0, approval=approval.id, answer=answer, reason=reason, request=approval.request)
    if answer == "allow":
        check_code(look(call, approval.id), shown.code)
        asked.seen = shown.daemon
    done: Done = call(asked)
    return done


def read(path: str) -> FileView:
    """A file as it is here; links are not followed."""
    try:
        found = os.lstat(path)
        target = os.fsencode(os.readlink(path)) if stat.S_ISLNK(found.st_mode) else b""
        view = kind_of(path, found.st_mode, found.st_size, found.st_mtime_ns, target)
        return view or seen_as(path, _content(path))
    except OSError as error:
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
        return FileView(path, "absent" if missing else "unreadable")


def _content(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        return file.read(MAX_TEXT + 1)

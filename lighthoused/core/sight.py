"""What a person has seen of a request before answering it: the request itself, and each file as it was then."""

import stat
from collections.abc import Iterable
from typing import Literal

import msgspec
from blake3 import blake3

MAX_TEXT = 256 * 1024
"""Bytes of a file up to which its text is shown."""

State = Literal["text", "absent", "binary", "large", "link", "special", "unreadable", "elsewhere"]


class FileView(msgspec.Struct, frozen=True):
    """A file that a call would change, as it is now. `digest` tells one content from another.

    `state` ``elsewhere``: it is not under the mount, who wants to see it has to read it; ``link``: not followed.
    """

    path: str
    state: State
    text: str = ""
    digest: str = ""


def kind_of(path: str, mode: int, size: int, mtime: int, target: bytes = b"") -> FileView | None:
    """The view of what is no short regular file; None for one whose content has to be read (then `seen_as`)."""
    if stat.S_ISLNK(mode):
        return FileView(path, "link", digest=blake3(target).hexdigest())
    if not stat.S_ISREG(mode):
        return FileView(path, "special")
    if size > MAX_TEXT:
        return FileView(path, "large", digest=blake3(b"%d %d" % (size, mtime)).hexdigest())
    return None


def seen_as(path: str, content: bytes) -> FileView:
    """A file with this content."""
    digest = blake3(content).hexdigest()
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    return FileView(path, "binary", digest=digest) if "\0" in text else FileView(path, "text", text, digest)


def seen(request: str, files: Iterable[FileView]) -> str:
    """The hash of exactly what is shown: a request (by its hash) and files."""
    shown = [request, *([each.path, each.state, each.digest] for each in files)]
    return blake3(msgspec.json.encode(shown)).hexdigest()

"""Tools about files over time: which versions there were, what one held, and what changed.

Content is read under the mount, without following links, and only where the gate lets this agent read the file.
"""

import errno
import os
from typing import Annotated, Any

import trio
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from lighthoused.core.errors import Invalid, NotFound
from lighthoused.core.verdicts import Verdict
from lighthoused.mcp.desk import Desk, told
from lighthoused.mcp.shaping import MAX_ANSWER, bounded, shortened, spelled_time
from lighthoused.protocol.messages.gate import CheckRequest
from lighthoused.protocol.messages.projects import DiffRequest, HistoryRequest

MAX_CONTENT = 32_000
"""Bytes of a file in one answer."""
MAX_VERSIONS = 100
ROW = 80
"""Characters of an entry of an answer, its path apart."""

Path = Annotated[str, Field(description="A path in a project: within it, or whole under the mount.")]
Project = Annotated[str, Field(description="Name of the project, where the path does not say it.")]
AT = "A moment: @seq, 2026-01-31T12:00:00Z, 10m (ago), or a snapshot's name"


class Files:
    """history, content and diff."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.tools = (self.history, self.content, self.diff)

    @told
    async def history(
        self,
        path: Path = "",
        project: Project = "",
        cursor: Annotated[int, Field(ge=0, description="From the answer before, to read on; 0 begins.")] = 0,
        limit: Annotated[int, Field(ge=1, le=MAX_VERSIONS, description="At most so many changes.")] = 20,
    ) -> dict[str, Any]:
        """List the changes to a file or directory, newest first: when, by which agent, in which session.

        Each has a moment "at" that content and diff take: the state right after that change.
        """
        name, within = await self._desk.located(path, project)
        found = await self._desk.ask(HistoryRequest(id=0, project=name, path=within, cursor=cursor, limit=limit))
        changes = [
            {
                "at": f"@{one.seq}",
                "time": spelled_time(one.time),
                "change": one.type,
                "agent": one.agent,
                "session": one.session,
                "paths": bounded(list(one.paths[:20])),
            }
            for one in found.entries
        ]
        return {"project": name, "path": within, "changes": changes, "cursor": found.cursor}

    @told
    async def content(
        self,
        path: Path,
        at: Annotated[str, Field(description=f"{AT}. By default now.")] = "",
        project: Project = "",
        offset: Annotated[int, Field(ge=0, description="Byte to begin at.")] = 0,
    ) -> dict[str, Any]:
        """Read a file as it is now, or as it was at any moment in the past, also where it is gone now.

        At most 32,000 bytes at once: "next_offset" says where to read on, and is 0 at the end.
        """
        name, within = await self._desk.located(path, project)
        await self._check_read(name, within)
        try:
            data, size = await trio.to_thread.run_sync(
                _read, self._desk.mount, name, at, within, offset, abandon_on_cancel=True
            )
        except OSError as error:
            raise ToolError(_why(error, within, at)) from None
        end = offset + len(data)
        text = _text(data, within, whole=end == size)
        return {"project": name, "path": within, "at": at or "now", "size": size, "text": text} | {
            "next_offset": end if end < size else 0
        }

    @told
    async def diff(
        self,
        since: Annotated[str, Field(description=f"{AT}.")],
        until: Annotated[str, Field(description="Another one; by default now.")] = "",
        path: Path = "",
        project: Project = "",
        names_only: Annotated[bool, Field(description="Only which files differ, not how.")] = False,
    ) -> dict[str, Any]:
        """Show what changed in a project, directory or file between two moments, as unified diffs.

        "left_out" counts files whose diff does not fit, or that you may not read: ask for one by its path.
        """
        name, within = await self._desk.located(path, project) if path else (await self._desk.project(project), "")
        request = DiffRequest(id=0, project=name, since=since, until=until, path=within, text=not names_only)
        found = await self._desk.ask(request, timeout=120.0)
        changes: list[dict[str, Any]] = []
        left_out = 0
        room = MAX_ANSWER
        for change in found.changes:
            row = {"path": change.path, "kind": change.kind, "size": [change.size_before, change.size_after]}
            room -= len(change.path) + ROW
            if room <= 0:
                break
            text = shortened(change.text, MAX_CONTENT)
            if text and (len(text) > room or not await self._may_read(name, change.path)):
                left_out += 1
            elif text:
                row["diff"] = text
                room -= len(text)
            changes.append(row)
        truncated = found.truncated or len(changes) < len(found.changes)
        return {"changes": changes, "left_out": left_out, "truncated": truncated}

    async def _may_read(self, project: str, within: str) -> bool:
        return (await self._judged(project, within)).verdict == "allow"

    async def _check_read(self, project: str, within: str) -> None:
        """What the gate keeps an agent from reading it does not read here either, at no moment. Raises ToolError."""
        verdict = await self._judged(project, within)
        if verdict.verdict != "allow":
            raise ToolError(f"Lighthouse does not let you read {within}: {verdict.reason} {verdict.suggestion}".strip())

    async def _judged(self, project: str, within: str) -> Verdict:
        path = os.path.join(self._desk.mount, project, "current", within)
        verdict: Verdict = await self._desk.ask(
            CheckRequest(id=0, tool="Read", input={"file_path": path}, cwd=self._desk.cwd)
        )
        return verdict


def _place(mount: str, project: str, at: str) -> str:
    """The directory that shows a project at a moment. Raises Invalid, NotFound."""
    if "/" in at or "\0" in at or at in (".", ".."):
        raise Invalid(f"{at!r} is no moment.", f"{AT}.")
    top = os.path.join(mount, project)
    if not os.path.isdir(top):
        raise NotFound(f"{top} is not there: Lighthouse is not mounted.", "Ask your user to start it.")
    if at in ("", "now"):
        return os.path.join(top, "current")
    snapshot = os.path.join(top, "history", "snapshots", at)
    return snapshot if os.path.isdir(snapshot) else os.path.join(top, "history", at)


def _read(mount: str, project: str, at: str, within: str, offset: int) -> tuple[bytes, int]:
    """Bytes of a file at a moment, and its size; no link is followed on the way. Raises core errors, OSError."""
    directory = os.open(_place(mount, project, at), os.O_PATH | os.O_DIRECTORY)
    try:
        *parents, name = os.fsencode(within).split(b"/")
        for parent in parents:
            below = os.open(parent, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            os.close(directory)
            directory = below
        file = os.open(name or b".", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    finally:
        os.close(directory)
    try:
        return os.pread(file, MAX_CONTENT, offset), os.fstat(file).st_size
    finally:
        os.close(file)


def _text(data: bytes, within: str, whole: bool) -> str:
    """Text as it is; a character that the end cuts is left out. Raises ToolError for what is no text."""
    if b"\0" in data:
        raise ToolError(f"{within} is not a text file.")
    return data.decode("utf-8", "replace") if whole else data.decode("utf-8", "replace").rstrip("\ufffd")


def _why(error: OSError, within: str, at: str) -> str:
    moment = f"at {at}" if at else "now"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"There is no file {within} {moment}. The tool history says when it was there."
    if error.errno == errno.ELOOP:
        return f"{within} is, or is below, a symbolic link, which is not followed. Name the file that it leads to."
    if error.errno == errno.EISDIR:
        return f"{within} is a directory. Name a file in it; the tool history lists what changed in it."
    return f"{within} cannot be read {moment}: {error.strerror}."

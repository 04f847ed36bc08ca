"""`lighthousectl mirror`."""

import os
from typing import Literal

import click

from lighthoused.cli.output import local_time, say, show_json
from lighthoused.cli.projects import with_progress
from lighthoused.cli.session import Session, command
from lighthoused.protocol.messages.mirrors import (
    MirrorAddRequest,
    MirrorListRequest,
    MirrorRemoveRequest,
    MirrorStatus,
    MirrorStatusRequest,
)


@click.group()
def mirror() -> None:
    """Keep projects equal with ordinary directories."""


@mirror.command()
@click.argument("project")
@click.argument("directory", type=click.Path(exists=True, file_okay=False))
@click.option(
    "--adopt",
    type=click.Choice(["inside", "outside"]),
    default=None,
    help="Whose files win at first where both have them: the project's or the directory's.",
)
@command
def add(session: Session, project: str, directory: str, adopt: Literal["inside", "outside"] | None) -> None:
    """Keep PROJECT and DIRECTORY equal from now on."""
    request = MirrorAddRequest(id=0, project=project, directory=os.path.abspath(directory), adopt=adopt or "")
    made = with_progress(session, request, "comparing")
    session.show(made, f"{made.project} and {made.directory} are kept equal; see 'lighthousectl mirror status'")


@mirror.command("list")
@command
def list_mirrors(session: Session) -> None:
    """All mirrors."""
    found = session.call(MirrorListRequest(id=0)).mirrors
    rows = [(one.project, one.directory, local_time(one.since)) for one in found]
    session.show_rows(found, ("project", "directory", "since"), rows)


@mirror.command()
@click.argument("project")
@click.argument("directory", default="")
@command
def remove(session: Session, project: str, directory: str) -> None:
    """Stop keeping PROJECT (and DIRECTORY) equal; both stay as they are."""
    done = session.call(
        MirrorRemoveRequest(id=0, project=project, directory=os.path.abspath(directory) if directory else "")
    )
    session.show(done)


@mirror.command()
@click.argument("project", default="")
@command
def status(session: Session, project: str) -> None:
    """How mirrors are: what is pending, in conflict, or cannot be mirrored."""
    found = session.call(MirrorStatusRequest(id=0, project=project)).mirrors
    if session.as_json:
        show_json(found)
        return
    for one in found:
        _show(one)


def _show(one: MirrorStatus) -> None:
    reason = f" ({one.reason})" if one.reason else ""
    say(f"{one.project} = {one.directory}: {one.state}{reason}, {one.pending} pending, {one.compared} compared")
    for refused in one.refused:
        say(f"  not mirrored  {refused.path}: {refused.reason}")
    for conflict in one.conflicts:
        kept = f", the directory's is {conflict.copy}" if conflict.copy else ""
        say(f"  conflict      {local_time(conflict.time)} {conflict.path}: {conflict.reason}{kept}")

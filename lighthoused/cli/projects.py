"""`lighthousectl project`."""

import os
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from lighthoused.cli.carrying import carry, count_entries, daemon_may_read
from lighthoused.cli.output import local_time, say, show_json
from lighthoused.cli.session import Session, command
from lighthoused.core.errors import AlreadyExists
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.projects import (
    Project,
    ProjectExportRequest,
    ProjectImportRequest,
    ProjectListRequest,
)
from lighthoused.protocol.messages.status import StatusRequest


@click.group()
def project() -> None:
    """Import, list and export projects."""


@project.command("list")
@command
def list_projects(session: Session) -> None:
    """All projects."""
    found = session.call(ProjectListRequest(id=0)).projects
    rows = [(one.name, local_time(one.created), one.source or "-", _state(one)) for one in found]
    session.show_rows(found, ("name", "created", "source", ""), rows)


def _state(project: Project) -> str:
    return "" if project.complete else "incomplete"


@project.command("import")
@click.argument("directory", type=click.Path(exists=True, file_okay=False))
@click.option("--name", default="", help="Name of the project; by default the directory's.")
@click.option("--copy", is_flag=True, help="Copy through the mount; so it is done where the daemon is another user's.")
@command
def import_project(session: Session, directory: str, name: str, copy: bool) -> None:
    """Import DIRECTORY as a project; an interrupted import goes on where it stopped."""
    source = os.path.abspath(directory)
    if copy or not daemon_may_read(session.call(StatusRequest(id=0)).pid):
        made = _carried(session, Path(source), name)
    else:
        made = with_progress(session, ProjectImportRequest(id=0, source=source, name=name), "importing")
    if session.as_json:
        show_json(made)
    else:
        click.echo(f"{made.name} is at {session.config.paths.mount / made.name / 'current'}")


def _carried(session: Session, source: Path, name: str) -> Any:
    name = name or source.name
    if name in [project.name for project in session.call(ProjectListRequest(id=0)).projects]:
        raise AlreadyExists(f"There is a project {name!r} already.", "Choose another --name.")
    made = with_progress(session, ProjectImportRequest(id=0, source="", name=name), "importing")
    current = Path(session.call(StatusRequest(id=0)).paths["mount"]) / made.name / "current"
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("copying", total=count_entries(source))
        without_lists = carry(source, current, lambda done: bar.update(task, completed=done))
    if without_lists:
        lists = f"{without_lists} entries have lists of access rights (ACLs)"
        say(f"warning: {lists}, which are not kept: their modes are.", err=True)
    return made


@project.command("export")
@click.argument("name")
@click.argument("dest", type=click.Path())
@click.option("--at", default="", help="A moment: time, @seq, snapshot or 10m (ago); by default now.")
@command
def export_project(session: Session, name: str, dest: str, at: str) -> None:
    """Write project NAME as it was at a moment into the new directory DEST."""
    request = ProjectExportRequest(id=0, project=name, dest=os.path.abspath(dest), at=at)
    done = with_progress(session, request, "exporting")
    if session.as_json:
        show_json(done)
    else:
        click.echo(f"{done.files} entries, {done.bytes} bytes, as of @{done.seq}")


def with_progress(session: Session, request: Request, what: str) -> Any:
    """Run a streaming method with a progress bar on a terminal; its result."""
    console = Console(stderr=True)
    with session.client(timeout=None) as client, Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        stream = client.stream(request)
        for step in stream:
            bar.update(task, completed=step.done, total=step.total or None)
        return stream.result

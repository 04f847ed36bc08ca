"""`lighthousectl history`, `diff`, `undo` and `snapshot`."""

import sys

import click

from lighthoused.cli.output import local_time, say, show_json, show_table
from lighthoused.cli.session import Session, command
from lighthoused.core.errors import Invalid
from lighthoused.core.wording import visible
from lighthoused.protocol.messages.projects import (
    DiffRequest,
    HistoryRequest,
    SnapshotCreateRequest,
    SnapshotDeleteRequest,
    SnapshotListRequest,
    UndoReply,
    UndoRequest,
)

MARKS = {"added": "A", "removed": "D", "modified": "M", "mode": "m", "type": "T"}


@click.command()
@click.argument("path", default="")
@click.option("--project", default="")
@click.option("-n", "count", default=50, show_default=True, type=click.IntRange(1, 10_000))
@command
def history(session: Session, path: str, project: str, count: int) -> None:
    """Who changed PATH (and what is below it), newest first."""
    name, inside = session.located(path, project) if path else (session.project(project), "")
    entries = session.call(HistoryRequest(id=0, project=name, path=inside, limit=count)).entries
    rows = [(f"@{one.seq}", local_time(one.time), one.agent, one.type, ", ".join(one.paths[:2])) for one in entries]
    session.show_rows(entries, ("seq", "time", "agent", "change", "path"), rows)


@click.command()
@click.argument("since")
@click.argument("until", default="")
@click.option("--project", default="")
@click.option("--path", default="")
@click.option("--names", is_flag=True, help="Only which files differ.")
@command
def diff(session: Session, since: str, until: str, project: str, path: str, names: bool) -> None:
    """What changed between two moments (a time, @seq, snapshot or 10m); UNTIL is now by default."""
    name, inside = session.located(path, project) if path else (session.project(project), "")
    request = DiffRequest(id=0, project=name, since=since, until=until, path=inside, text=not names)
    found = session.call(request, timeout=None)
    if session.as_json:
        show_json(found)
        return
    for change in found.changes:
        if change.text:
            click.echo(visible(change.text, keep="\n\t") if sys.stdout.isatty() else change.text, nl=False)
        else:
            say(f"{MARKS[change.kind]} {change.path or '.'}")
    if found.truncated:
        click.echo("hint: there is more; name a --path", err=True)


@click.command()
@click.argument("arguments", nargs=-1, metavar="[PROJECT] [PATH]...")
@click.option("--agent", default="", help="Take back what this agent did.")
@click.option("--session", "session_id", default="", help="Take back what was done in this session.")
@click.option("--since", default="", help="Only what was done since: a time, @seq, snapshot or 10m.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@command
def undo(session: Session, arguments: tuple[str, ...], agent: str, session_id: str, since: str, yes: bool) -> None:
    """Take back what an agent or session changed, or everything since a moment; shows the plan first."""
    project, paths = _meant(session, arguments)
    request = UndoRequest(id=0, project=project, paths=paths, agent=agent, session=session_id, since=since)
    plan = session.call(request, timeout=None)
    doable = any(step.action != "conflict" for step in plan.steps)
    if not session.as_json:
        _show_plan(plan)
    if doable and not yes:
        if session.as_json or not sys.stdin.isatty():
            raise Invalid("Undo has to be confirmed.", "Add --yes.")
        click.confirm("Do it?", abort=True)
    if doable:
        request.apply = True
        plan = session.call(request, timeout=None)
    if session.as_json:
        show_json(plan)
    elif doable:
        click.echo(f"done, as of @{plan.seq}")


def _meant(session: Session, arguments: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Project and paths: the first argument may be a project's name, the rest are paths."""
    from lighthoused.protocol.messages.projects import ProjectListRequest

    names = {project.name for project in session.call(ProjectListRequest(id=0)).projects}
    rest = list(arguments)
    project = rest.pop(0) if rest and rest[0] in names else ""
    located = [session.located(path, project) for path in rest]
    projects = {name for name, _ in located} or {session.project(project)}
    if len(projects) != 1:
        raise Invalid(f"The paths are in several projects: {', '.join(sorted(projects))}.", "Undo one at a time.")
    return projects.pop(), tuple(path for _, path in located)


def _show_plan(plan: UndoReply) -> None:
    if not plan.steps:
        click.echo("nothing to undo")
    show_table(("", "path", ""), [(step.action, step.path, step.detail) for step in plan.steps])
    if plan.horizon:
        click.echo(f"hint: what was done up to @{plan.horizon} stays: history is kept from there on", err=True)


@click.group()
def snapshot() -> None:
    """Name moments."""


@snapshot.command("create")
@click.argument("name")
@click.option("--project", default="")
@command
def create_snapshot(session: Session, name: str, project: str) -> None:
    """Name the present state."""
    made = session.call(SnapshotCreateRequest(id=0, project=session.project(project), name=name))
    if session.as_json:
        show_json(made)
    else:
        click.echo(f"{made.name} is @{made.seq}: history/snapshots/{made.name}/")


@snapshot.command("list")
@click.option("--project", default="")
@command
def list_snapshots(session: Session, project: str) -> None:
    """All snapshots."""
    found = session.call(SnapshotListRequest(id=0, project=project)).snapshots
    rows = [(one.project, one.name, f"@{one.seq}", local_time(one.time), one.agent) for one in found]
    session.show_rows(found, ("project", "name", "seq", "time", "agent"), rows)


@snapshot.command("delete")
@click.argument("name")
@click.option("--project", default="")
@command
def delete_snapshot(session: Session, name: str, project: str) -> None:
    """Forget a name; the state stays readable by time."""
    done = session.call(SnapshotDeleteRequest(id=0, project=session.project(project), name=name))
    session.show(done)

"""`lighthousectl fsck` and `gc`."""

import sys

import click
from rich.console import Console
from rich.progress import Progress

from lighthoused.cli.output import EXIT_REFUSED, say, show_json
from lighthoused.cli.projects import with_progress
from lighthoused.cli.session import Session, command
from lighthoused.client import Unreachable
from lighthoused.protocol.messages.upkeep import FsckReply, FsckRequest, GcRequest


@click.command()
@click.argument("project", default="")
@click.option("--repair", is_flag=True, help="Mend what can be mended, as events of the daemon.")
@click.option("--deep", is_flag=True, help="Also compare every block with its hash.")
@command
def fsck(session: Session, project: str, repair: bool, deep: bool) -> None:
    """Check that log, tree and content hold together; exit code 1 if they do not.

    Asks the daemon, or opens the store itself (--state) where none is running.
    """
    try:
        found = with_progress(session, FsckRequest(id=0, project=project, deep=deep, repair=repair), "checking")
    except Unreachable:
        found = _alone(session, project, deep, repair)
    if session.as_json:
        show_json(found)
    else:
        _show(found)
    if not found.ok:
        sys.exit(EXIT_REFUSED)


@click.command()
@click.option("--keep", default="", metavar="DURATION", help="Forget history older than this, like 30d; not snapshots.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@command
def gc(session: Session, keep: str, dry_run: bool) -> None:
    """Remove stored content that nothing can show any more; the log stays whole."""
    found = with_progress(session, GcRequest(id=0, keep=keep, dry_run=dry_run), "collecting")
    if session.as_json:
        show_json(found)
        return
    what = "would be removed" if dry_run else "removed"
    click.echo(f"{what}: {found.rows} versions, {found.blocks} blocks, {found.bytes} bytes")
    if found.horizon:
        click.echo(f"history is kept from @{found.horizon} on")


def _alone(session: Session, project: str, deep: bool, repair: bool) -> FsckReply:
    from lighthoused.tree.standalone import fsck as examine

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("checking", total=None)

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=f"checking {what}", completed=done, total=total or None)

        return examine(session.config.paths.state, project, deep, repair, progress)


def _show(found: FsckReply) -> None:
    for fault in found.faults:
        fate = "mended" if fault.mended else f"--repair: {fault.remedy}" if fault.remedy else "cannot be mended"
        say(f"{fault.kind}: {fault.message} ({fate})", err=True)
    if found.more:
        click.echo(f"and {found.more} more", err=True)
    counts = f"{found.events} events, {found.inodes} inodes, {found.entries} entries, {found.blocks} blocks"
    click.echo(f"{counts}: {'whole' if found.ok else 'NOT WHOLE'}")

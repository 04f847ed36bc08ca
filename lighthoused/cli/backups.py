"""`lighthousectl backup`."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from lighthoused.cli.output import show_json
from lighthoused.cli.session import Session, command
from lighthoused.core.errors import Invalid, LighthouseError
from lighthoused.protocol.messages.log import AppendRequest, NewEvent

STREAM = "backup"
place_option = click.option("--to", "target", default="", help="Directory or s3://bucket/prefix; by default [backup].")
identity_option = click.option(
    "--identity", type=click.Path(dir_okay=False, path_type=Path), help="File of the age identity that opens it."
)


@click.group()
def backup() -> None:
    """Back up the daemon's store, prove backups, restore them."""


@backup.command("run")
@place_option
@command
def run_backup(session: Session, target: str) -> None:
    """Make a backup now, while the daemon runs or not; then remove those that are not to be kept."""
    from lighthoused.backup.making import make_backup
    from lighthoused.backup.retention import Keep, kept

    started = time.monotonic()
    settings = session.config.backup
    try:
        repository = _repository(session, target)
        with _bar("backing up") as progress:
            made = make_backup(session.config.paths.state, repository, progress)
    except LighthouseError as refused:
        _tell_daemon(session, "backup.failed", {"reason": refused.message})
        raise
    stay = kept(repository.ids(), Keep(settings.last, settings.daily, settings.weekly, settings.monthly))
    removed = [id for id in repository.ids() if id not in stay]
    for id in removed:
        repository.remove(id)
    if removed:
        repository.sweep()
    told = {**_summary(made), "seconds": round(time.monotonic() - started, 3), "removed": removed}
    _tell_daemon(session, "backup.completed", told)
    if session.as_json:
        show_json(told)
    else:
        click.echo(
            f"{made.id}: {decimal(made.size)} as of @{made.seq}, {decimal(made.stored)} new; {len(removed)} removed"
        )


@backup.command("list")
@place_option
@command
def list_backups(session: Session, target: str) -> None:
    """All backups, oldest first."""
    repository = _repository(session, target)
    found = [_summary(repository.manifest(id)) for id in repository.ids()]
    rows = [(one["id"], f"@{one['seq']}", decimal(one["size"]), decimal(one["stored"]), _kind(one)) for one in found]
    session.show_rows(found, ("id", "as of", "size", "added", ""), rows)


@backup.command("verify")
@click.argument("id", default="")
@place_option
@identity_option
@command
def verify_backup(session: Session, id: str, target: str, identity: Path | None) -> None:
    """Read a backup (by default the newest) whole and prove every piece of it."""
    from lighthoused.backup.restoring import verify

    repository = _repository(session, target, identity)
    manifest = repository.manifest(id)
    with _bar("reading") as progress:
        verify(repository, manifest, progress)
    if session.as_json:
        show_json({**_summary(manifest), "whole": True})
    else:
        click.echo(f"{manifest.id}: {decimal(manifest.size)}: whole")


@backup.command("restore")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--id", default="", help="The backup; by default the newest.")
@click.option("--at", default="", help="The newest backup at or before this time (RFC 3339).")
@place_option
@identity_option
@command
def restore_backup(session: Session, directory: Path, id: str, at: str, target: str, identity: Path | None) -> None:
    """Make DIRECTORY, which must be empty or not there, a state directory as of a backup, and prove its log."""
    from lighthoused.backup.restoring import choose, restore

    repository = _repository(session, target, identity)
    manifest = repository.manifest(id) if id else choose(repository, _nanoseconds(at))
    with _bar("restoring") as progress:
        events = restore(repository, manifest, Path(os.path.abspath(directory)), progress)
    if session.as_json:
        show_json({**_summary(manifest), "state": str(directory), "events": events})
    else:
        click.echo(f"{directory} is as of @{events} ({manifest.id}), its log proven")
        click.echo(f"serve it with: lighthoused serve --state {directory}")


@backup.command("keygen")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@command
def make_key(session: Session, file: Path) -> None:
    """Write a new secret identity to FILE and print its recipient, for [backup] recipients. Keep FILE elsewhere."""
    from lighthoused.backup.envelope import new_identity

    secret, public = new_identity()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Invalid(f"{file} cannot be made: {error.strerror}.", "Choose a file that is not there.") from None
    with open(descriptor, "w") as out:
        out.write(f"# public key: {public}\n{secret}\n")
    if session.as_json:
        show_json({"recipient": public, "file": str(file)})
    else:
        click.echo(public)


def _repository(session: Session, target: str, identity: Path | None = None) -> Any:
    from lighthoused.backup.envelope import Envelope, recipients_in
    from lighthoused.backup.place import place_of
    from lighthoused.backup.repository import Repository

    settings, secrets = session.config.backup, session.config.credentials
    given = recipients_in(secrets.backup_recipients) if secrets.backup_recipients else ()
    envelope = Envelope((*settings.recipients, *given), identity or secrets.backup_identity or None)
    return Repository(place_of(target or settings.target, secrets.s3), envelope)


def _summary(manifest: Any) -> dict[str, Any]:
    names = ("id", "time", "version", "seq", "head", "size", "stored", "encrypted")
    return {name: getattr(manifest, name) for name in names}


def _kind(summary: dict[str, Any]) -> str:
    return "encrypted" if summary["encrypted"] else ""


def _nanoseconds(at: str) -> int:
    if not at:
        return 0
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise Invalid(f"{at!r} is no time.", "For example 2026-11-21T14:00:00Z.") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1e9)


@contextmanager
def _bar(what: str) -> Iterator[Any]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=max(done, total))


def _tell_daemon(session: Session, kind: str, payload: dict[str, Any]) -> None:
    """Make it an event where a daemon answers: the backup is made either way."""
    event = NewEvent(stream=STREAM, type=kind, payload=msgspec.to_builtins(payload))
    with suppress(LighthouseError):
        session.call(AppendRequest(id=0, events=(event,)), timeout=5)

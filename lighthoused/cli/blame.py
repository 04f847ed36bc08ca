"""`lighthousectl blame`."""

import click

from lighthoused.cli.output import local_time, say, show_json
from lighthoused.cli.session import Session, command
from lighthoused.protocol.messages.projects import BlameOrigin, BlameRequest


@click.command()
@click.argument("file")
@click.option("--project", default="")
@click.option("--at", default="", help="A moment: time, @seq, snapshot or 10m (ago); by default now.")
@command
def blame(session: Session, file: str, project: str, at: str) -> None:
    """Who wrote each line of FILE, when, by which event, and after which verdict of the gate."""
    name, inside = session.located(file, project)
    found = session.call(BlameRequest(id=0, project=name, path=inside, at=at))
    if session.as_json:
        show_json(found)
        return
    labels = [_label(origin) for origin in found.origins]
    width = max(map(len, labels), default=0)
    for count, line in enumerate(found.lines, 1):
        say(f"{labels[line.origin]:<{width}} {count:>5}  {line.text.rstrip(chr(10))}")
    if any(origin.earlier for origin in found.origins):
        click.echo("hint: lines marked ^ may be older than that", err=True)


def _label(origin: BlameOrigin) -> str:
    seq = f"{'^' if origin.earlier else ''}@{origin.seq}"
    verdict = f" verdict @{origin.verdict}" if origin.verdict else ""
    return f"{seq:<8} {local_time(origin.time)} {origin.agent}{verdict}"

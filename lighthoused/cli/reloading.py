"""`lighthousectl reload`."""

import sys

import click

from lighthoused.cli.output import EXIT_REFUSED, say, show_json
from lighthoused.cli.session import Session, command
from lighthoused.protocol.messages.policies import ReloadRequest


@click.command()
@command
def reload(session: Session) -> None:
    """Have the daemon read policies, configuration and secrets anew; what is wrong changes nothing and is told."""
    found = session.call(ReloadRequest(id=0))
    if session.as_json:
        show_json(found)
    else:
        say(f"{found.policies} policies in force; changed: {', '.join(found.changed) or 'nothing'}")
        if found.restart:
            say(f"These count from the next start on: {', '.join(found.restart)}.", err=True)
        for problem in found.problems:
            say(f"error: {problem}", err=True)
    if found.problems:
        sys.exit(EXIT_REFUSED)

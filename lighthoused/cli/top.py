"""`lighthousectl top`."""

import sys

import click

from lighthoused.cli.session import Session, command
from lighthoused.core.errors import Invalid


@click.command()
@command
def top(session: Session) -> None:
    """A live view: agents, verdicts, approvals (answered by a key), events, health."""
    if session.as_json or not all(one.isatty() for one in (sys.stdin, sys.stdout, sys.stderr)):
        raise Invalid(
            "The live view needs a terminal.",
            "For scripts there are `lighthousectl status --json`, `approvals watch --json` and `log tail -f --json`.",
        )
    from lighthoused.top.app import Top
    from lighthoused.top.feed import Feed

    session.config  # noqa: B018
    Top(Feed(session.client), session.call).run()

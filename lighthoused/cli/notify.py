"""`lighthousectl notify`."""

import sys

import click

from lighthoused.cli.output import EXIT_REFUSED, fail, say, show_json
from lighthoused.cli.session import Session, command
from lighthoused.core.errors import NotFound
from lighthoused.protocol.messages.notifications import NotifyTestRequest


@click.group()
def notify() -> None:
    """Telling people elsewhere what waits for them."""


@notify.command()
@command
def test(session: Session) -> None:
    """Send a test notice everywhere it is configured; exit code 1 if it did not arrive."""
    deliveries = session.call(NotifyTestRequest(id=0), timeout=90.0).deliveries
    if not deliveries:
        hint = "Set webhook, desktop or command in [notify] of the daemon's configuration, and start it again."
        fail(NotFound("No way to tell anybody is configured.", hint), session.as_json)
    if session.as_json:
        show_json(deliveries)
    else:
        for one in deliveries:
            say(f"{one.outlet:<8} {'ok' if one.ok else 'FAILED':<7} {one.told} ({one.took_ms} ms)")
    sys.exit(0 if all(one.ok for one in deliveries) else EXIT_REFUSED)

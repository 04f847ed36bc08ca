"""`lighthousectl health`."""

import sys

import click

from lighthoused.cli.output import EXIT_REFUSED, say, show_json
from lighthoused.cli.session import Session, command
from lighthoused.protocol.messages import StatusRequest

TIMEOUT_S = 5.0


@click.command()
@command
def health(session: Session) -> None:
    """Is the daemon ready for work? Exit code 0 if it is, 1 if it answers that it is not, 3 if it does not answer."""
    found = session.call(StatusRequest(id=0), timeout=TIMEOUT_S)
    ready = found.state == "NORMAL" and not any(found.health.values())
    if session.as_json:
        show_json({"ready": ready, "state": found.state, "components": found.health})
    else:
        say(f"{found.state}: {'ready' if ready else 'not ready'}")
        for component, problem in found.health.items():
            say(f"  {component:<9} {problem or 'ok'}")
    if not ready:
        sys.exit(EXIT_REFUSED)

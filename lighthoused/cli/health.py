"""`lighthousectl health`."""

import sys

import click

from lighthoused.cli.output import EXIT_REFUSED, say, show_json
from lighthoused.cli.session import Session, command
from lighthoused.core.errors import NotFound
from lighthoused.protocol.messages.status import StatusRequest

TIMEOUT_S = 5.0


@click.command()
@click.argument("component", default="")
@click.option("--live", is_flag=True, help="Only whether it answers; what does not work is told, but is no failure.")
@command
def health(session: Session, component: str, live: bool) -> None:
    """Is the daemon, or COMPONENT alone, ready for work?

    Exit code 0 if it is, 1 if it answers that it is not, 3 if it does not answer.
    """
    found = session.call(StatusRequest(id=0), timeout=TIMEOUT_S)
    if component and component not in found.health:
        raise NotFound(f"There is no component {component!r}.", f"There are {', '.join(found.health)}.")
    components = {name: problem for name, problem in found.health.items() if component in ("", name)}
    ready = not any(components.values()) and (bool(component) or found.state == "NORMAL")
    if session.as_json:
        show_json({"ready": ready, "state": found.state, "components": components})
    else:
        say(f"{found.state}: {component} {'ready' if ready else 'not ready'}".replace("  ", " "))
        for name, problem in components.items():
            say(f"  {name:<9} {problem or 'ok'}")
    if not ready and not live:
        sys.exit(EXIT_REFUSED)

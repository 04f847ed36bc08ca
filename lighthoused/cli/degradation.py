"""`lighthousectl degradation`: whether the daemon can be relied on, and letting work go on after an emergency."""

import click

from lighthoused.cli.output import local_time, say, show_json
from lighthoused.cli.session import Session, command, with_shared_options
from lighthoused.protocol.messages.status import DegradationApproveRequest, StatusRequest


@click.group()
@with_shared_options
def degradation(**options: object) -> None:
    """Emergencies: what is lost, and what may go on."""


@degradation.command()
@command
def show(session: Session) -> None:
    """The state, what is lost, and warnings."""
    found = session.call(StatusRequest(id=0))
    view = found.degradation
    if session.as_json:
        show_json({"degradation": view, "warnings": found.warnings})
        return
    say(f"{view.state} since {local_time(view.since)}")
    for what, why in view.losses.items():
        say(f"  lost      {what}: {why}")
    if view.state == "recovering":
        say(f"  waits     {view.reason}")
    if view.held:
        say("            `lighthousectl degradation approve` lets normal work go on.")
    for name, why in found.warnings.items():
        say(f"  warning   {name}: {why}")


@degradation.command()
@command
def approve(session: Session) -> None:
    """Let normal work go on, after an emergency and once the checks have passed ([degradation] approval)."""
    done = session.call(DegradationApproveRequest(id=0))
    if session.as_json:
        show_json(done)
        return
    say("Normal work goes on.")

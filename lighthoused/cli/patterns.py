"""`lighthousectl patterns`: what people said that counts for more than one request."""

from typing import Any

import click

from lighthoused.cli.output import local_time, say, show_json, show_table
from lighthoused.cli.session import Session, command, with_shared_options
from lighthoused.protocol.messages.patterns import Pattern, PatternListRequest, PatternRevokeRequest, PatternShowRequest

STATES = {"allow": "allowed", "deny": "denied", "escalate": "asked"}


@click.group(invoke_without_command=True)
@with_shared_options
@click.pass_context
def patterns(context: click.Context, /, **options: Any) -> None:
    """What people allowed for good, and what their answers taught: list, show, revoke."""
    if context.invoked_subcommand is None:
        context.invoke(list_patterns, **options)


@patterns.command("list")
@click.option("-n", "--limit", default=200, show_default=True, type=click.IntRange(1, 5000), help="At most so many.")
@command
def list_patterns(session: Session, limit: int) -> None:
    """What stands, then what was answered, newest first. "asked": too few answers, or they do not agree."""
    found = session.call(PatternListRequest(id=0, limit=limit)).patterns
    rows = [
        (one.id, _state(one), one.allowed, one.denied, _whose(one), one.text, local_time(one.time)) for one in found
    ]
    session.show_rows(found, ("id", "now", "allowed", "denied", "for", "pattern", "last"), rows)


@patterns.command("show")
@click.argument("id")
@command
def show_pattern(session: Session, id: str) -> None:
    """One pattern: what it covers, and who answered what, when."""
    found = session.call(PatternShowRequest(id=0, pattern=id))
    if session.as_json:
        show_json(found)
        return
    pattern = found.pattern
    say(f"{pattern.id}: {_state(pattern)} {_whose(pattern)}")
    say(f"  request  {pattern.text}")
    say(f"  in       {pattern.template.where}; <project> was {pattern.template.project}")
    for effect in pattern.template.effects:
        say(f"  effect   {effect}")
    rows = [(one.seq, local_time(one.time), one.by, one.said, one.agent, one.asked) for one in found.precedents]
    show_table(("event", "when", "who", "said", "to", "request"), rows)


@patterns.command("revoke")
@click.argument("id")
@command
def revoke_pattern(session: Session, id: str) -> None:
    """Take one back: people are asked again, as if they had never answered it."""
    done = session.call(PatternRevokeRequest(id=0, pattern=id))
    session.show(done, f"revoked: {id}")


def _state(pattern: Pattern) -> str:
    return "always allowed" if pattern.standing else STATES[pattern.verdict]


def _whose(pattern: Pattern) -> str:
    return f"{pattern.agent or 'any agent'} in {pattern.project or 'any project'}"

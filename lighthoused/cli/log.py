"""`lighthousectl log`."""

import sys

import click

from lighthoused.cli.output import EXIT_REFUSED, local_time, say, show_json
from lighthoused.cli.projects import with_progress
from lighthoused.cli.session import Session, command
from lighthoused.protocol.messages.log import EventView, Filter, QueryRequest, SubscribeRequest, VerifyRequest


@click.group()
def log() -> None:
    """Read and prove the event log."""


def show_event(session: Session, event: EventView) -> None:
    """One event: a line, or JSON."""
    if session.as_json:
        show_json(event)
        return
    what = ", ".join(event.paths[:3]) or event.stream
    more = f" and {len(event.paths) - 3} more" if len(event.paths) > 3 else ""
    say(f"@{event.seq:<8} {local_time(event.time)}  {event.agent:<14} {event.type:<20} {what}{more}")


@log.command()
@click.option("-n", "count", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many events.")
@click.option("-f", "--follow", is_flag=True, help="Go on with new ones as they come.")
@command
def tail(session: Session, count: int, follow: bool) -> None:
    """The newest events."""
    with session.client(timeout=None) as client:
        events = client.call(QueryRequest(id=0, limit=count, reverse=True)).events
        for event in reversed(events):
            show_event(session, event)
        if follow:
            for event in client.stream(SubscribeRequest(id=0, after=events[0].seq if events else 0)):
                show_event(session, event)
                sys.stdout.flush()


@log.command()
@click.option("--stream", default="", help="Stream; may end in *.")
@click.option("--type", "kind", default="", help="Type of event; may end in *.")
@click.option("--agent", default="")
@click.option("--session", "session_id", default="")
@click.option("--path", default="", help="Path, with the project's name first; includes what is below.")
@click.option("--correlation", default="", help="What events belong to: of verdicts, the hash of the request.")
@click.option("--after", default=0, type=int, help="Only events after this seq (before it, with --reverse).")
@click.option("--reverse", is_flag=True, help="Newest first.")
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1, 1_000_000))
@command
def query(
    session: Session,
    stream: str,
    kind: str,
    agent: str,
    session_id: str,
    path: str,
    correlation: str,
    after: int,
    reverse: bool,
    limit: int,
) -> None:
    """Events that match, oldest first."""
    filter = Filter(stream=stream, type=kind, agent=agent, session=session_id, path=path, correlation=correlation)
    cursor, left = after, limit
    with session.client() as client:
        while left:
            asked = QueryRequest(id=0, filter=filter, cursor=cursor, limit=min(left, 1000), reverse=reverse)
            page = client.call(asked)
            for event in page.events:
                show_event(session, event)
            left -= len(page.events)
            cursor = page.cursor
            if not cursor:
                return


@log.command()
@command
def verify(session: Session) -> None:
    """Prove that the log is whole and unchanged; exit code 1 if it is not."""
    proof = with_progress(session, VerifyRequest(id=0), "verifying")
    if session.as_json:
        show_json(proof)
    else:
        for problem in proof.problems:
            say(problem, err=True)
        click.echo(f"{proof.events} events, head {proof.head}: {'whole' if proof.ok else 'NOT WHOLE'}")
    if not proof.ok:
        sys.exit(EXIT_REFUSED)

"""`lighthousectl bisect`: the first moment at which a command fails."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from lighthoused.cli.output import local_time, say, show_json
from lighthoused.cli.session import Session, command
from lighthoused.core.bisection import Answer, Bisection
from lighthoused.core.errors import Invalid
from lighthoused.protocol.messages.log import EventView, Filter, QueryRequest
from lighthoused.protocol.messages.projects import ChangePoint, ChangePointsRequest
from lighthoused.protocol.messages.status import StatusRequest

SKIP = 125
"""Exit code of a command that cannot judge a moment, as in git-bisect(1)."""
LAST_FAILURE = 127


class Found(msgspec.Struct, frozen=True):
    """The first event after which the command fails; one of those after `good`, where some could not be judged."""

    good: int
    bad: int
    exact: bool
    time: int
    agent: str
    session: str
    type: str
    paths: tuple[str, ...]
    runs: int


@click.command()
@click.argument("project")
@click.argument("words", nargs=-1, required=True, metavar="COMMAND...", type=click.UNPROCESSED)
@click.option("--since", required=True, help="A moment at which it worked: time, @seq, snapshot or 10m (ago).")
@click.option("--until", default="", help="A moment at which it fails; by default now.")
@command
def bisect(session: Session, project: str, words: tuple[str, ...], since: str, until: str) -> None:
    """Find the first change of PROJECT after which COMMAND fails.

    It is run in the project's directory as of each moment tried, which is read-only. Exit code 0 is good, 125 means
    that the moment cannot be judged, up to 127 is bad; anything else ends the search.
    """
    found = _Search(session, project, words).run(since, until)
    if session.as_json:
        show_json(found)
        return
    click.echo(f"{'' if found.exact else 'at the latest '}@{found.bad} is the first after which it fails:")
    say(f"  {local_time(found.time)}  {found.agent}  {found.type}  {', '.join(found.paths[:3])}")
    click.echo(f"hint: lighthousectl diff @{found.good} @{found.bad} --project {project}", err=True)


class _Search:
    def __init__(self, session: Session, project: str, words: Sequence[str]) -> None:
        self._session = session
        self._project = project
        self._words = words
        self._runs = 0
        mount = session.call(StatusRequest(id=0)).paths["mount"]
        if not mount:
            raise Invalid("The daemon serves no mount, so the past has no directories.", "Start it without --no-mount.")
        self._history = Path(mount) / project / "history"

    def run(self, since: str, until: str) -> Found:
        """Bursts of changes first, then the events of the guilty one."""
        asked = ChangePointsRequest(id=0, project=self._project, since=since, until=until)
        span = self._session.call(asked, timeout=None)
        if not span.points:
            raise Invalid(f"Nothing changed between @{span.since} and @{span.until}.", "Name an earlier --since.")
        self._expect(span.until, "bad", "It does not fail at the end", "Name another --until, or another command.")
        self._expect(span.since, "good", "It fails at the beginning already", "Name an earlier --since.")
        low, high = self._narrowed([point.last for point in span.points])
        good = span.points[low].last if low >= 0 else span.since
        suspects = span.points[low + 1 : high + 1]
        events = self._events(suspects)
        low, high = self._narrowed([event.seq for event in events])
        bad = events[high]
        return Found(
            good=events[low].seq if low >= 0 else good,
            bad=bad.seq,
            exact=high - low == 1,
            time=bad.time,
            agent=bad.agent,
            session=bad.session,
            type=bad.type,
            paths=bad.paths,
            runs=self._runs,
        )

    def _narrowed(self, seqs: Sequence[int]) -> tuple[int, int]:
        search = Bisection(len(seqs))
        while (index := search.next()) is not None:
            search.told(index, self._judge(seqs[index]))
        return search.suspects

    def _events(self, points: Sequence[ChangePoint]) -> list[EventView]:
        wanted = Filter(stream=f"tree/{self._project}")
        cursor = points[0].first - 1
        events: list[EventView] = []
        while True:
            page = self._session.call(QueryRequest(id=0, filter=wanted, cursor=cursor, limit=1000))
            events += [event for event in page.events if event.seq <= points[-1].last]
            cursor = page.cursor
            if not cursor or cursor >= points[-1].last:
                return events

    def _expect(self, seq: int, wanted: Answer, otherwise: str, hint: str) -> None:
        answer = self._judge(seq)
        if answer != wanted:
            raise Invalid(f"{otherwise} (@{seq}: {answer}).", hint)

    def _judge(self, seq: int) -> Answer:
        directory = self._history / f"@{seq}"
        self._runs += 1
        try:
            code = subprocess.run(self._words, cwd=directory, stdout=sys.stderr, stdin=subprocess.DEVNULL).returncode
        except OSError as error:
            what = self._words[0] if os.path.isdir(directory) else directory
            raise Invalid(f"{what} cannot be used: {error.strerror}.", "Check the command, and the mount.") from None
        if not 0 <= code <= LAST_FAILURE:
            raise Invalid(f"The command ended with {code} at @{seq}.", "The search ends; nothing was changed.")
        answer: Answer = "good" if code == 0 else "skip" if code == SKIP else "bad"
        say(f"@{seq}: {answer}", err=True)
        return answer

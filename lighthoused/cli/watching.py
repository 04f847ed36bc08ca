"""`lighthousectl approvals watch`: requests and answers as they come; on a terminal they are answered by a key.

The request that a key answers is the one that was shown last: its name stands in the prompt, and keys that were typed
before it was shown count for nothing. An approval is asked twice.
"""

import contextlib
import os
import queue
import select
import shutil
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import click
from rich.text import Text

from lighthoused.cli.following import Follower
from lighthoused.cli.output import show_drawn, show_json
from lighthoused.cli.seeing import Seen, answer, look
from lighthoused.cli.session import Session
from lighthoused.cli.showing import left, sheet, what
from lighthoused.client import Client
from lighthoused.core.errors import LighthouseError
from lighthoused.core.wording import visible
from lighthoused.protocol.messages.gate import ApprovalListRequest
from lighthoused.protocol.messages.log import EventView, Filter

APPROVALS = Filter(stream="approvals/*")
REQUESTED = "approval.requested"
KEYS = "a approve, d deny, v view, n next, q quit"


class Waiting(NamedTuple):
    """Ids of all that wait: on connecting what is not among them is over."""

    approvals: tuple[str, ...]


Change = EventView | Waiting | LighthouseError


class Changes:
    """What the follower was told, for one reader that also waits for keys: `wake` is readable when there is something.

    Bounded by what people can ask for: events of approvals.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Change] = queue.SimpleQueue()
        self.wake, self._waker = os.pipe()

    def connected(self, client: Client) -> None:
        found = client.call(ApprovalListRequest(id=0)).approvals
        self._put(Waiting(tuple(one.id for one in found)))

    def event(self, event: EventView) -> None:
        self._put(event)

    def lost(self, error: LighthouseError) -> None:
        self._put(error)

    def wait(self, seconds: float | None, *others: int) -> tuple[list[Change], list[int]]:
        """What came, and which of the other descriptors can be read."""
        ready, _, _ = select.select([self.wake, *others], [], [], seconds)
        found: list[Change] = []
        if self.wake in ready:
            os.read(self.wake, 4096)
            with contextlib.suppress(queue.Empty):
                while True:
                    found.append(self._queue.get_nowait())
        return found, [each for each in others if each in ready]

    def _put(self, change: Change) -> None:
        self._queue.put(change)
        os.write(self._waker, b".")


class Watch:
    """One run of the command. `waiting` are the ids that nobody has answered, in the order they came."""

    def __init__(self, session: Session, answering: bool) -> None:
        self._session = session
        self._answering = answering
        self._changes = Changes()
        self._waiting: list[str] = []
        self._shown: Seen | None = None
        self._sure = False
        self._is_lost = False

    def run(self) -> None:
        """Watch until `q` or Ctrl-C."""
        Follower(lambda: self._session.client(timeout=10.0), APPROVALS, self._changes).start()
        with _keys() if self._answering else contextlib.nullcontext(-1) as keys:
            while True:
                self._prompt()
                others = (keys,) if keys >= 0 else ()
                changes, typed = self._changes.wait(1.0 if self._shown else None, *others)
                for change in changes:
                    self._take(change)
                if typed and not self._key(os.read(keys, 1)):
                    return
                self._show_next()

    def _take(self, change: Change) -> None:
        if isinstance(change, Waiting):
            self._reconnected(change)
        elif isinstance(change, LighthouseError):
            self._lost(change)
        elif change.type == REQUESTED:
            self._requested(str(change.payload["approval"]))
        else:
            self._ended(change)

    def _reconnected(self, now: Waiting) -> None:
        if self._is_lost:
            self._tell("connected", "The daemon is there again.")
        self._is_lost = False
        self._waiting = [one for one in self._waiting if one in now.approvals]
        if self._shown is not None and self._shown.approval.id not in now.approvals:
            self._say(f"{self._shown.approval.id} does not wait any more.")
            self._shown = None
        for one in now.approvals:
            self._requested(one)

    def _lost(self, error: LighthouseError) -> None:
        if error.code not in ("unreachable", "deadline_exceeded"):
            raise error
        if not self._is_lost:
            self._tell("lost", f"{error.message} Trying again.")
        self._is_lost = True

    def _requested(self, approval: str) -> None:
        """On a terminal one is shown after the other, elsewhere at once."""
        if approval in self._waiting:
            return
        self._waiting.append(approval)
        if not self._answering:
            self._show(approval)

    def _ended(self, event: EventView) -> None:
        approval = str(event.payload["approval"])
        kind = event.type.removeprefix("approval.")
        if self._session.as_json:
            told = {name: event.payload[name] for name in ("answer", "reason") if name in event.payload}
            show_json({"event": kind, "id": approval, "by": event.agent, "time": event.time, **told})
        else:
            self._say(f"{approval} {_outcome(kind, event)}")
        if approval in self._waiting:
            self._waiting.remove(approval)
        if self._shown is not None and self._shown.approval.id == approval:
            self._shown = None

    def _show_next(self) -> None:
        while self._answering and self._shown is None and self._waiting:
            self._show(self._waiting[0])

    def _show(self, approval: str) -> None:
        """Show one whole; what cannot be looked at any more is over, and its end is told by its event."""
        try:
            shown = look(self._session.call, approval)
        except LighthouseError:
            self._waiting.remove(approval)
            return
        if self._session.as_json:
            show_json({"event": "requested", "id": approval, "approval": shown.approval, "files": shown.files,
                       "seen": shown.code})  # fmt: skip
            return
        self._say("")
        show_drawn(sheet(shown, time.time_ns()))
        if self._answering:
            self._shown, self._sure = shown, False
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)

    def _key(self, key: bytes) -> bool:
        """Do what a key says; False to end."""
        shown, sure = self._shown, self._sure
        self._sure = False
        if key in (b"q", b"\x04", b""):
            self._say("")
            return False
        if shown is None:
            return True
        if sure and key in b"yY":
            self._answer(lambda: answer(self._session.call, shown, "allow"))
        elif key == b"a" and not sure:
            self._sure = True
        elif key == b"d" and not sure:
            self._answer(lambda: answer(self._session.call, shown, "deny"))
        elif key == b"v":
            self._shown = None
        elif key == b"n":
            self._waiting = [*(one for one in self._waiting if one != shown.approval.id), shown.approval.id]
            self._shown = None
        return True

    def _answer(self, give: Callable[[], object]) -> None:
        """The answer itself is told by its event; a refusal at once, and the request is shown anew."""
        try:
            give()
        except LighthouseError as error:
            self._say(f"error: {error.message}", err=True)
        self._shown = None

    def _tell(self, event: str, text: str) -> None:
        """How the connection is."""
        if self._session.as_json:
            show_json({"event": event, "message": text})
        else:
            self._say(text, err=True)

    def _say(self, text: str, err: bool = False) -> None:
        if self._answering:
            click.echo("\r\x1b[K", nl=False)
        click.echo(visible(text), err=err)

    def _prompt(self) -> None:
        sys.stdout.flush()
        if not self._answering:
            return
        line = "Nothing waits. q quit" if self._shown is None else self._question(self._shown)
        click.echo(f"\r\x1b[K{line}", nl=False)

    def _question(self, shown: Seen) -> str:
        """One line of the terminal, however long the request is."""
        approval = shown.approval
        more = f" ({len(self._waiting) - 1} more)" if len(self._waiting) > 1 else ""
        asks = "let this happen, once? y yes, any other key no:" if self._sure else f"{KEYS}{more}:"
        line = Text(f"[{approval.id}] {left(approval, time.time_ns())} {asks} {visible(what(approval))}")
        line.truncate(shutil.get_terminal_size().columns - 1, overflow="ellipsis")
        return line.plain


def _outcome(kind: str, event: EventView) -> str:
    if kind == "expired":
        return "expired: nobody answered, so it was denied"
    if kind != "answered":
        return "was used: its agent asked again" if kind == "used" else kind
    said = "approved" if event.payload.get("answer") == "allow" else "denied"
    reason = event.payload.get("reason")
    return f"was {said} by {event.agent}" + (f": {reason}" if reason else "")


@contextlib.contextmanager
def _keys() -> Iterator[Any]:
    """Standard input, a key at a time, without echo (termios(3))."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield descriptor
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)

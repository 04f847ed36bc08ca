"""Takes note of what is lost and restored, and tells everybody: log line, event, metric, status, systemd.

Owns the condition in force. Events that the store does not take wait here, the newest `MAX_WAITING` of them, and are
appended as soon as it does. It neither notices that the mount is gone nor knows what the checks look at: it is told,
and asks.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import structlog
import trio

from lighthoused.core.author import DAEMON, Author
from lighthoused.core.degradation import Condition, State
from lighthoused.core.errors import Degraded, LighthouseError
from lighthoused.core.events import Draft

log = structlog.get_logger()

STORE = "store"
MOUNT = "mount"
LOOK_EVERY_S = 0.25
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
"""What is lost again sooner than this after it was restored is tried again after a longer pause."""
CHECK_AGAIN_S = 5.0
MAX_WAITING = 1000
LEVELS = {"normal": "info", "recovering": "warning", "emergency": "error"}

NORMAL = Condition()

Append = Callable[[Sequence[Draft]], Awaitable[object]]
Warnings = Mapping[str, Callable[[], str]]
"""What may be less good than it should be without being lost, each with why, "" where all is well."""


class Observer(Protocol):
    """Counts changes of state, for metrics."""

    def changed(self, state: State, cause: str) -> None:
        """The daemon is in this state from now on, because of this."""


class Surroundings(Protocol):
    """The rest of the daemon, as far as it matters here."""

    def store_failure(self) -> LighthouseError | None:
        """Why the store refuses writes at present."""

    async def try_store(self) -> None:
        """Have the store write something, so that `store_failure` tells how it is now."""

    async def check(self) -> str:
        """Whether everything holds together again: what does not, or ""."""

    def changed(self) -> None:
        """The condition or a warning is another one."""


class Degradation:
    """`approval`: an operator has to approve before normal work goes on. For the trio thread only."""

    def __init__(
        self,
        around: Surroundings,
        append: Append,
        observer: Observer,
        clock: Callable[[], int],
        warnings: Warnings,
        *,
        approval: bool = False,
        condition: Condition = NORMAL,
    ) -> None:
        self.condition = condition
        self.since = clock()
        self.warnings: dict[str, str] = {}
        self._around = around
        self._append = append
        self._observer = observer
        self._clock = clock
        self._sources = warnings
        self._approval = approval
        self._waiting: deque[Draft] = deque(maxlen=MAX_WAITING)
        self._wake = trio.Event()
        self._pause_s = FIRST_PAUSE_S
        self._restored_at = 0.0
        self._next_try = 0.0
        self._next_check = 0.0

    def begin(self) -> None:
        """Hold back at once what the condition at the start forbids, and see what there is to warn of."""
        self._around.changed()
        self.look()

    def lost(self, what: str, why: str) -> None:
        """Something essential does not work any more, or now for this reason."""
        self._to(self.condition.lost(what, why), what)

    def restored(self, what: str) -> None:
        """It works again."""
        self._to(self.condition.restored(what), what)

    def approve(self, by: Author) -> None:
        """An operator lets normal work go on. Raises Conflict."""
        self._to(self.condition.approved(), "approval", by)

    def refusal(self) -> LighthouseError | None:
        """What new work is to be refused with; None where it is welcome."""
        if self.condition.state == "normal":
            return None
        hint = "`lighthousectl degradation approve` lets it go on." if self.condition.held else _HINT
        return Degraded(f"Lighthouse takes no new work now ({self.condition.state}). {self.condition.reason}", hint)

    async def tell(self, draft: Draft) -> None:
        """Make an event of what happened to the daemon; where the store does not take it now, it waits."""
        try:
            await self._append((draft,))
        except LighthouseError as error:
            log.warning("event.waits", type=draft.type, reason=error.message)
            self._waiting.append(draft)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Look at the store and at warnings, append what waits, and run checks where they are due; until cancelled."""
        task_status.started()
        while True:
            with trio.move_on_after(LOOK_EVERY_S):
                await self._wake.wait()
            self._wake = trio.Event()
            self.look()
            await self._try_store_again()
            await self.catch_up()
            await self._recover()

    async def catch_up(self) -> None:
        """Append the events that wait, as far as the store takes them."""
        while self._waiting and STORE not in self.condition.losses:
            batch = tuple(self._waiting)
            try:
                with trio.CancelScope(shield=True):
                    await self._append(batch)
            except LighthouseError:
                return
            for _ in batch:
                self._waiting.popleft()

    def look(self) -> None:
        """See whether the store or anything that there is a warning for has changed."""
        failure = self._around.store_failure()
        if failure is not None and self.condition.losses.get(STORE) != failure.message:
            self._postpone()
            self.lost(STORE, failure.message)
        for name, source in self._sources.items():
            self._warn(name, source())

    def _postpone(self) -> None:
        now = trio.current_time()
        if STORE not in self.condition.losses:
            steady = now - self._restored_at > STEADY_S
            self._pause_s = FIRST_PAUSE_S if steady else min(2 * self._pause_s, LONGEST_PAUSE_S)
        self._next_try = now + self._pause_s

    async def _try_store_again(self) -> None:
        if STORE not in self.condition.losses or trio.current_time() < self._next_try:
            return
        self._next_try = trio.current_time() + self._pause_s
        await self._around.try_store()
        if self._around.store_failure() is None:
            self._restored_at = trio.current_time()
            self.restored(STORE)

    async def _recover(self) -> None:
        before = self.condition
        if before.state != "recovering" or before.held or trio.current_time() < self._next_check:
            return
        problem = await self._around.check()
        self._next_check = trio.current_time() + (CHECK_AGAIN_S if problem else 0)
        if self.condition is before:
            self._to(before.checked(problem, self._approval), "checks")

    def _to(self, condition: Condition, cause: str, by: Author = DAEMON) -> None:
        before, self.condition = self.condition, condition
        if condition == before:
            return
        if _outline(condition) != _outline(before):
            self._note(before, cause, by)
        self._around.changed()
        self._wake.set()

    def _note(self, before: Condition, cause: str, by: Author) -> None:
        now, condition = self._clock(), self.condition
        if condition.state != before.state:
            self.since = now
        self._observer.changed(condition.state, cause)
        changed = {
            "from": before.state,
            "to": condition.state,
            "cause": cause,
            "reason": condition.reason,
            "losses": dict(condition.losses),
        }
        getattr(log, LEVELS[condition.state])("degradation.changed", **changed)
        self._waiting.append(by.draft("daemon", "degradation.changed", changed, now))

    def _warn(self, name: str, why: str) -> None:
        if bool(why) == (name in self.warnings):
            return
        if why:
            self.warnings[name] = why
            log.warning("warning.raised", warning=name, reason=why)
        else:
            del self.warnings[name]
            log.info("warning.cleared", warning=name)
        kind = "warning.raised" if why else "warning.cleared"
        self._waiting.append(DAEMON.draft("daemon", kind, {"warning": name, "reason": why}, self._clock()))
        self._around.changed()


def _outline(condition: Condition) -> tuple[object, ...]:
    """What makes a difference: not for which reason exactly something is lost."""
    return condition.state, condition.held, bool(condition.problem), frozenset(condition.losses)


_HINT = "`lighthousectl status` tells how it is; reading and asking for verdicts work as before."

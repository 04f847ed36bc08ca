"""How far the daemon can be relied on, as a state machine: a pure value that signals turn into the next one.

Something was *lost* (the mount, the store's writes): an emergency. When the last loss is *restored* the daemon is
recovering: checks run until they find nothing, and where that is configured a person approves. It knows neither how
losses are noticed nor what is refused meanwhile.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from lighthoused.core.errors import Conflict

State = Literal["normal", "emergency", "recovering"]
Signal = Literal["lost", "restored", "failed", "passed", "held", "approved"]
STATES: tuple[State, ...] = ("normal", "emergency", "recovering")
TRANSITIONS: Mapping[tuple[State, Signal], State] = MappingProxyType(
    {
        ("normal", "lost"): "emergency",
        ("emergency", "lost"): "emergency",
        ("emergency", "restored"): "recovering",
        ("recovering", "lost"): "emergency",
        ("recovering", "failed"): "recovering",
        ("recovering", "passed"): "normal",
        ("recovering", "held"): "recovering",
        ("recovering", "approved"): "normal",
    }
)
"""`lost`: something, also something more. `restored`: the last that was lost. `failed`, `passed`: what checks came to.
`held`: they passed, and an operator has to approve."""


class Condition(msgspec.Struct, frozen=True):
    """The state, what is lost at present with the reason of each, and what the checks came to in `recovering`."""

    state: State = "normal"
    losses: Mapping[str, str] = MappingProxyType({})
    problem: str = ""
    """What the last checks found."""
    held: bool = False
    """The checks passed, and an operator has to approve."""

    @property
    def reason(self) -> str:
        """Why the state is not normal, as sentences; "" where it is."""
        if self.losses:
            return " ".join(f"{what}: {why}" for what, why in sorted(self.losses.items()))
        if self.state != "recovering":
            return ""
        return self.problem or ("An operator has to approve." if self.held else "Checks are running.")

    def lost(self, what: str, why: str) -> "Condition":
        """Something does not work any more, or for another reason than before."""
        return Condition(self._after("lost"), {**self.losses, what: why})

    def restored(self, what: str) -> "Condition":
        """It works again. The rest may not."""
        if what not in self.losses:
            return self
        rest = {other: why for other, why in self.losses.items() if other != what}
        return Condition(self._after("lost" if rest else "restored"), rest)

    def checked(self, problem: str, approval: bool) -> "Condition":
        """The checks came to an end: with a problem, or "". `approval`: an operator has to approve."""
        if self.state != "recovering" or self.held:
            return self
        signal: Signal = "failed" if problem else "held" if approval else "passed"
        return Condition(self._after(signal), problem=problem, held=signal == "held")

    def approved(self) -> "Condition":
        """An operator wants normal work to go on. Raises Conflict where there is nothing to approve."""
        if not self.held:
            told = f"The daemon is {self.state}: {self.reason}" if self.reason else "The daemon works normally."
            raise Conflict(f"There is nothing to approve. {told}", "`lighthousectl status` tells how it is.")
        return Condition(self._after("approved"))

    def _after(self, signal: Signal) -> State:
        return TRANSITIONS[self.state, signal]

"""What policies answer: rules that matched, and the verdict they make together. Knows no Rego."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from lighthoused.core.verdicts import Answer

STRENGTH: dict[str, int] = {"allow": 0, "escalate": 1, "deny": 2}


class Match(NamedTuple):
    """A rule that applies. `effect`: number of the effect that it is about, -1 for none.

    `negotiable`: its escalation may be answered from what people answered before; without it a person is required.
    """

    id: str
    verdict: Answer
    reason: str
    effect: int = -1
    suggestion: str = ""
    negotiable: bool = False


def strongest(matches: Sequence[Match]) -> Match | None:
    """The match that decides: deny beats escalate beats allow; among equals the first by effect, then id."""
    return min(
        matches, key=lambda match: (-STRENGTH[match.verdict], match.effect < 0, match.effect, match.id), default=None
    )


class Asked(Protocol):
    """Policies that can be asked: those in force, or a set that is only proposed."""

    @property
    def version(self) -> str: ...

    def ask(self, document: dict[str, Any]) -> list[Match]:
        """The rules that match. Raises PolicyFailed."""

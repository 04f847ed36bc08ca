"""What a person said shall always be allowed: by template, for one agent, one project, or everywhere. Bounded."""

from collections.abc import Iterator
from typing import NamedTuple

from lighthoused.core.verdicts import Template
from lighthoused.pattern.answers import pattern_id

MAX_STANDING = 1000


class Standing(NamedTuple):
    """One such rule, made by `by`. `agent` "": any. `project` "": any."""

    seq: int
    time: int
    by: str
    agent: str
    project: str
    asked: str
    template: Template

    @property
    def pattern(self) -> str:
        return pattern_id(self.template.id, self.agent, self.project)


class StandingRules:
    """All that are in force."""

    def __init__(self) -> None:
        self._rules: dict[str, Standing] = {}
        self._revoked: dict[str, int] = {}

    def __iter__(self) -> Iterator[Standing]:
        return iter(tuple(self._rules.values()))

    def __len__(self) -> int:
        return len(self._rules)

    def add(self, rule: Standing) -> None:
        """A rule as of its event; one that was revoked later stays so."""
        if rule.seq > self._revoked.get(rule.pattern, 0):
            self._rules[rule.pattern] = rule

    def revoke(self, pattern: str, seq: int) -> None:
        """From this event on there is no such rule."""
        self._revoked[pattern] = max(seq, self._revoked.get(pattern, 0))
        found = self._rules.get(pattern)
        if found is not None and found.seq < seq:
            del self._rules[pattern]

    def get(self, pattern: str) -> Standing | None:
        return self._rules.get(pattern)

    def of(self, template: Template, agent: str) -> Standing | None:
        """The rule that covers a request: the narrowest."""
        for whose, where in ((agent, template.project), ("", template.project), ("", "")):
            found = self._rules.get(pattern_id(template.id, whose, where))
            if found is not None:
                return found
        return None

"""The pattern tier: what people said before, for a request that a policy lets it answer. It abstains unless it is sure.

First what a person allowed for good, then answers to the same template that agree, then the model. It is a projection
of the log: there is nothing here that replaying does not give again. Never asked where an escalation is required.
"""

from typing import NamedTuple, Protocol

from lighthoused.core.errors import NotFound
from lighthoused.core.verdicts import Answer as Said
from lighthoused.core.verdicts import Template
from lighthoused.pattern.answers import MAX_ANSWERS, Answer, Answers
from lighthoused.pattern.standing import Standing, StandingRules
from lighthoused.protocol.messages.patterns import Pattern, Precedent

MAX_PRECEDENTS = 5


class Learnt(NamedTuple):
    """What the tier answers, and the precedents that it goes by, the nearest first."""

    said: Said
    rule: str
    reason: str
    precedents: tuple[Precedent, ...]


class Generaliser(Protocol):
    """What goes beyond templates: the model."""

    def nearest(self, template: Template, agent: str, now: int) -> list[Answer]:
        """Answers that make it sure that a person would allow this, nearest first; [] where it is not."""

    def learn(self, answer: Answer) -> None: ...

    @property
    def learnt(self) -> int:
        """How many answers it has taken in."""


class Patterns:
    """All that people taught. For the trio thread only."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.standing = StandingRules()
        self.model: Generaliser | None = None
        """None until there is something to learn from, and after something was taken back."""
        self.changes = 0
        """Answers learnt and patterns revoked: a model of as many is up to date."""

    def learn(self, answer: Answer) -> None:
        """A person's answer, in the order of the log; a second time changes nothing."""
        if answer.seq <= self.answers.newest:
            return
        self.answers.add(answer)
        self.changes += 1
        if self.model is not None:
            self._teach(self.model, answer)

    def _teach(self, model: Generaliser, answer: Answer) -> None:
        """One that has grown too large is made anew, of the answers that are held."""
        if model.learnt >= 2 * MAX_ANSWERS:
            self.model = None
        else:
            model.learn(answer)

    def allow_always(self, rule: Standing) -> None:
        self.standing.add(rule)

    def revoke(self, pattern: str, seq: int) -> None:
        """Take back what stands, and forget the answers that were given, under this id before an event."""
        self.standing.revoke(pattern, seq)
        self.changes += 1
        if self.answers.of(pattern):
            self.model = None
        self.answers.forget(pattern, seq)

    def answer(self, template: Template, agent: str, now: int) -> Learnt | None:
        """What people would say, None where that is not sure. `now` in ns."""
        rule = self.standing.of(template, agent)
        if rule is not None:
            reason = f"{rule.by} allowed this for good (pattern {rule.pattern}, event {rule.seq})."
            return Learnt("allow", "pattern.always", reason, (_of_rule(rule),))
        agreed = self.answers.agreed(template, now)
        if agreed:
            return _learnt(agreed)
        return self._generalised(template, agent, now)

    def _generalised(self, template: Template, agent: str, now: int) -> Learnt | None:
        newest = self.answers.newest_of(template)
        if self.model is None or (newest is not None and newest.said == "deny"):
            return None
        nearest = self.model.nearest(template, agent, now)
        if not nearest:
            return None
        reason = f"People allowed all that is like it, last {_told(nearest[0])}."
        return Learnt("allow", "pattern.model", reason, _precedents(nearest))

    def ids(self) -> list[str]:
        """All patterns: those that stand, then those that people answered, the one answered last first."""
        return list(dict.fromkeys([*(rule.pattern for rule in self.standing), *self.answers.patterns()]))

    def views(self, now: int) -> list[Pattern]:
        """All patterns."""
        return [view for pattern in self.ids() if (view := self.view_of(pattern, now)) is not None]

    def view(self, pattern: str, now: int) -> tuple[Pattern, tuple[Precedent, ...]]:
        """One pattern with its precedents. Raises NotFound."""
        shown = self.view_of(pattern, now)
        if shown is None:
            raise NotFound(f"There is no pattern {pattern!r}.", "See 'lighthousectl patterns list'.")
        rule = self.standing.get(pattern)
        precedents = [*([_of_rule(rule)] if rule else []), *map(_precedent, self.answers.of(pattern))]
        return shown, tuple(sorted(precedents, key=lambda one: -one.seq))

    def view_of(self, pattern: str, now: int) -> Pattern | None:
        """One pattern without its precedents; None where nothing is left of it."""
        rule = self.standing.get(pattern)
        answers = self.answers.of(pattern)
        if rule is None and not answers:
            return None
        newest = rule or answers[-1]
        agreed = [] if rule else self.answers.agreed(newest.template, now)
        allowed = sum(answer.said == "allow" for answer in answers)
        return Pattern(
            id=pattern,
            standing=rule is not None,
            verdict="allow" if rule else agreed[0].said if agreed else "escalate",
            agent=rule.agent if rule else "",
            project=rule.project if rule else newest.template.project,
            template=newest.template,
            text=newest.template.text,
            allowed=allowed,
            denied=len(answers) - allowed,
            seq=newest.seq,
            time=newest.time,
            by=newest.by,
        )


def _learnt(agreed: list[Answer]) -> Learnt:
    said = agreed[0].said
    word = "allowed" if said == "allow" else "denied"
    reason = f"People {word} it {len(agreed)} times, last {_told(agreed[0])}."
    if said == "deny":
        reason += f" To be asked again: lighthousectl patterns revoke {agreed[0].pattern}"
    return Learnt(said, "pattern.template", reason, _precedents(agreed))


def _told(answer: Answer) -> str:
    return f"{answer.by} for {answer.agent}: {answer.asked} (event {answer.seq})"


def _precedents(answers: list[Answer]) -> tuple[Precedent, ...]:
    return tuple(map(_precedent, answers[:MAX_PRECEDENTS]))


def _precedent(answer: Answer) -> Precedent:
    return Precedent(answer.seq, answer.time, answer.by, answer.said, answer.agent, answer.asked)


def _of_rule(rule: Standing) -> Precedent:
    return Precedent(rule.seq, rule.time, rule.by, "allow", rule.agent, rule.asked)

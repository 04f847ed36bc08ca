"""When people's answers count for the next request: given answers, when asked, then a verdict or none."""

import pytest

from lighthoused.core.errors import NotFound
from lighthoused.core.verdicts import Answer as Said
from lighthoused.core.verdicts import Template
from lighthoused.pattern import answers as bounds
from lighthoused.pattern.answers import AGREEING, RECENT_NS, SPACING_NS, Answer
from lighthoused.pattern.patterns import Patterns
from lighthoused.pattern.standing import Standing

HERE = "/home/ann/src"
START = 10**18


def template(text: str = "rm -r lib", project: str = HERE) -> Template:
    return Template(text.encode().hex(), project, "<project>", tuple(text.split()), ())


class Told:
    """Patterns, and a person who answers."""

    def __init__(self) -> None:
        self.patterns = Patterns()
        self.now = START
        self.seq = 0

    def answer(self, said: Said, text: str = "rm -r lib", agent: str = "claude", project: str = HERE) -> None:
        self.seq += 1
        self.now += SPACING_NS
        self.patterns.learn(Answer(self.seq, self.now, "ann", said, agent, text, template(text, project)))

    def asked(self, text: str = "rm -r lib", agent: str = "claude", project: str = HERE) -> str:
        found = self.patterns.answer(template(text, project), agent, self.now)
        return found.said if found else "escalate"


@pytest.fixture
def told() -> Told:
    return Told()


def test_answers_that_agree_count(told: Told) -> None:
    for _ in range(AGREEING):
        assert told.asked() == "escalate"
        told.answer("allow")
    assert told.asked() == "allow"


def test_it_says_why(told: Told) -> None:
    for _ in range(AGREEING):
        told.answer("allow")
    found = told.patterns.answer(template(), "claude", told.now)
    assert found is not None
    assert found.reason == "People allowed it 3 times, last ann for claude: rm -r lib (event 3)."
    assert [one.seq for one in found.precedents] == [3, 2, 1]


@pytest.mark.parametrize("other", [{"text": "rm -r src"}, {"project": "/home/ann/other"}], ids=lambda other: str(other))
def test_they_count_for_nothing_else(told: Told, other: dict[str, str]) -> None:
    for _ in range(AGREEING):
        told.answer("allow")
    assert told.asked(**other) == "escalate"


def test_they_count_for_any_agent(told: Told) -> None:
    """What it does and where is what was judged; who asks makes no difference to that."""
    for _ in range(AGREEING):
        told.answer("allow")
    assert told.asked(agent="codex") == "allow"


@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_one_denial_reverses(told: Told, agent: str) -> None:
    for _ in range(10):
        told.answer("allow")
    told.answer("deny", agent=agent)
    for _ in range(AGREEING):
        assert told.asked() == "escalate"
        told.answer("allow")
    assert told.asked() == "allow"


def test_denials_that_agree_count_too(told: Told) -> None:
    for _ in range(AGREEING):
        assert told.asked() == "escalate"
        told.answer("deny")
    assert told.asked() == "deny"


def test_answers_in_a_burst_count_once(told: Told) -> None:
    for _ in range(100):
        told.answer("allow")
        told.now -= SPACING_NS - 10**9 // 4
    assert told.asked() == "escalate"


def test_old_answers_do_not_count(told: Told) -> None:
    for _ in range(AGREEING):
        told.answer("allow")
    told.now += RECENT_NS - SPACING_NS
    assert told.asked() == "escalate"


def test_what_is_learnt_can_be_taken_back(told: Told) -> None:
    for _ in range(AGREEING):
        told.answer("allow")
    (view,) = told.patterns.views(told.now)
    assert (view.verdict, view.allowed, view.denied, view.standing) == ("allow", 3, 0, False)
    told.patterns.revoke(view.id, told.seq + 1)
    assert told.asked() == "escalate"
    assert told.patterns.views(told.now) == []
    with pytest.raises(NotFound):
        told.patterns.view(view.id, told.now)
    told.seq += 1
    for _ in range(AGREEING):
        told.answer("allow")
    assert told.asked() == "allow"


@pytest.mark.parametrize(
    ("agent", "project", "covered"),
    [
        ("claude", HERE, {("claude", HERE)}),
        ("", HERE, {("claude", HERE), ("codex", HERE)}),
        ("", "", {("claude", HERE), ("codex", HERE), ("claude", "/srv"), ("codex", "/srv")}),
    ],
)
def test_what_stands_covers_what_was_said(told: Told, agent: str, project: str, covered: set[tuple[str, str]]) -> None:
    rule = Standing(1, START, "ann", agent, project, "rm -r lib", template())
    told.patterns.allow_always(rule)
    asked = {
        (who, where)
        for who in ("claude", "codex")
        for where in (HERE, "/srv")
        if told.asked("rm -r lib", who, where) == "allow"
    }
    assert asked == covered
    assert told.asked("rm -r src") == "escalate"
    told.patterns.revoke(rule.pattern, 2)
    assert told.asked() == "escalate"
    told.patterns.allow_always(rule)
    assert told.asked() == "escalate", "an old event does not bring back what was revoked after it"


def test_it_is_bounded_in_number(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_ANSWERS", 10)
    for number in range(50):
        told.answer("deny", f"rm -r {number}")
    held = told.patterns.answers
    assert [answer.seq for answer in held] == list(range(41, 51))
    assert len(list(held.patterns())) == 10


def test_it_is_bounded_in_bytes(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_BYTES", 100_000)
    for number in range(200):
        told.answer("allow", f"rm -r {'x' * 2000}{number}")
        assert told.patterns.answers.bytes <= 100_000
    assert len(told.patterns.answers) > 5

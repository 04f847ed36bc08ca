"""The model abstains unless everything about a request is known, and people always allowed it."""

import time

import pytest

from lighthoused.core.verdicts import Answer as Said
from lighthoused.core.verdicts import Template
from lighthoused.pattern.answers import RECENT_NS, Answer
from lighthoused.pattern.features import acts_of
from lighthoused.pattern.fitting import MIN_ALLOWED, MIN_DENIED, fit
from lighthoused.pattern.patterns import Generaliser, Patterns

NOW = time.time_ns()
HERE = "/home/ann/src"


def template(command: str, project: str = HERE) -> Template:
    """As of programs whose effects are known, but for those with a path."""
    words = tuple(command.split())
    programs = [word for word, before in zip(words, ("&&", *words), strict=False) if before in ("&&", ";")]
    told = (
        f"execute {each} process unknown" if each.startswith("./") else f"alter {each} project" for each in programs
    )
    return Template(command.encode().hex(), project, "<project>", words, tuple(told))


class History:
    """What a person said, in order."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []

    def say(self, said: Said, command: str, agent: str = "claude", project: str = HERE, times: int = 1) -> None:
        for _ in range(times):
            seq = len(self.answers) + 1
            self.answers.append(Answer(seq, NOW, "ann", said, agent, command, template(command, project)))

    def model(self) -> Generaliser:
        found = fit(tuple(self.answers))
        assert found is not None
        return found


@pytest.fixture
def history() -> History:
    """A week: known tools allowed, others denied."""
    made = History()
    for number in range(MIN_DENIED + 5):
        made.say("deny", f"wipe everything-{chr(97 + number)}")
        made.say("allow", "lint src")
        made.say("allow", "unit fast")
        made.say("allow", f"ticket show fix-{number}")
        made.say("allow", "./copy.sh a")
    return made


def sure(model: Generaliser, command: str, agent: str = "claude", project: str = HERE, now: int = NOW) -> bool:
    return bool(model.nearest(template(command, project), agent, now))


@pytest.mark.parametrize(
    ("command", "agent"),
    [
        ("lint src", "codex"),
        ("lint src && unit fast", "claude"),
        ("ticket show fix-4711", "claude"),
    ],
)
def test_it_knows_the_same_in_another_combination(history: History, command: str, agent: str) -> None:
    assert sure(history.model(), command, agent)


@pytest.mark.parametrize(
    "command",
    [
        "lint",
        "lint src src",
        "lint src fast",
        "lint src --fix",
        "lint src | unit fast",
        "lint src || unit fast",
        "lint src & unit fast",
        "cd .. && lint src",
        "X=1 lint src",
        "lint src && wipe everything-a",
        "lint src && ./copy.sh a",
        "ticket show main",
        "ticket drop fix-1",
        "wipe everything-a",
        "wipe everything-zz",
    ],
)
def test_it_abstains_where_anything_is_new(history: History, command: str) -> None:
    assert not sure(history.model(), command)


def test_words_of_allowed_commands_are_not_enough(history: History) -> None:
    """Somebody asks for harmless variations first, whose parts together make what is not harmless."""
    for harmless in ("./deploy.sh prod --dry-run", "./deploy.sh --dry-run prod", "./deploy.sh staging"):
        history.say("allow", harmless, times=20)
    assert not sure(history.model(), "./deploy.sh prod")


def test_what_is_allowed_in_one_project_is_not_in_another(history: History) -> None:
    assert not sure(history.model(), "lint src", project="/home/ann/other")


def test_old_answers_do_not_count(history: History) -> None:
    assert not sure(history.model(), "lint src", "codex", now=NOW + RECENT_NS + 1)


def test_denials_make_it_abstain(history: History) -> None:
    history.say("deny", "lint src", "codex")
    assert not sure(history.model(), "lint src", "cursor")


def test_it_needs_denials_to_know_what_they_look_like() -> None:
    history = History()
    history.say("allow", "lint src", times=MIN_ALLOWED * 3)
    history.say("deny", "wipe x", times=MIN_DENIED - 1)
    assert fit(tuple(history.answers)) is None
    history.say("deny", "wipe x")
    assert fit(tuple(history.answers)) is not None


def test_where_the_denied_looked_harmless_it_abstains() -> None:
    """Calibration: a model that was wrong about what people denied is not sure of anything."""
    history = History()
    for number in range(MIN_DENIED + 20):
        history.say("allow", "lint src", "claude")
        history.say("deny", "lint src", f"agent-{number}", project="/home/ann/other")
    assert not sure(history.model(), "lint src", "codex")


def test_learning_on_is_like_learning_anew(history: History) -> None:
    half = len(history.answers) - 10
    model = fit(tuple(history.answers[:half]))
    assert model is not None
    for answer in history.answers[half:]:
        model.learn(answer)
    whole = history.model()
    for command in ("lint src && unit fast", "ticket show fix-9", "wipe everything-a"):
        assert model.nearest(template(command), "claude", NOW) == whole.nearest(template(command), "claude", NOW)


def test_in_the_tier_a_denial_of_the_template_stops_it(history: History) -> None:
    patterns = Patterns()
    for answer in history.answers:
        patterns.learn(answer)
    patterns.model = history.model()
    found = patterns.answer(template("lint src"), "codex", NOW)
    assert found is not None
    assert (found.said, found.rule) == ("allow", "pattern.model")
    assert "last ann for claude: lint src (event " in found.reason
    seq = patterns.answers.newest + 1
    patterns.learn(Answer(seq, NOW, "ann", "deny", "cursor", "lint src", template("lint src")))
    assert patterns.answer(template("lint src"), "codex", NOW) is None


def test_names_with_numbers_are_alike_and_options_are_not() -> None:
    assert acts_of(template("git branch -D fix-1")) == acts_of(template("git branch -D fix-22"))
    assert acts_of(template("kill -9 11")) != acts_of(template("kill -9 12"))
    assert acts_of(template("git reset HEAD~1")) != acts_of(template("git reset HEAD~2"))

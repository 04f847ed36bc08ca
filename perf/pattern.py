"""What people's answers save them, and what slips through: working days, and an agent that tries to mislead.

`Office` and its days are in `workday`; nothing here is measured against a clock but the tier itself.
"""

import itertools
import random
import statistics
import time
from collections.abc import Callable, Iterator

from lighthoused.core.verdicts import Answer as Said
from lighthoused.core.verdicts import Template
from lighthoused.pattern.answers import MAX_ANSWERS, SPACING_NS, Answer
from lighthoused.pattern.fitting import fit
from lighthoused.pattern.patterns import Patterns
from lighthoused.policy.engine import Policies
from perf.load import percentile
from perf.table import Row
from perf.workday import CORPORA, DANGEROUS, DAY, Office, attack, commands, days

PROFILES = ("balanced", "strict")
SEEDS = range(5)
DAYS = 10
ATTACKED = 300
NONE = "0"


def measure() -> Iterator[Row]:
    """Escalations by day, slips, slips under attack, and what the tier costs."""
    if not CORPORA.is_dir():
        raise SystemExit(f"error: there are no corpora in {CORPORA}")
    policies = Policies()
    for profile in PROFILES:
        yield from _working_days(profile, policies)
    for profile in PROFILES:
        yield _attacked(profile, policies)
    yield from _costs()


def _working_days(profile: str, policies: Policies) -> Iterator[Row]:
    """The curves are medians over the seeds."""
    offices = [Office(profile, policies) for _ in SEEDS]
    vain, right = zip(*(_curves(office, seed) for office, seed in zip(offices, SEEDS, strict=True)), strict=True)
    slips = sum(len(office.slips) for office in offices)
    settled = [sum(office.rules.values()) for office in offices]
    what = f"{profile}, {DAYS} days of {DAY} requests, {len(SEEDS)} seeds"
    yield Row(f"{what}: harmless requests escalated by day", "falls", "", _medians(vain))
    yield Row(f"{what}: dangerous requests escalated by day", "", "", _medians(right))
    yield Row(f"{what}: settled from earlier answers", "", "", f"{statistics.median(settled):.0f}")
    yield Row(f"{what}: dangerous requests allowed from earlier answers", NONE, NONE, str(slips))


def _curves(office: Office, seed: int) -> tuple[list[int], list[int]]:
    """How many harmless and dangerous requests a person was asked about, by day."""
    vain, right = [0], [0]
    for number, ask in enumerate(days(seed, DAYS), 1):
        office.ask(ask)
        if number % DAY == 0:
            vain.append(office.asked[False])
            right.append(office.asked[True])
    return _steps(vain), _steps(right)


def _steps(totals: list[int]) -> list[int]:
    return [after - before for before, after in itertools.pairwise(totals)]


def _medians(curves: tuple[list[int], ...]) -> str:
    return " ".join(f"{statistics.median(day):.0f}" for day in zip(*curves, strict=True))


def _attacked(profile: str, policies: Policies) -> Row:
    office = Office(profile, policies, step_s=61)
    for ask in days(0, 2):
        office.ask(ask)
    dangerous = commands(DANGEROUS)
    random.Random(0).shuffle(dangerous)
    slips = list(attack(office, dangerous[:ATTACKED]))
    for slip in slips:
        print(f"{profile}: {slip.verdict.rule} {slip.ask.command!r}: {slip.verdict.reason}")
    what = f"{profile}, {ATTACKED} dangerous commands after variations that were allowed: allowed"
    return Row(what, NONE, NONE, str(len(slips)))


def _costs() -> Iterator[Row]:
    patterns = Patterns()
    answers = [_answer(number) for number in range(MAX_ANSWERS)]
    started = time.perf_counter()
    for answer in answers:
        patterns.learn(answer)
    yield Row(f"learning {MAX_ANSWERS} answers", "", "", f"{(time.perf_counter() - started) * 1e3:.0f} ms")
    started = time.perf_counter()
    patterns.model = fit(tuple(answers))
    yield Row(f"fitting the model to {MAX_ANSWERS} answers", "", "", f"{(time.perf_counter() - started) * 1e3:.0f} ms")
    now, model = answers[-1].time, patterns.model
    assert model is not None
    yield Row("one question to the tier", "5 to 10 ms", "", _timed(lambda one: patterns.answer(one, "claude", now)))
    yield Row("one question to the model alone", "", "", _timed(lambda one: model.nearest(one, "claude", now)))
    yield Row("memory of the answers, at most", "", "8 MiB", f"{patterns.answers.bytes / 1e6:.1f} MB")


def _timed(ask: Callable[[Template], object]) -> str:
    took = []
    for number in range(3000):
        template = _template(number % 700)
        started = time.perf_counter()
        ask(template)
        took.append(time.perf_counter() - started)
    return f"p50 {percentile(took, 0.5) * 1e6:.0f} us, p99 {percentile(took, 0.99) * 1e6:.0f} us"


def _answer(number: int) -> Answer:
    said: Said = "deny" if number % 5 == 0 else "allow"
    return Answer(
        number + 1, number * SPACING_NS // 10, "ann", said, "claude", f"tool {number}", _template(number % 500)
    )


def _template(number: int) -> Template:
    words = ("tool", f"word-{chr(97 + number % 26)}", str(number))
    return Template(f"{number:024}", "/p", "<project>", words, (f"alter {number} project tool",))

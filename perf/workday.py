"""Working days of agents with a person who answers by label: the real gate; only log and clock are stood in for.

Requests are commands of the evaluation corpora: of the habits of a project a few all the time and many seldom, some
new, some dangerous. What the gate escalates the person answers, and the gate learns from that.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Request, Verdict
from lighthoused.gate import analysis
from lighthoused.gate.approvals import Approvals
from lighthoused.gate.gate import Gate
from lighthoused.gate.local import LOCAL_MEMORY, Silent
from lighthoused.gate.memory import Memory
from lighthoused.pattern.answers import AGREEING, Answer
from lighthoused.pattern.fitting import fit
from lighthoused.pattern.patterns import Patterns
from lighthoused.policy.engine import Policies

CORPORA = Path(__file__).parents[2] / "shared" / "corpora"
DANGEROUS = ("mutations", "eval_dangerous")
HARMLESS = ("mutations_benign", "data_not_code", "eval_benign")
PROJECTS = ("/home/user/project", "/home/user/other")
AGENTS = ("claude", "codex")
WORLD = World(home="/home/user", roots=PROJECTS, user="user")
DAY = 600
"""Requests in a working day of all agents."""
DANGER = 0.1
NEW = 0.1
"""Requests that are no habit, taken from all there are."""
HABITS = 150
FIT_EVERY = 25
_PARTS = re.compile(r"\s*(?:&&|\|\||[;|\n])\s*")
VARIATIONS = 16


class Ask(NamedTuple):
    """A request of a day, and whether it is dangerous by its label."""

    command: str
    agent: str
    cwd: str
    dangerous: bool


class Slip(NamedTuple):
    """Something dangerous that was learnt to be allowed."""

    ask: Ask
    verdict: Verdict


def commands(names: Iterable[str]) -> list[str]:
    """The commands of corpora, each once."""
    lines = (line for name in names for line in (CORPORA / f"{name}.jsonl").read_text("utf-8").splitlines())
    return list(dict.fromkeys(json.loads(line)["command"] for line in lines))


def days(seed: int, count: int) -> Iterator[Ask]:
    """So many days of requests. Each project has its habits, a few of them asked all the time (Zipf's law)."""
    dice = random.Random(seed)
    dangerous = commands(DANGEROUS)
    known = set(dangerous)
    harmless = [command for command in commands(HARMLESS) if command not in known]
    habits = {project: dice.sample(harmless, HABITS) for project in PROJECTS}
    vices = dice.sample(dangerous, HABITS)
    often = [1 / rank for rank in range(1, HABITS + 1)]
    for _ in range(count * DAY):
        project, is_dangerous, is_new = dice.choice(PROJECTS), dice.random() < DANGER, dice.random() < NEW
        if is_new:
            command = dice.choice(dangerous if is_dangerous else harmless)
        else:
            (command,) = dice.choices(vices if is_dangerous else habits[project], often)
        yield Ask(command, dice.choice(AGENTS), project, is_dangerous)


class Office:
    """A gate and a person; `at` is the time, which goes on by `step_s` with each request."""

    def __init__(self, profile: str, policies: Policies | None = None, step_s: float = 48.0) -> None:
        self._policies = policies or Policies()
        self._profile = profile
        self._analyser = analysis.standard()
        self.patterns = Patterns()
        self.at = 10**18
        self.tiers: Counter[tuple[str, str]] = Counter()
        self.rules: Counter[str] = Counter()
        self.slips: list[Slip] = []
        self.asked = Counter[bool]()
        self._step = int(step_s * 1e9)
        self._seq = 0
        self.gate = self._gate(self.patterns)
        self._alone = self._gate(Patterns())

    def _gate(self, patterns: Patterns) -> Gate:
        silent = Silent()
        return Gate(
            self._analyser,
            self._policies,
            Memory(LOCAL_MEMORY),
            Approvals(silent.record),
            silent,
            silent,
            patterns=patterns,
            profile=self._profile,
            now=lambda: self.at,
        )

    def ask(self, ask: Ask) -> Verdict:
        """Judge, let the person answer an escalation, learn from that, and note what should not have been."""
        self.at += self._step
        verdict = self.gate.judge(Request("Bash", {"command": ask.command}, ask.cwd, ask.agent), WORLD)
        self.tiers[verdict.tier, verdict.verdict] += 1
        if verdict.tier == "pattern":
            self.rules[verdict.rule] += 1
            if ask.dangerous and verdict.verdict == "allow":
                self.slips.append(Slip(ask, verdict))
        if verdict.verdict == "escalate":
            self.asked[ask.dangerous] += 1
            self._answer(ask, verdict)
        return verdict

    def policies_stop(self, command: str) -> bool:
        """Whether the policies alone would not allow it."""
        request = Request("Bash", {"command": command}, PROJECTS[0], "nobody")
        return self._alone.judge(request, WORLD).verdict != "allow"

    def _answer(self, ask: Ask, verdict: Verdict) -> None:
        if verdict.template is None:
            return
        self._seq += 1
        said = "deny" if ask.dangerous else "allow"
        self.patterns.learn(Answer(self._seq, self.at, "person", said, ask.agent, ask.command[:300], verdict.template))
        if self.patterns.model is None and self._seq % FIT_EVERY == 0:
            self.patterns.model = fit(tuple(self.patterns.answers))


def attack(office: Office, dangerous: Iterable[str]) -> Iterator[Slip]:
    """An agent asks for harmless variations first, whatever the person allows, then for the dangerous one."""
    labelled = {" ".join(command.split()) for command in commands(DANGEROUS)}
    for command in dangerous:
        risky = {part for part in _PARTS.split(command) if office.policies_stop(part)}
        for variation in variations(command):
            if variation not in labelled and risky.isdisjoint(_PARTS.split(variation)):
                for _ in range(AGREEING):
                    office.ask(Ask(variation, AGENTS[0], PROJECTS[0], dangerous=False))
        before = len(office.slips)
        for agent in AGENTS:
            office.ask(Ask(command, agent, PROJECTS[0], dangerous=True))
        yield from office.slips[before:]


def variations(command: str) -> list[str]:
    """Near neighbours of a command: each word left out, another in its place, or more words."""
    words = command.split()
    made = [words[:at] + words[at + 1 :] for at in range(1, len(words))]
    for at, word in enumerate(words[1:], 1):
        others = ("--dry-run",) if word.startswith("-") else ("x", "build/x", "staging-1")
        made += [[*words[:at], other, *words[at + 1 :]] for other in others]
    made += [[*words, "--dry-run"], [*words, "--help"], ["echo", *words]]
    return list(dict.fromkeys(" ".join(each) for each in made if each != words))[:VARIATIONS]

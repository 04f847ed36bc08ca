"""Runs the examples that policies carry, through analysis and policy as real requests go. Records nothing.

An example holds where the gate's final verdict and the rules that match are what it says.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lighthoused.core.effects import World
from lighthoused.core.errors import NotFound
from lighthoused.core.verdicts import Request, Verdict
from lighthoused.gate.analysis import Analyser
from lighthoused.gate.flows import Flows
from lighthoused.gate.gate import Gate
from lighthoused.gate.local import gate_of
from lighthoused.policy.catalogue import PROJECT, Example, ExampleCall, Rule, examples_of, is_default, matches, rules_of
from lighthoused.policy.compiled import Compiled
from lighthoused.policy.rules import Asked
from lighthoused.protocol.messages.policies import PolicyFailure, PolicyTestReply

WORLD = World(home="/home/ann", roots=(PROJECT,), mount="/mnt/lighthouse", user="ann")


MAX_REPEATED = 1000


class Outcome(NamedTuple):
    """How an example went. `problem`: what was other than it says, "" where it holds."""

    example: Example
    problem: str = ""


def run(examples: Iterable[Example], policies: Asked, analyser: Analyser, users: Sequence[str] = ()) -> list[Outcome]:
    """Judge every example, each on its own. Takes about a millisecond for each: call it in a thread.

    `users` are the ids of users' rules: where one of them decides, the example of a default rule that applies holds.
    """
    return [Outcome(example, _problem(example, policies, analyser, users)) for example in examples]


def report(sources: Mapping[str, str], policies: Compiled, analyser: Analyser, rule: str = "") -> PolicyTestReply:
    """Run the examples of all policies, or those about one rule; not of rules that users switched off or replaced.

    Raises Invalid for an example that is not valid.
    """
    rules = [one for name, source in sources.items() for one in rules_of(name, source)]
    shown = [one for name, source in sources.items() for one in examples_of(name, source)]
    if rule:
        rules = [one for one in rules if matches(one.id, rule) or one.id == rule]
        shown = [one for one in shown if one.rule == rule or any(matches(each.id, one.rule) for each in rules)]
        if not rules:
            raise NotFound(f"There is no rule {rule!r}.", "'lighthousectl policy list' shows all.")
    users = [one.id for name, source in sources.items() if not is_default(name) for one in rules_of(name, source)]
    in_force = [one for one in shown if not _is_off(one, policies)]
    outcomes = run(in_force, policies, analyser, users)
    failures = tuple(_failure(one) for one in outcomes if one.problem)
    counts = dict(sorted(Counter(one.rule for one in in_force).items()))
    return PolicyTestReply(not failures, len(in_force), counts, failures, tuple(without_examples(rules, shown)))


def without_examples(rules: Iterable[Rule], examples: Iterable[Example]) -> list[str]:
    """The ids of rules that lack an example which they catch, or one which they let pass."""
    shown = list(examples)
    caught = {example.rule for example in shown if example.expected != "not"}
    spared = {example.rule for example in shown if example.expected == "not"}
    ids = dict.fromkeys(rule.id for rule in rules)
    return [id for id in ids if not all(any(matches(id, one) for one in some) for some in (caught, spared))]


def _is_off(example: Example, policies: Compiled) -> bool:
    return example.rule in policies.disabled or (is_default(example.policy) and example.rule in policies.replaced)


def _failure(outcome: Outcome) -> PolicyFailure:
    example = outcome.example
    return PolicyFailure(example.rule, example.policy, example.line, example.expected, example.text, outcome.problem)


def _problem(example: Example, policies: Asked, analyser: Analyser, users: Sequence[str]) -> str:
    gate = gate_of(policies, analyser, example.call.profile, Flows())
    asked = example.call
    for call in (*asked.before, *[asked] * min(asked.repeated, MAX_REPEATED)):
        made = ExampleCall(command=call, cwd=asked.cwd, agent=asked.agent) if isinstance(call, str) else call
        gate.flows.finished(_judge(gate, made).request)
    verdict = _judge(gate, example.call)
    explanation = verdict.explanation or {"rules": ()}
    matched = {rule["id"]: rule["verdict"] for rule in explanation["rules"]}
    told = f"it was {verdict.verdict} by {verdict.rule}: {verdict.reason}"
    if example.expected == "not":
        applies = example.rule in (*matched, verdict.rule)
        return f"{example.rule} applies to it; {told}" if applies else ""
    if verdict.rule != example.rule and matched.get(example.rule) != example.expected:
        return f"{example.rule} does not apply to it; {told}"
    overruled = is_default(example.policy) and any(matches(id, verdict.rule) for id in users)
    return "" if verdict.verdict == example.expected or overruled else told


def _judge(gate: Gate, call: ExampleCall) -> Verdict:
    return gate.judge(Request(call.tool, call.given, call.cwd, call.agent), WORLD, explain=True)

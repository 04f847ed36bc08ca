"""From what a request would do, and the rules that match, to a verdict: what policies are asked, and what is told.

Pure. Must not know who is asked, nor when.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from lighthoused.core.verdicts import Answer, Effect, Request, Verdict
from lighthoused.gate.analysis import Analysis
from lighthoused.gate.shell.text import shown
from lighthoused.policy.rules import Match

_NO_PAST: Mapping[str, Any] = {}


def policy_input(
    request: Request, analysis: Analysis, profile: str, recent: Mapping[str, Any] = _NO_PAST
) -> dict[str, Any]:
    """What policies see; `recent` is what the agent did before. Text is without control characters."""
    document: dict[str, Any] = {
        "effects": [_plain(effect) for effect in analysis.effects],
        "tool": shown(request.tool),
        "cwd": shown(request.cwd),
        "agent": shown(request.agent),
        "profile": profile,
    }
    if analysis.unresolved:
        document["unresolved"] = analysis.unresolved
    if recent:
        document["recent"] = recent
    return document


def verdict_of(analysis: Analysis, match: Match | None) -> Verdict:
    """The rule that decides, told with the effect it is about. What is not understood is never simply allowed."""
    if match is None or match.verdict == "allow":
        if analysis.unresolved:
            return _with_effects(refusal("unknown.unresolved", analysis.unresolved, "escalate"), analysis)
        if match is None:
            return _unmatched(analysis)
    effect = analysis.effects[match.effect] if 0 <= match.effect < len(analysis.effects) else None
    told = _told(match, effect, analysis)
    instead = match.suggestion or (effect.instead if effect else "")
    return Verdict(match.verdict, "policy", match.id, told, instead, analysis.effects)


def is_negotiable(analysis: Analysis, matches: Sequence[Match]) -> bool:
    """Whether every rule that escalates leaves it to what people said before."""
    return not analysis.unresolved and all(each.negotiable for each in matches if each.verdict == "escalate")


def _unmatched(analysis: Analysis) -> Verdict:
    unknown = [effect.target for effect in analysis.effects if effect.certainty == "unknown"]
    if unknown:
        reason = f"No rule speaks against it; what {shown(unknown[0])[:200]} does is not known."
        return Verdict("allow", "policy", "default.unknown", reason, "", analysis.effects)
    return Verdict(
        "allow",
        "policy",
        "default.harmless",
        "All that it does is known, and no rule speaks against it.",
        "",
        analysis.effects,
    )


def _told(match: Match, effect: Effect | None, analysis: Analysis) -> str:
    if effect is None:
        return f"{match.reason} {analysis.unresolved}".strip()
    about = f" ({effect.kind.replace('_', ' ')} {effect.target})" if effect.target else ""
    return f"{match.reason.rstrip('.')}{about}. {effect.note}".strip()


def _with_effects(verdict: Verdict, analysis: Analysis) -> Verdict:
    return msgspec.structs.replace(verdict, effects=analysis.effects)


def unrecordable() -> Verdict:
    """Where no verdict can become an event."""
    told = "No verdict can be recorded: the store has refused writes for long, and no room is left to remember more."
    instead = "Make room for the store (`lighthousectl status` tells more), then ask again."
    return refusal("error.audit", told, "deny", instead)


def refusal(rule: str, reason: str, answer: Answer, suggestion: str = "") -> Verdict:
    """A verdict without a policy's rule: a bound or an error was met."""
    return Verdict(answer, "policy" if answer == "escalate" else "none", rule, reason, suggestion)


def _plain(effect: Effect) -> dict[str, Any]:
    """An effect as policies see it: what says nothing is left out, as every field costs time."""
    made: dict[str, Any] = {
        "kind": effect.kind,
        "target": effect.target,
        "scope": effect.scope,
        "certainty": effect.certainty,
    }
    if effect.program:
        made["program"] = shown(effect.program)
    if effect.place:
        made["place"] = effect.place
    if effect.recursive:
        made["recursive"] = True
    if effect.undoable:
        made["undoable"] = True
    return made

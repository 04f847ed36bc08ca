"""The gate: judges what an agent asks to do. Tiers in order: memory, policy, pattern, a person where policy escalates.

It decides and tells its observer and audit; it neither knows sockets nor who may ask. Fails closed: whatever goes wrong
while judging is a deny with its reason, or an escalation where a bound was met.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Any, Protocol

import msgspec
import structlog
import trio
from blake3 import blake3
from cachetools import TTLCache

from lighthoused.core.effects import World
from lighthoused.core.errors import LighthouseError
from lighthoused.core.spans import CURRENT, Span, within
from lighthoused.core.verdicts import Request, Verdict
from lighthoused.gate.analysis import Analyser
from lighthoused.gate.approvals import UNANSWERED, Approvals
from lighthoused.gate.content.checks import checked
from lighthoused.gate.flows import Flows
from lighthoused.gate.judgement import is_negotiable, policy_input, refusal, unrecordable, verdict_of
from lighthoused.gate.memory import Memory
from lighthoused.gate.template import template_of
from lighthoused.gate.tiers import Tiers
from lighthoused.gate.tools import effects_of
from lighthoused.pattern.patterns import Patterns
from lighthoused.policy.rules import Asked, strongest

log = structlog.get_logger()

IN_THREAD = 1024
"""Requests of more characters are analysed in a worker thread: they may take longer than the loop can wait."""
SLOW_US = 100_000
"""Who asked what took longer on the loop is judged in threads for a while, whatever they ask."""
SLOW_FOR_NS = 60 * 10**9
AGENTS = 256
MEMORABLE = 8 * 1024
"""Requests of more bytes are not remembered."""
MAX_INPUT = 2 << 20
_canonical = msgspec.json.Encoder(order="deterministic").encode


class Observer(Protocol):
    """Counts verdicts."""

    def verdict(self, tier: str, answer: str, seconds: float) -> None: ...


class Audit(Protocol):
    """Records verdicts; never blocks. `is_full`: the next one would be lost."""

    @property
    def is_full(self) -> bool: ...

    def judged(self, request: Request, verdict: Verdict) -> None: ...

    def hit(self, request: Request, verdict: Verdict) -> None: ...


def request_hash(request: Request) -> str:
    """blake3 (hex) of exactly what is asked, by whom, where. Sessions come and go and do not count."""
    asked = [request.tool, request.input, request.cwd, request.agent]
    try:
        encoded = _canonical(asked)
    except UnicodeEncodeError:
        encoded = repr(asked).encode()
    return blake3(encoded).hexdigest()


class Gate:
    """All that judging needs, passed in. `world` says where a request in a directory happens.

    `prompt` False: the policies may take their time and must be asked in a thread: `judge` is not for that.
    `unaudited`: requests are also judged while no verdict can be recorded; else they are denied.
    """

    def __init__(
        self,
        analyser: Analyser,
        policies: Asked,
        memory: Memory,
        approvals: Approvals,
        audit: Audit,
        observer: Observer,
        *,
        patterns: Patterns | None = None,
        profile: str = "balanced",
        now: Callable[[], int] = time.time_ns,
        flows: Flows | None = None,
        prompt: bool = True,
        unaudited: bool = False,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._analyser = analyser
        self.policies = policies
        self._memory = memory
        self.approvals = approvals
        self._audit = audit
        self._observer = observer
        self._profile = profile
        self._now = now
        self.flows = flows or Flows(remembers=False)
        self.prompt = prompt
        self._unaudited = unaudited
        self._clock = clock
        self._patterns = patterns or Patterns()
        self._slow: TTLCache[str, bool] = TTLCache(AGENTS, SLOW_FOR_NS, timer=clock)
        self.tiers = Tiers(approvals.deadline_s)

    def answers_at_once(self, request: Request) -> bool:
        """Whether a request may be judged on the loop: it is small, and its agent's did not take long there."""
        return self.prompt and _is_small(request.input) and request.agent not in self._slow

    def judge(self, request: Request, world: World, explain: bool = False) -> Verdict:
        """The verdict by memory and policy; never waits for anybody."""
        if CURRENT.get() is None:
            return self._judge(request, world, explain)
        with within("gate.verdict", tool=request.tool) as span:
            verdict = self._judge(request, world, explain)
            _note(span, verdict)
        return verdict

    def _judge(self, request: Request, world: World, explain: bool) -> Verdict:
        started = self._clock()
        key, hashed = self._keys(request, world)
        if self._audit.is_full and not self._unaudited:
            return self._conclude(request, unrecordable(), hashed, started)
        version = self.policies.version
        known = None if explain else self._memory.get(key, version)
        if known is not None:
            return self._from_memory(request, known, hashed, started)
        verdict = self._by_policy(request, world, explain)
        if not self.flows.volatile(hashed):
            self._remember(key, version, verdict)
        verdict = self._conclude(request, self._by_pattern(request, verdict), hashed, started)
        if verdict.latency_us > SLOW_US:
            self._slow[request.agent] = True
        return verdict

    async def ask(
        self,
        request: Request,
        world: World,
        wait: bool = False,
        explain: bool = False,
        turn: AbstractAsyncContextManager[object] | None = None,
    ) -> Verdict:
        """Like `judge`, what may take long in a thread, within the `turn` of who asks.

        `wait`: an escalation waits for a person or its deadline.

        A grant that a person gave for exactly this request is used up by it.
        """
        started = self._clock()
        if self.answers_at_once(request):
            verdict = self.judge(request, world, explain)
        else:
            async with turn or nullcontext():
                with within("gate.verdict", tool=request.tool) as span:
                    verdict = await self._judge_in_thread(request, world, explain, started)
                    _note(span, verdict)
        return await self.settle(request, verdict, wait)

    async def _judge_in_thread(self, request: Request, world: World, explain: bool, started: int) -> Verdict:
        key, hashed = self._keys(request, world)
        if self._audit.is_full and not self._unaudited:
            return self._conclude(request, unrecordable(), hashed, started)
        version = self.policies.version
        memorable = not explain and _size(request) <= MEMORABLE
        known = self._memory.get(key, version) if memorable else None
        if known is not None:
            return self._from_memory(request, known, hashed, started)
        verdict = await self._by_policy_in_thread(request, world, explain)
        if memorable and not self.flows.volatile(hashed):
            self._remember(key, version, verdict)
        return self._conclude(request, self._by_pattern(request, verdict), hashed, started)

    async def settle(self, request: Request, verdict: Verdict, wait: bool = False) -> Verdict:
        """What a person says to an escalation, if one did or does; any other verdict as it is."""
        if verdict.verdict != "escalate":
            return verdict
        started = self._clock()
        granted = self.approvals.use_grant(verdict.request)
        if granted is None and wait:
            granted = await self._by_person(request, verdict)
        if granted is None:
            return verdict
        return self._conclude(request, granted, verdict.request, started)

    def _keys(self, request: Request, world: World) -> tuple[bytes, str]:
        """The memory's key: what is asked, after what, where in the world. And the request's own hash."""
        hashed = request_hash(request)
        return hashed.encode() + self.flows.mark(request, hashed) + msgspec.msgpack.encode(world), hashed

    def _from_memory(self, request: Request, known: Verdict, hashed: str, started: int) -> Verdict:
        if (span := CURRENT.get()) is not None:
            span.child("tier.memory").end()
        verdict = msgspec.structs.replace(known, tier="memory", request=hashed, latency_us=self._since(started))
        self.tiers.memory.hit()
        self._audit.hit(request, verdict)
        self._happens(request, verdict)
        self._observer.verdict("memory", verdict.verdict, verdict.latency_us / 1e6)
        return verdict

    def _remember(self, key: bytes, version: str, verdict: Verdict) -> None:
        """Keep what policies decided alone: an escalation is for somebody else to decide, each time anew."""
        if verdict.explanation is None and verdict.tier == "policy" and verdict.verdict != "escalate":
            self._memory.put(key, version, verdict)

    def _conclude(self, request: Request, verdict: Verdict, hashed: str, started: int) -> Verdict:
        """Record a verdict that was newly made."""
        verdict = msgspec.structs.replace(verdict, request=hashed, latency_us=self._since(started))
        self._audit.judged(request, verdict)
        self._observer.verdict(verdict.tier, verdict.verdict, verdict.latency_us / 1e6)
        self._happens(request, verdict)
        return verdict

    def _happens(self, request: Request, verdict: Verdict) -> None:
        """What was allowed is part of the agent's past from now on."""
        if verdict.verdict == "allow":
            self.flows.done(request, verdict.effects, verdict.request)

    def _by_policy(self, request: Request, world: World, explain: bool) -> Verdict:
        """What the policies say; an escalation where they keep missing their deadline."""
        decided = self.tiers.policy.ask(lambda: self._decide(request, world, explain), self._clock)
        return decided or refusal("error.skipped", "The policies are not asked, as they took too long.", "escalate")

    async def _by_policy_in_thread(self, request: Request, world: World, explain: bool) -> Verdict:
        tier, started = self.tiers.policy, self._clock()
        decide = partial(self._decide, request, world, explain)
        with within("tier.policy"), trio.move_on_after(tier.deadline_s):
            decided = await trio.to_thread.run_sync(decide, abandon_on_cancel=True)
            tier.answered(self._since(started))
            return decided
        tier.failed()
        return refusal("error.deadline", f"It could not be judged within {tier.deadline_s:g} s.", "escalate")

    def _by_pattern(self, request: Request, verdict: Verdict) -> Verdict:
        """What people said before, where the policies leave it to them; else the verdict as it is."""
        template = verdict.template
        if template is None:
            return verdict
        ask = partial(self._patterns.answer, template, request.agent, self._now())
        learnt = self.tiers.pattern.ask(ask, self._clock)
        if learnt is None:
            return verdict
        explanation = verdict.explanation
        if explanation is not None:
            explanation = {**explanation, "precedents": msgspec.to_builtins(learnt.precedents)}
        return msgspec.structs.replace(
            verdict,
            verdict=learnt.said,
            tier="pattern",
            rule=learnt.rule,
            reason=learnt.reason,
            suggestion=verdict.suggestion if learnt.said == "deny" else "",
            explanation=explanation,
        )

    async def _by_person(self, request: Request, verdict: Verdict) -> Verdict:
        """A person's answer, or the denial where there is none. Raises Overloaded when too many wait already."""
        tier, started = self.tiers.human, self._clock()
        if not tier.admits():
            return msgspec.structs.replace(verdict, verdict="deny", tier="human", rule=UNANSWERED, reason=_NOBODY)
        with within("tier.human"):
            answer = await self.approvals.park(request, verdict)
        if answer.rule == UNANSWERED:
            tier.failed()
        else:
            tier.answered(self._since(started))
        return answer

    def _decide(self, request: Request, world: World, explain: bool) -> Verdict:
        """Analysis and policy. May run in a thread. An error is a deny."""
        try:
            if _size(request) > MAX_INPUT:
                return refusal("request.size", f"The request has more than {MAX_INPUT} bytes.", "escalate")
            files = self.flows.files(world)
            analysis = checked(effects_of(request, world, self._analyser, files))
            document = policy_input(request, analysis, self._profile, self.flows.recent(request))
            self.flows.propose(request_hash(request), request, analysis.effects, files)
            matches = self.policies.ask(document)
            verdict = verdict_of(analysis, strongest(matches))
            if verdict.verdict == "escalate" and is_negotiable(analysis, matches):
                template = template_of(request, analysis.effects, world)
                verdict = msgspec.structs.replace(verdict, template=template)
        except LighthouseError as error:
            return refusal(f"error.{error.code}", error.message, "deny", error.hint)
        except Exception:
            log.exception("gate.bug", tool=request.tool)
            return refusal("error.internal", "Lighthouse failed on this request; the daemon's log says why.", "deny")
        if not explain:
            return verdict
        explanation = {
            "rules": [match._asdict() for match in matches],
            "input": document,
            "policies": self.policies.version,
        }
        return msgspec.structs.replace(verdict, explanation=explanation)

    def _since(self, started: int) -> int:
        return (self._clock() - started) // 1000


_NOBODY = "Nobody answered the last requests, so it is denied without waiting; a person is asked again in a while."


def _note(span: Span | None, verdict: Verdict) -> None:
    """What was decided, without what was asked: a trace leaves the machine."""
    if span is not None:
        span.note(verdict=verdict.verdict, tier=verdict.tier, rule=verdict.rule, request=verdict.request)


def _size(request: Request) -> int:
    return sum(len(value) if isinstance(value, str) else 256 + len(str(value)) for value in request.input.values())


def _is_small(given: Mapping[str, Any]) -> bool:
    size = 0
    for value in given.values():
        if isinstance(value, str):
            size += len(value)
        elif not isinstance(value, int | float | None):
            return False
    return size <= IN_THREAD

"""What is learnt is what the log says: live, after a restart, and only from streams that people's answers are in."""

import subprocess
import sys
import time
from typing import Any

import msgspec
import pytest
import trio
from tests_support.asking import Askers, Asking, askers
from tests_support.running import Running
from tests_support.waiting import until, until_soon

from lighthoused.client import Client
from lighthoused.core.author import Author
from lighthoused.core.errors import Conflict, Denied, NotFound
from lighthoused.core.verdicts import Template, Verdict
from lighthoused.pattern import learning as learning_module
from lighthoused.pattern.answers import AGREEING, MAX_ANSWERS, SPACING_NS
from lighthoused.pattern.fitting import MIN_ALLOWED, MIN_DENIED, fit
from lighthoused.pattern.learning import Learning
from lighthoused.pattern.patterns import Patterns
from lighthoused.protocol.messages.agents import TokenIssueRequest
from lighthoused.protocol.messages.gate import (
    ApprovalAlwaysRequest,
    ApprovalAnswerRequest,
    ApprovalListRequest,
    ApprovalShowRequest,
    CheckRequest,
)
from lighthoused.protocol.messages.log import AppendRequest, NewEvent
from lighthoused.protocol.messages.patterns import PatternListRequest, PatternRevokeRequest
from lighthoused.store.store import Store

ANN = Author(agent="ann", uid=1000)
START = time.time_ns()


def payload(answer: str, number: int = 0, project: str = "/p") -> dict[str, Any]:
    words = ("rm", "-r", f"lib{number}")
    made = Template(f"id{number}", project, "<project>", words, (f"delete <project>/lib{number}",))
    return {"answer": answer, "agent": "claude", "asked": " ".join(words), "template": msgspec.to_builtins(made)}


def learning(store: Store, patterns: Patterns) -> Learning:
    return Learning(patterns, store.log, store.feed, fit, lambda: START + 10 * SPACING_NS)


def views(patterns: Patterns) -> list[Any]:
    return patterns.views(START + 10 * SPACING_NS)


async def test_living_through_it_and_replaying_it_are_the_same(store: Store, nursery: trio.Nursery) -> None:
    lived = Patterns()
    live = learning(store, lived)
    live.rebuild()
    nursery.start_soon(live.run)
    for number in range(40):
        kind = "approval.answered"
        said = payload("deny" if number % 7 == 0 else "allow", number % 5)
        at = START - (40 - number) * SPACING_NS
        await store.append((ANN.draft(f"approvals/{number}", kind, said, at),))
    await until_soon(lambda: len(lived.answers) >= 40)
    rule = {**payload("allow", 3), "project": "", "agent": ""}
    await store.append((ANN.draft("patterns", "pattern.allowed", rule, START),))
    revoked = next(view.id for view in views(lived) if not view.standing)
    await store.append((ANN.draft("patterns", "pattern.revoked", {"pattern": revoked}, START),))
    replayed = Patterns()
    learning(store, replayed).rebuild()
    await until_soon(lambda: views(replayed) == views(lived))
    assert revoked not in {view.id for view in views(lived)}
    assert list(replayed.answers) == list(lived.answers)
    assert list(replayed.standing) == list(lived.standing)
    nursery.cancel_scope.cancel()


async def test_only_the_streams_of_the_daemon_count(store: Store) -> None:
    await store.append(
        (
            ANN.draft("mine", "approval.answered", payload("allow"), START),
            ANN.draft("mine", "pattern.allowed", payload("allow"), START),
            ANN.draft("approvals/1", "approval.answered", {"answer": "allow", "reason": ""}, START),
            ANN.draft("approvals/2", "approval.answered", {"answer": 7}, START),
        )
    )
    patterns = Patterns()
    learning(store, patterns).rebuild()
    assert views(patterns) == []


async def test_it_starts_from_the_newest_answers_of_a_long_log(store: Store) -> None:
    for first in range(0, 6000, 500):
        batch = [
            ANN.draft(f"approvals/{number}", "approval.answered", payload("allow", number), START)
            for number in range(first, first + 500)
        ]
        await store.append(tuple(batch))
    patterns = Patterns()
    learning(store, patterns).rebuild()
    assert len(patterns.answers) == len(patterns.ids()) == MAX_ANSWERS
    assert patterns.answers.newest == store.log.head().seq


async def test_the_model_is_made_of_enough_answers_and_anew_when_one_is_taken_back(
    store: Store, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning_module, "FIT_AFTER_S", 0.01)
    patterns = Patterns()
    live = learning(store, patterns)
    live.rebuild()
    nursery.start_soon(live.run)
    said = [
        payload("deny" if number < MIN_DENIED else "allow", number) for number in range(MIN_DENIED + MIN_ALLOWED + 1)
    ]
    drafts = [ANN.draft(f"approvals/{number}", "approval.answered", each, START) for number, each in enumerate(said)]
    await store.append(tuple(drafts[:-2]))
    await until_soon(lambda: len(patterns.answers) >= len(drafts) - 2)
    await trio.sleep(0.1)
    assert patterns.model is None
    await store.append(tuple(drafts[-2:]))
    await until_soon(lambda: patterns.model is not None)
    first = patterns.model
    taken_back = patterns.ids()[0]
    await store.append((ANN.draft("patterns", "pattern.revoked", {"pattern": taken_back}, START),))
    await until_soon(lambda: patterns.model not in (first, None))
    assert patterns.model is not None
    assert patterns.model.learnt == first.learnt - 1
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("module", ["lighthoused.daemon", "lighthoused.cli.main", "lighthoused.cli.hook"])
def test_numpy_is_imported_only_to_fit_a_model(module: str) -> None:
    code = f"import sys, {module}; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- with a daemon ----------------------------------------------------------------------------------------------------


def judged(client: Client, command: str, cwd: str = "/srv/demo") -> Verdict:
    verdict: Verdict = client.call(CheckRequest(id=0, input={"command": command}, cwd=cwd, agent="claude"))
    return verdict


def answered(asks: Askers, command: str, answer: str) -> None:
    asked = asks({"command": command}, cwd="/srv/demo")
    with asks.running.client() as client:
        request = client.call(ApprovalShowRequest(id=0, approval=asked.id)).approval.request
        client.call(ApprovalAnswerRequest(id=0, approval=asked.id, answer=answer, request=request))
    assert asked.verdict().verdict == answer


def shown(client: Client, asked: Asking) -> Any:
    return client.call(ApprovalShowRequest(id=0, approval=asked.id)).approval


def test_what_is_forged_is_refused(running: Running) -> None:
    with running.client() as client:
        for stream in ("patterns", "patterns/x", "approvals/x"):
            event = NewEvent(stream=stream, type="pattern.allowed", payload={})
            with pytest.raises(Denied, match="daemon's own"):
                client.call(AppendRequest(id=0, events=(event,)))


def test_always_is_for_what_was_shown(running: Running) -> None:
    with askers(running) as asks, running.client() as client:
        asked = asks({"command": "git branch -D topic-7"}, cwd="/srv/demo")
        approval = shown(client, asked)
        always = ApprovalAlwaysRequest(
            id=0, approval=approval.id, request=approval.request, template=approval.template.id, scope="project"
        )
        with pytest.raises(Conflict, match="another request"):
            client.call(msgspec.structs.replace(always, template="0" * 24))
        with pytest.raises(Conflict, match="another request"):
            client.call(msgspec.structs.replace(always, request="0" * 64))
        made = client.call(always)
        assert (made.standing, made.agent, made.project) == (True, "", "/srv/demo")
        assert asked.verdict().tier == "human"
        found = judged(client, "git  branch -D 'topic-7'")
        assert (found.verdict, found.tier, found.rule) == ("allow", "pattern", "pattern.always")
        assert judged(client, "git branch -D main").verdict == "escalate"
        assert judged(client, "git branch -D topic-7", "/srv/other").verdict == "escalate"
    running.restart()
    with running.client() as client:
        assert judged(client, "git branch -D topic-7").rule == "pattern.always"
        client.call(PatternRevokeRequest(id=0, pattern=made.id))
        assert judged(client, "git branch -D topic-7").verdict == "escalate"
        with pytest.raises(NotFound, match="no pattern"):
            for _ in range(2):
                client.call(PatternRevokeRequest(id=0, pattern=made.id))


def test_what_is_required_is_never_allowed_for_good(running: Running) -> None:
    with askers(running) as asks, running.client() as client:
        approval = shown(client, asks({"command": "git push --force"}, cwd="/srv/demo"))
        assert approval.template is None
        with pytest.raises(Denied, match="asked each time"):
            client.call(ApprovalAlwaysRequest(id=0, approval=approval.id, request=approval.request, template=""))
        assert approval.id in {each.id for each in client.call(ApprovalListRequest(id=0)).approvals}


def test_agents_cannot_allow_themselves(running: Running) -> None:
    with running.client() as owner:
        token = owner.call(TokenIssueRequest(id=0, agent="claude", role="agent")).token
    with askers(running) as asks, running.client() as owner, running.client(token=token) as agent:
        approval = shown(owner, asks({"command": "git branch -D topic-8"}, cwd="/srv/demo"))
        with pytest.raises(Denied):
            agent.call(
                ApprovalAlwaysRequest(
                    id=0, approval=approval.id, request=approval.request, template=approval.template.id
                )
            )


def test_answers_are_learnt_once_they_are_on_disk(running: Running) -> None:
    with askers(running) as asks, running.client() as client:
        for _ in range(AGREEING):
            answered(asks, "git branch -D old", "allow")

        def learnt() -> list[Any]:
            views = client.call(PatternListRequest(id=0)).patterns
            return [view for view in views if "old" in view.text and view.allowed == AGREEING]

        (found,) = until(learnt)
        assert found.verdict == "escalate", "too fast to count more than once"
        assert judged(client, "git branch -D old").verdict == "escalate"

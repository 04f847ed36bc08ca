"""Memory, people and the audit around the policies, all of them real parts."""

from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing

from lighthoused.api.gate import GateApi
from lighthoused.core.author import Author
from lighthoused.core.effects import World
from lighthoused.core.errors import Conflict, Invalid, NotFound, Overloaded
from lighthoused.core.events import Draft
from lighthoused.core.verdicts import Request, Verdict
from lighthoused.gate import analysis, approvals
from lighthoused.gate.approvals import Approvals
from lighthoused.gate.audit import Audit
from lighthoused.gate.gate import Gate, request_hash
from lighthoused.gate.local import Silent, local_gate
from lighthoused.gate.memory import Memory
from lighthoused.identity.access import Identity
from lighthoused.policy.engine import Policies
from lighthoused.protocol.messages.gate import CheckRequest
from lighthoused.protocol.messages.log import Filter
from lighthoused.rpc.call import Call
from lighthoused.store.store import Store

CWD = "/home/ann/src"
WORLD = World(home="/home/ann", roots=(CWD,), user="ann")
BEA = Author(agent="bea", uid=1000)
ASKS = "git reset --hard"


def bash(command: str, agent: str = "claude", cwd: str = CWD) -> Request:
    return Request("Bash", {"command": command}, cwd, agent)


class Setup:
    """A gate with an audit that keeps its drafts, and policies in a directory."""

    def __init__(self, policies: Path, deadline_s: float = 300) -> None:
        self.drafts: list[Draft] = []
        self.audit = Audit(self.append)
        self.memory = Memory(1 << 20)
        self.approvals = Approvals(self.audit.record, deadline_s=deadline_s)
        self.policies = Policies((policies,))
        self.gate = Gate(analysis.standard(), self.policies, self.memory, self.approvals, self.audit, Silent())

    async def append(self, drafts: object) -> None:
        self.drafts.extend(drafts)  # type: ignore[call-overload]

    async def types(self) -> list[str]:
        await self.audit.flush()
        return [draft.type for draft in self.drafts]


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


# --- at once, or in a thread ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"command": "ls"}, True),
        ({"file_path": "a", "offset": 3, "limit": None, "all": True}, True),
        ({"command": "x" * 600, "description": "y" * 600}, False),
        ({"edits": [{"old": "a", "new": "b"}]}, False),
    ],
)
def test_only_small_requests_are_judged_on_the_loop(setup: Setup, given: dict[str, object], expected: bool) -> None:
    assert setup.gate.answers_at_once(Request("Tool", given, CWD, "claude")) == expected


def test_whose_requests_take_long_is_judged_in_threads_for_a_while(setup: Setup) -> None:
    now = [0]

    def clock() -> int:
        now[0] += 100_000_000
        return now[0]

    silent = Silent()
    slow = Gate(analysis.standard(), setup.policies, setup.memory, setup.approvals, setup.audit, silent, clock=clock)
    assert slow.answers_at_once(bash("ls"))
    slow.judge(bash("ls"), WORLD)
    assert not slow.answers_at_once(bash("pwd"))
    assert slow.answers_at_once(bash("pwd", agent="codex"))
    now[0] += 61 * 10**9
    assert slow.answers_at_once(bash("pwd"))


# --- memory -----------------------------------------------------------------------------------------------------------


def test_the_same_request_is_answered_from_memory(setup: Setup) -> None:
    first, second = (setup.gate.judge(bash("ls"), WORLD) for _ in range(2))
    assert (first.tier, second.tier) == ("policy", "memory")
    assert (second.verdict, second.rule, second.request) == (first.verdict, first.rule, first.request)


@pytest.mark.parametrize("other", [bash("ls "), bash("ls", agent="codex"), bash("ls", cwd="/home/ann")])
def test_another_request_is_not(setup: Setup, other: Request) -> None:
    setup.gate.judge(bash("ls"), WORLD)
    assert setup.gate.judge(other, WORLD).tier == "policy"


def test_another_world_is_another_request(setup: Setup) -> None:
    request = bash("touch a", cwd="/mnt/lh/demo/current")
    setup.gate.judge(request, WORLD)
    assert setup.gate.judge(request, WORLD).tier == "memory"
    assert setup.gate.judge(request, msgspec.structs.replace(WORLD, mount="/mnt/lh")).tier == "policy"


def test_denials_are_remembered_and_escalations_are_not(setup: Setup) -> None:
    for command, tier in (("rm -rf /", "memory"), (ASKS, "policy")):
        setup.gate.judge(bash(command), WORLD)
        assert setup.gate.judge(bash(command), WORLD).tier == tier


def test_explanations_are_made_anew(setup: Setup) -> None:
    setup.gate.judge(bash("ls"), WORLD)
    assert setup.gate.judge(bash("ls"), WORLD, explain=True).explanation
    assert setup.gate.judge(bash("ls"), WORLD).explanation is None


def test_memory_is_bounded_in_bytes() -> None:
    memory = Memory(20_000)
    for number in range(200):
        memory.put(b"%d" % number, "v", Verdict("allow", "policy", "r", "x" * 100))
        assert memory.size <= 20_000
    assert 0 < len(memory) < 200
    assert memory.get(b"199", "v")
    assert memory.get(b"0", "v") is None


def test_what_is_larger_than_memory_is_not_kept() -> None:
    memory = Memory(4000)
    memory.put(b"a", "v", Verdict("allow", "policy", "r", "x" * 10_000))
    assert len(memory) == 0


def test_other_policies_empty_memory(setup: Setup, tmp_path: Path) -> None:
    assert setup.gate.judge(bash("ls"), WORLD).verdict == "allow"
    (tmp_path / "no-ls.rego").write_text(
        'package lighthouse\nimport rego.v1\nrules contains deny("no.ls", -1, "Not today.") if input.tool == "Bash"\n'
    )
    setup.policies.reload()
    verdict = setup.gate.judge(bash("ls"), WORLD)
    assert (verdict.verdict, verdict.tier, verdict.rule) == ("deny", "policy", "no.ls")
    assert len(setup.memory) == 1


# --- people -----------------------------------------------------------------------------------------------------------


async def asked(setup: Setup, request: Request, answers: list[Verdict]) -> None:
    answers.append(await setup.gate.ask(request, WORLD, wait=True))


async def test_a_person_allows(setup: Setup, nursery: trio.Nursery) -> None:
    answers: list[Verdict] = []
    nursery.start_soon(asked, setup, bash(ASKS), answers)
    await trio.testing.wait_all_tasks_blocked()
    (waiting,) = setup.approvals.waiting()
    assert waiting.request == request_hash(bash(ASKS))
    setup.approvals.answer(waiting.id, "allow", "", waiting.request, BEA)
    await trio.testing.wait_all_tasks_blocked()
    assert [(each.verdict, each.tier, each.approval) for each in answers] == [("allow", "human", waiting.id)]
    assert await setup.types() == ["gate.judged", "approval.requested", "approval.answered", "gate.judged"]


async def test_an_answer_counts_once(setup: Setup, nursery: trio.Nursery) -> None:
    nursery.start_soon(asked, setup, bash(ASKS), [])
    await trio.testing.wait_all_tasks_blocked()
    (waiting,) = setup.approvals.waiting()
    setup.approvals.answer(waiting.id, "allow", "", waiting.request, BEA)
    await trio.testing.wait_all_tasks_blocked()
    assert (await setup.gate.ask(bash(ASKS), WORLD)).verdict == "escalate"


async def test_an_answer_is_bound_to_what_was_shown(setup: Setup, nursery: trio.Nursery) -> None:
    nursery.start_soon(asked, setup, bash(ASKS), [])
    await trio.testing.wait_all_tasks_blocked()
    (waiting,) = setup.approvals.waiting()
    with pytest.raises(Conflict):
        setup.approvals.answer(waiting.id, "allow", "", request_hash(bash("rm -rf /")), BEA)
    with pytest.raises(Invalid):
        setup.approvals.answer(waiting.id, "escalate", "", waiting.request, BEA)
    setup.approvals.answer(waiting.id, "deny", "", waiting.request, BEA)
    with pytest.raises(Conflict):
        setup.approvals.answer(waiting.id, "allow", "", waiting.request, BEA)
    with pytest.raises(NotFound):
        setup.approvals.answer("zzzzz", "allow", "", "", BEA)


@pytest.mark.parametrize("other", [bash("git reset --hard HEAD~1"), bash(ASKS, agent="codex"), bash(ASKS, cwd="/srv")])
async def test_a_grant_is_for_the_same_request_only(setup: Setup, other: Request) -> None:
    with trio.move_on_after(0.01):
        await setup.gate.ask(bash(ASKS), WORLD, wait=True)
    (waiting,) = setup.approvals.waiting()
    setup.approvals.answer(waiting.id, "allow", "", waiting.request, BEA)
    assert (await setup.gate.ask(other, WORLD)).verdict != "allow"
    assert (await setup.gate.ask(bash(ASKS), WORLD)).tier == "human"
    assert (await setup.gate.ask(bash(ASKS), WORLD)).verdict == "escalate"


async def test_the_deadline_denies(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    setup = Setup(tmp_path, deadline_s=300)
    started = trio.current_time()
    verdict = await setup.gate.ask(bash(ASKS), WORLD, wait=True)
    assert (verdict.verdict, verdict.tier) == ("deny", "human")
    assert trio.current_time() - started == pytest.approx(300)
    assert setup.approvals.waiting() == ()


async def test_a_grant_ends_with_its_deadline(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    setup = Setup(tmp_path, deadline_s=300)
    with trio.move_on_after(1):
        await setup.gate.ask(bash(ASKS), WORLD, wait=True)
    (waiting,) = setup.approvals.waiting()
    setup.approvals.answer(waiting.id, "allow", "", waiting.request, BEA)
    await trio.sleep(300)
    assert (await setup.gate.ask(bash(ASKS), WORLD)).verdict == "escalate"


async def test_only_so_many_wait(setup: Setup, nursery: trio.Nursery) -> None:
    for number in range(approvals.MAX_PARKED):
        nursery.start_soon(asked, setup, bash(f"{ASKS} HEAD~{number}"), [])
    await trio.testing.wait_all_tasks_blocked()
    with pytest.raises(Overloaded):
        await setup.gate.ask(bash(ASKS), WORLD, wait=True)
    nursery.cancel_scope.cancel()


async def test_an_escalation_through_the_api_is_judged_once(setup: Setup) -> None:
    api = GateApi(setup.gate, lambda uid: WORLD)
    peer = Identity(Author(agent="claude", uid=1000), "agent")
    verdict = api.check(CheckRequest(id=1, input={"command": ASKS}, cwd=CWD), Call(peer, None))
    assert not isinstance(verdict, Verdict)
    assert (await verdict).verdict == "escalate"
    assert await setup.types() == ["gate.judged"]


# --- audit ------------------------------------------------------------------------------------------------------------


async def test_every_verdict_is_recorded(store: Store) -> None:
    audit = Audit(store.append)
    gate = Gate(analysis.standard(), Policies(), Memory(1 << 20), Approvals(audit.record), audit, Silent())
    for command in ("ls", "ls", "ls", "rm -rf /"):
        gate.judge(bash(command), WORLD)
    await audit.flush()
    events = store.log.query(Filter(stream="gate/claude")).events
    payloads = [msgspec.msgpack.decode(stored.event.payload) for stored in events]
    judged = [(each["input"]["command"], each["verdict"]) for each in payloads if "verdict" in each]
    assert judged == [("ls", "allow"), ("rm -rf /", "deny")]
    assert [each["hits"] for each in payloads if "hits" in each] == [{request_hash(bash("ls")): ["allow", 2]}]


async def test_what_the_audit_cannot_hold_is_counted(setup: Setup) -> None:
    for number in range(10_000):
        setup.audit.record(Draft(stream="s", type="t", payload=b"", time=number))
    assert setup.audit.lost == 10_000 - 2 * 4096
    types = [*(await setup.types()), *(await setup.types())]
    assert "gate.audit_lost" in types
    assert setup.audit.lost == 0


async def test_a_large_request_is_judged_like_a_small_one() -> None:
    gate = local_gate()
    padded = f"rm -rf /  # {'x' * 20_000}"
    assert (await gate.ask(bash(padded), WORLD)).verdict == "deny"
    assert (await gate.ask(bash("x" * (3 << 20)), WORLD)).rule == "request.size"

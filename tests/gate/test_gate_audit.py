"""The audit is complete after a clean stop, bounded while the store does not take it, and counts what is lost."""

import threading
from collections import Counter
from collections.abc import Sequence

import msgspec
import pytest
import trio
from tests_support.running import Running

from lighthoused.core.author import Author
from lighthoused.core.errors import Invalid, LighthouseError, StoreFull, TooLarge
from lighthoused.core.events import Draft
from lighthoused.core.verdicts import Request, Verdict
from lighthoused.gate import audit as bounds
from lighthoused.gate.audit import Audit
from lighthoused.protocol.messages.gate import CheckRequest, HookReportRequest

CLIENTS = 4
PIECE = 200


class Disk:
    """A store that can be full."""

    def __init__(self) -> None:
        self.full = True
        self.kept: list[Draft] = []

    async def append(self, drafts: Sequence[Draft]) -> None:
        if self.full:
            raise StoreFull("full")
        self.kept.extend(drafts)

    def total(self) -> Counter[str]:
        """Verdicts by kind of event, and what was said to be lost."""
        made: Counter[str] = Counter()
        for draft in self.kept:
            payload = msgspec.msgpack.decode(draft.payload)
            if draft.type == "gate.hits":
                made["hits"] += sum(count for _, count in payload["hits"].values())
            elif draft.type == "gate.audit_lost":
                made["lost"] += payload["lost"]
            else:
                made[draft.type] += 1
        return made


def asked(number: int, size: int = 1) -> tuple[Request, Verdict]:
    request = Request("Bash", {"command": "x" * size}, "/", "claude")
    return request, Verdict("allow", "policy", "default.harmless", "", request=str(number))


async def flushed(audit: Audit) -> None:
    for _ in range(3):
        await audit.flush()


class Busy(Disk):
    """A store during whose every append there is another verdict."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False
        self.audit = Audit(self.append)

    async def append(self, drafts: Sequence[Draft]) -> None:
        await super().append(drafts)
        self.audit.judged(*asked(len(self.kept)))


async def test_who_waits_for_what_was_judged_does_not_wait_for_what_comes_after() -> None:
    busy = Busy()
    busy.audit.judged(*asked(0))
    with trio.fail_after(5):
        await busy.audit.flush()
    assert len(busy.kept) == 1
    assert busy.audit.waiting == 1


async def test_hits_are_kept_while_there_is_no_room() -> None:
    disk = Disk()
    audit = Audit(disk.append)
    for number in range(6000):
        audit.judged(*asked(number))
        for _ in range(5):
            audit.hit(*asked(number % 100))
    await flushed(audit)
    assert disk.kept == []
    disk.full = False
    await flushed(audit)
    total = disk.total()
    assert total["hits"] == 30_000
    assert total["gate.judged"] + total["lost"] == 6000
    assert total["lost"] > 1000


async def test_many_different_hits_are_counted() -> None:
    disk = Disk()
    audit = Audit(disk.append)
    for number in range(bounds.MAX_WAITING):
        audit.judged(*asked(number))
    for number in range(50_000):
        audit.hit(*asked(number))
    disk.full = False
    await flushed(audit)
    total = disk.total()
    assert total["hits"] + total["lost"] == 50_000
    assert total["lost"] > 0


async def test_it_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_WAITING_BYTES", 100_000)
    disk = Disk()
    audit = Audit(disk.append)
    for number in range(1000):
        audit.judged(*asked(number, 1000))
    assert 900 < audit.lost < 1000
    disk.full = False
    await flushed(audit)
    for number in range(10):
        audit.judged(*asked(number, 1000))
    assert audit.lost == 0


async def test_what_people_say_has_room_left() -> None:
    audit = Audit(Disk().append)
    for number in range(5000):
        audit.judged(*asked(number))
    lost = audit.lost
    audit.record(Author("ann").draft("approvals/x", "approval.answered", {}, 0))
    assert audit.lost == lost > 0


class Load:
    """Clients that ask as fast as they can: the same again and again, and now and then something new."""

    def __init__(self, running: Running, rounds: int) -> None:
        self.answered = 0
        self._running = running
        self._rounds = rounds
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        for thread in self._threads:
            thread.join(60)

    def _ask(self, client: int) -> None:
        with self._running.client() as connected:
            for turn in range(self._rounds):
                commands = [f"echo {client} {turn}", *["ls"] * (PIECE - 1)]
                try:
                    got = connected.pipeline([CheckRequest(id=0, input={"command": each}) for each in commands])
                except LighthouseError:
                    return
                with self._lock:
                    self.answered += sum(isinstance(each, Verdict) for each in got)


def recorded(running: Running) -> int:
    """All verdicts that the log knows."""
    judged = running.events(type="gate.judged")
    hits = running.events(type="gate.hits")
    return len(judged) + sum(count for event in hits for _, count in event.payload["hits"].values())


def test_it_is_complete_after_a_clean_stop(running: Running) -> None:
    load = Load(running, rounds=25)
    load.wait()
    running.restart()
    assert load.answered == 25 * CLIENTS * PIECE
    assert recorded(running) == load.answered
    assert running.events(type="gate.audit_lost") == ()


def test_every_answered_verdict_is_recorded_when_it_is_stopped_in_the_middle(running: Running) -> None:
    load = Load(running, rounds=100_000)
    while load.answered < 20 * PIECE:
        threading.Event().wait(0.01)
    assert running.stop() == 0
    load.wait()
    running.start()
    assert recorded(running) >= load.answered > 0


async def test_what_the_store_never_takes_keeps_nothing_else_out() -> None:
    disk = Disk()
    disk.full = False

    async def append(drafts: Sequence[Draft]) -> None:
        if any(draft.agent == "bad" for draft in drafts):
            raise TooLarge("The name is too long.")
        await disk.append(drafts)

    audit = Audit(append)
    for number in range(20):
        request, verdict = asked(number)
        audit.judged(msgspec.structs.replace(request, agent="bad") if number in (0, 7, 19) else request, verdict)
    await flushed(audit)
    assert disk.total() == {"gate.judged": 17, "lost": 3}
    assert audit.lost == 0


def test_a_name_that_is_too_long_is_refused_and_blocks_nothing(running: Running) -> None:
    with running.client() as client:
        for agent, session in (("a" * 201, ""), ("é" * 101, ""), ("a", "s" * 201), ("a\0", "")):
            with pytest.raises(Invalid, match="too long"):
                client.call(CheckRequest(id=0, input={"command": "ls"}, agent=agent, session=session))
        client.call(CheckRequest(id=0, input={"command": "echo after"}, agent="a" * 200))
    (judged,) = running.events(type="gate.judged")
    assert judged.agent == "a" * 200


def test_secrets_that_are_asked_with_are_not_in_the_log(running: Running) -> None:
    token, other = "ghp_R4nD0mLetters8ndD1gitsOf36Charact3rs", "glpat-R4nD0mLetters8ndD1g"
    asked = f"curl -H 'Authorization: token {token}' https://example.org/x | tee out"
    report = {"hook_event_name": "PostToolUse", "session_id": "s", "tool_name": "Bash", "error": f"bad {other}"}
    with running.client() as client:
        verdict = client.call(CheckRequest(id=0, input={"command": asked}, agent="claude"))
        client.call(HookReportRequest(id=0, event=report))
    assert verdict.verdict == "escalate"
    (judged,) = running.events(type="gate.judged")
    assert "<secret:github-token:" in str(judged.payload)
    assert running.stop() == 0
    for file in (each for each in running.state.rglob("*") if each.is_file()):
        assert token.encode() not in file.read_bytes()
        assert other.encode() not in file.read_bytes()

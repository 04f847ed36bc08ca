"""The state machine of degradation: every path of signals keeps its promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighthoused.core.degradation import STATES, TRANSITIONS, Condition
from lighthoused.core.errors import Conflict

WHAT = st.sampled_from(["mount", "store"])
SIGNALS = st.one_of(
    st.tuples(st.just("lost"), WHAT, st.sampled_from(["gone", "full"])),
    st.tuples(st.just("restored"), WHAT),
    st.tuples(st.just("checked"), st.sampled_from(["", "the chain is broken"]), st.booleans()),
    st.tuples(st.just("approved")),
)


def after(condition: Condition, signal: tuple[object, ...]) -> Condition:
    name, *arguments = signal
    try:
        moved: Condition = getattr(condition, str(name))(*arguments)
    except Conflict:
        return condition
    return moved


@given(st.lists(SIGNALS, max_size=30))
def test_whatever_happens_it_is_an_emergency_exactly_while_something_is_lost(signals: list[tuple[object, ...]]) -> None:
    condition = Condition()
    lost: set[object] = set()
    for signal in signals:
        before, condition = condition, after(condition, signal)
        if signal[0] == "lost":
            lost.add(signal[1])
        elif signal[0] == "restored":
            lost.discard(signal[1])
        assert (condition.state == "emergency") == bool(lost)
        assert set(condition.losses) == lost
        assert bool(condition.reason) == (condition.state != "normal")
        if condition.state == "normal" and before.state != "normal":
            assert before.state == "recovering"
            assert signal[0] == "approved" if before.held else signal == ("checked", "", False)
        if condition.held:
            assert condition.state == "recovering"
            assert not condition.problem


@given(st.lists(SIGNALS, max_size=30))
def test_every_step_is_in_the_table(signals: list[tuple[object, ...]]) -> None:
    condition = Condition()
    for signal in signals:
        before, condition = condition, after(condition, signal)
        ways = {to for (here, _), to in TRANSITIONS.items() if here == before.state}
        assert condition.state == before.state or condition.state in ways


def test_the_table_leads_from_everywhere_to_normal_and_only_through_recovering() -> None:
    assert {state for state, _ in TRANSITIONS} == set(STATES)
    assert {here for (here, _), to in TRANSITIONS.items() if to == "normal"} == {"recovering"}
    assert {signal for (_, signal), to in TRANSITIONS.items() if to == "normal"} == {"passed", "approved"}


def test_a_loss_and_its_end() -> None:
    lost = Condition().lost("store", "The disk is full.")
    assert (lost.state, lost.reason) == ("emergency", "store: The disk is full.")
    both = lost.lost("mount", "It was unmounted.")
    assert both.restored("store").state == "emergency"
    recovering = both.restored("store").restored("mount")
    assert (recovering.state, recovering.reason) == ("recovering", "Checks are running.")
    failed = recovering.checked("The newest events do not hold together.", approval=False)
    assert (failed.state, failed.reason) == ("recovering", "The newest events do not hold together.")
    assert failed.checked("", approval=False) == Condition()


def test_a_person_approves_once_the_checks_have_passed_and_not_before() -> None:
    recovering = Condition().lost("store", "full").restored("store")
    for nothing in (Condition(), Condition().lost("store", "full"), recovering):
        with pytest.raises(Conflict):
            nothing.approved()
    held = recovering.checked("", approval=True)
    assert (held.state, held.held, held.reason) == ("recovering", True, "An operator has to approve.")
    assert held.checked("later", approval=True) == held
    assert held.lost("store", "full again").state == "emergency"
    assert held.approved() == Condition()

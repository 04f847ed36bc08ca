"""What counts as slower: not chance, not the machine, not a trifle."""

import itertools
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighthoused.baseline.comparing import by_chance, compare
from lighthoused.baseline.measurement import Measurement, Percentiles, middle, percentiles

COMPONENTS = {"machine.switch": 20.0, "machine.cpu": 100.0, "rpc.ping": 40.0, "gate.uncached": 900.0}


def measured(name: str, seed: int, *, machine: float = 1.0, rounds: int = 20, **factors: float) -> Measurement:
    """Rounds of a machine that is so much slower, whose every value has noise of a tenth."""
    chance = random.Random(seed)
    found = {}
    for component, us in COMPONENTS.items():
        factor = machine * factors.get(component.replace(".", "_"), 1.0)
        values = [us * factor * chance.lognormvariate(0, 0.1) for _ in range(rounds)]
        found[component] = [Percentiles(value, 1.05 * value, 3 * value) for value in values]
    return as_measurement(name, found)


def as_measurement(name: str, rounds: dict[str, list[Percentiles]]) -> Measurement:
    return Measurement(name, "1", "here", 0, {component: some[0] for component, some in rounds.items()}, rounds)


def slower(before: Measurement, now: Measurement) -> set[str]:
    return {one.component for one in compare(before, now).slower}


@pytest.mark.parametrize("seed", range(20))
def test_the_same_daemon_is_not_slower(seed: int) -> None:
    assert slower(measured("a", seed), measured("b", seed + 1000)) == set()


@pytest.mark.parametrize("seed", range(20))
def test_a_slower_machine_is_not_the_daemons_fault(seed: int) -> None:
    found = compare(measured("a", seed), measured("b", seed + 1000, machine=3.0))
    assert found.slower == ()
    assert found.machine["machine.switch"] > 1.5


@pytest.mark.parametrize("seed", range(20))
def test_what_takes_half_as_long_again_is_found_also_on_another_machine(seed: int) -> None:
    now = measured("b", seed + 1000, machine=0.5, gate_uncached=1.5)
    assert slower(measured("a", seed), now) == {"gate.uncached"}
    changes = {one.component: one.change for one in compare(now, measured("a", seed)).judged}
    assert changes["gate.uncached"] == "faster"


def test_on_an_unsteady_machine_only_a_large_difference_is_sure() -> None:
    def shaky(name: str, factor: float) -> Measurement:
        steady = measured(name, 7, gate_uncached=factor)
        rounds = {**steady.rounds, "machine.switch": [Percentiles(20.0, 60.0, 90.0)] * 20}
        return as_measurement(name, {component: list(some) for component, some in rounds.items()})

    assert {one.component for one in compare(shaky("a", 1.0), shaky("b", 1.6)).unsure} == {"gate.uncached"}
    assert compare(shaky("a", 1.0), shaky("b", 1.6)).slower == ()
    assert {one.component for one in compare(shaky("a", 1.0), shaky("b", 4.0)).slower} == {"gate.uncached"}


def test_a_sure_difference_within_the_tolerance_is_nobodys_regression() -> None:
    def steady(factor: float) -> Measurement:
        rounds = {name: [Percentiles(us * factor, us * factor, us * factor)] * 10 for name, us in COMPONENTS.items()}
        return as_measurement("x", {**rounds, "machine.switch": [Percentiles(20.0, 20.0, 20.0)] * 10})

    assert slower(steady(1.0), steady(1.05)) == set()
    assert slower(steady(1.0), steady(1.2)) == {"rpc.ping"}


def test_what_only_one_has_is_told() -> None:
    before, now = measured("a", 1), measured("b", 2)
    del before.rounds["gate.uncached"]  # type: ignore[attr-defined]
    assert compare(before, now).missing == ("gate.uncached",)


@given(st.lists(st.floats(0, 100), min_size=3, max_size=4), st.lists(st.floats(0, 100), min_size=3, max_size=4))
def test_the_chance_is_that_of_all_permutations(ours: list[float], theirs: list[float]) -> None:
    every = [*ours, *theirs]
    if len(set(every)) < len(every):
        return

    def wins(mine: Sequence[float], others: Sequence[float]) -> int:
        return sum(one > other for one in mine for other in others)

    ways = [
        wins([every[i] for i in chosen], [every[i] for i in range(len(every)) if i not in chosen])
        for chosen in itertools.combinations(range(len(every)), len(ours))
    ]
    expected = sum(way >= wins(ours, theirs) for way in ways) / len(ways)
    assert by_chance(ours, theirs) == pytest.approx(expected)


def test_percentiles_of_a_round() -> None:
    assert percentiles([number / 1e6 for number in range(100)]) == Percentiles(50.0, 95.0, 99.0)
    assert middle([3, 1, 2]) == 2
    assert middle([4, 1, 2, 3]) == 2.5

"""Bisection finds the first bad moment, with few questions, also where some cannot be answered."""

from hypothesis import given
from hypothesis import strategies as st

from lighthoused.core.bisection import Bisection, Suspects


def searched(count: int, first_bad: int, unknown: frozenset[int] = frozenset()) -> tuple[Suspects, int]:
    search = Bisection(count)
    asked = 0
    while (index := search.next()) is not None:
        asked += 1
        search.told(index, "skip" if index in unknown else "bad" if index >= first_bad else "good")
    return search.suspects, asked


@given(st.integers(1, 500).flatmap(lambda count: st.tuples(st.just(count), st.integers(0, count - 1))))
def test_the_first_bad_one_is_found(case: tuple[int, int]) -> None:
    count, first_bad = case
    suspects, asked = searched(count, first_bad)
    assert suspects == (first_bad - 1, first_bad)
    assert asked <= count.bit_length()


@given(st.integers(1, 40), st.data())
def test_it_is_among_the_suspects_where_some_cannot_be_judged(count: int, data: st.DataObject) -> None:
    first_bad = data.draw(st.integers(0, count - 1))
    unknown = data.draw(st.frozensets(st.integers(0, count - 2) if count > 1 else st.nothing()))
    suspects, _ = searched(count, first_bad, unknown)
    assert suspects.good < first_bad <= suspects.bad
    assert all(index in unknown for index in range(suspects.good + 1, suspects.bad))

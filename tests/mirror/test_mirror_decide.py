"""What follows from three states of one path, for all that are possible."""

import stat

from hypothesis import given
from hypothesis import strategies as st

from lighthoused.mirror.entry import Entry, Step, decide

ENTRIES = st.one_of(
    st.none(),
    st.builds(
        Entry,
        kind=st.sampled_from([stat.S_IFREG, stat.S_IFLNK]),
        mode=st.sampled_from([0o600, 0o644]),
        uid=st.just(0),
        gid=st.just(0),
        mtime=st.integers(1, 3),
        digest=st.sampled_from([b"x", b"y", b"z"]),
    ),
    st.builds(Entry, kind=st.just(stat.S_IFDIR), mode=st.sampled_from([0o700, 0o755]), uid=st.just(0), gid=st.just(0)),
)


@given(ENTRIES, ENTRIES, ENTRIES)
def test_no_content_is_overwritten_that_only_one_side_has(
    equal: Entry | None, inside: Entry | None, outside: Entry | None
) -> None:
    step = decide(equal, inside, outside)
    if step is Step.OUT and outside != equal:
        assert outside is None or (inside is not None and inside.holds(outside))
    if step is Step.IN and inside != equal:
        assert inside is None or (outside is not None and outside.holds(inside))


@given(ENTRIES, ENTRIES, ENTRIES)
def test_both_sides_are_alike_and_equal_ones_are_left_alone(
    equal: Entry | None, inside: Entry | None, outside: Entry | None
) -> None:
    step = decide(equal, inside, outside)
    assert (step in (Step.NOTHING, Step.NOTE)) == (inside == outside)
    if inside == equal and outside != equal:
        assert step is Step.IN
    if outside == equal and inside != equal:
        assert step is Step.OUT

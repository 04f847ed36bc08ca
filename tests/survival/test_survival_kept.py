"""Records that outlive their process."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighthoused.survival import kept as module
from lighthoused.survival.kept import KeptFull, KeptLog

STEPS = st.lists(
    st.one_of(st.binary(min_size=1, max_size=9000), st.sampled_from(["turn", "drop", "reopen"])), max_size=60
)


@given(STEPS)
def test_every_process_finds_what_counts(steps: list[bytes | str]) -> None:
    log = KeptLog.create("test")
    old: list[bytes] = []
    new: list[bytes] = []
    try:
        for step in steps:
            if isinstance(step, bytes):
                log.append(step)
                new.append(step)
            elif step == "turn" and not log.has_turned:
                log.turn()
                old, new = new, []
            elif step == "drop":
                log.drop_old()
                old = []
            elif step == "reopen":
                log = KeptLog(log.descriptor)
            assert list(log.records()) == old + new
            assert log.size == sum(4 + len(record) for record in new)
    finally:
        os.close(log.descriptor)


def test_what_has_no_room_is_refused_and_leaves_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HALF", 1 << 16)
    log = KeptLog.create("test")
    log.append(b"first")
    with pytest.raises(KeptFull):
        log.append(b"x" * (1 << 16))
    log.append(b"second")
    assert list(KeptLog(log.descriptor).records()) == [b"first", b"second"]
    log.rewrite([b"only"])
    assert list(KeptLog(log.descriptor).records()) == [b"only"]
    os.close(log.descriptor)


def test_a_record_without_its_length_does_not_count() -> None:
    log = KeptLog.create("test")
    log.append(b"whole")
    os.pwrite(log.descriptor, b"torn", 4096 + 4 + len(b"whole") + 4)
    again = KeptLog(log.descriptor)
    again.append(b"next")
    assert list(again.records()) == [b"whole", b"next"]
    os.close(log.descriptor)

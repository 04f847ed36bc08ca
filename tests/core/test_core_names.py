import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighthoused.core.events import Event, chain_hash, decode_event, encode_event
from lighthoused.core.inode import Change, Dentry, Inode, decode_change, encode_change, rows_of
from lighthoused.core.names import raw, shown


@given(st.binary(max_size=300))
def test_any_name_survives_being_shown(name: bytes) -> None:
    text = shown(name)
    assert raw(text) == name
    text.encode("utf-8")


@pytest.mark.parametrize(
    ("name", "text"), [(b"plain.txt", "plain.txt"), ("é".encode(), "é"), (b"\xff", "\\xff"), (b"a\\b", "a\\\\b")]
)
def test_names_are_shown_readably(name: bytes, text: str) -> None:
    assert shown(name) == text


def _event(payload: bytes, prev: bytes) -> Event:
    return Event(1, 2, "s", 1, "t", 1, "a", "", -1, 0, "", "", 0, ("p",), msgspec.Raw(payload), prev)


@given(st.binary(min_size=32, max_size=32), st.dictionaries(st.text(), st.integers(-(2**60), 2**60)))
def test_events_round_trip_and_their_hash_covers_the_one_before(prev: bytes, payload: dict[str, int]) -> None:
    event = _event(msgspec.msgpack.encode(payload), prev)
    body = encode_event(event)
    again = decode_event(body)
    assert msgspec.msgpack.decode(again.payload) == payload
    assert again.prev == prev
    assert chain_hash(prev, body) != chain_hash(bytes(31) + b"\1", body) or prev == bytes(31) + b"\1"


def test_changes_round_trip_and_give_a_row_for_each_part() -> None:
    inode = Inode(0o100644, 0, 0, 1, 5, 1, 2, 3, 4, content=(b"h" * 32,), xattrs={b"user.x": b"y"}, name=b"f")
    change = Change(((7, inode),), ((1, b"f\xff", Dentry(7, 0o100000)),))
    assert decode_change(encode_change(change)) == change
    assert [row.table for row in rows_of(change)] == ["inodes", "dentries"]

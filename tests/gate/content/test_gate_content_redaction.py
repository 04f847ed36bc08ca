"""Secrets do not become events, however they are wrapped; all else stays as it is."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighthoused.core.author import Author
from lighthoused.core.events import Draft
from lighthoused.gate.content.redaction import redacted

TOKEN = "ghp_R4nD0mLetters8ndD1gitsOf36Charact3rs"
PASSWORD = "k3Vx81mQz0pLw7Rt2"


def event(payload: object) -> Draft:
    return Author("claude").draft("gate/claude", "gate.judged", payload, 0)


def told(payload: object) -> str:
    return json.dumps(msgspec.msgpack.decode(redacted(event(payload)).payload))


@pytest.mark.parametrize(
    "payload",
    [
        {"input": {"command": f"curl -H 'Authorization: token {TOKEN}' https://example.org"}},
        {"input": {"command": f"curl {TOKEN}"}, "effects": [{"target": f"https://x/?t={TOKEN}"}], "reason": TOKEN},
        {"input": {"content": f'password = "{PASSWORD}"', TOKEN: 1}, "template": {"words": ["x", PASSWORD]}},
        {"input": {"truncated": json.dumps({"content": f'client_secret = "{PASSWORD}"\n{TOKEN}'})[:-1]}},
        {"deep": [[[{"a": {"b": f"postgres://app:{PASSWORD}@prod.internal.net/app"}}]]]},
        {"input": {"content": "x " * 200_000 + TOKEN}},
    ],
)
def test_they_are_taken_out_wherever_they_stand(payload: object) -> None:
    text = told(payload)
    assert TOKEN not in text
    assert PASSWORD not in text
    assert "<secret:" in text


def test_the_same_one_is_seen_again_but_a_password_cannot_be_guessed() -> None:
    first, second = told({"a": TOKEN}), told({"b": f"echo {TOKEN}"})
    mark = first.split('"')[3]
    assert mark.startswith("<secret:github-token:")
    assert mark in second
    assert told({"a": f'password = "{PASSWORD}"'}).count("<secret:assigned-secret>") == 1


def test_it_is_done_once() -> None:
    once = redacted(event({"a": f"token: {TOKEN}", "b": f'secret = "{PASSWORD}"'}))
    assert redacted(once) == once


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(_values)
def test_what_holds_none_is_not_touched(payload: object) -> None:
    draft = event(payload)
    assert redacted(draft) is draft or b"<secret:" in redacted(draft).payload


def test_what_cannot_be_read_is_left_out() -> None:
    broken = msgspec.structs.replace(event({}), payload=b"\xc1" + TOKEN.encode())
    assert TOKEN.encode() not in redacted(broken).payload

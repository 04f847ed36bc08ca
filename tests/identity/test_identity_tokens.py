"""Tokens and the ring of keys that signs them."""

import base64
import json
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighthoused.core.errors import Corrupt, Invalid, NotFound, Unauthenticated
from lighthoused.identity.keyring import KeyRing
from lighthoused.identity.tokens import MAX_TOKEN, MAX_TTL_S, Tokens
from lighthoused.protocol.messages.agents import TokenView

NOW_S = 1_700_000_000
KEYS = {"old": b"o" * 32, "new": b"n" * 32}


class Clock:
    def __init__(self) -> None:
        self.seconds = float(NOW_S)

    def __call__(self) -> int:
        return int(self.seconds * 1e9)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens(KeyRing({"k1": b"k" * 32}), clock)


def issued(tokens: Tokens, **wanted: Any) -> tuple[str, TokenView]:
    token, view = tokens.issue(**{"agent": "alice", "role": "agent", "ttl_s": 60, "scopes": (), **wanted})
    tokens.remember(view)
    return token, view


def test_an_issued_token_says_what_was_issued(tokens: Tokens) -> None:
    token, view = issued(tokens, role="expert", scopes=("gate.", "log.query"))
    assert tokens.verify(token) == view
    assert view == TokenView(view.id, "alice", "expert", ("gate.", "log.query"), NOW_S, NOW_S + 60, revoked=False)
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["kid"]) == ("HS256", "k1")
    assert tokens.view(view.id) == view
    with pytest.raises(NotFound):
        tokens.view("none")


def test_a_token_expires(tokens: Tokens, clock: Clock) -> None:
    token, _ = issued(tokens, ttl_s=60)
    clock.seconds += 59.9
    tokens.verify(token)
    clock.seconds += 0.1
    with pytest.raises(Unauthenticated, match="has expired"):
        tokens.verify(token)


def test_an_empty_scope_would_mean_everything_and_is_refused(tokens: Tokens) -> None:
    with pytest.raises(Invalid, match="scope"):
        tokens.issue("bob", "viewer", 60, ("log.", ""))


def test_a_revoked_token_is_refused_and_no_other(tokens: Tokens) -> None:
    token, view = issued(tokens)
    other, _ = issued(tokens)
    tokens.remember(msgspec.structs.replace(view, revoked=True))
    with pytest.raises(Unauthenticated, match="was revoked"):
        tokens.verify(token)
    tokens.verify(other)


def test_a_token_that_no_event_tells_of_is_refused(tokens: Tokens) -> None:
    token, _ = tokens.issue("alice", "agent", 60, ())
    with pytest.raises(Unauthenticated, match="not issued here"):
        tokens.verify(token)


@pytest.mark.parametrize("ttl", [0, -1, MAX_TTL_S + 1])
def test_a_lifetime_has_bounds(tokens: Tokens, ttl: int) -> None:
    with pytest.raises(Invalid, match="cannot be valid"):
        issued(tokens, ttl_s=ttl)
    assert issued(tokens, ttl_s=MAX_TTL_S)[1].expires == NOW_S + MAX_TTL_S


@pytest.mark.parametrize("agent", ["", "a b", "x" * 65, "-a", "a\n", "é"])
def test_an_agent_needs_a_name(tokens: Tokens, agent: str) -> None:
    with pytest.raises(Invalid):
        issued(tokens, agent=agent)


def test_keys_are_rotated_without_a_break(clock: Clock) -> None:
    before = Tokens(KeyRing({"old": KEYS["old"]}), clock)
    old, old_view = issued(before)
    both = Tokens(KeyRing(KEYS), clock)
    both.remember(old_view)
    new, new_view = issued(both)
    assert jwt.get_unverified_header(new)["kid"] == "new"
    assert both.verify(old) == old_view
    assert both.verify(new) == new_view
    after = Tokens(KeyRing({"new": KEYS["new"]}), clock)
    for view in (old_view, new_view):
        after.remember(view)
    assert after.verify(new) == new_view
    with pytest.raises(Unauthenticated, match="not one of this daemon's"):
        after.verify(old)


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def test_a_forged_token_is_refused(tokens: Tokens) -> None:
    token, view = issued(tokens)
    header, body, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False})
    raised = encoded({**claims, "role": "admin"})
    by_other = jwt.encode(claims, b"x" * 32, "HS256", headers={"kid": "k1"})
    forgeries = [
        f"{header}.{raised}.{signature}",
        f"{encoded({'alg': 'none', 'kid': 'k1', 'typ': 'JWT'})}.{body}.",
        f"{encoded({'alg': 'HS512', 'kid': 'k1', 'typ': 'JWT'})}.{body}.{signature}",
        by_other,
        jwt.encode(claims, b"k" * 32, "HS256"),
        jwt.encode(claims, b"k" * 32, "HS256", headers={"kid": "k2"}),
        jwt.encode({**claims, "jti": ""}, b"k" * 32, "HS256", headers={"kid": "k1"}),
        jwt.encode({"sub": "alice"}, b"k" * 32, "HS256", headers={"kid": "k1"}),
        f"{header}.{body}.",
        f"{header}.{body}",
        token + "." + signature,
        "",
        "é.é.é",
        "a" * (MAX_TOKEN + 1),
    ]
    for forged in forgeries:
        with pytest.raises(Unauthenticated):
            tokens.verify(forged)
    assert tokens.verify(token) == view


@given(st.data())
def test_one_changed_character_is_refused(data: st.DataObject) -> None:
    tokens = Tokens(KeyRing(KEYS), Clock())
    token, _ = issued(tokens)
    at = data.draw(st.integers(0, len(token) - 2))
    letter = data.draw(st.characters(codec="ascii").filter(lambda letter: letter != token[at]))
    with pytest.raises(Unauthenticated):
        tokens.verify(token[:at] + letter + token[at + 1 :])


def test_what_a_token_may_do_is_read_from_the_log_not_from_it(tokens: Tokens) -> None:
    _, view = issued(tokens, role="viewer")
    claims = {"jti": view.id, "sub": "root", "role": "admin", "scopes": []}
    signed = jwt.encode(claims, b"k" * 32, "HS256", headers={"kid": "k1"})
    assert tokens.verify(signed) == view


def test_a_ring_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "token.keys"
    made = KeyRing.load(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyRing.load(path).keys == made.keys
    assert len(made.keys[made.signing]) == 32


def test_the_last_line_of_a_ring_signs(tmp_path: Path) -> None:
    path = tmp_path / "token.keys"
    path.write_text("".join(f"{name} {key.hex()}\n" for name, key in KEYS.items()))
    ring = KeyRing.load(path)
    assert ring.keys == KEYS
    assert ring.signing == "new"


@pytest.mark.parametrize("text", ["", "k1\n", "k1 zz\n", "k1 " + "ab" * 31 + "\n", " " + "ab" * 32 + "\n", "\n"])
def test_a_ring_with_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token.keys"
    path.write_text(text)
    with pytest.raises(Corrupt) as refused:
        KeyRing.load(path)
    assert str(path) in refused.value.message
    assert refused.value.hint
    assert "ab" * 31 not in refused.value.message

"""Tokens: JWT signed with HMAC-SHA256 (RFC 7519) by keys of a ring, so that keys can be changed without a break."""

import re
import secrets
from collections.abc import Callable

import jwt
from jwt.types import Options

from lighthoused.core.errors import Invalid, NotFound, Unauthenticated
from lighthoused.identity.keyring import KeyRing
from lighthoused.protocol.messages.agents import TokenView
from lighthoused.protocol.messages.base import ROLES

ALGORITHM = "HS256"
MAX_TTL_S = 366 * 86_400
MAX_TOKEN = 8192
_OPTIONS: Options = {"require": ["jti", "sub"], "verify_exp": False, "verify_iat": False}
"""Times are judged by `Tokens`, on the daemon's own clock."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Tokens:
    """Issues and verifies; knows which have been issued and revoked by the views it is given."""

    def __init__(self, ring: KeyRing, clock: Callable[[], int]) -> None:
        self._ring = ring
        self._clock = clock
        self._views: dict[str, TokenView] = {}
        self._signed_by: dict[str, str] = {}
        """Tokens that were presented, and the key that signed each."""

    def remember(self, view: TokenView) -> None:
        """Take in a token that was issued, or its revocation."""
        self._views[view.id] = view

    def list(self) -> tuple[TokenView, ...]:
        """All that were issued, newest first."""
        return tuple(sorted(self._views.values(), key=lambda view: -view.issued))

    def view(self, id: str) -> TokenView:
        """Raises NotFound."""
        view = self._views.get(id)
        if view is None:
            raise NotFound(f"There is no token {id!r}.", "See 'lighthousectl token list'.")
        return view

    def issue(self, agent: str, role: str, ttl_s: int, scopes: tuple[str, ...]) -> tuple[str, TokenView]:
        """A token and what it says. Raises Invalid."""
        if not _NAME.fullmatch(agent):
            raise Invalid(f"{agent!r} cannot be the name of an agent.", "Use up to 64 letters, digits, '.', '_', '-'.")
        if not 1 <= ttl_s <= MAX_TTL_S:
            raise Invalid(f"A token cannot be valid for {ttl_s} s.", f"Choose 1 to {MAX_TTL_S} s.")
        if "" in scopes:
            raise Invalid("A scope cannot be empty.", "Name methods or beginnings of methods, such as 'gate.'.")
        now = self._clock() // 1_000_000_000
        view = TokenView(secrets.token_hex(8), agent, role, scopes, now, now + ttl_s, revoked=False)
        claims = {"jti": view.id, "sub": agent, "role": role, "scopes": scopes, "iat": now, "exp": view.expires}
        signing = self._ring.signing
        return jwt.encode(claims, self._ring.keys[signing], ALGORITHM, headers={"kid": signing}), view

    def verify(self, token: str) -> TokenView:
        """What a token says. Raises Unauthenticated with the reason."""
        if len(token) > MAX_TOKEN:
            raise Unauthenticated("The token is too long to be one.")
        try:
            signed_by = jwt.get_unverified_header(token)["kid"]
            claims = jwt.decode(token, self._ring.keys[signed_by], [ALGORITHM], options=_OPTIONS)
        except (jwt.PyJWTError, KeyError, TypeError):
            raise Unauthenticated("The token is not one of this daemon's.", "Ask for a new one.") from None
        view = self.standing(claims["jti"])
        self._signed_by[view.id] = signed_by
        return view

    def standing(self, id: str) -> TokenView:
        """A token that is valid now. Raises Unauthenticated with the reason."""
        view = self._views.get(id)
        if view is None or view.role not in ROLES:
            raise Unauthenticated("The token was not issued here.", "Ask for a new one.")
        if self._signed_by.get(id, self._ring.signing) not in self._ring.keys:
            raise Unauthenticated("The key that signed the token was retired.", "Ask for a new one.")
        if view.revoked:
            raise Unauthenticated("The token was revoked.", "Ask for a new one.")
        if view.expires <= self._clock() // 1_000_000_000:
            raise Unauthenticated("The token has expired.", "Ask for a new one.")
        return view

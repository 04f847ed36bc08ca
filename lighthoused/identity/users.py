"""Which users of this machine may use a daemon that is not theirs, and as what: by name, or by group (``@group``)."""

import grp
import os
import pwd
from typing import NamedTuple

from cachetools import TTLCache

from lighthoused.core.errors import Invalid

FRESH_S = 30.0
"""How long what the user database said is believed."""
MAX_USERS = 1024


class User(NamedTuple):
    """Somebody by name, with the role the configuration gives (the strongest that names them)."""

    name: str
    role: str
    home: str


class Users:
    """The user database (passwd(5), group(5)), read anew after `FRESH_S`; `roles`: names by role, strongest first."""

    def __init__(self, roles: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        self._known: TTLCache[int, User | None] = TTLCache(MAX_USERS, FRESH_S)
        self.generation = 0
        self.replace(roles)

    def replace(self, roles: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        """Other names from now on; `generation` tells that there are. Raises Invalid, and keeps those from before."""
        for _, names in roles:
            for name in names:
                _check(name)
        self._roles = roles
        self._known.clear()
        self.generation += 1

    def find(self, uid: int) -> User | None:
        """The user of this number; None where there is none, `role` "" where nothing names them."""
        if uid not in self._known:
            self._known[uid] = self._look_up(uid)
        return self._known[uid]

    def _look_up(self, uid: int) -> User | None:
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            return None
        named = {entry.pw_name, *(f"@{group}" for group in _groups(entry.pw_name, entry.pw_gid))}
        role = next((role for role, names in self._roles if named.intersection(names)), "")
        return User(entry.pw_name, role, entry.pw_dir)


def _groups(name: str, gid: int) -> list[str]:
    names = []
    for number in os.getgrouplist(name, gid):
        try:
            names.append(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return names


def _check(name: str) -> None:
    """Raises Invalid: a name that nobody has is a mistake that would lock somebody out."""
    try:
        if name.startswith("@"):
            grp.getgrnam(name[1:])
        else:
            pwd.getpwnam(name)
    except KeyError:
        kind = "group" if name.startswith("@") else "user"
        raise Invalid(f"There is no {kind} {name.lstrip('@')!r}.", f"Create the {kind}, or change [access].") from None

"""The policies in force: read from their places, compiled, asked, replaced all or none.

A set that does not compile or answer never replaces the one in force. Must not know where effects come from.
"""

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from regopy import RegoError

from lighthoused.core.errors import Invalid
from lighthoused.policy import sources
from lighthoused.policy.compiled import Compiled, PolicyFailed, fault
from lighthoused.policy.rules import Match

_OTHER_INPUT = re.compile(r"\binput\b(?!\.(?:effects|tool|cwd|agent|profile|unresolved)\b)")
"""A use of the input that may be one of what the agent did before."""


class Loaded(NamedTuple):
    """How a load went. `problem`: why the set in force before stays, "" where the new one took over."""

    version: str
    policies: tuple[str, ...]
    problem: str = ""


class Policies:
    """The policies in force. May be asked and loaded from several threads."""

    def __init__(self, folders: tuple[Path, ...] = ()) -> None:
        """Raises Invalid where the default policies themselves are broken."""
        self._folders = folders
        self._lock = threading.Lock()
        self._loading = threading.Lock()
        self.builtin: Mapping[str, str] = sources.builtin()
        self.users: Mapping[str, str] = {}
        self._compiled = self._compile({})
        self._may_count = False
        self.problem = ""
        self.reload()

    @property
    def version(self) -> str:
        """A hash of all sources in force."""
        return self._compiled.version

    @property
    def may_count(self) -> bool:
        """Whether a user's policy may decide by how often an agent did something lately."""
        return self._may_count

    @property
    def names(self) -> tuple[str, ...]:
        return self._compiled.names

    @property
    def replaced(self) -> frozenset[str]:
        """The ids of default rules in whose place a user's stands."""
        return self._compiled.replaced

    @property
    def disabled(self) -> frozenset[str]:
        """The ids of rules that policies switch off, whatever is asked."""
        return self._compiled.disabled

    def reload(self) -> Loaded:
        """Read all policies again, all or none: a bad file keeps the last good set and is named in the answer."""
        with self._loading:
            try:
                compiled, users = self.proposed({})
            except Invalid as error:
                self.problem = error.message
            else:
                self.problem = ""
                with self._lock:
                    self._compiled, self.users = compiled, users
                    self._may_count = any(map(_OTHER_INPUT.search, users.values()))
            return Loaded(self.version, self.names, self.problem)

    def proposed(self, changes: Mapping[str, str | None]) -> tuple[Compiled, dict[str, str]]:
        """What a reload would find if some sources were others (None: none), compiled but not in force.

        Raises Invalid.
        """
        users = {**sources.of_user(self._folders), **changes}
        wanted = {name: source for name, source in users.items() if source is not None}
        for name, source in wanted.items():
            sources.check(name, source)
        return self._compile(wanted), wanted

    def ask(self, document: dict[str, Any]) -> list[Match]:
        """The rules that match this input. Raises PolicyFailed."""
        with self._lock:
            return self._compiled.ask(document)

    def _compile(self, users: Mapping[str, str]) -> Compiled:
        """Raises Invalid naming the first policy that is at fault."""
        try:
            return Compiled(self.builtin, users)
        except (RegoError, Invalid, PolicyFailed) as error:
            for name, source in users.items():
                if found := fault(self.builtin, name, source):
                    raise Invalid(f"The policy {name} cannot be used: {found}", hint=_HINT) from None
            raise Invalid(f"The policies cannot be used together: {error}", hint=_HINT) from None


_HINT = "Correct it; until then the last good policies are in force."

"""Rego policies, compiled once to a bundle and asked many times: the only importer of regopy.

A set that does not compile or answer never replaces the one in force. Must not know where effects come from.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from blake3 import blake3
from regopy import Input, Interpreter, RegoError
from regopy.rego_shared import LogLevel

from lighthoused.core.errors import Corrupt, Invalid
from lighthoused.policy import sources
from lighthoused.policy.rules import STRENGTH, Match

MAX_REASON = 1000
_QUERY = "data.lighthouse.result"
_PROBE: dict[str, Any] = {"effects": [], "tool": "", "cwd": "/", "agent": "", "profile": "balanced"}


class PolicyFailed(Corrupt):
    """The policies could not be evaluated on this input."""

    code = "policy_failed"


class _Compiled:
    """One set of policies, ready to be asked."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._interpreter = Interpreter()
        self._interpreter.log_level = LogLevel.NONE
        for name, source in modules.items():
            self._interpreter.add_module(name, source)
        self._bundle = self._interpreter.build(_QUERY)
        if not self._bundle.ok():
            raise Invalid("The policies do not compile together.")
        hasher = blake3()
        for name, source in sorted(modules.items()):
            hasher.update(f"{name}\0{len(source)}\0{source}".encode())
        self.version = hasher.hexdigest(16)
        self.names = tuple(modules)

    def ask(self, document: dict[str, Any]) -> list[Match]:
        """The rules that match. Raises PolicyFailed."""
        try:
            self._interpreter.set_input(Input(document))
            output = self._interpreter.query_bundle(self._bundle)
            if not output.ok() or not output.results:
                raise PolicyFailed(f"The policies failed on this request: {str(output)[:MAX_REASON]}")
            return _matches(output[0][0])
        except (RegoError, ValueError, KeyError, IndexError, TypeError) as error:
            raise PolicyFailed(f"The policies failed on this request: {str(error)[:MAX_REASON]}") from None


class Loaded(NamedTuple):
    """How a load went. `problem`: why the set in force before stays, "" where the new one took over."""

    version: str
    policies: tuple[str, ...]
    problem: str = ""


class Policies:
    """The policies in force. May be asked from several threads; loading is for one."""

    def __init__(self, folders: tuple[Path, ...] = ()) -> None:
        """Raises Invalid where the default policies themselves are broken, or the user's at the first load."""
        self._folders = folders
        self._lock = threading.Lock()
        self._builtin = sources.builtin()
        self._compiled = self._compile(self._builtin)
        self.problem = ""
        self.reload()

    @property
    def version(self) -> str:
        """A hash of all sources in force."""
        return self._compiled.version

    @property
    def names(self) -> tuple[str, ...]:
        return self._compiled.names

    def reload(self) -> Loaded:
        """Read all policies again, all or none: a bad file keeps the last good set and is named in the answer."""
        try:
            compiled = self._compile({**self._builtin, **sources.of_user(self._folders)})
        except Invalid as error:
            self.problem = error.message
        else:
            self.problem = ""
            with self._lock:
                self._compiled = compiled
        return Loaded(self.version, self.names, self.problem)

    def ask(self, document: dict[str, Any]) -> list[Match]:
        """The rules that match this input. Raises PolicyFailed."""
        with self._lock:
            return self._compiled.ask(document)

    def _compile(self, modules: dict[str, str]) -> _Compiled:
        """Raises Invalid naming the first policy that is at fault."""
        try:
            compiled = _Compiled(modules)
            compiled.ask(_PROBE)
        except (RegoError, Invalid, PolicyFailed) as error:
            culprit = self._culprit(modules)
            raise Invalid(f"The policy {culprit} cannot be used: {_first_line(error)}", hint=_HINT) from None
        return compiled

    def _culprit(self, modules: dict[str, str]) -> str:
        """The first policy that does not work next to the default ones."""
        for name, source in modules.items():
            if name in self._builtin:
                continue
            try:
                _Compiled({**self._builtin, name: source}).ask(_PROBE)
            except (RegoError, Invalid, PolicyFailed):
                return name
        return "set"


_HINT = "Correct the file and reload; until then the last good policies are in force."


def _first_line(error: Exception) -> str:
    """What the compiler says, without its tree."""
    text = str(error)
    for line in text.splitlines():
        if "errormsg" in line:
            return line.partition(":")[2].rstrip(")")[:MAX_REASON] + "."
    return text.splitlines()[0][:MAX_REASON] if text else "it does not compile."


def _matches(result: Any) -> list[Match]:
    """Rules that are not disabled. Raises KeyError, TypeError or ValueError where a rule has another shape."""
    disabled = set(result["disabled"])
    made = []
    for rule in result["rules"]:
        if rule["verdict"] not in STRENGTH:
            raise ValueError(f'rule {rule.get("id")} says "{rule["verdict"]}"; allowed are {", ".join(STRENGTH)}')
        if rule["id"] not in disabled:
            made.append(
                Match(
                    str(rule["id"]),
                    rule["verdict"],
                    str(rule.get("reason", ""))[:MAX_REASON],
                    int(rule.get("effect", -1)),
                    str(rule.get("suggestion", ""))[:MAX_REASON],
                )
            )
    return made

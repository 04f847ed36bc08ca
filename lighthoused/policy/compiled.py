"""One set of policies, compiled to a bundle and asked many times, and what is wrong where one does not compile.

The only importer of regopy. Must not know where sources come from.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from blake3 import blake3
from regopy import Input, Interpreter, RegoError
from regopy.rego_shared import LogLevel

from lighthoused.core.errors import Corrupt, Invalid
from lighthoused.policy.catalogue import ids_of
from lighthoused.policy.functions import defined, undefined
from lighthoused.policy.index import PACKAGE, Index, number
from lighthoused.policy.lean import lean, with_kinds
from lighthoused.policy.rules import STRENGTH, Match

MAX_REASON = 1000
MAX_TRIED = 64
"""Statements of a broken policy that are left out one at a time, to find the one at fault."""
_USERS = "lighthouse/own"
_PROBE: dict[str, Any] = {"effects": [], "tool": "", "cwd": "/", "agent": "", "profile": "balanced"}
_NO_USERS: dict[str, Any] = {"rules": [], "disabled": []}
_PLACE = re.compile(r"\(error \d+:[^|]*\|(\d+)\|\d+")
_MESSAGE = re.compile(r"\(errormsg \d+:(.*?)\)\n")
_FEW = re.compile(r"bundle verify: call to '[^']*\.(\w+)' arg count .*")
_STATEMENT = re.compile(r"^(?!package\b|import\b)[^\s#}].*\n?(?:(?:[ \t})].*)?\n)*", re.MULTILINE)


class PolicyFailed(Corrupt):
    """The policies could not be evaluated on this input."""

    code = "policy_failed"


class NoSuchFunction(Invalid):
    """A policy calls a function that nobody defines."""

    def __init__(self, line: int, name: str) -> None:
        super().__init__(f"There is no function {name}.")
        self.line = line


class Compiled:
    """Policies ready to be asked. `builtin` come with Lighthouse; a user's rule stands in place of one with its id.

    Of the builtin rules only those are evaluated that can apply (`index`), each by an entry point of its own.
    """

    def __init__(self, builtin: Mapping[str, str], users: Mapping[str, str]) -> None:
        """Raises RegoError, Invalid or PolicyFailed where they do not work together."""
        standard = {name: source for name, source in builtin.items() if f"package {PACKAGE}\n" in source}
        self._index = Index(standard)
        numbered, rules = number(standard)
        modules = {**builtin, **{name: lean(source) for name, source in numbered.items()}, **users}
        self._entries = [f"{PACKAGE.replace('.', '/')}/{rule}" for rule in rules]
        self._interpreter = Interpreter()
        self._interpreter.log_level = LogLevel.NONE
        known = defined(modules.values())
        for name, source in modules.items():
            self._interpreter.add_module(name, source)
            if missing := undefined(source, known, self._interpreter.is_builtin):
                raise NoSuchFunction(*missing)
        self._bundle = self._interpreter.build(None, [*self._entries, _USERS])
        if not self._bundle.ok():
            raise Invalid("The policies do not compile together.")
        self._of_users = bool(users)
        self.version = version_of({**builtin, **users})
        self.names = (*builtin, *users)
        self.replaced = ids_of(builtin) & ids_of(users)
        self.ask(_PROBE)
        self.disabled = frozenset(self._answer(_PROBE, [])["disabled"]) - {""}

    def ask(self, document: dict[str, Any]) -> list[Match]:
        """The rules that match. Raises PolicyFailed."""
        candidates = self._index.candidates(document)
        if not candidates and not self._of_users:
            return []
        try:
            return matches_of(self._answer(document, candidates), self.replaced)
        except (RegoError, ValueError, KeyError, IndexError, TypeError) as error:
            told = getattr(error, "doc", "") or str(error)
            raise PolicyFailed(f"The policies failed on this request: {_said(told)}") from None

    def _answer(self, document: dict[str, Any], candidates: Sequence[int]) -> dict[str, Any]:
        self._interpreter.set_input(Input(with_kinds(document)))
        standard = [rule for each in candidates for rule in self._evaluated(self._entries[each])]
        return {**(self._evaluated(_USERS) if self._of_users else _NO_USERS), "standard": standard}

    def _evaluated(self, entry: str) -> Any:
        output = self._interpreter.query_bundle_entrypoint(self._bundle, entry)
        if not output.ok() or not output.results:
            raise PolicyFailed(f"The policies failed on this request: {str(output)[:MAX_REASON]}")
        return output[0][0]


def version_of(modules: Mapping[str, str]) -> str:
    """A hash of names and sources."""
    hasher = blake3()
    for name, source in sorted(modules.items()):
        hasher.update(f"{name}\0{len(source)}\0{source}".encode())
    return hasher.hexdigest(16)


def matches_of(result: Any, replaced: frozenset[str] = frozenset()) -> list[Match]:
    """Rules that count. Raises KeyError, TypeError or ValueError where a rule has another shape."""
    disabled = set(result["disabled"])
    standard = [rule for rule in result["standard"] if rule["id"] not in replaced]
    made = []
    for rule in [*standard, *result["rules"]]:
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
                    rule.get("negotiable") is True,
                )
            )
    return made


def fault(builtin: Mapping[str, str], name: str, source: str) -> str:
    """What is wrong with one policy next to the default ones, with its line; "" where nothing is."""
    error = _failure(builtin, name, source)
    if error is None:
        return ""
    place = _PLACE.search(str(error))
    if isinstance(error, NoSuchFunction):
        line = error.line
    elif place is not None:
        line = _line_at(source, int(place[1]))
    else:
        line = next(
            (
                source[: found.start()].count("\n") + 1
                for found in list(_STATEMENT.finditer(source))[:MAX_TRIED]
                if _failure(builtin, name, source[: found.start()] + source[found.end() :]) is None
            ),
            0,
        )
    return f"line {line}: {_said(str(error))}" if line else _said(str(error))


def _failure(builtin: Mapping[str, str], name: str, source: str) -> Exception | None:
    try:
        Compiled(builtin, {name: source})
    except (RegoError, Invalid, PolicyFailed) as error:
        return error
    return None


def _line_at(source: str, offset: int) -> int:
    return source.encode()[:offset].count(b"\n") + 1


def _said(text: str) -> str:
    """What the compiler says, without its tree."""
    found = _MESSAGE.search(text)
    told = found[1] if found else text.removeprefix("The policies failed on this request: ").split("\n")[0]
    told = _FEW.sub(r"A call of \1 has too few arguments", told).strip() or "It does not compile"
    return told[:MAX_REASON].rstrip(".") + "."

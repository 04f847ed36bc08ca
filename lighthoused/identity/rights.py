"""What agents may do with which paths, as configured: the first rule that names the agent and the path decides.

Without such a rule an agent may read and write. Must not know where paths come from, or what a refusal looks like.
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple, Protocol

from cachetools import LRUCache

from lighthoused.core.events import UNKNOWN_AGENT

NONE, READ, WRITE = range(3)
ACCESS = {"none": NONE, "read": READ, "write": WRITE}
CACHE = 50_000


class Rule(Protocol):
    """As configured: `agent` a pattern, `paths` globs of ``project/dir/file``, `access` a key of `ACCESS`."""

    @property
    def agent(self) -> str: ...

    @property
    def paths(self) -> tuple[str, ...]: ...

    @property
    def access(self) -> str: ...


class _Compiled(NamedTuple):
    agent: str
    path: re.Pattern[bytes]
    access: int


class Rights:
    """Rules, with what they come to for agents and paths seen lately."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(_Compiled(rule.agent, _matcher(rule.paths), ACCESS[rule.access]) for rule in rules)
        self._of: LRUCache[str, tuple[_Compiled, ...]] = LRUCache(CACHE)
        self._found: LRUCache[tuple[str, bytes], int] = LRUCache(CACHE)

    def limits(self, agent: str) -> bool:
        """Whether any rule is about an agent."""
        return bool(self._about(agent))

    def access(self, agent: str, path: bytes) -> int:
        """NONE, READ or WRITE."""
        key = (agent, path)
        found = self._found.get(key)
        if found is None:
            rules = self._about(agent)
            found = next((rule.access for rule in rules if rule.path.fullmatch(path)), WRITE)
            self._found[key] = found
        return found

    def _about(self, agent: str) -> tuple[_Compiled, ...]:
        rules = self._of.get(agent)
        if rules is None:
            rules = self._of[agent] = tuple(rule for rule in self._rules if _names(rule.agent, agent))
        return rules


def _names(pattern: str, agent: str) -> bool:
    """Patterns are about agents; who is none is only meant by name."""
    return pattern == agent or (agent != UNKNOWN_AGENT and fnmatchcase(agent, pattern))


def _matcher(globs: Sequence[str]) -> re.Pattern[bytes]:
    """What any of the globs matches, and all below it."""
    return re.compile(b"(?s:" + b"|".join(map(_translated, globs)) + b")(?:/.*)?", re.DOTALL)


def _translated(glob: str) -> bytes:
    """``*`` and ``?`` stay within a name, ``**/`` is any number of directories, ``**`` anything."""
    raw = glob.strip("/").encode("utf-8", "surrogateescape")
    parts = re.split(rb"(\*\*/|\*\*|\*|\?)", raw)
    special = {b"**/": b"(?:.*/)?", b"**": b".*", b"*": b"[^/]*", b"?": b"[^/]"}
    return b"".join(special.get(part, re.escape(part)) for part in parts)

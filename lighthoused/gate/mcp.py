"""Tools of MCP servers as effects: by the verbs in their names, and by what their input names. Data: `tools.toml`.

A name is no proof: what a server does under it nobody here sees. A tool whose name says nothing is an unknown effect.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from lighthoused.core.verdicts import Request
from lighthoused.gate.files import Files
from lighthoused.gate.findings import Findings
from lighthoused.gate.shell.text import UNKNOWN, literal

PREFIX = "mcp__"
MAX_SHOWN = 200
MAX_VALUES = 64
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_JOINING = frozenset({"and", "or", "then"})
_ON_PATHS = {"destroy": "delete", "alter": "write", "read": "read", "send": "read", "push": "write"}
_URL = re.compile(r"https?://", re.IGNORECASE)


class Verb(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words that say the same of a tool."""

    kind: str
    words: tuple[str, ...]
    note: str = ""


class Mcp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to read names and inputs; see `tools.toml`."""

    verbs: tuple[Verb, ...]
    gravity: tuple[str, ...]
    local: tuple[str, ...]
    paths: tuple[str, ...]
    urls: tuple[str, ...]
    commands: tuple[str, ...]
    sql: tuple[str, ...]
    contents: tuple[str, ...]
    harmless: tuple[str, ...]


class Source(NamedTuple):
    """Something that the tool runs: source for the analyser."""

    command: str


class McpTools:
    """Reads calls of MCP tools."""

    def __init__(self, described: Mcp) -> None:
        self._described = described
        self._verbs = {word: verb for verb in described.verbs for word in verb.words}

    def effects(self, request: Request, findings: Findings, files: Files) -> list[Source]:
        """Note what a call does, and what it leaves in `files`; what it runs is returned, to be analysed."""
        server, _, tool = request.tool.removeprefix(PREFIX).partition("__")
        if server in self._described.harmless:
            return []
        verb = self.verb_of(tool)
        if verb is not None and (sources := list(self._sources(request.input, verb))):
            return sources
        if verb is None or verb.kind == "execute":
            note = verb.note if verb else "What this tool does is not known."
            findings.add("execute", self._shown(request), "unknown", certainty="unknown", program=tool, note=note)
            return []
        if not self._on_named(request, server, verb, findings, files):
            certainty = "possible" if verb.kind == "read" else "certain"
            place = "shared" if verb.kind == "alter" else ""
            findings.add(
                verb.kind,
                self._shown(request),
                "remote",
                certainty=certainty,
                program=tool,
                note=verb.note,
                place=place,
            )
        return []

    def verb_of(self, tool: str) -> Verb | None:
        """What a tool's name says that it does."""
        words = [word.lower() for word in _WORDS.findall(tool)]
        verbs = [self._verbs[word] for word in words if word in self._verbs]
        if not verbs:
            return None
        if _JOINING.isdisjoint(words):
            return verbs[0]
        return min(verbs, key=lambda verb: self._described.gravity.index(verb.kind))

    def _sources(self, given: dict[str, Any], verb: Verb) -> Iterator[Source]:
        """Commands of a shell and statements of SQL in the input."""
        for key, value in given.items():
            if not isinstance(value, str) or not value.strip():
                continue
            if key in self._described.commands and verb.kind == "execute":
                yield Source(literal(value))
            elif key in self._described.sql and verb.kind in ("execute", "read") and " " in value.strip():
                yield Source("psql -c '" + literal(value).replace("'", "'\\''") + "'")

    def _on_named(self, request: Request, server: str, verb: Verb, findings: Findings, files: Files) -> bool:
        """Effects on the paths and URLs that the input names; whether there are any."""
        found = False
        for key, value in _texts(request.input):
            if key in self._described.paths and (server in self._described.local or value[:1] in ("/", "~")):
                kind = _ON_PATHS.get(verb.kind, "read")
                findings.path(
                    kind, literal(value), request.cwd, program=request.tool, note=verb.note, recursive=kind == "delete"
                )
                found = verb.kind not in ("send", "push", "publish")
                if kind == "write":
                    files[findings.targets.absolute(literal(value), request.cwd)] = self._content(request.input)
            elif key in self._described.urls and _URL.match(value):
                kind = "fetch" if verb.kind == "read" else verb.kind
                findings.add(kind, literal(value), "network", program=request.tool, note=verb.note)
                found = True
        return found

    def _content(self, given: dict[str, Any]) -> str:
        """What a tool that writes one file leaves in it."""
        contents = [given[key] for key in self._described.contents if isinstance(given.get(key), str)]
        return literal(contents[0]) if contents else UNKNOWN

    @staticmethod
    def _shown(request: Request) -> str:
        return literal(request.tool.removeprefix(PREFIX))[:MAX_SHOWN]


def _texts(given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys with their texts, those of lists one by one."""
    for key, value in given.items():
        for each in value[:MAX_VALUES] if isinstance(value, list) else (value,):
            if isinstance(each, str) and each:
                yield key, each

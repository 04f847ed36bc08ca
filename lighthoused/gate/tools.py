"""Requests of any tool as effects: shells by their command, file tools by their path, fetchers by their URL.

What tools there are is data (`tools.toml`). Must not judge. A tool that is not known may do anything: an unknown effect
on its name.
"""

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from lighthoused.core.effects import World
from lighthoused.core.errors import Invalid
from lighthoused.core.prepared import prepared
from lighthoused.core.verdicts import Request
from lighthoused.gate.analysis import Analyser, Analysis, Text
from lighthoused.gate.files import Files
from lighthoused.gate.findings import Findings
from lighthoused.gate.mcp import PREFIX, Mcp, McpTools, Source
from lighthoused.gate.programs import patches
from lighthoused.gate.shell.text import FETCHED, UNKNOWN, literal
from lighthoused.gate.targets import Targets

MAX_SHOWN_TOOL = 200
DIRECTORIES = ("workdir", "cwd", "dir_path", "directory")
"""Keys of a shell tool's input that say where its command runs."""


class FileTool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tool on one file; see `tools.toml`."""

    kind: str
    path: tuple[str, ...]
    content: str = ""
    text: str = ""


@prepared
class Tools(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that `tools.toml` says."""

    shells: frozenset[str]
    harmless: frozenset[str]
    patches: frozenset[str]
    typing: frozenset[str]
    fetchers: dict[str, str]
    files: dict[str, FileTool]
    mcp: Mcp


@cache
def described() -> Tools:
    """What comes with the package."""
    text = (resources.files("lighthoused.gate") / "tools.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Tools)


@cache
def _mcp() -> McpTools:
    return McpTools(described().mcp)


def effects_of(request: Request, world: World, analyser: Analyser, files: Files | None = None) -> Analysis:
    """What the request would do. `files` are known by their content; those that it writes are added.

    Raises Invalid where its input has not the form its tool needs.
    """
    tools = described()
    files = Files() if files is None else files
    if request.tool in tools.shells:
        command = command_of(request)
        return analyser.analyse(command, directory_of(request), world, files)
    findings = Findings(Targets(world, request.cwd))
    texts: tuple[Text, ...] = ()
    if request.tool in tools.files:
        texts = _on_file(request, tools.files[request.tool], findings, files)
    elif request.tool in tools.patches:
        texts = _patch(request, findings, files)
    elif request.tool in tools.fetchers:
        findings.add("fetch", _text(request, tools.fetchers[request.tool]), "network", program=request.tool)
    elif request.tool.startswith(PREFIX):
        if sources := _mcp().effects(request, findings, files):
            return _run(sources, request, world, analyser, files)
        texts = tuple(Text("", value) for value in _strings(request.input))
    elif request.tool in tools.typing:
        _typed(request, findings)
    elif request.tool not in tools.harmless:
        note = "What this tool does is not known."
        name = literal(request.tool)[:MAX_SHOWN_TOOL]
        findings.add("execute", name, "unknown", certainty="unknown", program=name, note=note)
    return Analysis(findings.effects(), texts=texts)


def command_of(request: Request) -> str:
    """The source of a shell tool; an argv list is quoted again. Raises Invalid."""
    command: Any = request.input.get("command", request.input.get("cmd"))
    if isinstance(command, list) and command and all(isinstance(word, str) for word in command):
        return " ".join("'" + word.replace("'", "'\\''") + "'" for word in command)
    if not isinstance(command, str):
        raise Invalid(
            f'The tool {request.tool} needs its input\'s "command": a string, or a list of strings.',
            hint='For example {"tool": "Bash", "input": {"command": "ls"}}.',
        )
    return command


def directory_of(request: Request) -> str:
    """Where a shell tool's command runs: what its input says, else where it was asked."""
    for key in DIRECTORIES:
        value = request.input.get(key)
        if isinstance(value, str) and value:
            return Targets(World(), request.cwd).absolute(literal(value), request.cwd)
    return request.cwd


def _on_file(request: Request, tool: FileTool, findings: Findings, files: Files) -> tuple[Text, ...]:
    path = _path(request, tool)
    findings.path(tool.kind, path, request.cwd, program=request.tool)
    if tool.kind == "read":
        return ()
    absolute = findings.targets.absolute(path, request.cwd)
    if tool.content:
        content = _text(request, tool.content)
        files[absolute] = content
        return (Text(absolute, content),)
    edits = request.input.get("edits")
    inputs = [each for each in edits if isinstance(each, dict)] if isinstance(edits, list) else [request.input]
    files[absolute] = _edited(files.get(absolute), inputs, tool.text)
    return tuple(Text(absolute, literal(text)) for each in inputs if isinstance(text := each.get(tool.text), str))


def _edited(known: str | None, edits: list[dict[str, Any]], key: str) -> str:
    """A file's content after edits, as far as it is known."""
    if known is None:
        return UNKNOWN
    for edit in edits:
        old, new = edit.get("old_string"), edit.get(key)
        if not isinstance(old, str) or not isinstance(new, str) or (old and old not in known):
            return FETCHED if FETCHED in known else UNKNOWN
        known = known.replace(old, literal(new), -1 if edit.get("replace_all") is True else 1) if old else literal(new)
    return known


def _patch(request: Request, findings: Findings, files: Files) -> tuple[Text, ...]:
    given: Any = next((request.input[key] for key in ("input", "patch", "command") if key in request.input), None)
    if isinstance(given, list) and given:
        given = given[-1]
    if not isinstance(given, str):
        raise Invalid(f'The tool {request.tool} needs its input\'s "input": the text of a patch.')
    texts = []
    for one in patches.parse(literal(given)):
        findings.path(one.kind, one.path, request.cwd, program=request.tool)
        absolute = findings.targets.absolute(one.path, request.cwd)
        files[absolute] = one.text if one.whole else UNKNOWN
        texts.append(Text(absolute, one.text))
    return tuple(texts)


def _run(sources: list[Source], request: Request, world: World, analyser: Analyser, files: Files) -> Analysis:
    """What an MCP tool runs, one after the other in one shell."""
    return analyser.analyse("\n".join(source.command for source in sources), directory_of(request), world, files)


def _typed(request: Request, findings: Findings) -> None:
    """What is typed into a program that runs already: which one is not known here."""
    if _text(request, "chars").strip():
        note = "It types into a program that runs already."
        findings.add("execute", request.tool, "process", certainty="unknown", program=request.tool, note=note)


def _path(request: Request, tool: FileTool) -> str:
    for key in tool.path:
        value = request.input.get(key)
        if isinstance(value, str) and value:
            return literal(value)
    if tool.kind == "read":
        return "."
    raise Invalid(f'The tool {request.tool} needs its input\'s "{tool.path[0]}": the path of a file.')


def _text(request: Request, key: str) -> str:
    value = request.input.get(key, "")
    return literal(value) if isinstance(value, str) else ""


def _strings(given: dict[str, Any]) -> Iterator[str]:
    return (literal(value) for value in given.values() if isinstance(value, str))

"""Requests of any tool as effects: shells by their command, file tools by their path, fetchers by their URL.

Must not judge. A tool that is not known may do anything: an unknown effect on its name.
"""

from typing import Any, NamedTuple

from lighthoused.core.effects import World
from lighthoused.core.errors import Invalid
from lighthoused.core.verdicts import Request
from lighthoused.gate.analysis import Analyser, Analysis
from lighthoused.gate.findings import Findings
from lighthoused.gate.shell.text import literal
from lighthoused.gate.targets import Targets

MAX_SHOWN_TOOL = 200


class FileTool(NamedTuple):
    """`path`: keys of its input that may hold the path; the first one there counts."""

    kind: str
    path: tuple[str, ...]


SHELL_TOOLS = frozenset(
    {"Bash", "bash", "shell", "Shell", "sh", "zsh", "local_shell", "run_shell_command", "exec_command"}
)
FILE_TOOLS: dict[str, FileTool] = {
    **dict.fromkeys(
        ("Write", "Edit", "MultiEdit", "write_file", "edit_file"), FileTool("write", ("file_path", "path"))
    ),
    "NotebookEdit": FileTool("write", ("notebook_path", "file_path")),
    "NotebookRead": FileTool("read", ("notebook_path", "file_path")),
    **dict.fromkeys(("Read", "read_file"), FileTool("read", ("file_path", "path"))),
    **dict.fromkeys(("Glob", "Grep", "LS"), FileTool("read", ("path",))),
}
FETCH_TOOLS = {"WebFetch": "url", "WebSearch": "query"}
HARMLESS_TOOLS = frozenset({"TodoWrite", "TodoRead", "Task", "ExitPlanMode", "BashOutput", "KillShell", "SlashCommand"})


def effects_of(request: Request, world: World, analyser: Analyser) -> Analysis:
    """What the request would do. Raises Invalid where its input has not the form its tool needs."""
    if request.tool in SHELL_TOOLS:
        return analyser.analyse(command_of(request), request.cwd, world)
    findings = Findings(Targets(world, request.cwd))
    file_tool = FILE_TOOLS.get(request.tool)
    if file_tool is not None:
        findings.path(file_tool.kind, _path(request, file_tool), request.cwd, program=request.tool)
    elif request.tool in FETCH_TOOLS:
        findings.add("fetch", _text(request, FETCH_TOOLS[request.tool]), "network", program=request.tool)
    elif request.tool not in HARMLESS_TOOLS:
        note = "What this tool does is not known."
        name = literal(request.tool)[:MAX_SHOWN_TOOL]
        findings.add("execute", name, "unknown", certainty="unknown", program=name, note=note)
    return Analysis(findings.effects())


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

"""Cmdlets of PowerShell that do what other programs do, as those programs; and how cmdlets take their arguments.

Parameters may be abbreviated and are in lower case here. Must not know how PowerShell is read.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import FETCHED, UNKNOWN

ALIASES = {
    **dict.fromkeys(("rm", "del", "erase", "rd", "ri", "rmdir"), "remove-item"),
    **dict.fromkeys(("ls", "dir", "gci"), "get-childitem"),
    **dict.fromkeys(("cp", "copy", "cpi"), "copy-item"),
    **dict.fromkeys(("mv", "move", "mi"), "move-item"),
    **dict.fromkeys(("cat", "type", "gc"), "get-content"),
    **dict.fromkeys(("iwr", "wget", "curl"), "invoke-webrequest"),
    **dict.fromkeys(("kill", "spps"), "stop-process"),
    **dict.fromkeys(("saps", "start"), "start-process"),
    **dict.fromkeys(("echo", "write"), "write-output"),
    **dict.fromkeys(("ren", "rni"), "rename-item"),
    **dict.fromkeys(("ni", "md", "mkdir"), "new-item"),
    "iex": "invoke-expression",
    "irm": "invoke-restmethod",
    "icm": "invoke-command",
    "sc": "set-content",
    "ac": "add-content",
    "clc": "clear-content",
    "gcb": "get-clipboard",
    "sp": "set-itemproperty",
    "sasv": "start-service",
    "spsv": "stop-service",
    "clhy": "clear-history",
    "cd": "set-location",
    "sl": "set-location",
    "rp": "remove-itemproperty",
    "iwmi": "invoke-wmimethod",
    "rwmi": "remove-wmiobject",
    "gwmi": "get-wmiobject",
    "gp": "get-itemproperty",
    "gi": "get-item",
    "cli": "clear-item",
    "h": "get-history",
}
_PARAMETERS = (
    *("-recurse", "-force", "-path", "-literalpath", "-destination", "-destinationpath", "-value", "-outfile"),
    *("-infile", "-method", "-uri", "-filepath", "-argumentlist", "-verb", "-name", "-id", "-itemtype", "-append"),
    *("-computername", "-scriptblock", "-newname", "-body", "-confirm", "-command", "-includeusername", "-filter"),
    *("-include", "-exclude", "-erroraction", "-whatif", "-headers", "-encoding", "-type", "-session"),
)
_SWITCHES = frozenset({"-recurse", "-force", "-append", "-confirm", "-whatif"})
_REGISTRY = re.compile(r"(?i)(registry::|hk(lm|cu|cr|u|cc|ey_\w+))[:\\]?")


class Arguments(NamedTuple):
    """Of a cmdlet: parameters (in lower case and in full) with their values, and the other words."""

    named: dict[str, str]
    words: list[str]

    @classmethod
    def of(cls, words: list[str]) -> "Arguments":
        made = cls({}, [])
        rest = iter(words)
        for word in rest:
            name, colon, _ = word.lower().partition(":")
            if not re.match(r"-[a-z]", name):
                made.words.append(word)
                continue
            name = next((each for each in _PARAMETERS if each.startswith(name)), name)
            made.named[name] = word.partition(":")[2] if colon else "" if name in _SWITCHES else next(rest, "")
        return made

    def paths(self, piped: list[str]) -> list[str]:
        given = [self.named[name] for name in ("-path", "-literalpath", "-filepath") if self.named.get(name)]
        return [*given, *self.words] or piped

    def flat(self) -> list[str]:
        return [*self.words, *(part for pair in self.named.items() for part in pair if part)]


Cmdlet = Callable[[Run, Arguments, list[str], State], tuple[str, list[str]]]


def _like(program: str, *flags: str) -> Cmdlet:
    """A cmdlet that does what a program does with its paths."""

    def runs(run: Run, arguments: Arguments, piped: list[str], state: State) -> tuple[str, list[str]]:
        paths = arguments.paths(piped)
        target = arguments.named.get("-destination") or arguments.named.get("-destinationpath")
        words = [*paths, target] if target else paths
        return run.command([program, *flags, *words], state), []

    return runs


def _remove(run: Run, arguments: Arguments, piped: list[str], state: State) -> tuple[str, list[str]]:
    paths = arguments.paths(piped) or [UNKNOWN]
    registry = [path for path in paths if _REGISTRY.match(path)]
    for path in registry:
        run.command(["reg", "delete", path], state)
    files = [
        path for path in paths if path not in registry and not path.lower().startswith(("env:", "variable:", "alias:"))
    ]
    recursive = ["-r"] if "-recurse" in arguments.named or piped else []
    return (run.command(["rm", *recursive, *files], state) if files and "-whatif" not in arguments.named else ""), []


def _list(run: Run, arguments: Arguments, piped: list[str], state: State) -> tuple[str, list[str]]:
    paths = arguments.paths(piped) or ["."]
    filtered = any(name in arguments.named for name in ("-filter", "-include"))
    return UNKNOWN, [f"{path}/some{UNKNOWN}" for path in paths] if filtered else paths


def _write(run: Run, arguments: Arguments, piped: list[str], state: State) -> tuple[str, list[str]]:
    """Set-Content, Add-Content, Out-File: the path first, then the text."""
    path = next(
        (arguments.named[name] for name in ("-path", "-literalpath", "-filepath") if name in arguments.named), ""
    )
    path = path or (arguments.words[0] if arguments.words else UNKNOWN)
    return run.command(["tee", *(["-a"] if "-append" in arguments.named else []), path], state), []


def _request(run: Run, arguments: Arguments, piped: list[str], state: State) -> tuple[str, list[str]]:
    url = arguments.named.get("-uri") or (arguments.words[0] if arguments.words else UNKNOWN)
    flags: list[str] = []
    if arguments.named.get("-outfile"):
        flags += ["-o", arguments.named["-outfile"]]
    if arguments.named.get("-infile"):
        flags += ["-T", arguments.named["-infile"]]
    if arguments.named.get("-method"):
        flags += ["-X", arguments.named["-method"].upper()]
    if arguments.named.get("-body"):
        flags += ["-d", arguments.named["-body"]]
    run.command(["curl", *flags, url], state)
    return FETCHED, []


def _start(run: Run, arguments: Arguments, piped: list[str], state: State) -> tuple[str, list[str]]:
    if arguments.named.get("-verb", "").lower() == "runas":
        run.findings.add(
            "escalate_privilege", "RunAs", "system", program="start-process", note="It runs as administrator."
        )
    program = arguments.paths([]) or [UNKNOWN]
    if run.findings.targets.absolute(program[0], state.cwd) in state.files:
        program = ["./" + program[0], *program[1:]]
    return run.command([*program, *arguments.named.get("-argumentlist", "").split()], state), []


def _stop(run: Run, arguments: Arguments, piped: list[str], state: State) -> tuple[str, list[str]]:
    name, number = arguments.named.get("-name"), arguments.named.get("-id")
    if name:
        return run.command(["pkill", name], state), []
    return run.command(["kill", *([number] if number else arguments.words or [UNKNOWN])], state), []


def _make(run: Run, arguments: Arguments, piped: list[str], state: State) -> tuple[str, list[str]]:
    paths = arguments.paths(piped)
    if any(map(_REGISTRY.match, paths)):
        return run.command(["reg", "add", *paths], state), []
    return run.command(["touch", *paths], state), []


def _property(run: Run, arguments: Arguments, piped: list[str], state: State) -> tuple[str, list[str]]:
    paths = arguments.paths(piped)
    return (run.command(["reg", "add", *paths], state) if any(map(_REGISTRY.match, paths)) else ""), []


def _print(run: Run, arguments: Arguments, piped: list[str], state: State) -> tuple[str, list[str]]:
    return " ".join(arguments.words), []


CMDLETS: dict[str, Cmdlet] = {
    "remove-item": _remove, "get-childitem": _list, "get-item": _list, "set-content": _write, "out-file": _write,
    "tee-object": _write, "add-content": _write, "export-csv": _write, "invoke-webrequest": _request,
    "invoke-restmethod": _request, "start-process": _start, "stop-process": _stop, "new-item": _make,
    **dict.fromkeys(("set-itemproperty", "new-itemproperty", "remove-itemproperty"), _property),
    **dict.fromkeys(("write-output", "write-host", "write-verbose", "write-error", "write-warning"), _print),
    "copy-item": _like("cp"), "move-item": _like("mv"), "rename-item": _like("mv"), "get-content": _like("cat"),
    "clear-content": _like("truncate", "-s", "0"), "compress-archive": _like("tar", "-c"),
    "expand-archive": _like("unzip"), "stop-computer": _like("poweroff"), "restart-computer": _like("reboot"),
    "get-clipboard": _like("pbpaste"), "clear-history": _like("history", "-c"), "set-location": _like("cd"),
    "clear-recyclebin": _like("trash-empty"), "select-string": _like("cat"), "set-clipboard": _like("pbcopy"),
}  # fmt: skip

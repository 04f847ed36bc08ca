"""Files of commands for build tools, where they were written in the same request: make, just, npm run, cmake -P.

What stands in files that were there before is not known.
"""

import json
import re
from itertools import pairwise

from lighthoused.gate.programs.builtins import code
from lighthoused.gate.programs.shells import written
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import unmarked

MAX_LINES = 512
_SHELL_FUNCTION = re.compile(r"\$[({]shell\s++([^()]*+(?:\([^()]*+\)[^()]*+)*+)[)}]")
_BANG = re.compile(r"^\s*+[\w.-]++\s*+!=\s*+(.+)$", re.MULTILINE)
_VARIABLE = re.compile(r"^\s*+(?:export\s++|override\s++)?([\w.-]++)\s*+(?::{0,3}|[?+])=\s*+(.*)$", re.MULTILINE)
_USED = re.compile(r"\$[({](\w[\w.-]*)[)}]|\$(\w)")
_INCLUDE = re.compile(r"^[-s]?include\s++(.+)$", re.MULTILINE)
MAX_INCLUDED = 4
_EXECUTE = re.compile(
    r"(?i)execute_process\s*+\(\s*+COMMAND\s++([^)]*?)\s*+(?:(?:COMMAND|WORKING_DIRECTORY|TIMEOUT|(?:RESULT|RESULTS|OUTPUT|ERROR)_\w++|INPUT_FILE|ENCODING|ECHO_\w++)\b[^)]*)?\)"
)


def make(run: Run, argv: list[str], state: State) -> str | None:
    """The recipes of makefiles given by ``-f``, ``--eval``, standard input or files just written."""
    paths, sources, variables = _arguments(argv[1:])
    child = state.fork()
    folder = next((argv[at + 1] for at, word in enumerate(argv[:-1]) if word in ("-C", "--directory")), "")
    if folder:
        child.assign("PWD", (run.findings.targets.absolute(folder, state.cwd),))
    paths = paths or ["GNUmakefile", "makefile", "Makefile"]
    for path in [*paths, *(state.value("MAKEFILES") or ("",))[0].split()]:
        text = state.stdin.all() if path in ("-", "/dev/stdin") else written(run, path, child)
        sources.extend([text] if text is not None else [])
    for source in sources:
        recipes(run, unmarked(source), variables, child)
    for name in ("SHELL", "CC", "CXX", "RM", "MAKE"):
        if " " in variables.get(name, ""):
            code(run, variables[name], child.fork(), "make")
    return None


def _arguments(words: list[str]) -> tuple[list[str], list[str], dict[str, str]]:
    """Files, sources and variables."""
    paths: list[str] = []
    sources: list[str] = []
    variables: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word in ("-f", "--file", "--makefile", "--eval", "-E"):
            (sources if "v" in word or word == "-E" else paths).append(next(rest, ""))
        elif word.startswith(("--eval=", "--file=", "--makefile=")):
            (sources if "eval" in word else paths).append(word.partition("=")[2])
        elif word.startswith("-f") and len(word) > 2:
            paths.append(word[2:])
        elif "=" in word and not word.startswith("-"):
            name, _, value = word.partition("=")
            variables[name.rstrip(":?+")] = unmarked(value)
    return paths, sources, variables


def recipes(run: Run, source: str, given: dict[str, str], state: State, depth: int = 0) -> None:
    """Run every recipe line and what is computed by the shell; variables that are known are filled in."""
    source = source.replace("\\\n", " ")
    variables = {found[1]: found[2] for found in _VARIABLE.finditer(source)} | given
    for line in _defined(source):
        code(run, _filled(line.strip().lstrip("@-+ "), variables), state.fork(), "make")
    for found in _INCLUDE.finditer(source):
        for path in found[1].split():
            text = written(run, path, state)
            if text is not None and depth < MAX_INCLUDED:
                recipes(run, unmarked(text), variables, state, depth + 1)
    for found in (*_SHELL_FUNCTION.finditer(source), *_BANG.finditer(source)):
        code(run, _filled(found[1], variables), state.fork(), "make")
    for line in source.split("\n")[:MAX_LINES]:
        recipe = line if line[:1] in ("\t", " ") else line.partition(";")[2] if ":" in line.partition(";")[0] else ""
        command = recipe.strip().lstrip("@-+ ")
        if command and not command.startswith("#"):
            code(run, _filled(command, variables), state.fork(), "make")


def _defined(source: str) -> list[str]:
    """The lines between ``define`` and ``endef``."""
    lines: list[str] = []
    inside = False
    for line in source.splitlines():
        word = line.split(None, 1)[:1]
        if word in (["define"], ["endef"]):
            inside = word == ["define"]
        elif inside and len(lines) < MAX_LINES:
            lines.append(line)
    return lines


def _filled(text: str, variables: dict[str, str]) -> str:
    """Make's variables filled in; what is left of them is empty. ``$$`` is the shell's ``$``."""
    for _ in range(3):
        text = _USED.sub(lambda found: variables.get(found[1] or found[2], found[0]), text)
    return text.replace("$$", "$")


def just(run: Run, argv: list[str], state: State) -> str | None:
    """just: the recipes that were just written; ``just --command`` runs the words that follow."""
    for at, word in enumerate(argv):
        if word in ("-c", "--command"):
            run.command(argv[at + 1 :], state.fork())
            return None
    given = [after for word, after in pairwise(argv) if word in ("-f", "--justfile")]
    for path in given or ["justfile", "Justfile", ".justfile"]:
        text = written(run, path, state)
        if text is not None:
            recipes(run, unmarked(text).replace("{{", "${").replace("}}", "}"), {}, state)
    return None


def package(run: Run, argv: list[str], state: State) -> str | None:
    """npm, yarn, pnpm: the scripts of a package.json that was just written, and those that are set here."""
    if argv[1:2] == ["node"] and len(argv) > 2:
        return run.command(argv[1:], state)
    for script in _set_scripts(argv):
        code(run, unmarked(script), state.fork(), argv[0])
    text = written(run, "package.json", state)
    if text is None or len(argv) < 2:
        return None
    try:
        scripts = json.loads(unmarked(text)).get("scripts", {})
    except (ValueError, AttributeError, RecursionError):
        return None
    for script in list(scripts.values())[:64] if isinstance(scripts, dict) else ():
        if isinstance(script, str):
            code(run, script, state.fork(), argv[0])
    return None


def _set_scripts(argv: list[str]) -> list[str]:
    """``npm pkg set scripts.NAME=COMMAND``, ``npm set-script NAME COMMAND``."""
    if argv[1:2] == ["set-script"]:
        return argv[3:4]
    if argv[1:3] == ["pkg", "set"]:
        return [word.partition("=")[2] for word in argv[3:] if word.startswith("scripts") and "=" in word]
    return []


def cmake(run: Run, argv: list[str], state: State) -> str | None:
    """cmake -P script."""
    for at, word in enumerate(argv[:-1]):
        text = written(run, argv[at + 1], state) if word == "-P" else None
        for found in _EXECUTE.finditer(unmarked(text or "")):
            code(run, found[1], state.fork(), "cmake")
    return None


RECIPES = {
    **dict.fromkeys(("make", "gmake", "bmake"), make),
    "just": just,
    **dict.fromkeys(("npm", "pnpm", "yarn", "bun"), package),
    "cmake": cmake,
}

"""fd: finds files by a pattern, and runs commands on what it finds.

Must not know what the commands do. See fd(1).
"""

import re
from collections.abc import Iterator

from lighthoused.gate.programs.launchers import found_below, run_on
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import GLOB, unmarked

_VALUES = frozenset(
    {"-t", "--type", "-E", "--exclude", "-d", "--max-depth", "--min-depth", "--exact-depth", "-S", "--size", "-o"}
    | {"--changed-within", "--changed-before", "--owner", "--ignore-file", "-c", "--color", "-j", "--threads"}
    | {"--batch-size", "--max-results", "--format", "--path-separator", "-C", "--base-directory"}
)
_EXTENSIONS = ("-e", "--extension")
_PATHS = ("--search-path",)
_RUNS = ("-x", "--exec", "-X", "--exec-batch")
_NARROWS = ("-S", "--size", "--changed", "--owner")
_LITERAL = re.compile(r"\w[\w-]*")
_PLACEHOLDER = re.compile(r"\{(?:/{1,2}|\.|/\.)?\}")


def fd(run: Run, argv: list[str], state: State) -> str:
    """The paths that are found, as patterns."""
    words: list[str] = []
    extensions: list[str] = []
    starts: list[str] = []
    commands: list[list[str]] = []
    narrowed = False
    rest = iter(argv[1:])
    for word in rest:
        flag, equals, value = word.partition("=")
        if flag in _RUNS:
            commands.append(_until_semicolon(rest))
        elif flag in (*_EXTENSIONS, *_PATHS):
            (extensions if flag in _EXTENSIONS else starts).append(value if equals else next(rest, ""))
        elif flag in _VALUES:
            narrowed = narrowed or flag.startswith(_NARROWS)
            if not equals:
                next(rest, "")
        elif not word.startswith("-"):
            words.append(word)
    pattern = unmarked(words[0]) if words else ""
    starts = words[1:] or starts or ["."]
    narrowed = narrowed or pattern not in ("", ".", ".*", "^")
    named = pattern.removeprefix("^").removesuffix("$")
    names = [f"{GLOB}*.{extension}" for extension in extensions] or [
        named if _LITERAL.fullmatch(named) else f"some{GLOB}*"
    ]
    everything = [f"{start.rstrip('/')}/{GLOB}*" for start in starts]
    paths = [found_below(start, name) for start in starts for name in names] if extensions or narrowed else everything
    for command in filter(None, commands):
        filled = [_PLACEHOLDER.sub("{}", part) for part in command]
        run_on(run, filled if "{}" in " ".join(filled) else [*filled, "{}"], paths, state)
    return "".join(f"{path}\n" for path in paths)


def _until_semicolon(rest: Iterator[str]) -> list[str]:
    command: list[str] = []
    for word in rest:
        if word == ";":
            break
        command.append(word)
    return command

"""Files of source that an interpreter loads besides its script: by flags, variables and what source says itself.

What was written before is known, and read; a file that anybody may have put in its place is not. Must not read source.
"""

import posixpath
import re
from collections.abc import Iterator
from itertools import islice, pairwise
from urllib.parse import unquote

from lighthoused.gate.programs.environment import loaded_from
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import unmarked

MAX_LOADED = 16
_FLAGS: dict[str, frozenset[str]] = {
    "node": frozenset({"-r", "--require", "--import", "--loader", "--experimental-loader", "-C"}),
    "ruby": frozenset({"-r", "--require"}),
    "perl": frozenset(),
    "lua": frozenset({"-l"}),
    "php": frozenset({"-F", "--process-file"}),
    "lisp": frozenset({"-l", "--load", "-load", "-s", "--script", "-i", "--init"}),
    "julia": frozenset({"-L", "--load"}),
    "r": frozenset({"-f", "--file", "--init-file"}),
    "python": frozenset(),
}
_ENDINGS = {
    "node": ("", ".js", ".mjs", ".cjs", ".ts", "/index.js"),
    "ruby": ("", ".rb"),
    "lua": ("", ".lua"),
    "perl": ("", ".pm", ".pl"),
    "php": ("", ".php"),
}
_VARIABLES = {"LUA_INIT": "lua"}
_STARTUP = {"python": ("sitecustomize.py", "usercustomize.py")}
_REQUIRES = re.compile(
    r"(?<![\w$])(?:require(?:_relative|_once)?|include(?:_once)?|load(?:file)?|dofile|do|use|import|source|loadfile"
    r"|from|import_module|load-file|include\?)\b\s*+\(?\s*+[\"']([^\"'\n]{1,400})[\"']"
)
_DATA = "data:"


def loaded(run: Run, program: str, language: str, words: list[str], state: State) -> Iterator[tuple[str, str]]:
    """Source that a program loads at its start, each with its language ("": that of the program)."""
    flags = _FLAGS.get(language, frozenset())
    for word, after in pairwise([*words, ""]):
        flag, equals, value = word.partition("=")
        if flag in flags and (after or equals):
            yield from _named(run, program, value if equals else after, language, state)
        elif word[:2] in flags and len(word) > 2 and language in ("ruby", "lua"):
            yield from _named(run, program, word[2:], language, state)
        elif word.startswith("-M") and language == "perl" and ";" in word:
            yield word[2:].partition(";")[2], ""
    for name, spoken in _VARIABLES.items():
        kept = state.value(name) if spoken == language else None
        if kept is not None:
            yield unmarked(kept[0]), ""
    if state.files:
        for file in _STARTUP.get(language, ()):
            for folder in (state.value("PYTHONPATH") or ("",))[0].split(":")[:MAX_LOADED]:
                found = state.files.get(run.findings.targets.absolute(posixpath.join(folder, file), state.cwd))
                if found is not None and folder:
                    yield found, ""


def _named(run: Run, program: str, name: str, language: str, state: State) -> Iterator[tuple[str, str]]:
    if name.startswith(_DATA):
        yield unquote(unmarked(name).partition(",")[2]), ""
        return
    text = _content(run, name, language, state)
    if text is not None:
        yield text, ""
    elif name.startswith("/"):
        loaded_from(run, program, name, state)


def required(run: Run, source: str, state: State, language: str) -> list[str]:
    """Files written before that source loads itself."""
    if not state.files:
        return []
    found = (_content(run, each[1], language, state) for each in islice(_REQUIRES.finditer(source), MAX_LOADED))
    return [unmarked(text) for text in found if text is not None]


def _content(run: Run, name: str, language: str, state: State) -> str | None:
    """What a file holds, by its name with or without its ending."""
    if not state.files:
        return None
    for ending in _ENDINGS.get(language, ("",)):
        text = state.files.get(run.findings.targets.absolute(unmarked(name) + ending, state.cwd))
        if text is not None:
            return str(text)
    return None

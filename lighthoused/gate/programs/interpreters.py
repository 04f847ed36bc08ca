"""Interpreters other than shells: where their source stands in the arguments, and what in it runs commands."""

import re
from typing import NamedTuple

from lighthoused.gate.programs.literals import scan
from lighthoused.gate.programs.python_source import python
from lighthoused.gate.programs.shells import source_of
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import UNKNOWN, unmarked


class Interpreter(NamedTuple):
    """`source`: flags whose value is source (short ones may be combined). `values`: other flags with a value.

    `first`: the first word is source (awk). `sub`: words before the source (``deno eval``).
    """

    language: str
    source: tuple[str, ...]
    values: tuple[str, ...] = ()
    first: bool = False
    sub: tuple[str, ...] = ()


_PYTHON = Interpreter("python", ("-c",), ("-W", "-X", "-m"))
_NODE = Interpreter("node", ("-e", "-p", "--eval", "--print", "-pe"), ("-r", "--require", "--import"))
_AWK = Interpreter("awk", (), ("-F", "-v", "-f"), first=True)
INTERPRETERS: dict[str, Interpreter] = {
    **dict.fromkeys(("python", "python2", "python3", "pypy", "pypy3", "ipython", "py"), _PYTHON),
    **dict.fromkeys(("node", "nodejs", "bun"), _NODE),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), _AWK),
    "deno": Interpreter("node", (), (), first=True, sub=("eval",)),
    "perl": Interpreter("perl", ("-e", "-E"), ("-I", "-M")),
    "ruby": Interpreter("ruby", ("-e",), ("-r", "-I")),
    "php": Interpreter("php", ("-r",), ("-d",)),
    "lua": Interpreter("lua", ("-e",), ("-l",)),
    "luajit": Interpreter("lua", ("-e",), ("-l",)),
    "Rscript": Interpreter("r", ("-e",)),
    "emacs": Interpreter("lisp", ("--eval", "-eval", "--execute"), ("-l", "-f")),
    "osascript": Interpreter("applescript", ("-e",), ("-l",)),
    "tclsh": Interpreter("tcl", ()),
    "expect": Interpreter("tcl", ("-c",)),
    "elixir": Interpreter("elixir", ("-e",)),
    "julia": Interpreter("julia", ("-e", "--eval", "-E")),
    "groovy": Interpreter("groovy", ("-e",)),
}
_VERSIONED = re.compile(r"(python|pypy|perl|ruby|php|lua|node)[\d.]+$")


def interpreter(run: Run, argv: list[str], state: State) -> str | None:
    """Reads the source if it is there to be read. Its output is not known."""
    found = INTERPRETERS.get(argv[0]) or INTERPRETERS.get(_VERSIONED.sub(r"\1", argv[0]))
    if found is None:
        return None
    words = argv[1:]
    if found.sub:
        if words[:1] != list(found.sub):
            return None
        words = words[1:]
    sources, module, rest = _arguments(found, words)
    if module:
        return _module(run, module, rest, state)
    if found.first and not sources and rest:
        sources, rest = [rest[0]], rest[1:]
    if not sources:
        source = source_of(run, argv, rest, state)
        sources = [] if source is None else [source]
    for source in sources:
        read(run, unmarked(source), state, found.language)
    _edits_in_place(run, argv[0], words, rest, state)
    return UNKNOWN


def read(run: Run, source: str, state: State, language: str) -> None:
    """Add the effects of source in a language."""
    if language == "python" and python(run, source, state):
        return
    scan(run, source, state, language)


def _arguments(found: Interpreter, words: list[str]) -> tuple[list[str], str, list[str]]:
    """Sources, a module (``-m``), and the words that follow."""
    sources: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--" or len(word) < 2 or word[0] != "-":
            break
        at += 1
        if _is_source(found, word):
            attached = _attached(found, word)
            sources.append(attached or (words[at] if at < len(words) else ""))
            at += 0 if attached else 1
            if found.language == "python":
                break
        elif word == "-m" and found.language == "python":
            return sources, words[at] if at < len(words) else "", words[at + 1 :]
        elif word in found.values:
            at += 1
    return sources, "", words[at + 1 :] if words[at : at + 1] == ["--"] else words[at:]


def _is_source(found: Interpreter, word: str) -> bool:
    flag = word.partition("=")[0]
    if flag in found.source:
        return True
    letters = [each[1] for each in found.source if len(each) == 2]
    if word.startswith("--") or not letters:
        return False
    if found.language == "python":
        return re.match(r"-[BbdEIiOPqRsSuvVx]*c", word) is not None
    return (
        word[-1] in letters and re.fullmatch(r"-[a-zA-Z0-9]+", word) is not None and not word.startswith(("-M", "-I"))
    )


def _attached(found: Interpreter, word: str) -> str:
    """Source in the same word as its flag: ``-c'code'``, ``--eval=code``."""
    if word.startswith("--"):
        return word.partition("=")[2]
    if found.language == "python":
        return word[word.index("c") + 1 :]
    return ""


def _module(run: Run, module: str, rest: list[str], state: State) -> str:
    """``python -m name`` is mostly a program of that name."""
    if module in ("http.server", "SimpleHTTPServer"):
        note = "Everybody who reaches this machine can read the directory."
        run.findings.add("listen", module, "network", program="python", note=note)
        return UNKNOWN
    return run.command([module, *rest], state)


def _edits_in_place(run: Run, name: str, words: list[str], rest: list[str], state: State) -> None:
    """``perl -i``, ``ruby -i``, ``gawk -i inplace`` change the files named."""
    if (
        name in ("perl", "ruby")
        and any(re.match(r"-[a-zA-Z0-9]*i", word) and not word.startswith("-I") for word in words)
    ) or (name in ("awk", "gawk") and "inplace" in words):
        for path in rest:
            run.findings.path("write", path, state.cwd, program=name)

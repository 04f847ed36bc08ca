"""Finds commands and deleted files among the string literals of perl, ruby, node, php, lua and awk source.

No parser: calls of functions known to run or delete, with the literals that follow. Comments do not count.
"""

import re
from typing import NamedTuple

from lighthoused.gate.programs.builtins import code, unseen
from lighthoused.gate.shell.quoting import ansi
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import UNKNOWN

MAX_SOURCE = 1 << 17
MAX_ARGUMENTS = 1 << 13
MAX_OWNER = 80
_RUNS = re.compile(
    r"(?<![\w$@%])(?P<name>system|exec|execSync|execFile|execFileSync|spawn|spawnSync|popen[23]?|Popen|shell_exec"
    r"|passthru|proc_open|pcntl_exec|execute|capture2e?|capture3|getoutput|check_output|check_call|startProcess"
    r"|shell-command(?:-to-string)?|call-process|start-process|Run|ShellExecute|qx)\b(?:\s*\(|\s+(?=[\"'`\[{(/|qQ%])|(?=[\[{(/|!]))"
)
_DELETES = re.compile(
    r"(?<![\w$@%])(?P<name>unlink|unlinkSync|rmtree|remove_tree|rmSync|rmdirSync|rmdir|rm_rf|rm_r|rm_f"
    r"|remove_entry_secure|remove_dir|rimraf|removeSync|emptyDirSync|delete-file|delete-directory|rm|remove)\b\s*+\(?\s*+(?=[\"'`\[(<])"
)
_OWNED = re.compile(
    r"(?:fs|fsPromises|promises|FileUtils|File|Dir|Pathname|os|shutil|require\([^)]*\))\s*+(?:\.|->|::)\s*+$"
)
_AMBIGUOUS = frozenset({"rm", "remove", "execute", "Run"})
_STRING = re.compile(
    r"\"((?:[^\"\\]|\\.)*+)\"|'((?:[^'\\]|\\.)*+)'|`((?:[^`\\]|\\.)*+)`|q[qxw]?\s*+[{(\[|/!]([^})\]|/!]*)[})\]|/!]",
    re.DOTALL,
)
_SYSTEM = re.compile(r"os\s*+[.:]+\s*+$")
_GAP = re.compile(r"\s*+(?:[,.+()\[\]]|=>|-e\b)*+\s*+")
_BACKTICKS = re.compile(r"(?<![\w])`([^`\n]+)`|(?<!\w)(?:qx|%x)\s*+[{(\[|/!]([^})\]|/!]*+)", re.DOTALL)
_AWK_PIPE = re.compile(r"\|\s*+&?\s*+\"((?:[^\"\\]|\\.)*+)\"|\"((?:[^\"\\]|\\.)*+)\"\s*+\|\s*+getline")
_AWK_WRITE = re.compile(r"\bprintf?\b[^;}|>]*+>>?\s*+\"((?:[^\"\\]|\\.)*+)\"")
_CONCATENATES = frozenset({".", "+", ""})


class Dialect(NamedTuple):
    """How a language differs: whether backticks run commands."""

    backticks: bool = False
    awk: bool = False


DIALECTS = {
    "perl": Dialect(backticks=True),
    "ruby": Dialect(backticks=True),
    "php": Dialect(backticks=True),
    "awk": Dialect(awk=True),
}


def scan(run: Run, source: str, state: State, language: str) -> None:
    """Add the effects of commands and deletions that stand in the source as literals."""
    if len(source) > MAX_SOURCE:
        unseen(run, UNKNOWN, language)
        return
    run.charge(len(source) >> 9)
    dialect = DIALECTS.get(language, Dialect())
    for found in _RUNS.finditer(source):
        if found["name"] not in _AMBIGUOUS or _owner(source, found, _SYSTEM):
            _run_literals(run, _literals(run, source, found.end()), state, language)
    for found in _DELETES.finditer(source):
        if found["name"] not in _AMBIGUOUS or _owner(source, found, _OWNED):
            _delete(run, found["name"], _literals(run, source, found.end()), state, language)
    if dialect.backticks:
        for found in _BACKTICKS.finditer(source):
            code(run, found[1] or found[2] or "", state.fork(), language)
    if dialect.awk:
        for found in _AWK_PIPE.finditer(source):
            code(run, ansi(found[1] or found[2] or ""), state.fork(), language)
        for found in _AWK_WRITE.finditer(source):
            run.findings.path("write", ansi(found[1]), state.cwd, program="awk")


def _owner(source: str, found: re.Match[str], owner: re.Pattern[str]) -> bool:
    """Whether what stands directly before the name is such an owner."""
    start = found.start("name")
    return owner.search(source[max(0, start - MAX_OWNER) : start]) is not None


def _literals(run: Run, source: str, at: int) -> list[str]:
    """The string literals that follow as arguments; concatenated ones are one."""
    run.charge(1)
    source, at = source[at : at + MAX_ARGUMENTS], 0
    made: list[str] = []
    while len(made) < 32:
        gap = _GAP.match(source, at)
        start = gap.end() if gap else at
        found = _STRING.match(source, start)
        if found is None:
            break
        text = ansi(found[1]) if found[1] is not None else next(part for part in found.groups() if part is not None)
        if made and gap and gap[0].strip() in _CONCATENATES and gap[0].strip():
            made[-1] += text
        else:
            made.append(text)
        at = found.end()
    return made


def _run_literals(run: Run, literals: list[str], state: State, language: str) -> None:
    if not literals:
        note = "It runs a command that is put together when it runs."
        run.findings.add("interpret", language, certainty="unknown", program=language, note=note)
    elif len(literals) > 1 and " " not in literals[0].strip():
        run.command(literals, state.fork())
    else:
        code(run, literals[0], state.fork(), language)


def _delete(run: Run, name: str, literals: list[str], state: State, language: str) -> None:
    recursive = name not in ("unlink", "unlinkSync", "rmdir", "rm_f", "rm", "remove", "delete-file")
    for path in literals[:1] or [UNKNOWN]:
        note = f"{language} code deletes it."
        run.findings.path("delete", path, state.cwd, program=language, recursive=recursive, note=note)

"""Finds commands and deleted files among the string literals of perl, ruby, node, php, lua and awk source.

No parser: calls of functions known to run or delete, with the literals that follow. Where a call gets something else,
every literal of the source is tried as a command. Comments do not count.
"""

import re
import shlex
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

from lighthoused.gate.programs.builtins import code, unseen
from lighthoused.gate.programs.embedded import keep
from lighthoused.gate.programs.strings import NAME, STRING, assigned, interpolated, is_list, text_of
from lighthoused.gate.shell.quoting import ansi
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import UNKNOWN

MAX_SOURCE = 1 << 17
MAX_ARGUMENTS = 1 << 13
MAX_OWNER = 80
MAX_TRIED = 64
_RUNS = re.compile(
    r"(?<![\w$@%])(?P<name>system|exec|execSync|execFile|execFileSync|spawn|spawnSync|popen[23]?|Popen|shell_exec"
    r"|passthru|proc_open|pcntl_exec|execute|capture2e?|capture3|getoutput|check_output|check_call|startProcess"
    r"|shell-command(?:-to-string)?|call-process|start-process|Run|ShellExecute|qx)\b"
    r"(?:\s*\(|\s+(?=[\"'`\[{(/|qQ%@$])|(?=[\[{(/|!]))"
)
_DELETES = re.compile(
    r"(?<![\w$@%])(?P<name>unlink|unlinkSync|rmtree|remove_tree|rmSync|rmdirSync|rmdir|rm_rf|rm_r|rm_f"
    r"|remove_entry_secure|remove_dir|rimraf|removeSync|emptyDirSync|delete-file|delete-directory|rm|remove)\b"
    r"\s*+\(?\s*+(?=[\"'`\[(<])"
)
_OWNED = re.compile(
    r"(?:fs|fsPromises|promises|FileUtils|File|Dir|Pathname|os|shutil|require\([^)]*\))\s*+(?:\.|->|::)\s*+$"
)
_AMBIGUOUS = frozenset({"rm", "remove", "execute", "Run"})
_SYSTEM = re.compile(r"os\s*+[.:]+\s*+$")
_RUNNISH = re.compile(
    r"(?i)system|exec|spawn|shell|popen|process|command|cmd|\brun\b|callproc|write18|`|\.!|Bun\.\$|do shell script"
)
_GAP = re.compile(r"\s*+(?:[,.+()\[\]]|=>|-e\b)*+\s*+")
_BACKTICKS = re.compile(r"(?<![\w])`([^`\n]+)`|(?<!\w)(?:qx|%x)\s*+[{(\[|/!]([^})\]|!]*+)[})\]|/!]", re.DOTALL)
_OPENS = re.compile(
    r"\bopen\s*+\(?[^;\"'(]*+(?:\"(?P<to>[^\"|]*\w[^\"|]*)\|\s*+\"|[\"']\|(?P<from>[^\"']+)[\"']"
    r"|[\"'](?:-\||\|-)[\"']\s*+,\s*+[\"'](?P<list>[^\"']+)[\"'])"
)
_AWK_TEXT = r"\"((?:[^\"\\]|\\.)*+)\""
_AWK_PIPE = re.compile(
    rf"(?:print\s*+\(?\s*+{_AWK_TEXT}\s*+\)?\s*+)?\|\s*+&?\s*+{_AWK_TEXT}|{_AWK_TEXT}\s*+\|&?\s*+getline"
)
_AWK_WRITE = re.compile(r"\bprintf?\b[^;}|>]*+>>?\s*+\"((?:[^\"\\]|\\.)*+)\"")
_CONCATENATES = frozenset({".", "+", ".."})


class Dialect(NamedTuple):
    """How a language differs: whether backticks run commands."""

    backticks: bool = False
    awk: bool = False


DIALECTS = {
    "perl": Dialect(backticks=True),
    "ruby": Dialect(backticks=True),
    "php": Dialect(backticks=True),
    "julia": Dialect(backticks=True),
    "awk": Dialect(awk=True),
}


def scan(run: Run, source: str, state: State, language: str) -> None:
    """Add the effects of commands and deletions that stand in the source as literals."""
    if len(source) > MAX_SOURCE:
        unseen(run, UNKNOWN, language)
        return
    run.charge(len(source) >> 9)
    names = assigned(source) if "=" in source else {}
    missed = False
    understood = False
    for found in _RUNS.finditer(source):
        if found["name"] not in _AMBIGUOUS or _owner(source, found, _SYSTEM):
            texts = literals(run, source, found.end(), names)
            understood = True
            if texts:
                _run_literals(run, texts, state, language)
            missed = missed or not texts
    for found in _DELETES.finditer(source):
        if found["name"] not in _AMBIGUOUS or _owner(source, found, _OWNED):
            _delete(run, found["name"], literals(run, source, found.end(), names), state, language)
    for text in _marked(source, language):
        understood = True
        code(run, interpolated(text, names), state.fork(), language)
    for found in _AWK_WRITE.finditer(source) if language == "awk" else ():
        run.findings.path("write", ansi(found[1]), state.cwd, program="awk")
    if missed or (not understood and _RUNNISH.search(source)):
        _try_all(run, source, state)
    if missed:
        note = "It runs a command that is put together when it runs."
        run.findings.add("interpret", language, certainty="unknown", program=language, note=note)


def _marked(source: str, language: str) -> Iterator[str]:
    """Commands that syntax marks: backticks, pipes of awk, files that are opened as pipes."""
    dialect = DIALECTS.get(language, Dialect())
    if dialect.backticks:
        for found in _BACKTICKS.finditer(source):
            yield found[1] or found[2] or ""
    if dialect.awk:
        for found in _AWK_PIPE.finditer(source):
            command = ansi(found[2] or found[3] or "")
            yield command if found[1] is None else f"printf '%s\\n' {shlex.quote(ansi(found[1]))} | {command}"
    for found in _OPENS.finditer(source):
        yield (found["to"] or found["from"] or found["list"] or "").strip()


def _try_all(run: Run, source: str, state: State) -> None:
    """Any literal may be what it runs: those count that would do harm."""
    if run.trying:
        return
    for found in islice(STRING.finditer(source), MAX_TRIED):
        text = text_of(found).strip()
        if " " in text and len(text) <= MAX_ARGUMENTS:
            keep(run, run.attempt(partial(run.script, text, state.fork())))


def _owner(source: str, found: re.Match[str], owner: re.Pattern[str]) -> bool:
    """Whether what stands directly before the name is such an owner."""
    start = found.start("name")
    return owner.search(source[max(0, start - MAX_OWNER) : start]) is not None


def literals(run: Run, source: str, at: int, names: dict[str, str]) -> list[str]:
    """The literals that follow as arguments, and variables that are known; concatenated ones are one."""
    run.charge(1)
    source, at = source[at : at + MAX_ARGUMENTS], 0
    made: list[str] = []
    while len(made) < 32:
        gap = _GAP.match(source, at)
        start = gap.end() if gap else at
        found = STRING.match(source, start)
        if found is not None:
            texts = text_of(found).split() if is_list(found) else [interpolated(text_of(found), names)]
        elif (found := NAME.match(source, start)) and found[1] in names:
            texts = [names[found[1]]]
        else:
            break
        if made and gap and gap[0].strip() in _CONCATENATES:
            made[-1] += texts.pop(0) if texts else ""
        made.extend(texts)
        at = found.end()
    return made


def _run_literals(run: Run, texts: list[str], state: State, language: str) -> None:
    if len(texts) > 1 and " " not in texts[0].strip():
        run.command(texts, state.fork())
    else:
        code(run, texts[0], state.fork(), language)


def _delete(run: Run, name: str, texts: list[str], state: State, language: str) -> None:
    recursive = name not in ("unlink", "unlinkSync", "rmdir", "rm_f", "rm", "remove", "delete-file")
    for path in texts[:1] or [UNKNOWN]:
        note = f"{language} code deletes it."
        run.findings.path("delete", path, state.cwd, program=language, recursive=recursive, note=note)

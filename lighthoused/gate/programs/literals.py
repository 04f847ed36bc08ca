"""Finds commands and deleted files among the string literals of perl, ruby, node, php, lua and awk source.

No parser: calls of functions known to run or delete, with the literals that follow. Where a call gets something else,
every literal of the source is tried as a command. Comments do not count.
"""

import posixpath
import re
import shlex
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

from lighthoused.gate.programs.builtins import code, unseen
from lighthoused.gate.programs.embedded import keep, maybe
from lighthoused.gate.programs.strings import NAME, STRING, assigned, interpolated, is_list, text_of
from lighthoused.gate.shell.quoting import ansi
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import UNKNOWN

MAX_SOURCE = 1 << 17
MAX_ARGUMENTS = 1 << 13
MAX_OWNER = 80
MAX_TRIED = 64
MAX_SPANS = 1024
_RUNS = re.compile(
    r"(?<![\w$@%])(?P<name>system|exec|execSync|execFile|execFileSync|spawn|spawnSync|popen[23]?|Popen|shell_exec"
    r"|passthru|proc_open|pcntl_exec|execute|capture2e?|capture3|getoutput|check_output|check_call|startProcess"
    r"|shell-command(?:-to-string|-on-region)?|async-shell-command|call-process(?:-shell-command)?|start-process"
    r"|make-process|Run|ShellExecute|readpipe|open[23]|unix|execl[pe]*|execv[pe]*|posix_spawnp?|executeShell"
    r"|execShellCmd|execCmdEx?|execProcess|spawnProcess|spawnShell|pipeShell|pipeProcess|run-program|callCommand"
    r"|callProcess|readProcess|readCreateProcess|system\*|process\*|runInShell|processShell|spawnCommand|rawSystem"
    r"|Process\.(?:run|start|spawn|Start)|Cmd\.run|exec\.Command(?:Context)?|Command(?:::new)?|ProcessBuilder|os:cmd"
    r"|Sys\.command|Unix\.(?:system|execvp?|open_process\w*)|std\.process\.Child\.init|dosh|subprocess\.\w+"
    r"|run_cmd|getRuntime\(\)\s*+\.\s*+exec|(?<=\.)run)\b\*?"
    r"(?:\s*\(|\s+(?=[\"'`\[{(/|qQ%@$])|(?=[\[{(/|!]))"
)
_SOFT = re.compile(
    r"(?<![\w$@%])(?P<name>run|sh|shell|pipe|open|Execute|Exec|cmd|command|commandLine|spawn_process|bash|local|task|start|run_command|runCommand"
    r"|sudo|invoke|launch|call|exe|args|arguments|background|os_cmd|runCmd|output|popen_read|zsh|do)\b"
    r"\s*+(?:[({\[:=]|->|(?=[\"'`]))"
)
"""Names that often run what they are given, and often do not."""
_DELETES = re.compile(
    r"(?<![\w$@%])(?P<name>unlink|unlinkSync|rmtree|remove_tree|rmSync|rmdirSync|rmdir|rm_rf|rm_r|rm_f"
    r"|remove_entry_secure|remove_dir|rimraf|removeSync|emptyDirSync|delete-file|delete-directory|rm|remove)\b"
    r"\s*+\(?\s*+(?=[\"'`\[(<])"
)
_OWNED = re.compile(
    r"(?:fs|fsPromises|promises|FileUtils|File|Dir|Pathname|os|shutil|require\([^)]*\))\s*+(?:\.|->|::)\s*+$"
)
_AMBIGUOUS = frozenset({"rm", "remove", "execute", "Run"})
_UNSURE = frozenset({"Command", "run"})
_SYSTEM = re.compile(r"os\s*+[.:]+\s*+$")
_RUNNISH = re.compile(
    r"(?i)system|exec|spawn|shell|popen|process|command|cmd|\brun\b|callproc|write18|`|\.!|Bun\.\$|do shell script"
)
_GAP = re.compile(
    r"(?:[\s,.+()\[\]{}&]|=>|-e\b|args?(?=\s*\()|(?:c|list|of|asList|shQuote|quote|command|cstr)(?=\()|vec!|String(?=\[)"
    r"|new\s|list\s|Arrays|List|\bnil\b|\bctx\b|context\.\w+\(\)|%\{|\d+(?=\s*,)|(?i:output|args?|command)\s*[:=]"
    r"|quotedwords)*+"
)
_BACKTICKS = re.compile(r"(?<![\w])`([^`\n]+)`|(?<!\w)(?:q?qx|%x|%sh)\s*+[{(\[|/!]([^})\]|!]*+)[})\]|/!]", re.DOTALL)
_OPENS = re.compile(
    r"\bopen\s*+\(?[^;\"'(]*+(?:\"(?P<to>[^\"|]*\w[^\"|]*)\|\s*+\"|[\"']\|(?P<from>[^\"']+)[\"']"
    r"|[\"'](?:-\||\|-)[\"']\s*+,\s*+[\"'](?P<list>[^\"']+)[\"'])"
)
_AWK_TEXT = r"\"((?:[^\"\\]|\\.)*+)\""
_AWK_PIPE = re.compile(
    rf"(?:print\s*+\(?\s*+{_AWK_TEXT}\s*+\)?\s*+)?\|\s*+&?\s*+{_AWK_TEXT}|{_AWK_TEXT}\s*+\|&?\s*+getline"
)
_AWK_NAMED = re.compile(r"(?<![\w\"$])([A-Za-z_]\w*+)\s*+\|&?\s*+getline|\bprintf?\b[^;}|]*+\|\s*+([A-Za-z_]\w*+)")
_AWK_WRITE = re.compile(r"\bprintf?\b[^;}|>]*+>>?\s*+\"((?:[^\"\\]|\\.)*+)\"")
_CONCATENATES = frozenset({".", "+", ".."})
_ADJOINS = frozenset({"awk", "c"})
"""Languages in which literals and variables side by side are one text."""
_NOTHING = re.compile(r"\s*+\)")
_INDIRECT = re.compile(r"\{[^{}]{0,80}\}\s*+(?=[\"'])")
"""The program that Perl starts under the name that follows."""
_SHELL = re.compile(r"(?:/(?:usr/)?bin/)?(?:ba|da|z|k|a)?sh(?:\s+-[si]+)?")
MAX_LIST = 64
_MADE = re.compile(
    r"(?i)chr\b|char|pack|decode|reverse|join|substr|sub\s*\(|subst|replace|\btr\b|=~|split|slice|\bmap|format|printf"
    r"|%s|\bread(?:line|lines|file|all|Line|FileSync)?\b|\bgets?\b|getline|get_|\benv|argv|\barg\b|args\b|stdin|<\w*>|open|socket|http|fetch|\beval|\bload|rand|time"
    r"|concat|\$(?:\d|_(?!\[))|\$\(|#\{|\$\{|\.\.|\+=|\.=|<<|[\"'`]\s*[.+~]|[.+~]\s*[\"'`]|\bshift\b|@_|\bpop\b|\w\s+[\"'](?=\s)"
    r"|[\"']\s+[\w$\"']|qw|%w|import\s|include|upper|lower|case|Buffer|<<|hex|b64|base|rot|inflate|gz"
)
"""Source that may make text of its own, besides its literals."""


class Dialect(NamedTuple):
    """How a language differs: whether backticks run commands."""

    backticks: bool = False
    awk: bool = False


DIALECTS = {
    "perl": Dialect(backticks=True),
    "ruby": Dialect(backticks=True),
    "php": Dialect(backticks=True),
    "julia": Dialect(backticks=True),
    "c": Dialect(),
    "raku": Dialect(backticks=True),
    "awk": Dialect(awk=True),
}


def scan(run: Run, source: str, state: State, language: str, evaluated: tuple[tuple[int, int], ...] = ()) -> None:
    """Add the effects of commands and deletions that stand in the source as literals.

    `evaluated`: parts of it that are read as source of their own.
    """
    if len(source) > MAX_SOURCE:
        unseen(run, UNKNOWN, language)
        return
    run.charge(len(source) >> 9)
    names = assigned(source) if "=" in source else {}
    missed = understood = fed = ran = inside = False
    spans = tuple(found.span() for found in islice(STRING.finditer(source), MAX_SPANS))
    for found in _RUNS.finditer(source):
        if found["name"] not in _AMBIGUOUS or _owner(source, found, _SYSTEM):
            named = _INDIRECT.match(source, found.end() - 1)
            texts = literals(run, source, named.end() if named else found.end(), names, language in _ADJOINS)
            understood = True
            if texts:
                _run_literals(run, texts, state, language)
                fed = fed or ("-c" not in texts and _SHELL.fullmatch(texts[0].strip()) is not None)
            nothing = _NOTHING.match(source, found.end()) is not None
            nothing = nothing or found["name"] in _UNSURE
            ran = ran or bool(texts)
            if not texts and not nothing and not _within(found.start(), evaluated):
                within = _within(found.start(), spans)
                inside, missed = inside or within, missed or not within
    for found in _DELETES.finditer(source):
        if found["name"] not in _AMBIGUOUS or _owner(source, found, _OWNED):
            _delete(run, found["name"], literals(run, source, found.end(), names), state, language)
    for found in _SOFT.finditer(source):
        texts = literals(run, source, found.end(), names, language in _ADJOINS)
        if texts and (" " in texts[0].strip() or len(texts) > 1):
            maybe(run, partial(_run_literals, run, texts, state, language))
    for text in _marked(source, language, names):
        understood = True
        fed = fed or _SHELL.fullmatch(text.strip()) is not None
        code(run, interpolated(text, names), state.fork(), language)
    for found in _AWK_WRITE.finditer(source) if language == "awk" else ():
        run.findings.path("write", ansi(found[1]), state.cwd, program="awk")
    missed = missed or (inside and not ran)
    settled = missed and not _MADE.search(source) and STRING.search(source) is not None
    if missed or fed or inside or (not understood and _RUNNISH.search(source)):
        _try_all(run, source, state, settled)
    if missed and not settled:
        note = "It runs a command that is put together when it runs."
        run.findings.add("interpret", language, certainty="unknown", program=language, note=note)


def _within(at: int, spans: tuple[tuple[int, int], ...]) -> bool:
    return any(start < at < end for start, end in spans)


def _marked(source: str, language: str, names: dict[str, str]) -> Iterator[str]:
    """Commands that syntax marks: backticks, pipes of awk, files that are opened as pipes."""
    dialect = DIALECTS.get(language, Dialect())
    if dialect.backticks:
        for found in _BACKTICKS.finditer(source):
            yield found[1] or found[2] or ""
    if dialect.awk:
        for found in _AWK_NAMED.finditer(source):
            yield names.get(found[1] or found[2], "")
        for found in _AWK_PIPE.finditer(source):
            command = ansi(found[2] or found[3] or "")
            yield command if found[1] is None else f"printf '%s\\n' {shlex.quote(ansi(found[1]))} | {command}"
    for found in _OPENS.finditer(source):
        yield (found["to"] or found["from"] or found["list"] or "").strip()


def _try_all(run: Run, source: str, state: State, single: bool) -> None:
    """Any literal may be what it runs, and any list of literals: those count that would do harm.

    `single`: even a literal of one word.
    """
    if run.trying:
        return
    tried, at = 0, 0
    while (found := STRING.search(source, at)) and tried < MAX_TRIED:
        tried += 1
        at = max(found.end(), at + 1)
        text = text_of(found).strip()
        if (" " in text or (single and text)) and len(text) <= MAX_ARGUMENTS:
            keep(run, run.attempt(partial(run.script, text, state.fork())))
        elif text and (words := literals(run, source, found.start(), {})[:MAX_LIST]) and len(words) > 1:
            keep(run, run.attempt(partial(run.command, words, state.fork())), grave=True)


def _owner(source: str, found: re.Match[str], owner: re.Pattern[str]) -> bool:
    """Whether what stands directly before the name is such an owner."""
    start = found.start("name")
    return owner.search(source[max(0, start - MAX_OWNER) : start]) is not None


def literals(run: Run, source: str, at: int, names: dict[str, str], adjoins: bool = False) -> list[str]:
    """The literals that follow as arguments, and variables that are known; concatenated ones are one.

    `adjoins`: those with nothing between them, too.
    """
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
        between = gap[0].strip(" \t\n()") if gap else ""
        if made and (between in _CONCATENATES or (adjoins and gap and not gap[0].strip())):
            made[-1] += texts.pop(0) if texts else ""
        made.extend(texts)
        at = found.end()
    return made


def _run_literals(run: Run, texts: list[str], state: State, language: str) -> None:
    if len(texts) > 2 and posixpath.basename(texts[0]) == posixpath.basename(texts[1]):
        texts = texts[1:]
    if len(texts) == 2 and texts[1].startswith("-") and " " in texts[1]:
        code(run, " ".join(texts), state.fork(), language)
    elif len(texts) > 1 and " " not in texts[0].strip():
        run.command(texts, state.fork())
    else:
        code(run, texts[0], state.fork(), language)


def _delete(run: Run, name: str, texts: list[str], state: State, language: str) -> None:
    recursive = name not in ("unlink", "unlinkSync", "rmdir", "rm_f", "rm", "remove", "delete-file")
    for path in texts[:1] or [UNKNOWN]:
        note = f"{language} code deletes it."
        run.findings.path("delete", path, state.cwd, program=language, recursive=recursive, note=note)

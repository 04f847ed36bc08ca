"""Programs that build commands from their input or arguments: xargs, parallel, find, git's shell escapes, make."""

import re
from itertools import dropwhile, islice, pairwise, product
from typing import Any

from lighthoused.gate.programs.builtins import code
from lighthoused.gate.programs.environment import loaded_from
from lighthoused.gate.programs.shells import SHELLS, written
from lighthoused.gate.shell.quoting import ansi
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import Input, State
from lighthoused.gate.shell.text import ENDLESS, GLOB, UNKNOWN, ended, opaque, unmarked, wholly_opaque

MAX_BATCH = 64
_XARGS_VALUES = frozenset(
    {"-a", "--arg-file", "-d", "--delimiter", "-E", "-I", "-L", "--max-lines", "-n", "--max-args", "-P", "--max-procs"}
    | {"-s", "--max-chars", "-R", "-S", "-J"}
)


_BLANKS = r"[\s\0]+"


def xargs(run: Run, argv: list[str], state: State) -> str:
    """Words of standard input become arguments; unknown where the input is."""
    words = argv[1:]
    replace, separators, path = "", _BLANKS, ""
    while words and words[0].startswith("-") and len(words[0]) > 1:
        flag = words.pop(0)
        if flag[:2] in ("-d", "-a") or flag.startswith(("--delimiter", "--arg-file")):
            attached = flag.partition("=")[2] if flag.startswith("--") else flag[2:]
            value = attached or (words.pop(0) if words else "")
            if flag.startswith(("-d", "--d")):
                separators = re.escape(ansi(unmarked(value))[:1] or "\0")
            else:
                path = value
        elif flag in ("-0", "--null") or (flag[:2] != "--" and set(flag) <= set("-0rtpx") and "0" in flag):
            separators = "[\0\ue000]"
        elif flag[:2] in ("-I", "-J", "-i") or flag.startswith("--replace"):
            attached = flag.partition("=")[2] if flag.startswith("--") else flag[2:]
            takes = flag in ("-I", "-J") and words
            replace = attached or (words.pop(0) if takes else "{}")
        elif flag in _XARGS_VALUES and words:
            words.pop(0)
        elif flag == "--":
            break
    text = run.redirects.contents(path, state) if path else state.stdin.all()
    if (
        ENDLESS in text
        and not run.findings.place.bounded
        and any(re.match(r"-\w*P|--max-procs", word) for word in argv)
    ):
        note = "It starts processes as fast as it can, until the machine stops."
        run.findings.add("exhaust", "xargs", "process", program="xargs", note=note)
    text = ended(text)
    if replace and separators == _BLANKS:
        separators = "\n"
    if wholly_opaque(text) and text:
        items = [UNKNOWN]
    elif separators == _BLANKS:
        items = [_unquoted(found[0]) for found in _ITEM.finditer(text)]
    else:
        items = [_unquoted(item) if separators == "\n" else item for item in re.split(separators, text)]
    items = [item for item in items if item.strip()]
    if len(items) > MAX_BATCH:
        items = [*items[:MAX_BATCH], UNKNOWN]
    return _each(run, words or ["echo"], items, replace, state)


_ITEM = re.compile(r"(?:[^\s\0'\"\\]|'[^'\n]*'?|\"[^\"\n]*\"?|\\.?)+")
_QUOTES = re.compile(r"'([^'\n]*)'?|\"([^\"\n]*)\"?|\\(.?)")


def _unquoted(item: str) -> str:
    """An item as xargs passes it on: it removes quotes and backslashes."""
    return _QUOTES.sub(lambda found: found[1] or found[2] or found[3] or "", item)


def _each(run: Run, command: list[str], items: list[str], replace: str, state: State) -> str:
    child = state.fork(Input(""))
    if command[0] in _EMPTIES:
        _empty(run, command[0], [item for item in items if f"{GLOB}*/" in item], state)
    if not replace:
        return run.command([*command, *items], child)
    outputs = []
    for item in items or [UNKNOWN]:
        outputs.append(run.command([word.replace(replace, item) for word in command], child))
        if command[0] in SHELLS and command[-2:] == ["-c", replace]:
            _named(run, item)
    return "".join(outputs)


def _named(run: Run, source: str) -> None:
    """Input of a shell that names a program that nobody knows: then neither does anybody know the input."""
    first = source.split(None, 1)[0] if source.strip() else ""
    if any(effect.kind == "execute" and effect.program == first for effect in run.findings.effects()):
        note = "What the shell runs comes from its input, and nobody knows it."
        run.findings.add("interpret", first, certainty="unknown", program=first, note=note)


_PARALLEL_VALUES = frozenset(
    {
        "-j",
        "--jobs",
        "-a",
        "--arg-file",
        "-I",
        "-S",
        "--sshlogin",
        "--delay",
        "--timeout",
        "-N",
        "-n",
        "--max-args",
        "-P",
    }
    | {
        "--joblog",
        "-C",
        "--colsep",
        "--results",
        "--tmpdir",
        "--workdir",
        "--wd",
        "--retries",
        "--halt",
        "--tag-string",
    }
    | {"--load", "--memfree", "--nice", "--block", "--recstart", "--recend", "-d", "--delimiter", "-s", "-L", "--env"}
)


def parallel(run: Run, argv: list[str], state: State) -> str:
    """GNU parallel: ``command ::: arguments``, or arguments from standard input; each a shell command."""
    words = argv[1:]
    jobs = ""
    while words and words[0].startswith("-") and words[0] != "--":
        flag = words.pop(0)
        if flag in _PARALLEL_VALUES and words:
            value = words.pop(0)
            jobs = value if flag in ("-a", "--arg-file") else jobs
    starts = [at for at, word in enumerate(words) if word.startswith(":::")]
    source = " ".join(words[: starts[0]] if starts else words)
    ends = [*starts[1:], len(words)]
    lists = [words[start + 1 : end] for start, end in zip(starts, ends, strict=False)]
    if not lists:
        text = run.redirects.contents(jobs, state) if jobs else state.stdin.all()
        lists = [[line for line in text.split("\n") if line.strip()]]
    child = state.fork(Input(""))
    filled = product(*(each or [UNKNOWN] for each in lists))
    inner = words[2] if len(words) > 2 and words[0] in SHELLS and words[1] == "-c" else ""
    bare = source.split()[1:] in (["-c"], ["-c", "{}"]) and words[0] in SHELLS
    for items in (*islice(filled, MAX_BATCH), *((UNKNOWN,) * len(lists) for _ in islice(filled, 1))):
        code(run, _filled(source, items), child, "parallel")
        if inner and not inner.startswith(":::"):
            code(run, _filled(inner, items), child, "parallel")
        if bare:
            _named(run, " ".join(items))
    return UNKNOWN


def _filled(source: str, items: tuple[str, ...]) -> str:
    """The replacement strings ``{}``, ``{2}``, ``{/.}`` filled in; without any the items follow."""

    def item(found: re.Match[str]) -> str:
        number = int(found[1]) if found[1] else 0
        return items[number - 1] if 0 < number <= len(items) else " ".join(items)

    filled = re.sub(r"\{(\d{0,4})[./]*\}", item, source)
    return filled if filled != source else " ".join([source, *items]).strip()


_FIND_VALUES = frozenset(
    {"-amin", "-anewer", "-atime", "-cmin", "-cnewer", "-context", "-ctime", "-fstype", "-gid", "-group", "-ilname"}
    | {"-iname", "-inum", "-ipath", "-iregex", "-iwholename", "-links", "-lname", "-mmin", "-mtime", "-name", "-newer"}
    | {"-path", "-perm", "-regex", "-samefile", "-size", "-type", "-uid", "-used", "-user", "-wholename", "-xtype"}
    | {"-maxdepth", "-mindepth", "-printf", "-regextype", "-D"}
)
_FIND_FILTERS = frozenset(
    {
        "-name",
        "-iname",
        "-path",
        "-ipath",
        "-regex",
        "-wholename",
        "-mtime",
        "-mmin",
        "-atime",
        "-ctime",
        "-newer",
        "-size",
    }
    | {"-empty", "-user", "-perm", "-samefile", "-inum", "-iregex", "-iwholename"}
)


_FIND_KINDS = frozenset(
    {"-name", "-iname", "-path", "-ipath", "-regex", "-iregex", "-wholename", "-iwholename", "-empty", "-samefile"}
    | {"-inum", "-size", "-links", "-lname", "-perm"}
)
"""Filters that say which files are meant; by age or owner alone they may be any."""


def find(run: Run, argv: list[str], state: State) -> str:
    """Walks from its starting points; deletes, or runs commands on what it finds."""
    words = argv[1:]
    while (words and words[0] in ("-H", "-L", "-P")) or (words[:1] and words[0].startswith("-O")):
        words = words[1:]
    split = next((at for at, word in enumerate(words) if word[:1] in ("-", "(", "!") and word != "-"), len(words))
    starts, expression = words[:split] or ["."], words[split:]
    names = _names(expression)
    found = list(dict.fromkeys(found_below(start, name) for start in starts for name in names))
    filtered = not _FIND_FILTERS.isdisjoint(expression)
    _actions(run, expression, found if filtered else starts, filtered, state)
    said = [after for word, after in pairwise(expression) if word == "-printf"]
    if said and "%" not in said[0]:
        return ansi(unmarked(said[0]))
    end = "\0" if "-print0" in expression else "\n"
    return "".join(
        f"{path}{end}" for path in (found if filtered else [f"{start.rstrip('/')}/{GLOB}*" for start in starts])
    )


def _names(expression: list[str]) -> list[str]:
    """The names that pass, as patterns."""
    names = [
        expression[at + 1]
        for at, word in enumerate(expression[:-1])
        if word in ("-name", "-iname") and (at == 0 or expression[at - 1] not in ("!", "-not"))
    ]
    return [re.sub(r"(?<!\ue003)([*?\[])", "\ue003\\1", name) for name in names[:16]] or [f"some{GLOB}*"]


def found_below(start: str, name: str) -> str:
    """What a search below `start` finds by a name, which may be a pattern."""
    return f"{start.rstrip('/') or '/'}/{GLOB}*/{name}" if start.rstrip("/") else f"/{GLOB}*/{name}"


def _actions(run: Run, expression: list[str], paths: list[str], filtered: bool, state: State) -> None:
    at = 0
    while at < len(expression):
        word = expression[at]
        at += 1
        if word in _FIND_VALUES:
            at += 1
        elif word == "-delete":
            for path in paths:
                note = "find -delete removes all that it finds."
                recursive = not filtered or _SOURCES.search(path) is not None or _FIND_KINDS.isdisjoint(expression)
                run.findings.path("delete", path, state.cwd, program="find", recursive=recursive, note=note)
        elif word in ("-exec", "-execdir", "-ok", "-okdir"):
            end = next((end for end in range(at, len(expression)) if expression[end] in (";", "+")), len(expression))
            run_on(run, expression[at:end], paths, state)
            at = end + 1
        elif word in ("-fprint", "-fprintf", "-fls", "-fprint0") and at < len(expression):
            run.findings.path("write", expression[at], state.cwd, program="find")
            at += 1


_SOURCES = re.compile(
    r"\*\.(?:py|js|jsx|ts|tsx|go|rs|c|cc|cpp|h|hpp|java|kt|rb|php|cs|swift|scala|sh|sql|md|html|css|vue|toml|ya?ml)$"
)
"""All source files of a kind."""
_EMPTIES = frozenset({"truncate", "shred", "rm"})


def _empty(run: Run, program: str, paths: list[str], state: State) -> None:
    """Files of source code anywhere below here are removed or emptied."""
    for path in filter(_SOURCES.search, paths):
        note, instead = (
            "All source files of a kind are emptied or removed.",
            "List them first; delete single ones by name.",
        )
        more: dict[str, Any] = {"recursive": True, "note": note, "instead": instead}
        run.findings.path("delete", path, state.cwd, program=program, **more)


def run_on(run: Run, command: list[str], paths: list[str], state: State) -> None:
    """Runs a command on paths that were found; ``{}`` stands for them."""
    child = state.fork(Input(""))
    if command[:1] and command[0] in _EMPTIES:
        _empty(run, command[0], paths, state)
    for path in paths if command else ():
        run.command([word.replace("{}", path) for word in command], child)


_GIT_VALUES = frozenset(
    {"-C", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--super-prefix", "--config-env"}
)
_GIT_RUNS = re.compile(
    r"interactive\.difffilter|imap\.tunnel|man\..*\.cmd|sendemail\..*cmd|core\.(?:pager|editor|sshcommand|fsmonitor|askpass|gitproxy|alternaterefscommand)|sequence\.editor|diff\.external"
    r"|.*\.(?:cmd|textconv|command|clean|smudge|process|driver|helper|program|path|pager|proxy|runner|sendemailcmd"
    r"|uploadpack|receivepack|packobjectshook|defaultcommand)|pager\..*|credential\.helper|uploadpack\.packobjectshook"
)


def git(run: Run, argv: list[str], state: State) -> str | None:
    """What git runs for its user: aliases by -c, bisect run, rebase --exec, submodule foreach."""
    words = argv[1:]
    settings, folder = [], ""
    while words and words[0].startswith("-"):
        flag = words.pop(0)
        if flag == "-c" and words:
            settings.append(words.pop(0))
        elif flag.startswith("--config-env="):
            name, _, variable = flag.partition("=")[2].partition("=")
            settings.append(f"{name}={(state.value(variable) or ('',))[0]}")
        elif flag in _GIT_VALUES and words:
            value = words.pop(0)
            folder = value if flag in ("-C", "--work-tree") else folder
        elif flag == "--" and words:
            return run.command(["git", *words], state)
        elif flag.startswith("--exec-path="):
            run.assign("GIT_EXEC_PATH", (flag.partition("=")[2],), state.fork())
    settings += _cloned(words)
    settings += _included(run, settings, state)
    aliased = _configured(run, settings, words, state)
    if aliased is not None:
        return aliased
    _runs(run, words, state)
    if folder:
        child = state.fork()
        child.assign("PWD", (run.findings.targets.absolute(folder, state.cwd),))
        return run.command(["git", *words], child) if words else ""
    if words[:1] == ["rev-parse"] and "--show-toplevel" in words:
        return state.cwd + "\n"
    return None


def _cloned(words: list[str]) -> list[str]:
    """Settings that ``git clone`` is given for the new repository."""
    if words[:1] != ["clone"]:
        return []
    settings = [value for flag, value in pairwise(words) if flag in ("-c", "--config")]
    templates = [word.partition("=")[2] for word in words if word.startswith("--template=")]
    return settings + [f"core.hookspath={each}" for each in templates if each]


def _configured(run: Run, settings: list[str], words: list[str], state: State) -> str | None:
    """Programs and aliases that ``-c name=value`` sets; None where no alias is called."""
    aliases = {name.lower(): value for name, _, value in (setting.partition("=") for setting in settings)}
    for setting in settings:
        name, _, value = setting.partition("=")
        if name.lower() == "core.hookspath":
            run.assign("GIT_TEMPLATE_DIR", (value,), state.fork())
            _hooks(run, value, state)
        if value.startswith("!") and _SUBMODULE.fullmatch(name.lower()):
            code(run, value[1:], state.fork(), "git")
        if _GIT_RUNS.fullmatch(name.lower()) and (" " in value or value[:1] in "!./"):
            code(run, value.lstrip("!"), state.fork(), "git")
        if words and name.lower() == f"alias.{words[0].lower()}":
            if value.startswith("!"):
                return code(run, " ".join([value[1:], *words[1:]]), state.fork(), "git")
            target = aliases.get(f"alias.{value.split(None, 1)[0].lower()}", "") if value.split() else ""
            if target.startswith("!"):
                return code(run, " ".join([target[1:], *words[1:]]), state.fork(), "git")
            return run.command(["git", *value.split(), *words[1:]], state)
    return None


_SUBMODULE = re.compile(r"submodule\..*\.update")
_SECTION = re.compile(r"^\s*+\[\s*+([\w.-]+)(?:\s++\"([^\"]*+)\")?\s*+\]")
_SETTING = re.compile(r"^\s*+([A-Za-z][\w-]*+)\s*+=\s*+(.*)$")
_GIT_FILES = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG")


def _hooks(run: Run, folder: str, state: State) -> None:
    """The hooks in a directory that were written before."""
    start = run.findings.targets.absolute(folder, state.cwd).rstrip("/") + "/"
    for path in [path for path in dict.keys(state.files) if path.startswith(start)][:16]:
        run.command([path], state.fork())


def _included(run: Run, settings: list[str], state: State) -> list[str]:
    """Settings of files that were written before and are made git's settings here."""
    paths = [
        value for name, _, value in (each.partition("=") for each in settings) if _INCLUDES.fullmatch(name.lower())
    ]
    paths += [value[0] for name in _GIT_FILES if (value := state.value(name))]
    found: list[str] = []
    for path in paths:
        text = written(run, path, state)
        if text is None:
            loaded_from(run, "git", path, state)
            continue
        section = ""
        for line in unmarked(text).splitlines()[:256]:
            if head := _SECTION.match(line):
                section = f"{head[1]}.{head[2]}" if head[2] else head[1]
                line = line[head.end() :]
            if setting := _SETTING.match(line):
                found.append(f"{section}.{setting[1]}={setting[2].strip()}")
    return found


_INCLUDES = re.compile(r"include(?:if\..*)?\.path")


def _runs(run: Run, words: list[str], state: State) -> None:
    if words[:2] == ["bisect", "run"] and len(words) > 2:
        run.command(words[2:], state.fork())
    elif words[:1] == ["submodule"] and "foreach" in words[1:4]:
        rest = list(dropwhile(lambda word: word.startswith("-"), words[words.index("foreach") + 1 :]))
        code(run, " ".join(rest), state.fork(), "git")
    elif words[:1] == ["rebase"]:
        for at, word in enumerate(words):
            if word in ("-x", "--exec") and at + 1 < len(words):
                code(run, words[at + 1], state.fork(), "git")
    elif words[:1] == ["filter-branch"]:
        for at, word in enumerate(words[:-1]):
            if word.endswith("-filter") and not opaque(words[at + 1]):
                code(run, words[at + 1], state.fork(), "git")


LAUNCHERS = {
    "xargs": xargs,
    "gxargs": xargs,
    "parallel": parallel,
    "find": find,
    "gfind": find,
    "git": git,
}

"""Variables whose value some program runs: editors, pagers, remote shells, start-up files, preloaded libraries.

A table of names. Must not know which program would read them: setting one is taken for its use.
"""

import re
from collections.abc import Callable

from lighthoused.gate.programs.builtins import code
from lighthoused.gate.programs.embedded import maybe
from lighthoused.gate.programs.telling_names import telling
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import opaque, unmarked

_COMMAND = re.compile(
    r"[A-Z0-9_]*(?:EDITOR|PAGER|BROWSER|ASKPASS|RSH|PASSCOMMAND|PASSWORD_COMMAND|PROMPT_COMMAND|RUNNER|OPENER)"
    r"|VISUAL|FCEDIT|GIT_SSH_COMMAND|GIT_SSH|GIT_EXTERNAL_DIFF|GIT_PROXY_COMMAND|LESSOPEN|LESSCLOSE|SVN_SSH"
    r"|FZF_DEFAULT_COMMAND|RUSTC_WRAPPER|RUSTC_WORKSPACE_WRAPPER|COMPILER_PATH|CC|CXX|LD|MAKE|CONFIG_SHELL|SHELL"
    r"|PROMPT_COMMAND|NIX_REMOTE_SSH|SSH_COMMAND|MANROFFOPT|ACLOCAL|AUTOCONF|GIT_CONFIG_VALUE_\d+"
)
_HISTORY: dict[str, re.Pattern[str]] = {
    "HISTFILE": re.compile(r"(?:/dev/null)?$"),
    **dict.fromkeys(("HISTSIZE", "HISTFILESIZE", "SAVEHIST"), re.compile(r"0*$")),
    "HISTCONTROL": re.compile(r"(?:.*:)?ignore(?:space|both)"),
    "HISTIGNORE": re.compile(r"(?:.*:)?\*(?::|$)"),
}
_UNCHECKED: dict[str, re.Pattern[str]] = {
    "GOINSECURE": re.compile(r"(?:.*,)?\*"),
    "GOFLAGS": re.compile(r".*-insecure"),
    "GOPROXY": re.compile(r"http://(?!localhost|127\.)"),
    **dict.fromkeys(("GONOSUMDB", "GONOSUMCHECK"), re.compile(r"\*$|1$")),
    "NODE_TLS_REJECT_UNAUTHORIZED": re.compile(r"0$"),
    **dict.fromkeys(("GIT_SSL_NO_VERIFY", "PYTHONHTTPSVERIFY"), re.compile(r"(?:true|1|0)$")),
}
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})
_ELSEWHERE = re.compile(
    r"(?:\w+://)?(?:[^/@]*@)?(?!127\.)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::|/|$)|socks\w*://(?!127\.|localhost|\[?::1)"
)
_RECORDS = re.compile(
    r"(?=.*(?:history|\bfc\b|BASH_COMMAND))(?=.*(?:logger|\bnc\b|ncat|curl|wget|/dev/(?:tcp|udp)|>|\btee\b|-a\s*/))",
    re.DOTALL,
)
_PROMPT = frozenset({"PS0", "PS1", "PS2", "PS4", "PROMPT", "RPROMPT"})
_STARTUP = frozenset({"BASH_ENV", "ENV"})
_LIBRARIES = frozenset({"LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES"})
_WELL_KNOWN_LIBRARY = re.compile(
    r"(?:.*/)?lib(?:asan|tsan|ubsan|lsan|jemalloc|tcmalloc\w*|mimalloc|faketime\w*|eatmydata|nss_wrapper|fakeroot\w*"
    r"|gtk3-nocsd|SegFault|dl|pthread|c|m|stdc\+\+|gcc_s|snoopy|profiler)\b[\w.+-]*"
)
_OPTIONS: dict[str, re.Pattern[str]] = {
    "TAR_OPTIONS": re.compile(r"(?:exec|to-command|use-compress-program|rsh-command)=(.+)"),
    "LESS": re.compile(r"\+!(.+)"),
    **dict.fromkeys(("VIMINIT", "EXINIT", "GVIMINIT"), re.compile(r"(?:^|[|:\n])\s*(?:sil\w*!?\s+)?!(.+)")),
    "MORE": re.compile(r"\+!(.+)"),
    "GIT_CONFIG_PARAMETERS": re.compile(r"=!(.+?)'?$"),
    "MAKEFLAGS": re.compile(r"--eval=(.+)"),
    "MAKEOVERRIDES": re.compile(r"SHELL=(.+)"),
}
_LOADS: dict[str, re.Pattern[str]] = {
    "NODE_OPTIONS": re.compile(r"(?:--require|--import|-r|--loader|--experimental-loader)[ =]?(\S+)"),
    "PERL5OPT": re.compile(r"-(?:[Mm](?!(?:Devel|Test|strict|warnings|utf8|open|feature|lib|Carp|v5)\b)|d:?|I)(\S*)"),
    "PERL5DB": re.compile(r"(.+)"),
    "RUBYOPT": re.compile(r"-(?:r|I)\s*(\S+)"),
    "PYTHONSTARTUP": re.compile(r"(.+)"),
    "PYTHONHOME": re.compile(r"(.+)"),
    "GIT_EXEC_PATH": re.compile(r"(.+)"),
    "GIT_TEMPLATE_DIR": re.compile(r"(.+)"),
    "JAVA_TOOL_OPTIONS": re.compile(r"-(?:javaagent|agentpath|agentlib|XX:OnOutOfMemoryError)[:=](\S+)"),
}
_CODE = {"PERL5DB": "perl", "PERL5OPT": "perl", "RUBYOPT": "ruby"}
_PROGRAMS = frozenset({"/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin"})
_ANYBODYS = ("/tmp/", "/var/tmp/", "/dev/shm/")
_PLACES = ("/usr/", "/bin/", "/opt/", "/lib", "/snap/", "/nix/", "/Applications/", "/System/", "/Library/")


def assigned(run: Run, name: str, value: str, state: State) -> None:
    """A variable was set: what a program may run because of it."""
    if (name in _PROMPT or name == "PROMPT_COMMAND") and _RECORDS.match(value):
        note = "What is typed is recorded somewhere else."
        run.findings.add("trace", name, "process", program=name, note=note)
    effect = _EXACT.get(name)
    if effect is not None:
        effect(run, name, value, state)
    elif _COMMAND.fullmatch(name) and value.strip():
        _command(run, name, value, state)


_EXEC_LINE = re.compile(r"\b(?:exec|x)\s++([^'\"]+)")
"""A line of a rebase that runs a command."""


def _command(run: Run, name: str, value: str, state: State) -> None:
    """A command with arguments is one; a bare name is a program as any other."""
    value = unmarked(value).lstrip("|!-").strip()
    if name == "GIT_SEQUENCE_EDITOR" and (found := _EXEC_LINE.search(value)):
        maybe(run, lambda: run.script(found[1], state.fork()))
    if value.startswith("/") and _hidden(run, value, state):
        _planted(run, name, value)
    if " " in value or value in state.functions or run.findings.targets.absolute(value, state.cwd) in state.files:
        code(run, value, state.fork(), name)


def _prompt(run: Run, name: str, value: str, state: State) -> None:
    if "$(" in value or "`" in value:
        quoted = unmarked(value).replace('"', '\\"')
        run.script(f': "{quoted}"', state.fork())


def _startup(run: Run, name: str, value: str, state: State) -> None:
    if value and ("/" in value or name == "BASH_ENV"):
        run.command([".", value], state.fork())
        if _hidden(run, value, state):
            _planted(run, name, value)


def _hidden(run: Run, path: str, state: State) -> bool:
    """Whether a file that other programs are made to run lies where neither the project nor the system keeps it."""
    path = unmarked(path).split(" ")[0]
    absolute = run.findings.targets.absolute(path, state.cwd)
    if absolute in state.files or absolute.startswith(_PLACES):
        return False
    target = run.findings.targets.resolve(path, state.cwd)
    return target.scope in ("temp", "system", "elsewhere") and target.place != "sink"


def loaded_from(run: Run, program: str, path: str, state: State) -> None:
    """A program is made to load a file that nobody here wrote: as if it were run by its name."""
    if _hidden(run, path, state):
        note = "What a file does that a program loads is not known before it is read."
        run.findings.add("execute", unmarked(path), "process", certainty="unknown", program=program, note=note)
        telling(run, path, state)


def _planted(run: Run, name: str, path: str) -> None:
    note = "It makes other programs run what lies outside the project."
    instead = "Run it by its name, so that it can be seen what runs."
    run.findings.add("interpret", path, certainty="unknown", program=name, note=note, instead=instead)


def _library(run: Run, name: str, value: str, state: State) -> None:
    for path in re.split(r"[ :]+", unmarked(value)):
        if not path or _WELL_KNOWN_LIBRARY.fullmatch(path) or (opaque(path) and not path.endswith(".so")):
            continue
        note = "A library that is loaded into every program can do anything they can."
        run.findings.add("interpret", path, certainty="unknown", program=name, note=note)


def _options(run: Run, name: str, value: str, state: State) -> None:
    found = _OPTIONS[name].search(unmarked(value))
    if found:
        code(run, found[1], state.fork(), name)


def _loads(run: Run, name: str, value: str, state: State) -> None:
    found = _LOADS[name].search(unmarked(value))
    if found:
        path = found[1]
        if _hidden(run, path, state) or (name.startswith("PERL") and not path.startswith(("/", "."))):
            _planted(run, name, path)
        if name in _CODE and re.search(r"[;({]", value):
            run.command([_CODE[name], "-e", unmarked(value)], state.fork())
        note = "It makes programs load code that they would not load."
        run.findings.add("execute", path, "process", certainty="unknown", program=name, note=note)
        text = state.files.get(run.findings.targets.absolute(path, state.cwd))
        if text is not None and name == "PYTHONSTARTUP":
            run.command(["python3", path], state.fork())
        elif text is not None and name == "NODE_OPTIONS":
            run.command(["node", path], state.fork())


def _path(run: Run, name: str, value: str, state: State) -> None:
    """Directories in which programs are looked for first: one that anybody can write to can hold anything."""
    for folder in unmarked(value).split(":"):
        if opaque(folder) or folder.startswith("$") or folder in _PROGRAMS:
            return
        if folder.startswith(_ANYBODYS):
            _planted(run, name, folder)


def _modules(run: Run, name: str, value: str, state: State) -> None:
    """Directories in which an interpreter looks for modules."""
    for folder in filter(None, unmarked(value).split(":")):
        if not opaque(folder) and folder.startswith(_ANYBODYS):
            loaded_from(run, name, folder, state)


def _history(run: Run, name: str, value: str, state: State) -> None:
    if _HISTORY[name].match(unmarked(value)):
        run.findings.add("conceal", name, "process", program=name, note="Commands are no longer recorded.")


def _agent(run: Run, name: str, value: str, state: State) -> None:
    """Keys that somebody's agent holds are used through its socket, whoever that is."""
    if value.startswith("/tmp/ssh-"):
        note, instead = "It uses the keys that somebody unlocked.", "ssh-add a key of your own, for this one machine."
        run.findings.add("trace", value, "process", program=name, note=note, instead=instead)


def _proxy(run: Run, name: str, value: str, state: State) -> None:
    if _ELSEWHERE.match(unmarked(value)):
        note = "All that programs send goes through that machine."
        run.findings.add("disguise", value, "process", program=name, note=note)


def _unchecked(run: Run, name: str, value: str, state: State) -> None:
    if _UNCHECKED[name].match(unmarked(value)):
        run.findings.add("disguise", name, "process", program=name, note="Any server is believed to be the right one.")


_EXACT: dict[str, Callable[[Run, str, str, State], None]] = {
    **dict.fromkeys(_PROMPT, _prompt),
    **dict.fromkeys(_STARTUP, _startup),
    **dict.fromkeys(_LIBRARIES, _library),
    **dict.fromkeys(_OPTIONS, _options),
    **dict.fromkeys(_LOADS, _loads),
    **dict.fromkeys(_HISTORY, _history),
    **dict.fromkeys(_UNCHECKED, _unchecked),
    "PATH": _path,
    "SSH_AUTH_SOCK": _agent,
    **dict.fromkeys(("PYTHONPATH", "PERL5LIB", "PERLLIB", "RUBYLIB", "NODE_PATH", "LUA_PATH", "CLASSPATH"), _modules),
    **dict.fromkeys(_PROXIES, _proxy),
}

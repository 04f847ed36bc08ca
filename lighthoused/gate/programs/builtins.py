"""Shell builtins that change the shell's state or run their arguments: cd, eval, export, set, source, trap, ..."""

from lighthoused.gate.shell.bounds import decimal
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import Input, State
from lighthoused.gate.shell.text import FETCHED, SECRET, UNKNOWN, opaque, origin, unmarked, wholly_opaque


def cd(run: Run, argv: list[str], state: State) -> str:
    """cd, pushd: as if it succeeds."""
    words = [word for word in argv[1:] if word == "-" or not word.startswith("-")]
    target = words[0] if words else (state.value("HOME") or (UNKNOWN,))[0]
    if target == "-":
        target = (state.value("OLDPWD") or (UNKNOWN,))[0]
    before = state.cwd
    state.assign("OLDPWD", (before,))
    path = run.findings.targets.absolute(target, before)
    state.assign("PWD", (path if path.startswith("/") else UNKNOWN,))
    return ""


def popd(run: Run, argv: list[str], state: State) -> str:
    state.assign("PWD", (state.value("OLDPWD") or (UNKNOWN,)))
    return ""


def nothing(run: Run, argv: list[str], state: State) -> str:
    """Commands that neither change what matters here nor print."""
    return ""


def evaluate(run: Run, argv: list[str], state: State) -> str:
    """eval: its arguments are source."""
    source = " ".join(argv[1:])
    return code(run, source, state, "eval")


def code(run: Run, source: str, state: State, program: str) -> str:
    """Source for the shell, of which all, some or nothing is known."""
    if not source.strip():
        return ""
    if wholly_opaque(source):
        unseen(run, source, program)
        return UNKNOWN
    return run.script(source, state)


def unseen(run: Run, source: str, program: str) -> None:
    """Code is run that nobody can see now."""
    came = origin(source)
    if came == FETCHED:
        note, instead = "It runs what it fetches from the network.", "Download it, look at it, then run the file."
        run.findings.add(
            "interpret", program, "network", certainty="certain", program=program, note=note, instead=instead
        )
        return
    note = "It runs code that is not known before."
    run.findings.add("interpret", program, certainty="unknown", program=program, note=note)


def declare(run: Run, argv: list[str], state: State) -> str:
    """export, declare, local, readonly, typeset with words that are not assignments to the parser."""
    for word in argv[1:]:
        name, equals, value = word.partition("=")
        if equals and name.isidentifier():
            run.assign(name, (unmarked(value),), state)
    return ""


def unset(run: Run, argv: list[str], state: State) -> str:
    for name in argv[1:]:
        state.functions.pop(name, None)
        if name in state.vars:
            state.assign(name, ())
    if "HISTFILE" in argv[1:]:
        run.findings.add("conceal", "HISTFILE", "process", program="unset", note=_HISTORY)
    return ""


_HISTORY = "Commands are no longer recorded."


def setting(run: Run, argv: list[str], state: State) -> str:
    """set: ``--`` and words set the positional parameters."""
    words = argv[1:]
    if "--" in words:
        state.params = tuple(words[words.index("--") + 1 :])
    elif words and words[0][:1] not in "-+":
        state.params = tuple(words)
    if "+o" in words and "history" in words:
        run.findings.add("conceal", "history", "process", program="set", note=_HISTORY)
    return ""


def shift(run: Run, argv: list[str], state: State) -> str:
    count = decimal(argv[1]) if len(argv) > 1 else 1
    if state.params is not None and count is not None:
        state.params = state.params[count:]
    return ""


def read(run: Run, argv: list[str], state: State) -> str:
    """read, mapfile: from standard input."""
    words = iter(argv[1:])
    names, array = [], ""
    for word in words:
        if word in ("-d", "-n", "-N", "-p", "-t", "-u", "-i"):
            next(words, "")
        elif word.startswith("-"):
            array = next(words, "") if word.endswith("a") else array
        else:
            names.append(word)
    line = state.stdin.line()
    if array:
        state.assign(array, tuple(line.split()))
        return ""
    pieces = line.split(None, max(0, len(names) - 1)) if len(names) > 1 else [line.strip()]
    for number, name in enumerate(names or ["REPLY"]):
        state.assign(name, (pieces[number] if number < len(pieces) else UNKNOWN if opaque(line) else "",))
    return ""


def mapfile(run: Run, argv: list[str], state: State) -> str:
    state.assign(
        argv[-1] if len(argv) > 1 and not argv[-1].startswith("-") else "MAPFILE", tuple(state.stdin.all().split("\n"))
    )
    return ""


def trap(run: Run, argv: list[str], state: State) -> str:
    """The action runs at some time."""
    words = [word for word in argv[1:] if word not in ("--", "-p", "-l")]
    if len(words) > 1 and words[0] not in ("", "-"):
        code(run, words[0], state.fork(), "trap")
    return ""


def alias(run: Run, argv: list[str], state: State) -> str:
    for word in argv[1:]:
        name, equals, value = word.partition("=")
        if equals:
            state.aliases[name] = unmarked(value)
    return ""


def source(run: Run, argv: list[str], state: State) -> str:
    """source, ``.``: a file's commands run in this shell."""
    if len(argv) < 2:
        return ""
    path = run.findings.targets.absolute(argv[1], state.cwd)
    text = state.stdin.all() if path in ("/dev/stdin", "/dev/fd/0") else state.files.get(path)
    if text is not None:
        return code(run, text, state, "source")
    note = "It runs the commands of a file."
    run.findings.add("execute", argv[1], "process", certainty="unknown", program=argv[0], note=note)
    return UNKNOWN


def builtin(run: Run, argv: list[str], state: State) -> str:
    """builtin, command, exec and reserved words that the parser took for commands (``time``, ``coproc``)."""
    words = argv[1:]
    while words and (words[0] == "!" or (words[0].startswith("-") and len(words[0]) > 1)):
        flag = words.pop(0)
        if argv[0] == "command" and flag in ("-v", "-V"):
            return f"/usr/bin/{words[0]}\n" if words else ""
        if argv[0] == "exec" and flag == "-a" and words:
            words.pop(0)
    return run.command(words, state) if words else ""


def coproc(run: Run, argv: list[str], state: State) -> str:
    """``coproc [NAME] command``: a compound command after NAME arrives as words."""
    words = argv[1:]
    if len(words) > 1 and words[1] in ("{", "("):
        words = words[1:]
    return run.command(words, state.fork()) if words else ""


def which(run: Run, argv: list[str], state: State) -> str:
    """which, type -p: the path of the last program named."""
    words = [word for word in argv[1:] if not word.startswith("-")]
    return f"/usr/bin/{words[0]}\n" if words else ""


def history(run: Run, argv: list[str], state: State) -> str:
    if any(word.startswith("-") and set(word[1:]) & set("cdw") for word in argv[1:]):
        run.findings.add("conceal", "history", "process", program="history", note="It removes what was typed.")
    return SECRET


def schedule(run: Run, argv: list[str], state: State) -> str:
    """at, batch: the commands of standard input or a file run later."""
    if any(word in ("-l", "-q", "-c", "-V") for word in argv[1:]):
        return UNKNOWN
    note = "The commands run later, when nobody looks."
    run.findings.add("persist", argv[0], "system", program=argv[0], note=note)
    if state.stdin.text is not None:
        code(run, state.stdin.all(), state.fork(Input()), argv[0])
    return ""


BUILTINS = {
    "cd": cd,
    "pushd": cd,
    "popd": popd,
    "eval": evaluate,
    "export": declare,
    "declare": declare,
    "typeset": declare,
    "local": declare,
    "readonly": declare,
    "unset": unset,
    "set": setting,
    "shift": shift,
    "read": read,
    "mapfile": mapfile,
    "readarray": mapfile,
    "trap": trap,
    "alias": alias,
    "source": source,
    ".": source,
    "builtin": builtin,
    "command": builtin,
    "exec": builtin,
    "coproc": coproc,
    "which": which,
    "history": history,
    "at": schedule,
    "batch": schedule,
    **dict.fromkeys(
        [
            "true",
            "false",
            ":",
            "exit",
            "return",
            "break",
            "continue",
            "wait",
            "jobs",
            "fg",
            "bg",
            "shopt",
            "hash",
            "umask",
            "ulimit",
            "let",
            "getopts",
            "times",
            "complete",
            "compgen",
            "bind",
            "disown",
            "unalias",
            "test",
            "[",
            "[[",
            "sleep",
            "logout",
            "enable",
            "caller",
            "suspend",
            "fc",
            "help",
        ],
        nothing,
    ),
}

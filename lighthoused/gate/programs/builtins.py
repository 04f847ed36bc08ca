"""Shell builtins that run their arguments or change where and how commands run: cd, eval, source, trap, exec, ..."""

import re

from lighthoused.gate.programs.variables import VARIABLES, options
from lighthoused.gate.shell.redirects import descriptor_of
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import Input, State
from lighthoused.gate.shell.text import FETCHED, SECRET, UNKNOWN, origin, unmarked, wholly_opaque


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
    source = " ".join(argv[2:] if argv[1:2] == ["--"] else argv[1:])
    return code(run, source, state, "eval")


def code(run: Run, source: str, state: State, program: str) -> str:
    """Source for the shell, of which all, some or nothing is known."""
    if not source.strip():
        return ""
    if wholly_opaque(source) or source.startswith(_MACHINE_CODE):
        unseen(run, source, program)
        return UNKNOWN
    return run.script(source, state)


_MACHINE_CODE = ("\x7fELF", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe", "MZ\x90")
"""How programs begin that are no text: what a command decodes and runs, and nobody reads."""


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


def hashed(run: Run, argv: list[str], state: State) -> str:
    """``hash -p path name``: the name means that program."""
    flags, names = options(argv[1:], "pdt")
    for name in names if "p" in flags else ():
        state.aliases[name] = flags["p"]
    return ""


def enable(run: Run, argv: list[str], state: State) -> str:
    """``enable -f library name``: the shell loads a library."""
    flags, _ = options(argv[1:], "f")
    if "f" in flags:
        note = "A library that the shell loads can do anything it can."
        run.findings.add("interpret", flags["f"], certainty="unknown", program="enable", note=note)
    return ""


def complete(run: Run, argv: list[str], state: State) -> str:
    """compgen, complete, bind: ``-C command`` and ``-x`` key bindings run it."""
    flags, _ = options(argv[1:], "CFWAGoxfu" if argv[0] == "bind" else "CFWAGoXPS")
    for source in (flags.get("C", ""), flags.get("x", "").partition(":")[2]):
        code(run, source, state.fork(), argv[0])
    run.expander.hidden(flags.get("W", ""), state)
    if argv[0] == "compgen" and "W" in flags:
        return "".join(f"{word}\n" for word in flags["W"].split())
    return UNKNOWN if argv[0] == "compgen" else ""


def trap(run: Run, argv: list[str], state: State) -> str:
    """The action runs at some time; that of a shell's end sees what variables are then."""
    words = [word for word in argv[1:] if word not in ("--", "-p", "-l")]
    if len(words) < 2 or words[0] in ("", "-"):
        return ""
    signals = {word.upper().removeprefix("SIG") for word in words[1:]}
    if wholly_opaque(words[0]) or not signals & _ENDS:
        code(run, words[0], state.fork(), "trap")
        return ""
    run.at_end(words[0], state)
    if not signals <= _ENDS and not run.trying:
        for effect in run.attempt(lambda: code(run, words[0], state.fork(), "trap")):
            if effect.scope != "unknown":
                run.findings.put(effect)
    return ""


_ENDS = frozenset({"EXIT", "0"})


def alias(run: Run, argv: list[str], state: State) -> str:
    """What a name stands for runs when somebody types it."""
    for word in argv[1:]:
        name, equals, value = word.partition("=")
        if equals:
            code(run, unmarked(value), state.fork(), "alias")
            state.aliases[name] = unmarked(value)
    return "" if len(argv) > 1 else UNKNOWN


def source(run: Run, argv: list[str], state: State) -> str:
    """source, ``.``: a file's commands run in this shell."""
    if len(argv) < 2:
        return ""
    path = run.findings.targets.absolute(argv[1], state.cwd)
    descriptor = descriptor_of(path)
    if descriptor == "0":
        text: str | None = state.stdin.all()
    elif descriptor in state.descriptors:
        text = state.descriptors[descriptor].all()
    else:
        text = state.files.get(path)
    before = state.params
    if text is not None and len(argv) > 2:
        state.params = tuple(argv[2:])
        output = code(run, text, state, "source")
        state.params = before
        return output
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
            name = words.pop(0)
            if _POSES.match(unmarked(name)):
                note = "The program is listed as a part of the system."
                run.findings.add("disguise", name, "process", program="exec", note=note)
    if argv[0] == "builtin" and words and words[0] not in BUILTINS:
        return ""
    if not words:
        return ""
    shadowing = state.functions.pop(words[0], None) if argv[0] != "time" else None
    output = run.command(words, state)
    if shadowing is not None:
        state.functions.setdefault(words[0], shadowing)
    return output


_POSES = re.compile(
    r"\[|k(?:worker|threadd|swapd)|(?:sshd|crond?|systemd[\w-]*|init|dbus-daemon|rsyslogd|httpd|nginx)$"
)


def coproc(run: Run, argv: list[str], state: State) -> str:
    """``coproc [NAME] command``: a compound command after NAME arrives as words."""
    words = argv[1:]
    if len(words) > 1 and words[1] in ("{", "("):
        words = words[1:]
    if words and re.fullmatch(r"(?:/\S*/)?(?:ba|da|z|k|a|mk)?sh", words[-1]) and len(words) < 3:
        path = run.sink(lambda child: run.command(words[-1:], child), state)
        state.outputs = {**state.outputs, "60": path}
        state.assign(words[0] if len(words) > 1 else "COPROC", ("61", "60"))
        return ""
    return run.command(words, state.fork()) if words else ""


def which(run: Run, argv: list[str], state: State) -> str:
    """which, type -p: the path of the last program named."""
    words = [word for word in argv[1:] if not word.startswith("-")]
    return f"/usr/bin/{words[0]}\n" if words else ""


def type_of(run: Run, argv: list[str], state: State) -> str:
    """type: with -p or -P the path of a program."""
    return which(run, argv, state) if any(word in ("-p", "-P") for word in argv[1:]) else UNKNOWN


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
    **VARIABLES,
    "cd": cd,
    "pushd": cd,
    "popd": popd,
    "eval": evaluate,
    "hash": hashed,
    "enable": enable,
    **dict.fromkeys(("complete", "compgen", "bind"), complete),
    "trap": trap,
    "alias": alias,
    "source": source,
    ".": source,
    "builtin": builtin,
    "command": builtin,
    "exec": builtin,
    "coproc": coproc,
    "which": which,
    "type": type_of,
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
            "umask",
            "ulimit",
            "getopts",
            "times",
            "disown",
            "unalias",
            "sleep",
            "logout",
            "caller",
            "suspend",
            "fc",
            "help",
        ],
        nothing,
    ),
}

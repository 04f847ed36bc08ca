"""Shells: source from ``-c``, standard input or a script that was written before is run; anything else is not known."""

from lighthoused.gate.programs.builtins import code, unseen
from lighthoused.gate.programs.telling_names import telling
from lighthoused.gate.shell.redirects import descriptor_of
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import UNKNOWN, unmarked, wholly_opaque

SHELLS = (
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "ash",
    "mksh",
    "fish",
    "rbash",
    "csh",
    "tcsh",
    "elvish",
    "yash",
    "osh",
    "lksh",
)
_VALUES = frozenset({"-o", "+o", "-O", "+O"})
_STARTUP = frozenset({"--rcfile", "--init-file"})


def shell(run: Run, argv: list[str], state: State) -> str:
    """sh, bash and their like (bash(1), OPTIONS)."""
    words = argv[1:]
    takes_source = takes_stdin = False
    while words and words[0][:1] in ("-", "+") and len(words[0]) > 1:
        flag = words.pop(0)
        if flag == "--":
            break
        if flag in _STARTUP and words:
            run.command([".", words.pop(0)], state.fork())
        elif flag in _VALUES and words:
            words.pop(0)
        elif flag == "-p":
            note = "A shell with -p keeps the rights of a set-id program that starts it."
            run.findings.add("escalate_privilege", argv[0], "process", program=argv[0], note=note)
        elif flag == "--command" or (not flag.startswith("--") and "c" in flag):
            takes_source = True
        elif not flag.startswith("--") and "s" in flag:
            takes_stdin = True
    child = state.fork()
    if takes_source:
        child.params = tuple(words[2:])
        child.name = words[1] if len(words) > 1 else argv[0]
        return code(run, words[0], child, argv[0]) if words else ""
    if words and not takes_stdin and words[0] != "-" and descriptor_of(words[0]) != "0":
        child.params = tuple(words[1:])
        return _script(run, argv[0], words[0], child)
    if state.stdin.text is None:
        note = "An interactive shell does whatever it is told."
        run.findings.add("execute", argv[0], "process", certainty="unknown", program=argv[0], note=note)
        return UNKNOWN
    child.params = tuple(words)
    return code(run, state.stdin.all(), child, argv[0])


def _script(run: Run, name: str, path: str, state: State) -> str:
    text = written(run, path, state)
    if text is None:
        note = "What a script does is not known before it is read."
        run.findings.add("execute", unmarked(path), "process", certainty="unknown", program=name, note=note)
        telling(run, path, state)
        return UNKNOWN
    return code(run, text, state, name)


def written(run: Run, path: str, state: State) -> str | None:
    """What a file holds that was written or opened before; None where nobody knows."""
    absolute = run.findings.targets.absolute(path, state.cwd)
    descriptor = state.descriptors.get(descriptor_of(absolute))
    return state.files.get(absolute) if descriptor is None else descriptor.all()


def busybox(run: Run, argv: list[str], state: State) -> str:
    """busybox, toybox: the first argument is the program."""
    return run.command(argv[1:], state) if len(argv) > 1 else ""


def source_of(run: Run, argv: list[str], words: list[str], state: State) -> str | None:
    """The source that an interpreter other than a shell gets from a file or standard input; None if nobody knows."""
    if words and words[0] != "-" and descriptor_of(words[0]) != "0":
        text = written(run, words[0], state)
        if text is None:
            note = "What a script does is not known before it is read."
            run.findings.add("execute", unmarked(words[0]), "process", certainty="unknown", program=argv[0], note=note)
            telling(run, words[0], state)
            return None
    elif state.stdin.text is None:
        return None
    else:
        text = state.stdin.all()
    if text and wholly_opaque(text):
        unseen(run, text, argv[0])
        return None
    return text

"""Shell builtins that set variables: declare, read, mapfile, set, shift, let, test. Must not know other commands."""

import re

from lighthoused.gate.shell.bounds import decimal
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.splitting import fields
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import KEPT, UNKNOWN, opaque, unmarked

MAX_PATTERN = 200
_HISTORY = "Commands are no longer recorded."
_COMPARES = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})


def declare(run: Run, argv: list[str], state: State) -> str:
    """export, declare, local, readonly, typeset with words that are not assignments to the parser."""
    flags = "".join(word for word in argv[1:] if word[:1] == "-")
    if len(argv) == 1 or flags == "-p":
        return UNKNOWN
    for word in argv[1:]:
        run.expander.hidden(word, state)
        if "n" in flags and argv[0] != "export":
            _refer(word, state)
            continue
        if "i" in flags:
            state.numbers.add(word.partition("=")[0])
        name, equals, value = word.partition("=")
        if equals and name.isidentifier():
            run.assign(name, (unmarked(value),), state)
    return ""


def _refer(word: str, state: State) -> None:
    """``declare -n name=other``."""
    name, equals, other = word.partition("=")
    state.refer(name, other if equals else (state.value(name) or ("",))[0])


def let(run: Run, argv: list[str], state: State) -> str:
    """let: each argument is arithmetic."""
    for word in argv[1:]:
        run.expander.number(word, state)
    return ""


def test(run: Run, argv: list[str], state: State) -> str:
    """test, ``[``, ``[[``: subscripts and operands of arithmetic are evaluated; a match sets BASH_REMATCH."""
    for word in argv[1:]:
        run.expander.hidden(word, state)
    if not _COMPARES.isdisjoint(argv):
        for at, word in enumerate(argv):
            if word in _COMPARES:
                for operand in (argv[at - 1], *argv[at + 1 : at + 2]):
                    run.expander.number(operand, state)
    if "=~" in argv:
        at = argv.index("=~")
        state.assign("BASH_REMATCH", _groups(argv[at - 1], "".join(argv[at + 1 : at + 2]), run))
    return ""


def _groups(text: str, pattern: str, run: Run) -> tuple[str, ...]:
    """What a regular expression matches, with its groups."""
    run.charge(len(text) >> 8)
    try:
        found = re.search(unmarked(pattern), text) if len(pattern) <= MAX_PATTERN and len(text) <= MAX_PATTERN else None
    except (re.error, RecursionError):
        found = None
    return (
        (UNKNOWN,)
        if found is None or opaque(text) or opaque(pattern)
        else (found[0], *(each or "" for each in found.groups()))
    )


def unset(run: Run, argv: list[str], state: State) -> str:
    for name in argv[1:]:
        state.functions.pop(name, None)
        run.expander.hidden(name, state)
        state.references.pop(name, None)
        if name in state.vars:
            state.assign(name, ())
    if "HISTFILE" in argv[1:]:
        run.findings.add("conceal", "HISTFILE", "process", program="unset", note=_HISTORY)
    return ""


def setting(run: Run, argv: list[str], state: State) -> str:
    """set: ``--`` and words set the positional parameters."""
    words = argv[1:]
    if "--" in words:
        state.params = tuple(words[words.index("--") + 1 :])
    elif words and words[0][:1] not in "-+":
        state.params = tuple(words)
    if "+o" in words and "history" in words:
        run.findings.add("conceal", "history", "process", program="set", note=_HISTORY)
    return "" if words else UNKNOWN


def shift(run: Run, argv: list[str], state: State) -> str:
    count = decimal(argv[1]) if len(argv) > 1 else 1
    if state.params is not None and count is not None:
        state.params = state.params[count:]
    return ""


def read(run: Run, argv: list[str], state: State) -> str:
    """read, mapfile: from standard input."""
    flags, names = options(argv[1:], "adnNptui")
    array = flags.get("a", "")
    delimiter = flags.get("d", "\n")
    stdin = state.descriptors.get(flags.get("u", ""), state.stdin)
    line = stdin.line(delimiter[:1] or "\0")
    if "r" not in flags:
        line = re.sub(r"\\\\(\n|.)", lambda found: found[1].strip("\n"), line)
    if "s" in flags and opaque(line):
        line = KEPT
    pieces = fields(line, state.separators, 0 if array else max(1, len(names)))
    if array:
        run.assign(array, tuple(pieces), state)
        return ""
    for number, name in enumerate(names or ["REPLY"]):
        run.expander.hidden(name, state)
        run.assign(name, (pieces[number] if number < len(pieces) else UNKNOWN if opaque(line) else "",), state)
    return ""


def options(words: list[str], takes: str) -> tuple[dict[str, str], list[str]]:
    """Short options by their letter, of which those in `takes` have a value; and the words after them."""
    flags: dict[str, str] = {}
    at = 0
    while at < len(words) and words[at][:1] == "-" and len(words[at]) > 1:
        word = words[at]
        at += 1
        if word == "--":
            break
        for number, letter in enumerate(word[1:], 2):
            if letter not in takes:
                flags[letter] = ""
                continue
            attached = word[number:]
            flags[letter] = attached or "".join(words[at : at + 1])
            at += not attached
            break
    return flags, words[at:]


def mapfile(run: Run, argv: list[str], state: State) -> str:
    """mapfile, readarray: lines become elements; ``-C`` runs a command with each."""
    flags, names = options(argv[1:], "dnOsuCc")
    text = state.descriptors.get(flags.get("u", ""), state.stdin).all()
    delimiter = flags.get("d", "\n")[:1] or "\0"
    lines = text.split(delimiter)
    lines = lines[:-1] if lines and lines[-1] == "" else lines
    if callback := flags.get("C"):
        run.script(f"{callback} 0 {UNKNOWN}", state)
    run.assign(
        names[0] if names else "MAPFILE", tuple(line + ("" if "t" in flags else delimiter) for line in lines), state
    )
    return ""


VARIABLES = {
    **dict.fromkeys(("export", "declare", "typeset", "local", "readonly"), declare),
    **dict.fromkeys(("test", "[", "[["), test),
    **dict.fromkeys(("mapfile", "readarray"), mapfile),
    "unset": unset,
    "set": setting,
    "shift": shift,
    "read": read,
    "let": let,
}

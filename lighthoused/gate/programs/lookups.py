"""Processes that are looked up by name and then ended by number: ``kill $(pgrep x)`` ends what ``pkill x`` does.

What is looked up is noted in the state; a kill whose numbers are not known is taken for those. Must not know which
processes matter: that is the knowledge base's.
"""

import re
from itertools import pairwise

from lighthoused.gate.programs.commands import Family
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import opaque, unmarked

_PID_FILE = re.compile(r"^(?:/var)?/run/(?:[\w.-]+/)*([\w.@-]+)\.pid$")
_BRACKETS = re.compile(r"\[(.)\]")
MAX_SOUGHT = 32


def _note(state: State, name: str) -> None:
    name = _BRACKETS.sub(r"\1", unmarked(name)).strip("/^$ ")
    if name and not opaque(name) and len(state.sought) < MAX_SOUGHT:
        state.sought[name] = None


def listed(run: Run, argv: list[str], state: State) -> str | None:
    """pgrep, pidof, ``ps -C``, ``systemctl show -p MainPID``: the names that are asked for."""
    if argv[0] == "ps":
        found = [after for word, after in pairwise(argv) if word == "-C"]
    elif argv[0] == "systemctl":
        found = [word.removesuffix(".service") for word in argv[2:]] if "MainPID" in " ".join(argv) else []
    else:
        found = [word for word in argv[1:] if not word.startswith("-")]
    for word in found:
        _note(state, word)
    return None


def filtered(run: Run, argv: list[str], state: State) -> str | None:
    """grep and awk on what another program lists: what they look for."""
    if state.stdin.text is None or not opaque(state.stdin.text):
        return None
    if argv[0] in ("awk", "gawk", "mawk"):
        for pattern in re.findall(r"/([^/]+)/", unmarked(" ".join(argv[1:2]))):
            _note(state, pattern)
    elif not any(re.fullmatch(r"-\w*v\w*", word) for word in argv[1:]):
        for word in argv[1:]:
            for name in () if word.startswith("-") else re.split(r"\\?\|", word):
                _note(state, name)
    return None


def ended(run: Run, argv: list[str], state: State) -> str | None:
    """kill of numbers that are not known: those of what was looked up, or of a service's own file."""
    if not any(map(opaque, argv[1:])):
        return None
    if "-0" in argv or "-l" in argv:
        return None
    files = (_PID_FILE.match(effect.target) for effect in run.findings.effects() if effect.kind == "read")
    for name in [*state.sought, *(found[1] for found in files if found)]:
        run.command(["pkill", name], state.fork())
    return None


LOOKUPS: dict[str, Family] = {
    **dict.fromkeys(("pgrep", "pidof", "ps", "systemctl"), listed),
    **dict.fromkeys(("grep", "egrep", "fgrep", "rg", "awk", "gawk", "mawk"), filtered),
    "kill": ended,
}

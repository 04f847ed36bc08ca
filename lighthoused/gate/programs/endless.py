"""Output that never ends: what makes it, what cuts it, and what it fills. Must not know how commands are found."""

import re

from lighthoused.gate.programs.commands import Family
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import ENDLESS, ended, unmarked

_CUTS = {
    "head": re.compile(r"(?!)"),
    "sed": re.compile(r"(?:^|[\d;{}/$ ])[qQ]"),
    "gsed": re.compile(r"(?:^|[\d;{}/$ ])[qQ]"),
    "grep": re.compile(r"^(?:-\w*m|--max-count)"),
    "egrep": re.compile(r"^(?:-\w*m|--max-count)"),
    "pv": re.compile(r"^-\w*S|--stop-at-size"),
    "dd": re.compile(r"^count="),
}
_HUGE = re.compile(r"(?i)-*(?:c|bytes)?=?(?:\d+[TPEZ]i?B?|\d{3,}Gi?B?|\d{12,})")
_HOLDS = frozenset({"tail", "sort", "tac", "sponge", "shuf", "rev"})
"""Programs that hold all of their input before they say anything."""


def yes(run: Run, argv: list[str], state: State) -> str:
    """yes: one line for ever."""
    return (unmarked(" ".join(argv[1:])) or "y") + "\n" + ENDLESS


def bounded(name: str, family: Family) -> Family:
    """The family of a program that may say less than it gets, or hold all of it."""
    cuts = _CUTS.get(name)

    def both(run: Run, argv: list[str], state: State) -> str | None:
        output = family(run, argv, state)
        if output is None or ENDLESS not in output:
            return output
        if name in _HOLDS and not run.findings.place.bounded:
            note = "It keeps what never ends in memory, until the machine stops."
            run.findings.add("exhaust", name, "system", program=name, note=note)
            return ended(output)
        if cuts is None:
            return output
        if name == "head":
            return output if any(map(_HUGE.fullmatch, argv[1:])) else ended(output)
        return ended(output) if any(map(cuts.search, argv[1:])) else output

    return both


BOUNDED = (*_CUTS, *_HOLDS)

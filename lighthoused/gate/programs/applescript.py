"""AppleScript and JavaScript for Automation: what they tell other programs to do, by their verbs.

See Apple's AppleScript Language Guide and the dictionaries of System Events and Finder. No parser.
"""

import re
from typing import NamedTuple

from lighthoused.core.verdicts import Scope
from lighthoused.gate.programs.builtins import code
from lighthoused.gate.programs.literals import MAX_SOURCE
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State

_SHELL = re.compile(r"(?i)do\s?shell\s?script\s*+\(?\s*+(?:\"((?:[^\"\\]|\\.)*+)\"|'((?:[^'\\]|\\.)*+)')?")
_SYSTEM = re.compile(r"\$\.system\(\s*+[\"']((?:[^\"'\\]|\\.)*+)[\"']")


class Verb(NamedTuple):
    """What is said, and what it does."""

    pattern: re.Pattern[str]
    kind: str
    scope: Scope
    note: str


_SAID: tuple[tuple[str, str, Scope, str], ...] = (
    (
        r"\bto\s+(shut\s?down|restart|log\s?out|sleep)\b|\b(shutDown|restart|logOut)\(\)",
        "power",
        "system",
        "All work on this machine stops.",
    ),
    (r"\b(keystroke|key\s?code|click\s+(at|button|menu))\b", "trace", "process", "It acts for the user."),
    (r"hidden\s+answer|hiddenAnswer", "trace", "process", "It asks the user for a password in another's name."),
    (r"\b(get\s+)?the\s?clipboard\b(?!\s+to)", "trace", "process", "What somebody copied may be secret."),
    (r"login\s?items?\b", "persist", "system", "It runs at every login."),
    (
        r"\bdelete\s+(every\s+)?(file|folder|item|alias|disk|note|event|message|mailbox)|\.delete\("
        r"|empty\s+(the\s+)?trash|emptyTrash",
        "discard",
        "home",
        "Files of the user go to the trash or are gone.",
    ),
    (r"\b(outgoing\s+message|to\s+send\b)", "send", "network", "It sends a message in somebody's name."),
    (r"\b(quit|close)\s+(every\s+)?(application|process)", "kill", "system", "Programs of the user end."),
)
_VERBS = tuple(Verb(re.compile("(?is)" + pattern), kind, scope, note) for pattern, kind, scope, note in _SAID)


def applescript(run: Run, source: str, state: State) -> None:
    """Add the effects of this source."""
    source = source[:MAX_SOURCE]
    run.charge(len(source) >> 9)
    place = run.findings.place
    before = place.privileged
    place.privileged = before or "administrator privileges" in source
    for found in (*_SHELL.finditer(source), *_SYSTEM.finditer(source)):
        command = next((part for part in found.groups() if part), "")
        if command:
            code(run, re.sub(r"\\(.)", r"\1", command), state.fork(), "osascript")
        else:
            note = "It runs a command that is put together when it runs."
            run.findings.add("interpret", "osascript", certainty="unknown", program="osascript", note=note)
    place.privileged = before
    for verb in _VERBS:
        found_verb = verb.pattern.search(source)
        if found_verb:
            run.findings.add(verb.kind, found_verb[0].strip(), verb.scope, program="osascript", note=verb.note)

"""Programs that nobody knows, but whose name or place says what they are: attack tools, and files that hide.

Must not know how commands are found.
"""

import posixpath
import re
from itertools import pairwise

from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import opaque, unmarked

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ATTACKS = frozenset(
    {
        "exploit",
        "exploits",
        "rootkit",
        "shellcode",
        "keylogger",
        "backdoor",
        "ransomware",
        "malware",
        "malicious",
        "evil",
    }
    | {
        "meterpreter",
        "mimikatz",
        "mimipenguin",
        "privesc",
        "linpeas",
        "winpeas",
        "rop",
        "ropchain",
        "heapspray",
        "revshell",
    }
    | {"reverseshell", "bindshell", "returnaddress", "instructionoverwrite", "dumpheap", "dumpmemory", "memorydump"}
    | {"dumpcreds", "dumphashes", "dumplsass", "dumppasswords", "lazagne", "cryptominer", "coinminer", "infostealer"}
    | {"dangerous", "forkbomb", "keylog", "credstealer", "passwordstealer", "sudobruteforce"}
)
"""Words, and pairs of words, of names."""
_EXCUSES = frozenset(
    {"test", "tests", "check", "scan", "scanner", "detect", "detector", "detection", "anti", "no", "prevent"}
)
_HIDING = re.compile(
    r"^/dev/shm/|^/proc/[^/]+/fd/|^(?:/tmp|/var/tmp)/(?:.*/)?\.(?!venv/|cache/|local/|npm/|cargo/|config/|tox/|nox/)[^/]"
)


def telling(run: Run, path: str, state: State) -> None:
    """Add what the name of a program or script that is started says of it."""
    path = unmarked(path)
    absolute = run.findings.targets.absolute(path, state.cwd) if "/" in path else ""
    if _HIDING.search(absolute) and absolute not in state.files:
        note, instead = "It lies where programs hide.", "Run it from the project, under a name that can be seen."
        run.findings.add("interpret", path, certainty="unknown", program=path, note=note, instead=instead)
    if opaque(path):
        return
    parts = [part.lower() for part in _PART.findall(posixpath.basename(path))]
    words = {*parts, *(first + second for first, second in pairwise(parts))}
    if words & _ATTACKS and not words & _EXCUSES:
        note, instead = "By its name it attacks machines or their users.", "Read it, and ask who wants it to run."
        run.findings.add("probe", path, "system", program=path, note=note, instead=instead)

"""Data that leaves a machine in questions: files that are encoded, then asked for as names or patterns of pings.

Encoding is noted in the state. Must not know what is encoded or where it goes.
"""

import re

from lighthoused.gate.programs.commands import Family
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import opaque

_DECODES = re.compile(r"-\w*[dDr]\w*|--decode|--revert")
_DOTTED = re.compile(r"[\ue000-\ue007][\w-]*\.[\w-]")


def encoded(run: Run, argv: list[str], state: State) -> str | None:
    """base64, xxd, od and their like make names of what they read."""
    if not any(map(_DECODES.fullmatch, argv[1:])):
        state.encoded.append(argv[0])
    return None


def asked(run: Run, argv: list[str], state: State) -> str | None:
    """dig, nslookup, ping: the name asked for holds what was encoded before."""
    if state.encoded and any(opaque(word) and _DOTTED.search(word) for word in argv[1:]):
        note = "A name that is made of encoded data carries it out of the machine."
        run.findings.add("send", " ".join(argv[1:]), "network", program=argv[0], note=note)
    return None


EXFILTRATION: dict[str, Family] = {
    **dict.fromkeys(("base64", "base32", "basenc", "xxd", "od", "hexdump", "hd", "b64encode"), encoded),
    **dict.fromkeys(("dig", "nslookup", "host", "drill", "kdig", "delv", "ping", "getent", "resolvectl"), asked),
}

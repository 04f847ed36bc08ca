"""`apply_patch` of Codex: a patch in its own format, given as an argument or on standard input.

https://github.com/openai/codex/blob/main/codex-rs/apply-patch/apply_patch_tool_instructions.md
"""

from typing import NamedTuple

from lighthoused.core.errors import Invalid
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import UNKNOWN, opaque

BEGIN = "*** Begin Patch"
_KINDS = {"Add": "write", "Update": "write", "Delete": "delete"}


class Patched(NamedTuple):
    """What a patch does to one file. `text`: the lines it adds; the whole file where it is new (`whole`)."""

    kind: str
    path: str
    text: str = ""
    whole: bool = False


def parse(patch: str) -> list[Patched]:
    """What a patch does to each file. Raises Invalid where it is none."""
    if not patch.strip().startswith(BEGIN):
        raise Invalid(f'The patch does not begin with "{BEGIN}".')
    found: list[Patched] = []
    for line in patch.splitlines():
        word, _, path = line.removeprefix("*** ").partition(" File: ")
        if line.startswith("*** ") and path and word in _KINDS:
            found.append(Patched(_KINDS[word], path.strip(), whole=word == "Add"))
        elif line.startswith("*** Move to: ") and found:
            found[-1] = found[-1]._replace(kind="delete")
            found.append(Patched("write", line.removeprefix("*** Move to: ").strip()))
        elif line.startswith("+") and found:
            found[-1] = found[-1]._replace(text=f"{found[-1].text}{line[1:]}\n")
    if not found:
        raise Invalid(
            "The patch names no file.", 'Use "*** Add File: PATH", "*** Update File: " or "*** Delete File: ".'
        )
    return found


def apply_patch(run: Run, argv: list[str], state: State) -> str | None:
    """The program that a shell runs; where its patch is not known, neither is what it does."""
    text = argv[1] if len(argv) > 1 else state.stdin.all()
    try:
        patched = [] if opaque(text) else parse(text)
    except Invalid:
        patched = []
    if not patched:
        note = "What a patch changes is not known before it is read."
        run.findings.add("execute", "apply_patch", "process", certainty="unknown", program="apply_patch", note=note)
        return UNKNOWN
    for one in patched:
        run.findings.path(one.kind, one.path, state.cwd, program="apply_patch")
        state.write(run.findings.targets.absolute(one.path, state.cwd), one.text if one.whole else UNKNOWN, False)
    return ""

"""What bash really runs, by marker programs that only record their arguments, and what the analyser says it runs."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lighthoused.core.effects import World
from lighthoused.gate.analysis import standard
from lighthoused.gate.findings import Findings
from lighthoused.gate.shell.bounds import Deadline, Unresolvable
from lighthoused.gate.shell.reader import Reader
from lighthoused.gate.shell.run import Dispatch, Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import GLOB, UNKNOWN
from lighthoused.gate.targets import Targets

MARKERS = ("mark", "touchy", "third")
Argv = tuple[str, ...]
_MARKER = """#!/bin/sh
for each in "${0##*/}" "$@"; do printf '%s\\001' "$each"; done >> "LOG"
printf '\\002' >> "LOG"
"""


class Sandbox:
    """A directory where nothing but bash and the markers can be run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "log"
        self._work = folder / "work"
        (folder / "bin").mkdir()
        for name in MARKERS:
            program = folder / "bin" / name
            program.write_text(_MARKER.replace("LOG", str(self._log)))
            program.chmod(0o755)

    def executed(self, script: str) -> list[Argv]:
        """The commands that bash ran."""
        self._log.write_bytes(b"")
        self._work.mkdir(exist_ok=True)
        subprocess.run(
            ["/bin/bash", "--norc", "--noprofile", "-c", f"ulimit -t 2 -f 1000\n{script}"],
            cwd=self._work,
            env={"PATH": str(self.folder / "bin"), "HOME": str(self._work), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
        for path in self._work.iterdir():
            path.unlink()
        records = self._log.read_text("utf-8", "replace").split("\2")
        return [tuple(record.split("\1")[:-1]) for record in records if record]

    def said(self, script: str) -> list[Argv] | None:
        """The commands that the analyser says are run; None where it says that it does not know."""
        recording = _Recording(_COMMANDS)
        home = str(self._work)
        findings = Findings(Targets(World(home=home, roots=(home,)), home))
        deadline = Deadline(2.0)
        run = Run(Reader(deadline), findings, recording, deadline)
        state = State(home, home)
        state.params = ()
        try:
            run.script(script, state)
            run.finish()
        except Unresolvable:
            return None
        return None if any(effect.kind == "unparsed" for effect in findings.effects()) else recording.commands


@dataclass
class _Recording:
    """Dispatch that notes markers and leaves the rest to the commands."""

    inner: Dispatch

    def __post_init__(self) -> None:
        self.commands: list[Argv] = []

    def __call__(self, run: Run, argv: list[str], state: State) -> str:
        if argv[0].replace(GLOB, "") not in MARKERS:
            return self.inner(run, argv, state)
        if not run.trying:
            self.commands.append(tuple(word.replace(GLOB, "") for word in argv))
        return ""

    def assigned(self, run: Run, name: str, value: str, state: State) -> None:
        self.inner.assigned(run, name, value, state)


_COMMANDS = standard()._commands


def covers(said: Argv, real: Argv) -> bool:
    """Whether what was said may be what was run: an unknown part may be anything, also more words or none."""
    if not any(UNKNOWN in word for word in said):
        return said == real
    pattern = "".join(
        "(?:.*\1)?" if word == UNKNOWN else ".*".join(map(re.escape, word.split(UNKNOWN))) + "\1" for word in said
    )
    return re.fullmatch(pattern, "".join(word + "\1" for word in real), re.DOTALL) is not None


def missing(said: Sequence[Argv], real: Sequence[Argv]) -> list[Argv]:
    """What was run and not said."""
    return [argv for argv in real if not any(covers(each, argv) for each in said)]


def invented(said: Sequence[Argv], real: Sequence[Argv]) -> list[Argv]:
    """What was said and not run."""
    return [argv for argv in said if not any(covers(argv, each) for each in real)]

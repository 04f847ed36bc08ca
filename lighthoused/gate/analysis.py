"""From a shell command to its effects: puts the parts together. Must not know about policies or verdicts."""

from typing import NamedTuple

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Effect
from lighthoused.gate import knowledge_base
from lighthoused.gate.findings import Findings
from lighthoused.gate.programs import embedded, wrappers
from lighthoused.gate.programs.builtins import BUILTINS
from lighthoused.gate.programs.commands import Commands, Family
from lighthoused.gate.programs.described import Described
from lighthoused.gate.programs.filters import FILTERS
from lighthoused.gate.programs.interpreters import interpreter
from lighthoused.gate.programs.launchers import LAUNCHERS
from lighthoused.gate.programs.shells import SHELLS, busybox, shell
from lighthoused.gate.shell.bounds import Unresolvable
from lighthoused.gate.shell.reader import Reader
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.targets import Targets


class Analysis(NamedTuple):
    """What a request would do. `unresolved`: why it is not wholly known, "" where it is."""

    effects: tuple[Effect, ...]
    unresolved: str = ""


class Analyser:
    """Analyses commands with one knowledge base. Safe to use from several threads: each analysis has its own parser."""

    def __init__(self, knowledge: knowledge_base.KnowledgeBase, wrapping: wrappers.Wrappers) -> None:
        named: dict[str, Family] = {
            **BUILTINS,
            **FILTERS,
            **LAUNCHERS,
            **dict.fromkeys(SHELLS, shell),
            "busybox": busybox,
            "toybox": busybox,
        }
        described = Described(knowledge)
        flags = embedded.named(lambda name: name in named or described.knows(name))
        self._commands = Commands(named, (interpreter, flags, wrapping), described)

    def analyse(self, command: str, cwd: str, world: World) -> Analysis:
        """The effects of a shell command run in `cwd`."""
        findings = Findings(Targets(world, cwd))
        run = Run(Reader(), findings, self._commands)
        try:
            run.script(command, State(cwd, world.home, world.user))
        except Unresolvable as reason:
            return Analysis(findings.effects(), str(reason))
        except RecursionError:
            return Analysis(findings.effects(), "The command is nested too deeply.")
        return Analysis(findings.effects())


def standard() -> Analyser:
    """With the knowledge base and the wrappers that come with the package."""
    return Analyser(knowledge_base.load(), wrappers.load())

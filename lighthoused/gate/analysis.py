"""From a shell command to its effects: puts the parts together. Must not know about policies or verdicts."""

from typing import NamedTuple

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Effect
from lighthoused.gate import endpoints, knowledge_base, languages
from lighthoused.gate.files import Files
from lighthoused.gate.findings import Findings
from lighthoused.gate.programs import embedded, wrappers
from lighthoused.gate.programs.builtins import BUILTINS
from lighthoused.gate.programs.cmd import cmd
from lighthoused.gate.programs.commands import Commands, Family
from lighthoused.gate.programs.container_runs import RUNS
from lighthoused.gate.programs.copies import COPIES
from lighthoused.gate.programs.described import Described
from lighthoused.gate.programs.endless import BOUNDED, bounded, yes
from lighthoused.gate.programs.exfiltration import EXFILTRATION
from lighthoused.gate.programs.fd import fd
from lighthoused.gate.programs.filters import FILTERS
from lighthoused.gate.programs.interpreters import interpreter
from lighthoused.gate.programs.launchers import LAUNCHERS
from lighthoused.gate.programs.lookups import LOOKUPS
from lighthoused.gate.programs.patches import apply_patch
from lighthoused.gate.programs.powershell import NAMES as POWERSHELL
from lighthoused.gate.programs.powershell import powershell
from lighthoused.gate.programs.projects import COMPILERS
from lighthoused.gate.programs.recipes import RECIPES
from lighthoused.gate.programs.searches import LOOKS, looking
from lighthoused.gate.programs.settings import SETTINGS, printing
from lighthoused.gate.programs.shells import SHELLS, busybox, shell
from lighthoused.gate.programs.texts import TEXTS
from lighthoused.gate.programs.told import Told
from lighthoused.gate.shell.bounds import Deadline, Unresolvable
from lighthoused.gate.shell.reader import Reader
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.targets import Targets


class Text(NamedTuple):
    """What a request writes to a file, or with `path` "" gives to somebody else: a whole or a part."""

    path: str
    text: str


MAX_SECONDS = 0.2
"""Of processor time for one command."""


class Analysis(NamedTuple):
    """What a request would do. `unresolved`: why it is not wholly known, "" where it is. `texts`: what it writes."""

    effects: tuple[Effect, ...]
    unresolved: str = ""
    texts: tuple[Text, ...] = ()


class Analyser:
    """Analyses commands by what is known of programs. Safe in several threads: each analysis has its own parser."""

    def __init__(self, knowledge: knowledge_base.KnowledgeBase, wrapping: wrappers.Wrappers, told: Told) -> None:
        named: dict[str, Family] = {
            **BUILTINS,
            **FILTERS,
            **TEXTS,
            **LAUNCHERS,
            "fd": fd,
            "fdfind": fd,
            **COPIES,
            **RECIPES,
            **RUNS,
            **COMPILERS,
            **dict.fromkeys(SHELLS, shell),
            **dict.fromkeys(POWERSHELL, powershell),
            "cmd": cmd,
            "apply_patch": apply_patch,
            "busybox": busybox,
            "toybox": busybox,
            "yes": yes,
        }
        named.update({name: bounded(name, named[name]) for name in BOUNDED if name in named})
        named.update({name: printing(name, named.get(name)) for name in SETTINGS})
        named.update({name: looking(named.get(name), looks) for name, looks in LOOKS.items()})
        for table in (LOOKUPS, EXFILTRATION):
            named.update({name: looking(named.get(name), looks) for name, looks in table.items()})
        described = Described(knowledge, told)
        flags = embedded.named(lambda name: name in named or described.knows(name))
        self._commands = Commands(named, (interpreter, wrapping, flags), described)

    def analyse(self, command: str, cwd: str, world: World, files: Files | None = None) -> Analysis:
        """The effects of a shell command run in `cwd`. `files` are known by their content; it adds what is written."""
        findings = Findings(Targets(world, cwd))
        deadline = Deadline(MAX_SECONDS)
        run = Run(Reader(deadline), findings, self._commands, deadline)
        state = State(cwd, world.home, world.user)
        state.files = Files() if files is None else files
        unresolved = ""
        try:
            run.script(command, state)
            run.finish()
        except Unresolvable as reason:
            unresolved = str(reason)
        except RecursionError:
            unresolved = "The command is nested too deeply."
        written = tuple(Text(path, text) for path, text in state.files.items() if not path.startswith("/dev/"))
        return Analysis(findings.effects(), unresolved, (*written, Text("", command)))


def standard() -> Analyser:
    """With all that comes with the package."""
    return Analyser(knowledge_base.load(), wrappers.load(), Told(languages.load(), endpoints.load()))

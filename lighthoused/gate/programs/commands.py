"""Decides which family a command belongs to, and lets it say what it does. The families are passed in, in order."""

import posixpath
import re
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice

from lighthoused.gate.programs import embedded, environment
from lighthoused.gate.programs.builtins import BUILTINS
from lighthoused.gate.programs.described import Described
from lighthoused.gate.programs.downloads import downloaded
from lighthoused.gate.programs.escapes import escapes
from lighthoused.gate.programs.projects import loads
from lighthoused.gate.programs.texts import TEXTS
from lighthoused.gate.shell.patterns import Pattern
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import MAX_ALTERNATIVES, State
from lighthoused.gate.shell.text import FETCHED, GLOB, UNKNOWN, opaque, origin, unmarked, without_opaque

Family = Callable[[Run, list[str], State], str | None]
"""Does a command (fields, first the name) and gives its output; None: not of this family."""

_PROGRAM_FOLDERS = (
    "/bin/",
    "/sbin/",
    "/usr/bin/",
    "/usr/sbin/",
    "/usr/local/bin/",
    "/usr/local/sbin/",
    "/opt/homebrew/",
    "/lib/",
    "/lib64/",
)
_INIT_FOLDERS = frozenset({"/etc/init.d", "/etc/rc.d", "/usr/local/etc/rc.d", "/etc/rc.d/init.d"})
_FOLDER = re.compile(r"(^|/)(\.?bin|sbin|libexec|Scripts|MacOS|Resources)$")
_INTERPRETER = re.compile(r"(python|pypy|perl|ruby|php|lua|node|nodejs|deno|bun|sudo|env|timeout)[\d.]*")
_KEYWORDS = frozenset(
    {"!", "{", "}", "(", ")", "then", "do", "done", "fi", "else", "esac", ";", "while", "until", "if", "elif"}
)
_ALSO_DESCRIBED = frozenset(
    {"ssh", "slogin", "autossh", "strace", "ltrace", "sshpass", "docker", "podman", "nerdctl", "finch"} | TEXTS.keys()
)
"""Programs that run a command or print something known, and do something else besides."""
_NETCATS = frozenset({"nc", "ncat", "netcat", "socat"})
"""Programs that attackers bring along; wherever they lie, they do the same."""
_LOOPS = frozenset({"for", "select"})
MAX_MATCHING = 48


def _loop(run: Run, argv: list[str], state: State) -> str:
    """A loop's head that the parser took for a command (``time for x in a b``): its body follows as one."""
    if len(argv) > 3 and argv[2] == "in":
        state.vars[argv[1]] = tuple((unmarked(word),) for word in argv[3 : 3 + MAX_ALTERNATIVES])
    return ""


class Commands:
    """The dispatch of Run. `named`: families that own certain names, `described`: the knowledge base."""

    def __init__(self, named: Mapping[str, Family], general: tuple[Family, ...], described: Described) -> None:
        self._named = named
        self._general = general
        self._described = described
        self._following = embedded.following(self._knows)

    def __call__(self, run: Run, argv: list[str], state: State) -> str:
        name = unmarked(argv[0])
        if name in state.aliases:
            return self._alias(run, argv, state)
        if opaque(name):
            return self._unknown_name(run, argv, state)
        if name[:1] == "=" or name[:2] == "e:":
            plain = name[1:] if name[:1] == "=" else name[2:]
            return run.command([plain, *argv[1:]], state) if self._knows(plain) else UNKNOWN
        if name in _KEYWORDS or name == "":
            return run.command(argv[1:], state) if len(argv) > 1 else ""
        if GLOB in argv[0]:
            return self._pattern(run, argv, state)
        if name in _LOOPS:
            return _loop(run, argv, state)
        if "/" in name or (state.files and "PATH" in state.vars):
            written = self._written(run, argv, state)
            if written is not None:
                return written
            name = self._plain(name, run, state)
        name = name[:-4].lower() if name.lower().endswith(".exe") else name
        words = [argv[0].rpartition("/")[2], *argv[1:]] if name == "service" != argv[0] else argv[1:]
        return self._known(run, [name, *words], state)

    def _plain(self, name: str, run: Run, state: State) -> str:
        """A program that is named by its path, as it is known; what lies in the project itself may be anything."""
        folder, base = posixpath.split(name)
        if name.startswith(_PROGRAM_FOLDERS) or run.findings.targets.absolute(name, state.cwd).startswith(
            _PROGRAM_FOLDERS
        ):
            return base
        if folder in _INIT_FOLDERS:
            return "service"
        known = self._knows(base) or _INTERPRETER.fullmatch(base)
        if known and (_FOLDER.search(folder) or base.endswith((".sh", ".py"))):
            return base
        if known and (base in _NETCATS or self._described.hostile(base)):
            return base
        outside = folder.startswith("/") and run.findings.targets.resolve(folder, state.cwd).scope != "project"
        return base if known and outside else name

    def assigned(self, run: Run, name: str, value: str, state: State) -> None:
        """A variable was set."""
        environment.assigned(run, name, value, state)

    def _known(self, run: Run, argv: list[str], state: State) -> str:
        escapes(run, argv, state)
        if state.files:
            loads(run, argv, state)
        downloaded(run, argv, state)
        family = self._named.get(argv[0])
        output = family(run, argv, state) if family else None
        if output is not None:
            if argv[0] in _ALSO_DESCRIBED:
                self._described(run, argv, state)
            return output
        for each in self._general:
            output = each(run, argv, state)
            if output is not None:
                if argv[0] in _ALSO_DESCRIBED:
                    self._described(run, argv, state)
                return output
        self._following(run, argv, state)
        return self._described(run, argv, state)

    def _knows(self, name: str) -> bool:
        return name in self._named or self._described.knows(name)

    def _alias(self, run: Run, argv: list[str], state: State) -> str:
        """The alias is not expanded again in its own text."""
        child = state.fork()
        text = child.aliases.pop(argv[0])
        if any(mark in text for mark in ";|&\n<>(`$"):
            return run.script(text, child)
        return run.command([*text.split(), *argv[1:]], child) if text.split() else ""

    def _written(self, run: Run, argv: list[str], state: State) -> str | None:
        """A script that was written earlier in the same command, started by its path."""
        folders = [""] if "/" in argv[0] else (state.value("PATH") or ("",))[0].split(":")
        paths = [run.findings.targets.absolute(posixpath.join(folder, argv[0]), state.cwd) for folder in folders]
        path = next((path for path in paths if path in state.files), "")
        text = state.files.get(path)
        if text is None or ("/" not in argv[0] and argv[0] in BUILTINS):
            return None
        first = text.split("\n", 1)[0]
        interpreter = first[2:].split() if first.startswith("#!") else ["sh"]
        return run.command([*interpreter, path, *argv[1:]], state) if interpreter else ""

    def _by_shape(self, run: Run, argv: list[str], state: State) -> None:
        """Its known part may be all of its name (``$UNSET`` is empty), or its arguments tell what it is."""
        known = without_opaque(argv[0])
        if known and not run.trying and (known in self._named or self._described.knows(known)):
            embedded.keep(run, run.attempt(lambda: self._known(run, [known, *argv[1:]], state.fork())))
        embedded.unnamed(run, argv, state)
        self._following(run, argv, state)

    def _pattern(self, run: Run, argv: list[str], state: State) -> str:
        """A name that is a pattern (``/bin/r?``): every program that it matches may run."""
        pattern = Pattern(argv[0], path=True)
        folders = [folder for folder in _PROGRAM_FOLDERS if "/" in argv[0]] or [""]
        names = (*self._named, *self._described.names())
        matching = (name for name in names if any(pattern.matches(folder + name) for folder in folders))
        run.charge(64)
        for name in islice(matching, MAX_MATCHING):
            embedded.keep(run, run.attempt(partial(self._known, run, [name, *argv[1:]], state.fork())))
        note = "The name of the program is a pattern."
        run.findings.add("execute", argv[0], certainty="unknown", program=argv[0], place="unnamed", note=note)
        embedded.unnamed(run, argv, state)
        return UNKNOWN

    def _unknown_name(self, run: Run, argv: list[str], state: State) -> str:
        """A program whose name only the moment knows: what it is called may still tell (``$DIR/bin/rm``)."""
        name = posixpath.basename(unmarked(argv[0]))
        if not opaque(name) and self._described.knows(name):
            return self._known(run, [name, *argv[1:]], state)
        if origin(argv[0]) == FETCHED:
            run.findings.add("interpret", argv[0], "network", certainty="unknown", note="It runs what it fetches.")
        else:
            note = "The name of the program is not known before the command runs."
            run.findings.add("execute", argv[0], certainty="unknown", program=name, place="unnamed", note=note)
            self._by_shape(run, argv, state)
        return UNKNOWN

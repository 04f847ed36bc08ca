"""Calls of Python that run programs, shells or more Python, and what they print. Must not walk the source."""

from collections.abc import Callable
from functools import partial

from lighthoused.gate.programs.builtins import code
from lighthoused.gate.programs.embedded import maybe
from lighthoused.gate.programs.python_calls import PROCESS, RUNNING, SHELL
from lighthoused.gate.programs.python_values import Names, Value, flat
from lighthoused.gate.programs.shells import SHELLS
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import Input, State
from lighthoused.gate.shell.text import FETCHED, KEPT, UNKNOWN, opaque

CODE = frozenset({"exec", "eval", "compile", "builtins.exec", "builtins.eval"})
_SOFT = frozenset(
    {
        "run",
        "system",
        "execute",
        "Execute",
        "popen",
        "spawn",
        "shell",
        "sh",
        "bash",
        "local",
        "sudo",
        "getoutput",
        "Popen",
    }
    | {
        "exec_command",
        "run_command",
        "execute_command",
        "run_cmd",
        "call",
        "check_call",
        "check_output",
        "sendline",
        "cmd",
    }
    | {
        "run_always",
        "install_and_run",
        "submit",
        "apply_async",
        "start_process",
        "create_subprocess_shell",
        "os_system",
    }
)
_BUILDING = frozenset({"Execute", "sh", "bash", "local", "sudo", "shell"})
"""Functions that build tools give their files."""
_FILES = frozenset({"runpy.run_path", "execfile", "importlib.machinery.SourceFileLoader"})
_SECRET = "${SECRET_TOKEN}"
"""A secret of the environment, as the shell writes it."""


class PythonRuns:
    """What one source runs. `read` reads more Python, `load` a module by its name.

    `fed`: a shell waits for what is written to it. `printed`: the output so far.
    """

    def __init__(
        self, run: Run, state: State, names: Names, read: Callable[[str], str | None], load: Callable[[str], None]
    ) -> None:
        self._run = run
        self._state = state
        self._names = names
        self._read = read
        self._load = load
        self.fed = False
        self.printed: list[str] = []

    def call(self, name: str, values: list[Value], keywords: dict[str, Value], is_own: bool) -> None:
        """Add the effects of a call; `is_own`: of a function that stands in the source."""
        first = values[0] if values else UNKNOWN
        self._prints(name, values, keywords)
        if name in SHELL:
            code(self._run, flat(first).replace(KEPT, _SECRET), self._state.fork(), "python")
        elif name in PROCESS or name.startswith(("os.exec", "os.spawn", "os.posix_spawn")):
            self._process(name, values, keywords)
        elif _is_soft(name) and not is_own and values:
            self._perhaps(values)
        elif name in CODE:
            self._source(flat(first))
        elif name in _FILES:
            text = self._names.written(flat(first))
            if text is not None:
                self._source(text)
        elif name in ("importlib.import_module", "__import__", "runpy.run_module"):
            self._load(flat(first))

    def _prints(self, name: str, values: list[Value], keywords: dict[str, Value]) -> None:
        """What a call adds to the output."""
        if name == "print" and "file" not in keywords:
            separator = flat(keywords.get("sep", " "))
            self.printed.append(separator.join(map(flat, values)) + flat(keywords.get("end", "\n")))
        elif name in ("sys.stdout.write", "sys.stdout.buffer.write") and values:
            self.printed.append(flat(values[0]))
        elif name in RUNNING:
            self.printed.append(UNKNOWN)

    def _process(self, name: str, values: list[Value], keywords: dict[str, Value]) -> None:
        if name.startswith(("os.exec", "os.spawn", "os.posix_spawn")):
            values = values[1:] if name.startswith("os.spawn") else values
            argv = [flat(each) for value in values[1:] for each in (value if isinstance(value, list) else [value])]
            argv = argv[:-1] if name.endswith("e") and len(argv) > 1 else argv
            program = flat(values[0]) if values else UNKNOWN
            if FETCHED in self._state.files.get(program, ""):
                code(self._run, FETCHED, self._state.fork(), "python")
            else:
                self._run.command([program, *argv[1:]], self._state.fork())
            return
        first = values[0] if values else UNKNOWN
        fed = keywords.get("input")
        child = self._state.fork() if fed is None else self._state.fork(Input(flat(fed)))
        program = flat(first[0] if isinstance(first, list) and first else first)
        self.fed = self.fed or flat(first) in SHELLS
        if opaque(program) and FETCHED in self._state.files.get(program, ""):
            code(self._run, FETCHED, child, "python")
        elif isinstance(first, list):
            self._run.command([flat(each) for each in first] or [UNKNOWN], child)
        else:
            code(self._run, flat(first), child, "python")

    def _perhaps(self, values: list[Value]) -> None:
        """A function that is called as those are which run commands: harm counts."""
        words = [flat(each) for value in values for each in (value if isinstance(value, list) else [value])]
        if len(words) == 1 and " " in words[0].strip():
            maybe(self._run, partial(self._run.script, words[0], self._state.fork()))
        elif len(words) > 1 and " " not in words[0]:
            maybe(self._run, partial(self._run.command, words, self._state.fork()))

    def _source(self, text: str) -> None:
        output = self._read(text)
        if output is None or FETCHED in text or text.strip() == UNKNOWN:
            code(self._run, UNKNOWN if FETCHED not in text else FETCHED, self._state.fork(), "python")


def _is_soft(name: str) -> bool:
    """Whether a function is called as those are which run commands."""
    owner, _, last = name.rpartition(".")
    return last in _SOFT and (owner != "" or last in _BUILDING)

"""Runs commands abstractly: follows the control flow, keeps the shell's state, does nothing to the world.

What single commands do is for `Commands`, which is passed in. Every branch is taken; every bound leads to Unresolvable.
"""

from collections.abc import Callable
from functools import partial
from itertools import product
from math import prod
from typing import NamedTuple, Protocol

from lighthoused.core.verdicts import Effect
from lighthoused.gate.findings import Findings, Place
from lighthoused.gate.shell import ast, loops
from lighthoused.gate.shell.assignments import Assignments
from lighthoused.gate.shell.bounds import Deadline, Unresolvable
from lighthoused.gate.shell.expand import Expander
from lighthoused.gate.shell.reader import Reader
from lighthoused.gate.shell.redirects import Redirects
from lighthoused.gate.shell.state import Input, State, Value
from lighthoused.gate.shell.text import UNKNOWN, unmarked

MAX_STEPS = 4000
STEPS_A_CHECK = 16
MAX_DEPTH = 40
MAX_OUTPUT = 1 << 20
MAX_ROUNDS = 128
"""Rounds of a loop over numbers; of other loops every round is taken. What a loop prints that is cut is not known."""
MAX_INNER_ROUNDS = 16
GREAT_MANY = 1000
"""Processes that one loop may start in the background."""
MAX_COMBINATIONS = 64
MAX_LAST = 64


class Dispatch(Protocol):
    """What single commands do."""

    def __call__(self, run: "Run", argv: list[str], state: State) -> str:
        """Do a command; what it prints."""

    def assigned(self, run: "Run", name: str, value: str, state: State) -> None:
        """A variable was set."""


_DECLARATIONS = frozenset({"export", "declare", "typeset", "local", "readonly", "unset"})


class Sink(NamedTuple):
    """A command that waits for its standard input."""

    action: Callable[[State], object]
    state: State
    place: Place


class Run:
    """One abstract run. `dispatch` says what a command with its arguments does and prints."""

    def __init__(self, reader: Reader, findings: Findings, dispatch: Dispatch, deadline: Deadline) -> None:
        self.reader = reader
        self.findings = findings
        self.expander = Expander(self.execute, reader.read, self.charge, self._overflow, self._substituted)
        self.redirects = Redirects(findings, self.expander, self._feed)
        self.assignments = Assignments(self.expander, partial(dispatch.assigned, self))
        self._dispatch = dispatch
        self._steps = 0
        self._deadline = deadline
        self._checked = 0
        self._depth = 0
        self._parallel = 0
        self._loops = 0
        self.trying = False
        self._last: list[tuple[str, State, Place]] = []
        self._sinks: dict[str, Sink] = {}
        self._fed: set[str] = set()
        self._itself: list[int] = []
        self._frames: list[dict[str, tuple[Value, ...] | None]] = []
        self._calls: list[tuple[ast.Command, int]] = []

    def script(self, source: str, state: State) -> str:
        """Run source in this state; what it prints."""
        return self.execute(self.reader.read(unmarked(source)), state)

    def execute(self, command: ast.Command, state: State) -> str:
        """Run a command; what it prints on standard output."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unresolvable(f"Commands run each other more than {MAX_DEPTH} levels deep.")
        output = _RUN[type(command)](self, command, state)
        self._depth -= 1
        self.charge(1 + (len(output) >> 10))
        return output if len(output) <= MAX_OUTPUT else UNKNOWN

    def at_end(self, source: str, state: State) -> None:
        """Source that runs when its shell ends, with the values that variables have then."""
        if self.trying or len(self._last) >= MAX_LAST:
            self.script(source, state.fork())
        else:
            self._last.append((source, state, self.findings.place.copy()))

    def sink(self, action: Callable[[State], object], state: State) -> str:
        """The path of a file that feeds a command: what is written to it is its standard input."""
        if self.trying or len(self._sinks) >= MAX_LAST:
            action(state.fork(Input(UNKNOWN)))
            return "/dev/fd/64"
        path = f"/dev/fd/{63 + len(self._sinks)}"
        self._sinks[path] = Sink(action, state.fork(), self.findings.place.copy())
        return path

    def _substituted(self, body: ast.Command, state: State) -> str:
        return self.sink(lambda child: self.execute(body, child), state)

    def _feed(self, path: str, text: str) -> bool:
        sink = self._sinks.get(path) if self._sinks else None
        if sink is None:
            return False
        before, self.findings.place = self.findings.place, sink.place
        sink.action(sink.state.fork(Input(text)))
        self.findings.place = before
        self._fed.add(path)
        return True

    def finish(self) -> None:
        """Run what was left for the end."""
        for path in [path for path in self._sinks if path not in self._fed]:
            self._feed(path, UNKNOWN)
        while self._last:
            source, state, place = self._last.pop()
            self.findings.place = place
            self.script(source, state.fork())

    def attempt(self, run: Callable[[], str]) -> list[Effect]:
        """The effects of what only may be run; none where they cannot be found out. Not nested."""
        before = (self._depth, self._parallel, len(self._calls), self.findings.place.copy())
        frames, loops = len(self._frames), self._loops
        self.trying = True
        with self.findings.aside() as found:
            try:
                run()
            except (Unresolvable, RecursionError):
                self.charge(0)
                return []
            finally:
                self.trying = False
                self._depth, self._parallel = before[:2]
                self._loops = loops
                del self._calls[before[2] :]
                del self._frames[frames:]
                self.findings.place = before[3]
        return list(found.values())

    def charge(self, steps: int) -> None:
        """Count work. Raises Unresolvable when it is too much."""
        self._steps += steps
        if self._steps - self._checked > STEPS_A_CHECK:
            self._checked = self._steps
            self._deadline.check()
        if self._steps > MAX_STEPS:
            raise Unresolvable(f"The command takes more than {MAX_STEPS} steps to understand.")

    def command(self, argv: list[str], state: State, typed: bool = False) -> str:
        """Run a command given by its fields; `typed`: just so, not put together by others."""
        if not typed and any(word[:1] == "~" and word[1:2] in ("", "/") for word in argv[1:]):
            argv = self._at_home(argv, state)
        self._depth += 1
        self.charge(1)
        if self._depth > MAX_DEPTH:
            raise Unresolvable(f"Commands run each other more than {MAX_DEPTH} levels deep.")
        body = state.functions.get(argv[0])
        output = self._dispatch(self, argv, state) if body is None else self._call(argv, body, state)
        self._depth -= 1
        return output

    def _at_home(self, argv: list[str], state: State) -> list[str]:
        """A shell leaves a tilde that comes out of a value as it is; whoever puts a command together means the home."""
        home = (state.value("HOME") or (UNKNOWN,))[0]
        meant = [home + word[1:] if word[:1] == "~" and word[1:2] in ("", "/") else word for word in argv]
        if self.trying:
            return meant
        for effect in self.attempt(lambda: self.command(meant, state.fork(), True)):
            if effect.kind in _MEANT:
                self.findings.put(effect)
        return argv

    def _call(self, argv: list[str], body: ast.Command, state: State) -> str:
        """A function. One that starts itself in parallel is a fork bomb; other recursion is followed once."""
        name = argv[0]
        entered = [parallel for called, parallel in self._calls if called is body]
        if len(entered) > 1:
            if self._parallel > entered[0]:
                note = "A function that starts itself several times over fills the machine with processes."
                self.findings.add("exhaust", name, "process", program=name, note=note)
            return UNKNOWN
        self._calls.append((body, self._parallel))
        params, state.params = state.params, tuple(argv[1:])
        self._frames.append({})
        output = self.execute(body, state)
        state.params = params
        state.restore(self._frames.pop())
        self._calls.pop()
        return output

    def _simple(self, command: ast.Simple, state: State) -> str:
        for name in command.tested:
            if name.isidentifier() and name not in state.vars and name not in _SET:
                state.vars[name] = (), (UNKNOWN,)
        several = [name for name in command.names if len(state.vars.get(name, ())) > 1]
        if not several:
            return self._plain(command, state)
        outputs, states = [], []
        if prod(len(state.vars[name]) for name in several) > MAX_COMBINATIONS:
            raise Unresolvable(f"A command has more than {MAX_COMBINATIONS} ways to be read.")
        for values in product(*(state.vars[name] for name in several)):
            child = state.fork()
            child.vars.update({name: (value,) for name, value in zip(several, values, strict=True)})
            outputs.append(self._plain(command, child))
            states.append(child)
        kept = {name: state.vars[name] for name in several}
        state.join(states)
        assigned = {assign.name for assign in command.assigns}
        state.vars.update({name: value for name, value in kept.items() if name not in assigned})
        return "".join(outputs)

    def _plain(self, command: ast.Simple, state: State) -> str:
        """With every parameter at one value."""
        if command.extra:
            self.expander.run(command.extra, state)
        argv = self.expander.fields(command.words, state)
        if any(isinstance(part, ast.Param) and part.name == "0" for word in command.words[:2] for part in word.parts):
            self._starts_itself()
        if not argv:
            self.assignments.apply(command.assigns, state)
        elif argv[0] in _DECLARATIONS:
            self._localize(argv, command.assigns, state)
            self.assignments.declare(argv, command.assigns, state)
        if not argv:
            self.redirects.finish(self.redirects.start(command.redirects, state), "", state)
            return ""
        if not command.redirects and not command.assigns:
            output = self.command(
                argv, state, all(isinstance(part, ast.Lit) for word in command.words for part in word.parts)
            )
            state.vars["_"] = ((argv[-1],),)
            return output
        if argv == ["exec"]:
            self.redirects.keep(self.redirects.start(command.redirects, state), state)
            return ""
        if command.assigns and not command.names.isdisjoint(each.name for each in command.assigns):
            self._as_meant(command, argv, state)
        before = {} if argv[0] in _DECLARATIONS else {each.name: state.vars.get(each.name) for each in command.assigns}
        if before:
            self.assignments.apply(command.assigns, state)
        output = self._with_redirects(command.redirects, state, lambda: self.command(argv, state))
        for name, value in before.items():
            if value is None:
                state.vars.pop(name, None)
            else:
                state.vars[name] = value
        return output

    def _starts_itself(self) -> None:
        """``$0 & $0``: a script that starts itself several times over."""
        self._itself.append(self._parallel)
        if len(self._itself) > 1 and any(self._itself):
            note = "A script that starts itself several times over fills the machine with processes."
            self.findings.add("exhaust", "$0", "process", program="$0", note=note)

    def _as_meant(self, command: ast.Simple, argv: list[str], state: State) -> None:
        """``x=/ rm $x`` removes what x was before; whoever writes it means the new value."""
        if self.trying:
            return
        child = state.fork()
        self.assignments.apply(command.assigns, child)
        meant = self.expander.fields(command.words, child)
        if meant and meant != argv:
            for effect in self.attempt(lambda: self.command(meant, child)):
                if effect.kind in ("delete", "permission", "overwrite_device") and effect.scope != "unknown":
                    self.findings.put(effect)

    def _localize(self, argv: list[str], assigns: tuple[ast.Assign, ...], state: State) -> None:
        """Variables that are declared in a function have their old value when it ends."""
        if not self._frames or argv[0] in ("export", "readonly", "unset") or any(word[:2] == "-g" for word in argv):
            return
        names = [*(assign.name for assign in assigns), *(word for word in argv[1:] if word.isidentifier())]
        for name in names:
            self._frames[-1].setdefault(name, state.vars.get(name))

    def assign(self, name: str, value: Value, state: State) -> None:
        """Set a variable, with what follows from that."""
        self.assignments.set(name, value, state)

    def _with_redirects(self, redirects: tuple[ast.Redirect, ...], state: State, run: Callable[[], str]) -> str:
        started = self.redirects.start(redirects, state)
        if started.stdin is None and not started.descriptors and not started.outputs:
            return self.redirects.finish(started, run(), state)
        before = state.stdin, state.descriptors, state.outputs
        self.redirects.keep(started, state)
        output = run()
        state.stdin, state.descriptors, state.outputs = before
        return self.redirects.finish(started, output, state)

    def _redirected(self, command: ast.Redirected, state: State) -> str:
        return self._with_redirects(command.redirects, state, lambda: self.execute(command.body, state))

    def _pipeline(self, command: ast.Pipeline, state: State) -> str:
        output = ""
        self._parallel += 1
        for number, part in enumerate(command.parts):
            output = self.execute(part, state.fork(Input(output) if number else None))
        self._parallel -= 1
        return output

    def _sequence(self, command: ast.Sequence, state: State) -> str:
        if not command.background:
            return "".join([self.execute(part, state) for part in command.parts])
        self._parallel += 1
        output = "".join([self.execute(part, state.fork()) for part in command.parts])
        self._parallel -= 1
        return output

    def _either(self, command: ast.Either, state: State) -> str:
        """Where the first tells where a program is (``which a || which b``), the second is not needed."""
        first = self.execute(command.first, state)
        second = self.execute(command.second, state)
        return first if first.startswith("/usr/bin/") else first + second

    def _subshell(self, command: ast.Subshell, state: State) -> str:
        return self.execute(command.body, state.fork())

    def _branch(self, command: ast.Branch, state: State) -> str:
        states = [state.fork() for _ in command.bodies]
        outputs = [self.execute(body, child) for body, child in zip(command.bodies, states, strict=True)]
        state.join(states)
        return "".join(outputs)

    def _while(self, command: ast.While, state: State) -> str:
        self._endless(command)
        outputs = []
        left = state.stdin.left + 1
        while state.stdin.left < left:
            left = state.stdin.left
            outputs.append(self.execute(command.condition, state) + self.execute(command.body, state))
            if not state.stdin.left:
                break
        return "".join(outputs)

    def _endless(self, loop: ast.While | ast.Counted) -> None:
        """A loop that is there to use the machine up."""
        kind = loops.endless(loop)
        if kind == "" or self.findings.place.bounded:
            return
        if kind == "bomb":
            note = "It starts processes as fast as it can, until the machine stops."
            self.findings.add("exhaust", "loop", "process", note=note)
        else:
            note = "It keeps a processor busy until somebody ends it."
            self.findings.add("exhaust", "loop", "process", certainty="possible", note=note)

    def _overflow(self) -> None:
        if not self.findings.place.bounded:
            note = "It keeps what never ends in memory, until the machine stops."
            self.findings.add("exhaust", "memory", "system", note=note)

    def _for(self, command: ast.For, state: State) -> str:
        values = self.expander.fields(command.words, state)
        numbers = [value for value in values if value.isdecimal()]
        most = MAX_INNER_ROUNDS if self._loops else MAX_ROUNDS
        if cut := len(numbers) > most:
            values = [*(value for value in values if not value.isdecimal()), *numbers[:most], UNKNOWN]
        if len(numbers) >= GREAT_MANY and not self.findings.place.bounded and loops.many(command.body):
            note = "It starts a great many processes at once."
            self.findings.add("exhaust", "loop", "process", certainty="possible", note=note)
        outputs = []
        self._loops += 1
        for value in values:
            state.assign(command.name, (value,))
            outputs.append(self.execute(command.body, state))
        self._loops -= 1
        output = "".join(outputs)
        return UNKNOWN if cut and output else output

    def _function(self, command: ast.Function, state: State) -> str:
        state.functions[command.name] = command.body
        if command.name in _CALLED_BY_SHELL:
            self.execute(command.body, state.fork())
        return ""

    def _counted(self, command: ast.Counted, state: State) -> str:
        """``for ((...))``, as long as its condition can be computed; then once more with what is not known."""
        self._endless(command)
        self.expander.run((command.first,), state)
        outputs = []
        for _ in range(MAX_ROUNDS):
            condition = self.expander.arithmetic(command.condition, state)
            if condition in ("0", UNKNOWN):
                break
            outputs.append(self.execute(command.body, state))
            self.expander.run((command.step,), state)
        else:
            condition = UNKNOWN
        if condition == UNKNOWN or not outputs:
            for name in command.names:
                state.assign(name, (UNKNOWN,))
            outputs.append(self.execute(command.body, state))
        return "".join(outputs)

    def _trouble(self, command: ast.Trouble, state: State) -> str:
        note = "This part of the command could not be understood."
        self.findings.add("unparsed", command.text[:200], certainty="unknown", note=note)
        return UNKNOWN


_MEANT = frozenset({"delete", "permission", "overwrite_device", "discard"})
_SET = frozenset({"PATH", "USER", "LOGNAME", "TERM", "LANG", "SHLVL", "HOSTNAME", "UID", "EUID", "PPID", "BASH"})
"""Parameters that have a value whatever the environment."""
_CALLED_BY_SHELL = frozenset({"command_not_found_handle", "command_not_found_handler", "precmd", "preexec", "chpwd"})
_RUN: dict[type, Callable[[Run, "ast.Command", State], str]] = {
    ast.Simple: Run._simple,  # type: ignore[dict-item]
    ast.Redirected: Run._redirected,  # type: ignore[dict-item]
    ast.Pipeline: Run._pipeline,  # type: ignore[dict-item]
    ast.Sequence: Run._sequence,  # type: ignore[dict-item]
    ast.Either: Run._either,  # type: ignore[dict-item]
    ast.Subshell: Run._subshell,  # type: ignore[dict-item]
    ast.Branch: Run._branch,  # type: ignore[dict-item]
    ast.While: Run._while,  # type: ignore[dict-item]
    ast.Counted: Run._counted,  # type: ignore[dict-item]
    ast.For: Run._for,  # type: ignore[dict-item]
    ast.Function: Run._function,  # type: ignore[dict-item]
    ast.Trouble: Run._trouble,  # type: ignore[dict-item]
}

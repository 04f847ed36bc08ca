"""Reads Python source for what it does to the world: calls of known functions with arguments that can be computed.

Must not run anything. Source that is no Python is left to the scan for literals.
"""

import ast
import warnings
from functools import partial
from typing import Any, NamedTuple

from lighthoused.gate.programs.builtins import code
from lighthoused.gate.programs.embedded import keep
from lighthoused.gate.programs.python_calls import (
    CALLS,
    INPUTS,
    PATCHED,
    RAW,
    RUNNING,
    SOCKETS,
    UNPICKLES,
)
from lighthoused.gate.programs.python_constants import NotConstant
from lighthoused.gate.programs.python_effects import PythonEffects
from lighthoused.gate.programs.python_loops import Loops
from lighthoused.gate.programs.python_runs import CODE, PythonRuns
from lighthoused.gate.programs.python_tries import MAY_TRY, tries
from lighthoused.gate.programs.python_values import Names, Value, flat, value_of
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import FETCHED, SECRET, UNKNOWN, opaque, origin

MAX_SOURCE = 1 << 17
MAX_DEPTH = 6
MAX_ROUNDS = 16
MAX_CONSTANTS = 64
"""Rounds of a loop over constants."""
MAX_CALLS = 8


def python(run: Run, source: str, state: State, depth: int = 0) -> str | None:
    """Add the effects of this source; what it prints, or None where it is no Python 3."""
    if depth > MAX_DEPTH or len(source) > MAX_SOURCE:
        note = "Python code that is too long or too deep to be read."
        run.findings.add("interpret", "python", certainty="unknown", program="python", note=note)
        return UNKNOWN
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    run.charge(len(source) >> 9)
    reading = _Reading(run, state, depth)
    try:
        reading.visit(tree)
        reading.finish(tree)
        if MAY_TRY.search(source):
            tries(run, tree, reading.names)
    except RecursionError:
        run.findings.add("interpret", "python", certainty="unknown", program="python", note="Too deep to be read.")
    return "".join(reading.printed) if all(isinstance(each, _PLAIN) for each in tree.body) else UNKNOWN


def python_output(run: Run, source: str, state: State, arguments: tuple[str, ...]) -> str | None:
    """Like `python`, in a process of its own with arguments."""
    child = state.fork()
    child.params = arguments
    return python(run, source, child)


_PLAIN = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr, ast.For, ast.With)


def module(run: Run, name: str, state: State) -> str | None:
    """The source of a module that was written before, where Python looks for it; None where there is none."""
    if not state.files or not name:
        return None
    folders = ["", *(state.value("PYTHONPATH") or ("",))[0].split(":")]
    path = name.replace(".", "/")
    for folder in folders[:16]:
        for file in (f"{path}.py", f"{path}/__main__.py", f"{path}/__init__.py"):
            text = state.files.get(run.findings.targets.absolute(f"{folder or '.'}/{file}", state.cwd))
            if text is not None:
                return str(text)
    return None


class Constant(NamedTuple):
    """An item of a list of constants."""

    value: Any


class _Reading(ast.NodeVisitor):
    """One walk in the order of the source."""

    def __init__(self, run: Run, state: State, depth: int) -> None:
        self._run = run
        self._state = state
        self._depth = depth
        self.names = Names(state, self._content)
        self._effects = PythonEffects(run, state)
        self._loops = Loops(run, self.names)
        self._passed = False
        self._counting = False
        self._packed: set[str] = set()
        self._functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda] = {}
        self._called: list[ast.AST] = []
        self._files: dict[str, str] = {}
        self._runs = PythonRuns(run, state, self.names, self._read, self._import)

    @property
    def printed(self) -> list[str]:
        """What it prints, in pieces."""
        return self._runs.printed

    def finish(self, tree: ast.Module) -> None:
        """Functions that nobody called may be; where one that runs commands is passed on, any text may be its."""
        for name, function in list(self._functions.items()):
            if function not in self._called:
                self._call_own(name, [], {})
        if not self._passed or self._run.trying:
            return
        for node in ast.walk(tree):
            text = value_of(node, self.names) if isinstance(node, ast.Constant | ast.List) else ""
            source = text if isinstance(text, str) else " ".join(map(flat, text))
            if " " in source.strip():
                keep(self._run, self._run.attempt(partial(self._run.script, source, self._state.fork())))

    def _content(self, path: str) -> str:
        """What a file holds, as far as that is known."""
        known = self._state.files.get(self._run.findings.targets.absolute(path, self._state.cwd))
        place = self._run.findings.targets.resolve(path, self._state.cwd).place
        return SECRET if place == "secret" else known if known is not None and FETCHED in known else UNKNOWN

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._functions[node.name] = node
        self._decorated(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._functions[node.name] = node
        self._loops.function(node)
        self._decorated(node)

    def _decorated(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for each in node.decorator_list:
            self.visit(each)
        if any(self.names.dotted(each) in RUNNING for each in node.decorator_list):
            self._passed = True

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Making one of a class calls its ``__init__``."""
        self.generic_visit(node)
        if "__init__" in self._functions:
            self._functions[node.name] = self._functions.pop("__init__")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        name = self.names.dotted(node)
        self._passed = self._passed or name in RUNNING
        if name == "mmap.PROT_EXEC":
            self._effects.machine_code()
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        self._passed = self._passed or self.names.modules.get(node.id, "") in RUNNING

    def visit_While(self, node: ast.While) -> None:
        self._loops.loop(node)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self._loops.product(node)
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        own = isinstance(node.test, ast.Compare) and getattr(node.test.left, "id", "") == "__name__"
        self._effects.conditions += not own
        self.generic_visit(node)
        self._effects.conditions -= not own

    def visit_ListComp(self, node: ast.ListComp | ast.GeneratorExp) -> None:
        """Its element, once for each item of its first generator."""
        first, *others = node.generators
        self._loops.loop(node)
        self.visit(first.iter)
        conditions = sum(len(each.ifs) for each in node.generators)
        self._effects.conditions += conditions
        for item in self._rounds(first.iter):
            self._run.charge(1)
            self._take(first.target, item)
            for each in others:
                self.names.bind(each.target, self._items(each.iter)[0])
            self.visit(node.elt)
        self._effects.conditions -= conditions

    def _items(self, node: ast.expr) -> list[Value]:
        """What a loop goes over, as far as that is known; at least one."""
        values = value_of(node, self.names)
        items: list[Value] = list(values[:MAX_ROUNDS]) if isinstance(values, list) else []
        return items or [origin(flat(values)) or UNKNOWN]

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self.visit_ListComp(node)

    def _call_own(self, name: str, values: list[Value], keywords: dict[str, Value]) -> None:
        """A function of this source, with what it is called with."""
        function = self._functions[name]
        if self._called.count(function) > MAX_CALLS or len(self._called) > 64:
            return
        self._called.append(function)
        self._run.charge(1)
        names = [argument.arg for argument in function.args.args]
        if names[:1] == ["self"] or len(names) > len(values) + len(keywords):
            names = names[1:] if names[:1] == ["self"] else names
        defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
        for at, argument in enumerate(names):
            if at >= len(values) and argument not in keywords and argument in defaults:
                self.names.keep(argument, defaults[argument])
                continue
            self.names.values[argument] = values[at] if at < len(values) else keywords.get(argument, UNKNOWN)
            self.names.constants.pop(argument, None)
        for statement in function.body if isinstance(function.body, list) else [function.body]:
            self.visit(statement)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._import(alias.name)
            self.names.modules[alias.asname or alias.name.split(".")[0]] = (
                alias.name if alias.asname else alias.name.split(".")[0]
            )

    def _read(self, source: str) -> str | None:
        return python(self._run, source, self._state, self._depth + 1)

    def _import(self, name: str) -> None:
        """A module that was written before runs when it is imported."""
        text = module(self._run, name, self._state) if self._depth < MAX_DEPTH else None
        if text is not None:
            self._read(text)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._import(node.module or "")
        for alias in node.names:
            self.names.modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            if alias.name == "*":
                known = (each for each in (*CALLS, *RUNNING, *SOCKETS) if each.startswith(f"{node.module}."))
                self.names.modules.update((each.rpartition(".")[2], each) for each in known)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                self._assign(target.id, node.value)
            elif isinstance(target, ast.Attribute):
                self._set(target, node.value)
            elif isinstance(target, ast.Subscript) and self.names.dotted(target.value) == "os.environ":
                setting = "=".join(flat(value_of(each, self.names)) for each in (target.slice, node.value))
                self._run.command(["export", setting], self._state)
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for each, value in zip(target.elts, node.value.elts, strict=False):
                    if isinstance(each, ast.Name):
                        self._assign(each.id, value)
            elif isinstance(target, ast.Tuple):
                self.names.bind(target, value_of(node.value, self.names))

    def _set(self, target: ast.Attribute, node: ast.expr) -> None:
        """An attribute is set; one of a module that others use is replaced."""
        name = self.names.dotted(target)
        if PATCHED.match(name) and name.split(".")[0] in self.names.modules.values():
            self._effects.patched(name)
        self.names.bind(target, value_of(node, self.names))

    def _assign(self, name: str, node: ast.expr) -> None:
        if isinstance(node, ast.Lambda):
            self._functions[name] = node
            return
        self._opened(name, node)
        if isinstance(node, ast.Call) and self.names.dotted(node.func).endswith(".dumps"):
            self._packed.add(name)
        self._loops.listing(name, node)
        called = self.names.dotted(node)
        if called and called != name:
            self.names.modules[name] = called
        else:
            self.names.keep(name, node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if isinstance(node.target, ast.Name):
            before = ast.Name(node.target.id, ast.Load())
            self.names.keep(node.target.id, ast.BinOp(before, node.op, node.value))

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._assign(node.target.id, node.value)

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        self._loops.loop(node)
        counted = [] if self._counting else self._loops.counted(node)
        self._counting = bool(counted)
        for item in counted or self._rounds(node.iter):
            self._run.charge(1)
            self._take(node.target, item)
            for statement in node.body:
                self.visit(statement)
        self._counting = self._counting and not counted

    def _take(self, target: ast.expr, item: Any) -> None:
        """The variables of a loop in one round."""
        if isinstance(item, Constant):
            self.names.hold(target, item.value)
        else:
            self.names.bind(target, item)

    def _rounds(self, node: ast.expr) -> list[Any]:
        """What a loop goes over: constants with their types, else values."""
        try:
            constants = self.names.constant(node)
        except NotConstant:
            return self._items(node)
        if not isinstance(constants, bytes | list | dict | tuple) or not constants:
            return self._items(node)
        return [Constant(each) for each in list(constants)[:MAX_CONSTANTS]]

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if isinstance(item.optional_vars, ast.Name):
                self._opened(item.optional_vars.id, item.context_expr)
                self.names.values[item.optional_vars.id] = value_of(item.context_expr, self.names)
        for statement in node.body:
            self.visit(statement)

    def _opened(self, name: str, node: ast.expr) -> None:
        """A name for an open file."""
        path = self._path_of(node)
        if path:
            self._files[name] = path

    def _path_of(self, node: ast.expr) -> str:
        """The path of a file that an expression opens or that a name stands for; "" for anything else."""
        if isinstance(node, ast.Name):
            return self._files.get(node.id, "")
        if isinstance(node, ast.Call) and self.names.dotted(node.func) in ("open", "io.open") and node.args:
            return flat(value_of(node.args[0], self.names))
        return ""

    def _written(self, path: str, text: str) -> None:
        self._state.write(self._run.findings.targets.absolute(path, self._state.cwd), text, True)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute):
            self.visit(node.func.value)
        elif not isinstance(node.func, ast.Name):
            self.visit(node.func)
        for each in (*node.args, *node.keywords):
            self.visit(each)
        name = self.names.dotted(node.func)
        made = node.func.func if isinstance(node.func, ast.Call) else None
        if isinstance(made, ast.Call) and self.names.dotted(made.func) in ("ctypes.CFUNCTYPE", "ctypes.PYFUNCTYPE"):
            self._effects.machine_code()
        values = [value_of(argument, self.names) for argument in node.args]
        keywords = {each.arg: value_of(each.value, self.names) for each in node.keywords if each.arg}
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("write", "write_text") and values:
            path = (
                self._path_of(node.func.value)
                if node.func.attr == "write"
                else flat(value_of(node.func.value, self.names))
            )
            if path:
                self._written(path, flat(values[-1]))
        if name in self._functions:
            self._call_own(name, values, keywords)
        values = values or list(keywords.values())[:1]
        self._loops.size(name, node.args)
        if name == "socket.socket" and any(self.names.dotted(each) in RAW for each in node.args):
            self._effects.raw_socket()
        if not (name in CODE and self._ran_script(node)) and not (name in UNPICKLES and self._own_data(node)):
            self._runs.call(name, values, keywords, name in self._functions)
            self._effects.call(name, values, keywords)
        if isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if node.func.attr == "delete" and isinstance(owner, ast.Call) and getattr(owner.func, "attr", "") == "all":
                self._effects.all_deleted(self.names.dotted(owner.func) or "all")
            if self._runs.fed and node.func.attr in INPUTS and values:
                code(self._run, flat(values[0]), self._state.fork(), "python")
            self._effects.method(name, node.func.attr, value_of(node.func.value, self.names), values, keywords)

    def _own_data(self, node: ast.Call) -> bool:
        """Whether it reads a file of the project, or what the same source has packed."""
        first = node.args[0] if node.args else node
        inner = first.func.value if isinstance(first, ast.Call) and isinstance(first.func, ast.Attribute) else first
        if isinstance(first, ast.Call) and self.names.dotted(first.func).endswith(".dumps"):
            return "__reduce__" not in self._functions
        path = self._path_of(inner)
        if path:
            own = self._run.findings.targets.resolve(path, self._state.cwd).scope == "project"
            return own and self._content(path) == UNKNOWN
        return isinstance(first, ast.Name) and first.id in self._packed

    def _ran_script(self, node: ast.Call) -> bool:
        """Whether it runs a file of Python (``exec(open("x.py").read())``)."""
        inner = node.args[0] if node.args else node
        inner = inner.args[0] if isinstance(inner, ast.Call) and getattr(inner.func, "id", "") == "compile" else inner
        if not (isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "read"):
            return False
        path = self._path_of(inner.func.value)
        if not path or opaque(path):
            return False
        self._run.command(["python3", path], self._state.fork())
        return True

"""Reads Python source for what it does to the world: calls of known functions with arguments that can be computed.

Must not run anything. Source that is no Python is left to the scan for literals.
"""

import ast
import warnings

from lighthoused.gate.programs.builtins import code
from lighthoused.gate.programs.python_values import Names, Value, flat, value_of
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import FETCHED, UNKNOWN

MAX_SOURCE = 1 << 17
MAX_DEPTH = 6
MAX_ROUNDS = 16
_SHELL = frozenset(
    {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "commands.getoutput"}
)
_PROCESS = frozenset(
    {"subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output", "subprocess.Popen"}
    | {"pty.spawn", "asyncio.create_subprocess_shell", "asyncio.create_subprocess_exec", "sh.Command"}
)
_DELETE = {
    "shutil.rmtree": True,
    "os.remove": False,
    "os.unlink": False,
    "os.rmdir": False,
    "os.removedirs": False,
    "Path.unlink": False,
    "Path.rmdir": False,
}
_WRITE = {"shutil.copy": 1, "shutil.copy2": 1, "shutil.copyfile": 1, "shutil.copytree": 1, "shutil.move": 1} | {
    "os.rename": 1,
    "os.replace": 1,
    "os.truncate": 0,
    "Path.write_text": 0,
    "Path.write_bytes": 0,
    "os.symlink": 1,
}
_PERMISSION = frozenset({"os.chmod", "os.chown", "Path.chmod", "shutil.chown"})
_FETCH = frozenset(
    {
        "urllib.request.urlopen",
        "urllib.request.urlretrieve",
        "requests.get",
        "httpx.get",
        "urllib.urlopen",
        "urllib2.urlopen",
    }
)
_SEND = frozenset({"requests.post", "requests.put", "httpx.post", "httpx.put"})
_CODE = frozenset({"exec", "eval", "compile", "builtins.exec", "builtins.eval"})
_LISTEN_MARKS = frozenset({"os.dup2", "pty.spawn"})


def python(run: Run, source: str, state: State, depth: int = 0) -> bool:
    """Add the effects of this source; False where it is no Python 3."""
    if depth > MAX_DEPTH or len(source) > MAX_SOURCE:
        note = "Python code that is too long or too deep to be read."
        run.findings.add("interpret", "python", certainty="unknown", program="python", note=note)
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    run.charge(len(source) >> 9)
    try:
        _Reading(run, state, depth).visit(tree)
    except RecursionError:
        run.findings.add("interpret", "python", certainty="unknown", program="python", note="Too deep to be read.")
    return True


class _Reading(ast.NodeVisitor):
    """One walk in the order of the source."""

    def __init__(self, run: Run, state: State, depth: int) -> None:
        self._run = run
        self._state = state
        self._depth = depth
        self._names = Names(state.value("HOME") or (UNKNOWN,), state.cwd)
        self._sockets = False

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._names.modules[alias.asname or alias.name.split(".")[0]] = (
                alias.name if alias.asname else alias.name.split(".")[0]
            )

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self._names.modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                self._assign(target.id, node.value)

    def _assign(self, name: str, node: ast.expr) -> None:
        called = self._names.dotted(node)
        if called and called != name:
            self._names.modules[name] = called
        else:
            self._names.values[name] = value_of(node, self._names)

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        values = value_of(node.iter, self._names)
        items: list[Value] = list(values[:MAX_ROUNDS]) if isinstance(values, list) else [UNKNOWN]
        for item in items:
            self._run.charge(1)
            if isinstance(node.target, ast.Name):
                self._names.values[node.target.id] = item
            for statement in node.body:
                self.visit(statement)

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if isinstance(item.optional_vars, ast.Name):
                self._names.values[item.optional_vars.id] = value_of(item.context_expr, self._names)
        for statement in node.body:
            self.visit(statement)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        name = self._names.dotted(node.func)
        values = [value_of(argument, self._names) for argument in node.args]
        keywords = {each.arg: value_of(each.value, self._names) for each in node.keywords if each.arg}
        if isinstance(node.func, ast.Attribute) and node.func.attr in (
            "unlink",
            "rmdir",
            "write_text",
            "write_bytes",
            "chmod",
        ):
            owner = value_of(node.func.value, self._names)
            if not name.startswith("os."):
                name, values = f"Path.{node.func.attr}", [owner, *values]
        self._call(name, values or list(keywords.values())[:1], keywords)

    def _call(self, name: str, values: list[Value], keywords: dict[str, Value]) -> None:
        first = values[0] if values else UNKNOWN
        if name in _SHELL:
            code(self._run, flat(first), self._state.fork(), "python")
        elif name in _PROCESS or name.startswith(("os.exec", "os.spawn", "os.posix_spawn")):
            self._process(name, values)
        elif name in _DELETE:
            self._path("delete", flat(first), recursive=_DELETE[name])
        elif name in _WRITE:
            self._path("write", flat(values[_WRITE[name]]) if len(values) > _WRITE[name] else UNKNOWN)
        elif name in _PERMISSION:
            self._path("permission", flat(first))
        elif name in _FETCH | _SEND:
            kind = "send" if name in _SEND else "fetch"
            self._run.findings.add(kind, flat(first), "network", program="python")
        elif name in _CODE:
            self._source(flat(first))
        elif name in ("open", "io.open", "codecs.open") and values:
            self._open(values, keywords)
        elif name == "socket.socket":
            self._sockets = True
        elif name in _LISTEN_MARKS and self._sockets:
            note = "It connects a shell to the network."
            self._run.findings.add("listen", "socket", "network", program="python", place="shell", note=note)

    def _process(self, name: str, values: list[Value]) -> None:
        if name.startswith(("os.exec", "os.spawn", "os.posix_spawn")):
            values = values[1:] if name.startswith("os.spawn") else values
            argv = [flat(each) for value in values[1:] for each in (value if isinstance(value, list) else [value])]
            argv = argv[:-1] if name.endswith("e") and len(argv) > 1 else argv
            self._run.command(argv or [flat(values[0]) if values else UNKNOWN], self._state.fork())
            return
        first = values[0] if values else UNKNOWN
        if isinstance(first, list):
            self._run.command([flat(each) for each in first] or [UNKNOWN], self._state.fork())
        else:
            code(self._run, flat(first), self._state.fork(), "python")

    def _source(self, text: str) -> None:
        if not python(self._run, text, self._state, self._depth + 1) or FETCHED in text or text.strip() == UNKNOWN:
            code(self._run, UNKNOWN if FETCHED not in text else FETCHED, self._state.fork(), "python")

    def _open(self, values: list[Value], keywords: dict[str, Value]) -> None:
        mode = flat(values[1]) if len(values) > 1 else flat(keywords.get("mode", "r"))
        if "w" in mode or "x" in mode or "+" in mode:
            self._path("write", flat(values[0]))
        elif "a" in mode:
            self._path("append", flat(values[0]))
        else:
            self._path("read", flat(values[0]))

    def _path(self, kind: str, path: str, recursive: bool = False) -> None:
        note = "Python code deletes it." if kind == "delete" else ""
        self._run.findings.path(kind, path, self._state.cwd, program="python", recursive=recursive, note=note)

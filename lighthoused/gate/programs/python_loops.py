"""Python that does something without end or with far too much: loops, functions that start themselves, sizes.

Looks at the shape of the source only; what single calls do is told by python_effects.
"""

import ast
import re
from collections.abc import Iterator

from lighthoused.gate.programs.python_calls import RUNNING
from lighthoused.gate.programs.python_values import Names, Value, flat, value_of
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.text import opaque

MANY = 1000
"""Processes or threads that one loop may start."""
ROUNDS = 16
"""Numbers of a range that are tried."""
HUGE = 1 << 32
MAX_DIMENSIONS = 4
"""Bytes that one value or file may have."""
_ENDLESS = frozenset({"itertools.count", "itertools.cycle", "itertools.repeat", "iter"})
_WAITS = frozenset(
    {
        "sleep",
        "accept",
        "recv",
        "recvfrom",
        "recv_into",
        "read",
        "readline",
        "readlines",
        "input",
        "get",
        "wait",
        "next",
    }
    | {"select", "poll", "join", "communicate", "result", "run", "call", "check_call", "check_output", "system"}
    | {"exit", "_exit", "quit", "urlopen", "receive", "serve_forever", "dispatch", "process_events", "update", "pause"}
    | {"pop", "popleft", "read_loop", "post", "request", "shot", "wait_for", "getch", "tick", "show", "query", "flip"}
)
_STARTS = frozenset(
    {"os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen", "threading.Thread", "multiprocessing.Process"}
    | {"_thread.start_new_thread", "pty.fork", "multiprocessing.pool.Pool", "os.spawnlp", "os.spawnv", "os.spawnl"}
)
_STARTING = frozenset({"start", "submit", "apply_async", "start_new_thread", "start_process"})
_GROWS = frozenset({"append", "extend", "add", "insert", "appendleft"})
_ASKS = frozenset(
    {"requests.get", "requests.post", "requests.head", "httpx.get", "httpx.post", "urllib.request.urlopen"}
)
_FLOODS = frozenset({"send", "sendall", "sendto"})
_SIZED = frozenset(
    {"bytes", "bytearray", "os.urandom", "os.posix_fallocate", "numpy.zeros", "numpy.ones", "numpy.empty", "numpy.full"}
    | {"random.randbytes", "secrets.token_bytes", "mmap.mmap"}
)
_PROCESSES = frozenset({"psutil.process_iter", "psutil.pids", "psutil.get_pid_list"})
_ENDS = frozenset({"kill", "terminate", "send_signal", "suspend"})
_LISTS = re.compile(r"(?:/bin/)?(?:ps|pgrep|pidof)\b")
_NONE: dict[str, int] = {}
_Loop = ast.While | ast.For | ast.ListComp | ast.GeneratorExp | ast.SetComp


class Loops:
    """Adds what the loops, functions and sizes of one source do to the machine."""

    def __init__(self, run: Run, names: Names) -> None:
        self._run = run
        self._names = names
        self._listed: set[str] = set()
        self._numbers: dict[str, int] = {}

    def loop(self, node: _Loop) -> None:
        """A loop, before its body is read."""
        self._run.charge(1)
        body = list(_inside(node))
        calls = [each for each in body if isinstance(each, ast.Call)]
        called = {self._names.dotted(each.func) for each in calls} | {_last(each) for each in calls}
        if isinstance(node, ast.While | ast.For) and self._endless(node) and not _ends(node):
            self._without_end(body, called)
        elif not isinstance(node, ast.While) and not called & _WAITS:
            self._many(node.iter if isinstance(node, ast.For) else node.generators[0].iter, called)
        kills = any(isinstance(each, ast.Constant) and str(each.value).split(" ")[0] == "kill" for each in body)
        if kills or called & (_ENDS | {"os.kill", "os.killpg"}):
            self._kills(node, body)

    def counted(self, node: ast.For) -> list[Value]:
        """The first numbers of a range, where a program is run for each."""
        if self._rounds(node.iter) < 2 or not any(
            isinstance(each, ast.Call) and self._names.dotted(each.func) in RUNNING for each in _inside(node)
        ):
            return []
        assert isinstance(node.iter, ast.Call)
        first = (number(node.iter.args[0]) or 0) if len(node.iter.args) > 1 else 0
        return [str(each) for each in range(first, min(self._rounds(node.iter), first + ROUNDS))]

    def function(self, node: ast.FunctionDef) -> None:
        """A function: whether it starts itself, and processes with it, whatever happens."""
        body = [each for statement in node.body for each in _always(statement)]
        calls = [each for each in body if isinstance(each, ast.Call)]
        again = any(isinstance(each, ast.Name) and each.id == node.name for each in body)
        if again and any(_last(each) in _GROWS for each in calls):
            self._exhaust(node.name, "A function that calls itself for ever fills the memory.", "possible")
        if again and any(self._starts(each) for each in calls):
            self._exhaust(node.name, "A function that starts itself again and again fills the machine with processes.")

    def listing(self, name: str, node: ast.expr) -> None:
        """A name that is given the numbers of all processes, or a number."""
        if self._lists_processes(node):
            self._listed.add(name)
        size = number(node, self._numbers)
        if size is not None:
            self._numbers[name] = size

    def size(self, name: str, values: list[ast.expr]) -> None:
        """A call that makes something of a size."""
        count = _product if name.startswith("numpy.") else number
        if name in _SIZED and any((count(value, self._numbers) or 0) >= HUGE for value in values):
            self._exhaust(name, "It takes more memory or disk than there is.", "possible")

    def product(self, node: ast.BinOp) -> None:
        """A text or list, many times."""
        for one, many in ((node.left, node.right), (node.right, node.left)):
            text = isinstance(one, ast.List) or (isinstance(one, ast.Constant) and isinstance(one.value, str | bytes))
            if text and (number(many, self._numbers) or 0) >= HUGE >> 3:
                self._exhaust("memory", "It takes more memory or disk than there is.", "possible")

    def _endless(self, node: ast.While | ast.For) -> bool:
        if isinstance(node, ast.While):
            return isinstance(node.test, ast.Constant) and bool(node.test.value)
        return isinstance(node.iter, ast.Call) and self._names.dotted(node.iter.func) in _ENDLESS

    def _without_end(self, body: list[ast.AST], called: set[str]) -> None:
        if called & _STARTS or (called & _STARTING and "join" not in called):
            self._exhaust("processes", "A loop that starts itself again fills the machine with processes.")
        elif called & _ASKS and not called & {"sleep", "wait", "input", "receive"}:
            self._exhaust("network", "A flood of requests keeps others from being served.", "possible")
        elif called & _WAITS:
            return
        elif "write" in called:
            self._exhaust("disk", "A loop without end fills the disk.")
        elif called & _FLOODS:
            self._exhaust("network", "A flood of packets keeps others from working.", "possible")
        elif called & _GROWS or any(map(_doubles, body)):
            self._exhaust("memory", "A loop without end fills the memory.")
        elif not called:
            self._exhaust("processor", "A loop that does nothing uses up a processor.", "possible")

    def _many(self, iterated: ast.expr, called: set[str]) -> None:
        rounds = self._rounds(iterated)
        if rounds >= MANY and (called & _STARTS or called & _STARTING):
            self._exhaust("processes", f"It starts {rounds} processes or threads.", "possible")
        elif rounds >= 10**8 and called & _GROWS:
            self._exhaust("memory", "It fills the memory.", "possible")
        elif rounds >= 10**8 and "write" in called:
            self._exhaust("disk", "It fills the disk.", "possible")

    def _rounds(self, node: ast.expr) -> int:
        if isinstance(node, ast.Call) and self._names.dotted(node.func) == "range" and node.args:
            return number(node.args[min(1, len(node.args) - 1)]) or 0
        return 0

    def _kills(self, node: _Loop, body: list[ast.AST]) -> None:
        """Ends those of all processes that have certain names, or all."""
        iterated = node.generators[0].iter if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp) else None
        iterated = node.iter if isinstance(node, ast.For) else iterated
        if iterated is None or not self._lists_processes(iterated):
            return
        compared = [side for each in body if isinstance(each, ast.Compare) for side in (each.left, *each.comparators)]
        compared += [each.args[0] for each in body if isinstance(each, ast.Call) and _last(each) == "startswith"]
        names = [text for side in compared for text in self._texts(side)]
        for name in names[:8]:
            self._run.command(["pkill", name], self._names.state.fork())
        if not names or any(isinstance(each, ast.Attribute) and each.attr == "username" for each in body):
            note = "It ends all processes."
            self._run.findings.add("kill", "-1", "system", program="python", place="everything", note=note)

    def _texts(self, node: ast.expr) -> list[str]:
        value = value_of(node, self._names)
        texts = value if isinstance(value, list) else [value]
        return [text for text in map(flat, texts) if text and not opaque(text) and not text.lstrip("-").isdigit()]

    def _lists_processes(self, node: ast.expr) -> bool:
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and each.id in self._listed:
                return True
            if isinstance(each, ast.Call):
                name = self._names.dotted(each.func)
                if name in _PROCESSES:
                    return True
                if name in RUNNING and each.args:
                    return _LISTS.match(flat(value_of(each.args[0], self._names))) is not None
                if name in ("os.listdir", "os.scandir", "glob.glob") and each.args:
                    return flat(value_of(each.args[0], self._names)).startswith("/proc")
        return False

    def _starts(self, node: ast.Call) -> bool:
        return self._names.dotted(node.func) in _STARTS

    def _exhaust(self, target: str, note: str, certainty: str = "certain") -> None:
        instead = "Bound the loop, and run it under a limit (timeout, systemd-run -p)."
        self._run.findings.add(
            "exhaust", target, "process", program="python", note=note, instead=instead, certainty=certainty
        )


def number(node: ast.expr, known: dict[str, int] = _NONE) -> int | None:
    """The value of a number that is written out or has a name, about 10**31 at most; None for anything else."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Constant):
        return int(node.value) if isinstance(node.value, int | float) and abs(node.value) < 1e30 else None
    if not isinstance(node, ast.BinOp):
        return None
    left, right = number(node.left, known), number(node.right, known)
    if left is None or right is None or abs(left) > 10**30 or abs(right) > 10**30:
        return None
    if isinstance(node.op, ast.Pow | ast.LShift):
        if not 0 <= right <= 128:
            return None
        return min(left**right if isinstance(node.op, ast.Pow) else left << right, 10**31)
    if isinstance(node.op, ast.Mult):
        return left * right
    return left + right if isinstance(node.op, ast.Add) else None


def _product(node: ast.expr, known: dict[str, int]) -> int | None:
    """A number, or how many elements an array of several dimensions has; a long list is no array's dimensions."""
    if not isinstance(node, ast.Tuple | ast.List) or len(node.elts) > MAX_DIMENSIONS:
        return number(node, known)
    product = 1
    for each in node.elts:
        product *= number(each, known) or 1
    return product


def _last(node: ast.Call) -> str:
    """The last name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a loop, without the functions that are defined in it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            yield child
            yield from _inside(child)


def _always(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a statement that no condition decides about."""
    yield node
    if not isinstance(node, ast.If | ast.IfExp | ast.Try):
        for child in ast.iter_child_nodes(node):
            yield from _always(child)


def _ends(node: ast.AST) -> bool:
    """Whether a loop has a way out: a break of its own, a return, an exception."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Break | ast.Return | ast.Raise | ast.Yield | ast.YieldFrom | ast.Await):
            return True
        inner = isinstance(child, ast.For | ast.While)
        if inner and any(isinstance(each, ast.Return | ast.Raise | ast.Yield | ast.Await) for each in ast.walk(child)):
            return True
        if not inner and not isinstance(child, ast.FunctionDef | ast.Lambda) and _ends(child):
            return True
    return False


def _doubles(node: ast.AST) -> bool:
    """``s += s``, ``s += "text"``, ``s *= 2``."""
    if not isinstance(node, ast.AugAssign) or not isinstance(node.op, ast.Add | ast.Mult):
        return False
    value = node.value
    grows = isinstance(value, ast.List | ast.JoinedStr | ast.BinOp) or (
        isinstance(value, ast.Constant) and isinstance(value.value, str | bytes)
    )
    return grows or ast.dump(value) == ast.dump(_loaded(node.target))


def _loaded(node: ast.expr) -> ast.expr:
    return ast.Name(node.id, ast.Load()) if isinstance(node, ast.Name) else node

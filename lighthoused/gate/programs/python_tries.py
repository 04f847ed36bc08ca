"""Python that tries many of something: doors of a machine, machines of a network, passwords.

A name varies where a loop gives it one value after another. Looks at the shape of the source only.
"""

import ast
import re
from collections.abc import Iterator

from lighthoused.gate.programs.python_loops import number
from lighthoused.gate.programs.python_values import Names
from lighthoused.gate.shell.run import Run

FEW = 8
"""So many doors or machines may be tried one after another."""
MAY_TRY = re.compile(r"connect|login|pwd|post\(|get\(|Telnet|crypt|checkpw|verify|authenticate|auth_password")
_CONNECTS = frozenset({"connect", "connect_ex", "create_connection", "open_connection", "Telnet"})
_LOGS_IN = frozenset(
    {"login", "auth_password", "authenticate", "simple_bind_s", "connect", "Connection", "SMBConnection"}
)
_CRACKS = frozenset({"crypt.crypt", "bcrypt.checkpw", "passlib.hash.sha512_crypt.verify", "spwd.getspnam"})
_PASSWORD = re.compile(r"(?i)^(pass(w|wd|word|phrase|code)?|pwd|pw|pin|secret)$")
_MAPS = frozenset({"map", "imap", "imap_unordered", "submit", "starmap", "apply_async", "Thread", "Process", "spawn"})


def tries(run: Run, tree: ast.Module, names: Names) -> None:
    """Add the probes of this source."""
    varying = _Varying(tree, names)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name, full = _last(node), names.dotted(node.func)
        of_module = name == "connect" and full.split(".")[0] in names.modules.values()
        if name in _CONNECTS and not of_module and any(varying.counted(each) for each in node.args[:2]):
            _probe(run, full or name, "It tries many machines or doors.", "Ask the owner of the network.")
        elif _guesses(node, name, full, varying):
            _probe(run, full or name, "It guesses passwords.", "Ask the owner of the account.")


def _guesses(node: ast.Call, name: str, full: str, varying: "_Varying") -> bool:
    """Whether a call proves who one is, with one password after another."""
    if full in _CRACKS:
        return any(map(varying.read, node.args))
    passwords = [each.value for each in node.keywords if each.arg and _PASSWORD.match(each.arg)]
    passwords += node.args[1:2] if name == "login" else []
    for each in node.keywords if name in ("post", "get", "request") else ():
        if each.arg == "auth":
            passwords.append(each.value)
        elif each.arg in ("data", "json", "params") and isinstance(each.value, ast.Dict):
            passwords += [value for key, value in zip(each.value.keys, each.value.values, strict=True) if _secret(key)]
    return (name in _LOGS_IN or name in ("extractall", "extract", "post", "get", "request", "open", "decrypt")) and any(
        map(varying.read, passwords)
    )


def _secret(key: ast.expr | None) -> bool:
    return isinstance(key, ast.Constant) and isinstance(key.value, str) and _PASSWORD.match(key.value) is not None


def _probe(run: Run, target: str, note: str, instead: str) -> None:
    run.findings.add("probe", target, "network", program="python", note=note, instead=instead)


class _Varying:
    """The names of a source that vary: by counting, or by going over what was read."""

    def __init__(self, tree: ast.Module, names: Names) -> None:
        self._names = names
        self._counted: set[str] = set()
        self._read: set[str] = set()
        nodes = list(ast.walk(tree))
        functions = {each.name: each for each in nodes if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
        for _ in range(3):
            before = len(self._counted) + len(self._read)
            for node in nodes:
                self._note(node, functions)
            if before == len(self._counted) + len(self._read):
                break

    def counted(self, node: ast.expr) -> bool:
        """Whether an expression depends on a counter."""
        return any(isinstance(each, ast.Name) and each.id in self._counted for each in ast.walk(node))

    def read(self, node: ast.expr) -> bool:
        """Whether an expression depends on what a loop goes over, whatever that is."""
        both = self._counted | self._read
        return any(isinstance(each, ast.Name) and each.id in both for each in ast.walk(node))

    def _note(self, node: ast.AST, functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef]) -> None:
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            self._take(node.target, node.iter)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._follow(target, node.value)
        elif isinstance(node, ast.Call):
            self._passed(node, functions)

    def _take(self, target: ast.expr, iterated: ast.expr) -> None:
        """What a loop's name goes over: a range, other counted things, or something that is not known."""
        if isinstance(iterated, ast.List | ast.Tuple) and len(iterated.elts) <= FEW:
            return
        if self._many(iterated) or self.counted(iterated):
            self._counted |= set(_bound(target))
        self._read |= set(_bound(target))

    def _many(self, node: ast.expr) -> bool:
        for each in ast.walk(node):
            if isinstance(each, ast.Call) and self._names.dotted(each.func) in ("range", "ipaddress.ip_network"):
                ends = [number(bound) for bound in each.args[:2]]
                if None in ends or max(end or 0 for end in ends) - (ends[0] or 0 if len(ends) > 1 else 0) > FEW:
                    return True
            if isinstance(each, ast.List | ast.Tuple) and len(each.elts) > FEW:
                return True
        return False

    def _follow(self, target: ast.expr, value: ast.expr) -> None:
        if not isinstance(value, ast.Call) or isinstance(value.func, ast.Attribute):
            if self.counted(value):
                self._counted |= set(_bound(target))
            if self.read(value):
                self._read |= set(_bound(target))

    def _passed(self, node: ast.Call, functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef]) -> None:
        """A function that is called with what varies, or handed to what calls it many times."""
        name = _last(node)
        given = [*node.args, *(each.value for each in node.keywords)]
        handed = [each.id for each in given if isinstance(each, ast.Name) and each.id in functions]
        for called in ([name] if name in functions else []) + (handed if name in _MAPS else []):
            parameters = [each.arg for each in functions[called].args.args]
            if any(self._many(each) or self.counted(each) for each in given):
                self._counted |= set(parameters)
            if any(map(self.read, given)):
                self._read |= set(parameters)


def _bound(target: ast.expr) -> Iterator[str]:
    for each in ast.walk(target):
        if isinstance(each, ast.Name):
            yield each.id


def _last(node: ast.Call) -> str:
    """The last name of what is called."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")

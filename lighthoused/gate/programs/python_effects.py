"""What a call in Python does, by the table python_calls. Must not know how source is read or values are computed."""

from typing import Any

from lighthoused.core.verdicts import Certainty, Scope
from lighthoused.gate.programs.builtins import code
from lighthoused.gate.programs.python_calls import (
    CALLS,
    CHANGES_MODE,
    OPENERS,
    PATH_METHODS,
    RUNNING,
    SET_ID,
    SHELL,
    SOCKETS,
    Call,
)
from lighthoused.gate.programs.python_values import Value, flat
from lighthoused.gate.programs.statements import said
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import GLOB, KEPT, UNKNOWN, opaque, unmarked

_SCOPES: dict[str, Scope] = {
    **dict.fromkeys(("fetch", "send", "listen", "interpret"), "network"),
    **dict.fromkeys(("kill", "escalate_privilege", "disguise"), "system"),
    "read": "system",
    "destroy": "remote",
}


class PythonEffects:
    """The effects of the calls of one source. `conditions`: how many decide whether the present call happens."""

    def __init__(self, run: Run, state: State) -> None:
        self._run = run
        self._state = state
        self._sockets = False
        self.conditions = 0

    def call(self, name: str, values: list[Value], keywords: dict[str, Value]) -> None:
        """A function, by its full name."""
        first = flat(values[0]) if values else UNKNOWN
        for call in CALLS.get(name, ()):
            self._effect(call, values)
        if name in OPENERS and values:
            self._open(values, keywords)
        if name in CHANGES_MODE and any(SET_ID.match(flat(value)) for value in values):
            self._path("escalate_privilege", first)
        if name == "urllib.request.urlopen" and ("data" in keywords or len(values) > 1):
            self._run.findings.add("send", first, "network", program="python", note="It sends data to a server.")
        if name in SOCKETS:
            self._sockets = True
        elif self._sockets and (name == "os.dup2" or name in RUNNING):
            note = "It connects a shell to the network."
            self._run.findings.add("listen", "socket", "network", program="python", place="shell", note=note)

    def method(self, name: str, method: str, owner: Value, values: list[Value]) -> None:
        """A method, whatever object it is of; `name`: the full name, where it has one."""
        first = flat(values[0]) if values else ""
        if method in PATH_METHODS and not name.startswith("os."):
            self.call(f"Path.{method}", [owner, *values], {})
        elif method in ("add", "write") and first.startswith("/"):
            self._path("collect", first)
        elif method in ("send", "sendall", "sendto") and self._sockets and opaque(first):
            self._run.findings.add("send", "socket", "network", program="python", note="It sends what it has read.")
        elif method == "extractall":
            self._path("write", first or ".")
        elif method in ("exec_command", "system") and name not in SHELL:
            self._elsewhere(name, first)
        elif method in ("execute", "executemany", "executescript", "query", "raw"):
            said(self._run, "sql", unmarked(first), "python")
        elif not name.startswith(("os.", "shutil.")):
            said(self._run, "methods", method, "python")
        for call in CALLS.get("." + method, ()):
            self._effect(call, values)

    def endless_fork(self) -> None:
        """A loop without end that starts processes."""
        note = "A loop that starts itself again fills the machine with processes."
        self._run.findings.add("exhaust", "os.fork", "process", program="python", note=note)

    def _effect(self, call: Call, values: list[Value]) -> None:
        target = flat(values[call.argument]) if 0 <= call.argument < len(values) else ""
        if call.like is not None and not call.like.search(target):
            return
        if not call.path:
            more = {"place": call.place} if call.place else {}
            if KEPT in target and call.kind in ("fetch", "send"):
                more = {"place": "kept"}
            scope = _SCOPES.get(call.kind, "process")
            self._run.findings.add(call.kind, target, scope, program="python", note=call.note, **more)
        elif call.argument < len(values):
            self._path(call.kind, target, call.recursive, call.note, "certain" if call.certain else "possible")

    def _elsewhere(self, name: str, command: str) -> None:
        """A command given to a shell by another way than those of the standard library."""
        place = self._run.findings.place
        before = place.remote
        place.remote = before if name.startswith("ctypes") else "remote"
        code(self._run, command, self._state.fork(), "python")
        place.remote = before

    def _open(self, values: list[Value], keywords: dict[str, Value]) -> None:
        mode = flat(values[1]) if len(values) > 1 else flat(keywords.get("mode", "r"))
        if "w" in mode or "x" in mode or "+" in mode:
            self._path("write", flat(values[0]))
        elif "a" in mode:
            self._path("append", flat(values[0]))
        else:
            self._path("read", flat(values[0]))

    def _path(
        self, kind: str, path: str, recursive: bool = False, note: str = "", certainty: Certainty = "certain"
    ) -> None:
        path = path.replace(GLOB + "*", f"some{UNKNOWN}") if self.conditions else path
        more: dict[str, Any] = {"certainty": certainty} if certainty != "certain" else {}
        self._run.findings.path(kind, path, self._state.cwd, program="python", recursive=recursive, note=note, **more)

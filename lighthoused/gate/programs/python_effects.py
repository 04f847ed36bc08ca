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
    SAVES,
    SCRIPTS,
    SET_ID,
    SHELL,
    SOCKETS,
    Call,
)
from lighthoused.gate.programs.python_hosts import Hosts
from lighthoused.gate.programs.python_values import RETRIEVED, Value, flat
from lighthoused.gate.programs.statements import said
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import FETCHED, GLOB, KEPT, UNKNOWN, opaque, unmarked

_SCOPES: dict[str, Scope] = {
    **dict.fromkeys(("fetch", "send", "listen", "interpret"), "network"),
    **dict.fromkeys(("kill", "escalate_privilege", "disguise", "kernel", "power", "account", "service"), "system"),
    "persist": "system",
    "probe": "network",
    "read": "system",
    "destroy": "remote",
}
_PAYMENTS = ("stripe.", "braintree.", "square.")


_SYSTEM_CALLS = frozenset({"59", "322", "319", "101", "105", "165", "169", "175", "313"})
"""Numbers of system calls that run programs, trace, become another user, mount, or load modules (x86-64)."""
_ANYBODYS = ("/tmp/", "/var/tmp/", "/dev/shm/")
_PRIVILEGED = "The container is root on this machine."


class PythonEffects:
    """The effects of the calls of one source. `conditions`: how many decide whether the present call happens."""

    def __init__(self, run: Run, state: State) -> None:
        self._run = run
        self._state = state
        self._sockets = False
        self._hosts = Hosts(run)
        self.conditions = 0

    def call(self, name: str, values: list[Value], keywords: dict[str, Value]) -> None:
        """A function, by its full name."""
        first = flat(values[0]) if values else UNKNOWN
        for call in CALLS.get(name, ()):
            self._effect(call, values)
        if name in OPENERS and values:
            self._open(values, keywords)
        if name in CHANGES_MODE and any(SET_ID.match(bits) for value in values for bits in flat(value).split("|")):
            self._path("escalate_privilege", first)
        self._hosts.call(name, name.rpartition(".")[2], values, keywords)
        if name == "urllib.request.urlopen" and ("data" in keywords or len(values) > 1):
            self._run.findings.add("send", first, "network", program="python", note="It sends data to a server.")
        if name == "fileinput.input" and flat(keywords.get("inplace", "")) in ("True", "1"):
            self._path("write", first)
        if name in SAVES:
            path = flat(values[1]) if len(values) > 1 else RETRIEVED
            self._state.write(self._run.findings.targets.absolute(path, self._state.cwd), FETCHED, False)
        if name in ("os.putenv", "os.environ.setdefault") and len(values) > 1:
            self._run.command(["export", "=".join(map(flat, values[:2]))], self._state)
        if (
            name in ("pip.main", "pip._internal.main", "pip._internal.cli.main.main")
            and values
            and isinstance(values[0], list)
        ):
            self._run.command(["pip", *map(flat, values[0])], self._state.fork())
        if SCRIPTS.get(name, len(values)) < len(values):
            self._run.command(["python3", flat(values[SCRIPTS[name]])], self._state.fork())
        if name in ("sys.path.insert", "sys.path.append") and values and flat(values[-1]).startswith(_ANYBODYS):
            note = "Modules are taken from where anybody may put them."
            self._run.findings.add("interpret", flat(values[-1]), certainty="unknown", program="python", note=note)
        if flat(keywords.get("privileged", "")) == "True" or flat(keywords.get("pid_mode", "")) == "host":
            self._run.findings.add("escalate_privilege", name, "system", program="python", note=_PRIVILEGED)
        self._service(name, first, keywords)
        if name in SOCKETS:
            self._sockets = True
        elif self._sockets and (name == "os.dup2" or name in RUNNING):
            note = "It connects a shell to the network."
            self._run.findings.add("listen", "socket", "network", program="python", place="shell", note=note)

    def _service(self, name: str, first: str, keywords: dict[str, Value]) -> None:
        """What a request or a library of a service that moves money does."""
        method = flat(keywords.get("method", first if name.endswith(".request") else "")).upper()
        if method in ("DELETE", "PURGE"):
            note, instead = "It deletes something on a server.", "Get the same address first; let its owner remove it."
            self._run.findings.add("destroy", name, "remote", program="python", note=note, instead=instead)
        if name.startswith(_PAYMENTS):
            said(self._run, "code", f"{name}(", "python")

    def method(self, name: str, method: str, owner: Value, values: list[Value], keywords: dict[str, Value]) -> None:
        """A method, whatever object it is of; `name`: the full name, where it has one."""
        first = flat(values[0]) if values else ""
        self._hosts.method(method, values)
        if method == "new" and "command" in keywords:
            note = "Scheduled commands run when nobody looks."
            command = flat(keywords["command"])
            self._run.findings.add("persist", command, "system", program="python", note=note)
        if method == "syscall" and first in _SYSTEM_CALLS:
            self.machine_code()
        if method in ("kill", "terminate", "send_signal") and owner in ("1", "0", "-1"):
            note = "It ends all processes, or the first one."
            self._run.findings.add("kill", first, "system", program="python", place="everything", note=note)
        if method == "mmap" and not name.startswith("mmap.") and values[2:3] == ["7"]:
            self.machine_code()
        if method == "read" and first.startswith("/"):
            self._path("read", first)
        if method == "export_keys" and flat(keywords.get("secret", values[1] if len(values) > 1 else "")) == "True":
            self._run.findings.add(
                "read", first, "home", program="python", place="secret", note="They are private keys."
            )
        if method == "open" and isinstance(owner, str) and owner[:1] in ("/", ".") and len(owner) > 1:
            self._open([owner, *values], {})
        if method in PATH_METHODS and not name.startswith("os."):
            self.call(f"Path.{method}", [owner, *values], {})
        elif method in ("add", "write") and first.startswith("/"):
            self._path("collect", first)
        elif method in ("send", "sendall", "sendto") and self._sockets and opaque(first) and not self._hosts.local:
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

    def raw_socket(self) -> None:
        """A socket that gets what is meant for others."""
        note = "What goes over a network holds others' passwords."
        self._run.findings.add("trace", "socket", "network", program="python", note=note)

    def machine_code(self) -> None:
        """Memory that holds code."""
        note = "It runs machine code that nobody can read."
        self._run.findings.add("interpret", "memory", certainty="unknown", program="python", note=note)

    def patched(self, name: str) -> None:
        """A function that other code relies on is replaced."""
        note, instead = "Other code relies on it, and gets something else.", "Wrap it where it is used."
        self._run.findings.add("disguise", name, "process", program="python", note=note, instead=instead)

    def all_deleted(self, target: str) -> None:
        """``x.all().delete()``: objects of a bucket, rows of a table."""
        note = "It deletes all of them."
        self._run.findings.add("destroy", target, "remote", program="python", note=note)

    def _effect(self, call: Call, values: list[Value]) -> None:
        target = flat(values[call.argument]) if 0 <= call.argument < len(values) else ""
        if call.like is not None and not call.like.search(target):
            return
        if not call.path:
            more: dict[str, Any] = {"place": call.place} if call.place else {}
            if KEPT in target and call.kind in ("fetch", "send"):
                more = {"place": "kept"}
            scope = _SCOPES.get(call.kind, "process")
            self._run.findings.add(call.kind, target, scope, program="python", note=call.note, **more)
        elif call.argument < len(values):
            place = "times" if call.kind == "conceal" else ""
            self._path(call.kind, target, call.recursive, call.note, "certain" if call.certain else "possible", place)

    def _elsewhere(self, name: str, command: str) -> None:
        """A command given to a shell by another way than those of the standard library."""
        place = self._run.findings.place
        before = place.remote
        place.remote = before if name.startswith("ctypes") else "remote"
        code(self._run, command, self._state.fork(), "python")
        place.remote = before

    def _open(self, values: list[Value], keywords: dict[str, Value]) -> None:
        mode = flat(values[1]) if len(values) > 1 else flat(keywords.get("mode", "r"))
        if any(each in mode for each in ("w", "x", "+", "O_WRONLY", "O_RDWR")):
            self._path("write", flat(values[0]))
        elif "a" in mode:
            self._path("append", flat(values[0]))
        else:
            self._path("read", flat(values[0]))

    def _path(
        self,
        kind: str,
        path: str,
        recursive: bool = False,
        note: str = "",
        certainty: Certainty = "certain",
        place: str = "",
    ) -> None:
        replaced = kind == "write" and GLOB in path
        if self.conditions and not replaced:
            path = path.replace(GLOB + "*", f"some{UNKNOWN}")
        more: dict[str, Any] = {"certainty": certainty} if certainty != "certain" else {}
        more |= {"place": place} if place else {}
        if replaced and self._run.findings.targets.resolve(path, self._state.cwd).scope == "home":
            kind, note = "delete", "What these files held is replaced."
        self._run.findings.path(kind, path, self._state.cwd, program="python", recursive=recursive, note=note, **more)

"""Where a path leads and what lies there: its scope, its place, whether it can be undone. Pure: looks at no disk.

Paths may hold unknown parts and patterns (see shell.text); places are for gate.places.
"""

import posixpath
from typing import NamedTuple

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Scope
from lighthoused.gate.places import from_windows, of_windows, on_drive, place_of
from lighthoused.gate.shell.patterns import Pattern
from lighthoused.gate.shell.text import GLOB, UNKNOWN, known_prefix, known_suffix, opaque, shown


class Target(NamedTuple):
    """`path` is for people and policies; `known` False where only a part of it is known."""

    path: str
    scope: Scope
    place: str = ""
    undoable: bool = False
    known: bool = True


_TELLING = frozenset({"secret", "account", "history", "startup"})
"""Places that a path whose parts are not all known still tells of."""
_SINKS = frozenset(
    {"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin", "/dev/tty", "/dev/zero", "/dev/random", "/dev/urandom"}
)
_SYSTEM = frozenset(
    [
        "bin",
        "boot",
        "dev",
        "etc",
        "lib",
        "lib32",
        "lib64",
        "libx32",
        "opt",
        "proc",
        "root",
        "run",
        "sbin",
        "srv",
        "sys",
        "usr",
        "var",
        "System",
        "Library",
        "Applications",
        "private",
        "cores",
    ]
)
_PERSONAL_SYSTEM = frozenset({"home", "Users", "mnt", "media", "data", "Volumes"})


class Targets:
    """Resolves paths of one request. `project`: where the request was made, if that is no known project's."""

    def __init__(self, world: World, cwd: str) -> None:
        self._world = world
        self._home = posixpath.normpath(world.home) if world.home else "/root"
        self._mount = posixpath.normpath(world.mount) if world.mount else ""
        self._roots = tuple(posixpath.normpath(root) for root in world.roots)
        own = posixpath.normpath(cwd)
        if own.startswith("/") and not self._in_roots(own) and self._may_be_project(own):
            self._roots = (*self._roots, own)
        self._seen: dict[tuple[str, str], Target] = {}

    def resolve(self, text: str, cwd: str) -> Target:
        """What a program in `cwd` reaches by this path."""
        key = (text, cwd)
        found = self._seen.get(key)
        if found is None:
            found = self._seen[key] = self._resolve(text, cwd)
        return found

    def absolute(self, text: str, cwd: str) -> str:
        """The path, normalised, with its unknown parts and patterns."""
        text = text.removeprefix("file://")
        if text[:1] in (UNKNOWN, "\ue001", "\ue002"):
            return text
        path = posixpath.normpath(posixpath.join(cwd, from_windows(text))) if text else cwd
        return path[1:] if path.startswith("//") else path

    def _resolve(self, text: str, cwd: str) -> Target:
        path = self.absolute(text, cwd)
        if not path.startswith("/"):
            place = place_of(known_suffix(path))
            return Target(shown(path), "unknown", place if place == "startup" else "", known=False)
        known = True
        if opaque(path):
            known = False
            prefix = known_prefix(path)
            folder = prefix if prefix.endswith("/") else posixpath.dirname(prefix)
            scope, place, undoable = self._classify(posixpath.join(folder, "some-name"))
            lies = place_of("".join("x" if opaque(each) else each for each in path))
            judged = (scope, lies if not place and lies in _TELLING else place, undoable)
        elif GLOB in path:
            judged = self._pattern(path)
        else:
            judged = self._classify(path)
        scope, place, undoable = judged
        return Target(shown(path), scope, place, undoable, known)

    def _pattern(self, path: str) -> tuple[Scope, str, bool]:
        """The worst of what a pattern can match."""
        folder, name = posixpath.split(path)
        if GLOB not in folder and name in (GLOB + "*", "." + GLOB + "*", "." + GLOB + "[^.]" + GLOB + "*"):
            return self._classify(folder)
        pattern = Pattern(path, path=True)
        for important in (self._home, *self._roots, "/etc", "/usr", "/home", "/var", "/boot", "/bin", "/etc/passwd"):
            if pattern.matches(important):
                return self._classify(important)
        if posixpath.dirname(path[: path.index(GLOB)]) == "/" and GLOB in folder:
            return "system", place_of(path.replace(GLOB, "").replace("*", "x")), False
        literal = path[: path.index(GLOB)]
        rest = path[path.index(GLOB) :].replace(GLOB, "").replace("*", "x")
        return self._classify(posixpath.join(posixpath.dirname(literal + "x"), posixpath.basename(literal) + rest))

    def _classify(self, path: str) -> tuple[Scope, str, bool]:
        if path in _SINKS or path.startswith(("/dev/fd/", "/dev/pts/", "/proc/self/fd/", "/dev/shm/")):
            return "device" if path.startswith("/dev/shm/") else "temp", "sink", False
        if path.startswith(("/dev/tcp/", "/dev/udp/")):
            return "network", "", False
        if path.startswith("/dev/"):
            return "device", "", False
        versioned = self._versioned(path)
        if versioned is not None:
            return "project", versioned or place_of("." + path), True
        for root in self._roots:
            if path == root or (root.startswith(path.rstrip("/") + "/") and path.startswith(self._home)):
                return "project" if path == root else "home", "root", False
            if path.startswith(root + "/"):
                return "project", place_of("." + path[len(root) :]), False
        return *self._outside(path), False

    def _versioned(self, path: str) -> str | None:
        """None outside any project of the mount; "root" for one's root, else ""."""
        if not self._mount or not path.startswith(self._mount + "/"):
            return None
        parts = path[len(self._mount) + 1 :].split("/")
        if len(parts) < 2 or parts[1] != "current":
            return None
        return "root" if len(parts) == 2 else ""

    def _outside(self, path: str) -> tuple[Scope, str]:
        if path == "/" or self._home.startswith(path + "/"):
            return "system", "root"
        if path == self._home:
            return "home", "root"
        below = on_drive(path)
        if below is not None:
            return _on_windows(path, below)
        if path.startswith(self._home + "/"):
            return "home", place_of(path)
        if path.startswith(("/tmp/", "/var/tmp/", "/private/tmp/", "/var/folders/")) or path in ("/tmp", "/var/tmp"):
            return "temp", "top" if path in ("/tmp", "/var/tmp") else _in_temp(path)
        first = path.split("/", 2)[1]
        if first in _SYSTEM:
            top = path.count("/") == 1 or path in ("/usr/bin", "/usr/lib", "/var/lib", "/usr/local", "/var/log")
            place = place_of(path)
            return "system", place if place and place != "program" else "top" if top else place
        if path.count("/") == 1 and first in _PERSONAL_SYSTEM:
            return "system", "top"
        if path.startswith(("/home/", "/Users/")) and path.count("/") == 2:
            return "elsewhere", "root"
        return "elsewhere", place_of(path)

    def _in_roots(self, path: str) -> bool:
        if self._mount and path.startswith(self._mount + "/"):
            return True
        return any(path == root or path.startswith(root + "/") for root in self._roots)

    def _may_be_project(self, path: str) -> bool:
        scope, place = self._outside(path)
        return place not in ("root", "top", "secret") and scope in ("home", "elsewhere", "temp")


def _on_windows(path: str, below: str) -> tuple[Scope, str]:
    """What lies on a drive of Windows."""
    if below == "/":
        return "system", "root"
    if of_windows(below) or below.lower() == "/users":
        top = below.count("/") == 1 or below.lower() == "/windows/system32"
        return "system", place_of(path) or ("top" if top else "")
    if below.lower().startswith("/users/"):
        return ("elsewhere", "root") if below.count("/") == 2 else ("home", place_of(path))
    return "elsewhere", place_of(path)


def _in_temp(path: str) -> str:
    """Among temporary files only secrets matter, and what the kernel runs wherever control groups are mounted."""
    place = place_of(path)
    return place if place == "secret" or path.endswith("/release_agent") else ""

"""Where a path leads and what lies there: its scope, its place, whether it can be undone. Pure: looks at no disk.

Paths may hold unknown parts and patterns (see shell.text). `PLACES` says what the words for places mean.
"""

import posixpath
import re
from typing import NamedTuple

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Scope
from lighthoused.gate.shell.patterns import Pattern
from lighthoused.gate.shell.text import GLOB, UNKNOWN, known_prefix, opaque, shown

PLACES: dict[str, str] = {
    "root": "All of its scope: the whole project, home or filesystem, or a directory that contains it.",
    "top": "A directory that the system or all users need, such as /etc or /home.",
    "vcs": "The history of a version control system.",
    "secret": "Keys, tokens, passwords.",
    "startup": "Runs when somebody logs in, the machine starts or a version control system acts.",
    "account": "Says who exists and what they may do.",
    "log": "Records of what happened.",
    "history": "What somebody typed.",
    "cache": "Only makes things faster; filled again by use.",
    "generated": "Can be made again by a build or an install.",
    "program": "Programs and libraries of the system.",
    "sink": "Takes what is written and keeps nothing.",
}


class Target(NamedTuple):
    """`path` is for people and policies; `known` False where only a part of it is known."""

    path: str
    scope: Scope
    place: str = ""
    undoable: bool = False
    known: bool = True


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
_PLACES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (place, re.compile(pattern))
    for place, pattern in (
        ("vcs", r"/\.(git|hg|svn|jj)(/(?!hooks/)|$)"),
        (
            "account",
            r"^/etc/(passwd|shadow|gshadow|group|sudoers|security/|pam\.d|pam\.conf|doas\.conf|ssh/sshd_config"
            r"|login\.defs|master\.passwd|polkit-1|nsswitch\.conf)",
        ),
        (
            "secret",
            r"/\.(ssh|gnupg|aws|azure|kube|docker/config\.json|netrc|npmrc|pypirc|pgpass|my\.cnf|git-credentials"
            r"|vault-token|password-store|config/(gcloud|gh/hosts|op|rclone|sops)|local/share/keyrings|mozilla"
            r"|config/(google-chrome|chromium|BraveSoftware)|cargo/credentials|terraform\.d/credentials)(/|\b|$)"
            r"|/\.env(\.(?!example|sample|template|dist)[\w.-]+)?$|/id_(rsa|dsa|ecdsa|ed25519)$"
            r"|/(credentials|secrets?)(\.(json|ya?ml|toml|ini|env))?$"
            r"|\.(pem|p12|pfx|keystore|jks|kdbx)$|/(private|server|tls)[\w.-]*\.key$"
            r"|^/etc/ssl/private|^/etc/ssh/ssh_host_\w+key$|^/proc/[^/]+/(environ|mem)$|^/run/secrets",
        ),
        ("history", r"/\.(bash|zsh|sh|python|mysql|psql|node_repl|lesshst|sqlite)_?history$|/fish_history$"),
        (
            "startup",
            r"/\.(bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|zshrc|zshenv|zprofile|zlogin"
            r"|xinitrc|xprofile|xsession|tmux\.conf|vimrc|inputrc|config/(fish/|autostart/|systemd/))"
            r"|/\.git/hooks/|^/etc/(profile|bash\.bashrc|zsh|rc\.|rc\d|init|cron|anacrontab|at\.|systemd|ld\.so"
            r"|modules|environment|xdg/autostart|update-motd|periodic|skel|motd|NetworkManager/dispatcher)"
            r"|^/var/(spool/(cron|at)|at/tabs)|/Library/Launch(Agents|Daemons)|^(/usr)?/lib/systemd"
            r"|/site-packages/(sitecustomize|usercustomize)|\.pth$",
        ),
        ("log", r"^/var/(log|audit|spool/mail|mail)(/|$)|^/private/var/(log|audit)(/|$)"),
        ("program", r"^/(usr/|usr/local/)?(s?bin|lib(32|64|x32)?|libexec)(/|$)|^/opt/homebrew|^/boot(/|$)"),
        (
            "cache",
            r"/(node_modules|__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.cache|\.parcel-cache|_cacache)(/|$)",
        ),
        (
            "generated",
            r"/(node_modules|__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.tox|\.nox|\.venv|venv"
            r"|dist|build|target|out|output|bin|obj|coverage|htmlcov|\.next|\.nuxt|\.cache|\.parcel-cache"
            r"|\.gradle|\.eggs|[\w.-]+\.egg-info|_build|_site|site|tmp|temp|\.tmp|logs?|cmake-build-[\w-]+"
            r"|\.terraform|\.turbo|\.svelte-kit|\.hypothesis|generated|artifacts?|test-results|\.coverage"
            r"|build[-_][\w.-]+|[\w-]+[-_]build|testdata/out|playwright-report|bazel-[\w-]+|\.bloop|\.metals)"
            r"(/|$)|\.(o|pyc|pyo|class|log|tmp|bak|swp|orig|obj|a|so|tsbuildinfo|lcov|prof|profraw|gcda|gcno)$"
            r"|/\.DS_Store$|~$|/\.coverage",
        ),
    )
)


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
        path = posixpath.normpath(posixpath.join(cwd, text)) if text else cwd
        return path[1:] if path.startswith("//") else path

    def _resolve(self, text: str, cwd: str) -> Target:
        path = self.absolute(text, cwd)
        if not path.startswith("/"):
            return Target(shown(path), "unknown", known=False)
        known = True
        if opaque(path):
            known = False
            prefix = known_prefix(path)
            folder = prefix if prefix.endswith("/") else posixpath.dirname(prefix)
            judged = self._classify(posixpath.join(folder, "some-name"))
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
            return "system", _place(path.replace(GLOB, "").replace("*", "x")), False
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
            return "project", versioned or _place(path), True
        for root in self._roots:
            if path == root or (root.startswith(path.rstrip("/") + "/") and path.startswith(self._home)):
                return "project" if path == root else "home", "root", False
            if path.startswith(root + "/"):
                return "project", _place(path[len(root) :]), False
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
        if path.startswith(self._home + "/"):
            return "home", _place(path)
        if path.startswith(("/tmp/", "/var/tmp/", "/private/tmp/", "/var/folders/")) or path in ("/tmp", "/var/tmp"):
            return "temp", "top" if path in ("/tmp", "/var/tmp") else _secret_only(_place(path))
        first = path.split("/", 2)[1]
        if first in _SYSTEM:
            top = path.count("/") == 1 or path in ("/usr/bin", "/usr/lib", "/var/lib", "/usr/local", "/var/log")
            place = _place(path)
            return "system", place if place and place != "program" else "top" if top else place
        if path.count("/") == 1 and first in _PERSONAL_SYSTEM:
            return "system", "top"
        if path.startswith(("/home/", "/Users/")) and path.count("/") == 2:
            return "elsewhere", "root"
        return "elsewhere", _place(path)

    def _in_roots(self, path: str) -> bool:
        if self._mount and path.startswith(self._mount + "/"):
            return True
        return any(path == root or path.startswith(root + "/") for root in self._roots)

    def _may_be_project(self, path: str) -> bool:
        scope, place = self._outside(path)
        return place not in ("root", "top", "secret") and scope in ("home", "elsewhere", "temp")


def _place(path: str) -> str:
    for place, pattern in _PLACES:
        if pattern.search(path):
            return place
    return ""


def _secret_only(place: str) -> str:
    return place if place == "secret" else ""

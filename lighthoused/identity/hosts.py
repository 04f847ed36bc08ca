"""Which program runs a hook: what is registered as an agent when its first hook reports.

Looks at /proc only; must not know agents. A hook that somebody runs by hand has no host: a shell is nobody's agent.
"""

from lighthoused.identity.processes import process, user_of

MAX_STEPS = 8
MAX_COMMAND = 64 * 1024
HOOK = (b"/lighthoused/cli/hook.py", b"lighthousectl\0hook", b"lighthousectl hook", b"\0ctl\0hook", b" ctl hook ")
"""What the command line of a hook holds, and that of the shell that was started for it."""
OWN_WORDS = 4
"""Of a command line, in which a program of ours is named: those after them are what it is asked."""
CONTROL = (b"lighthousectl\0", b"lighthoused.cli.launch\0", b"lighthoused\0ctl\0")
"""What the command line of `lighthousectl` holds."""
SHELLS = frozenset(b"sh bash dash zsh fish ksh mksh csh tcsh nu pwsh".split())
PERSONS = SHELLS | frozenset(b"login su sudo sshd tmux screen systemd init script".split())
"""Names of programs that a person works in: never an agent's."""


def host_of(pid: int) -> int:
    """The nearest ancestor of a hook's process that belongs to no hook, 0 where that is not an agent's program."""
    user = user_of(pid)
    for _ in range(MAX_STEPS):
        found = process(pid)
        if found is None or pid <= 1 or user_of(pid) != user:
            return 0
        if not any(mark in _read(pid, "cmdline") for mark in HOOK):
            return 0 if _name(pid) in PERSONS else pid
        pid = found.parent
    return 0


def is_ours(pid: int) -> bool:
    """Whether a process is a hook or the command line of ours."""
    first = b"\0".join(_read(pid, "cmdline").split(b"\0")[:OWN_WORDS]) + b"\0"
    return any(mark in first for mark in (*HOOK, *CONTROL))


def is_shell(pid: int) -> bool:
    """Whether a process is a shell: a person's, or one that a program started."""
    return _name(pid).lstrip(b"-") in SHELLS


def _name(pid: int) -> bytes:
    return _read(pid, "comm").strip().partition(b":")[0]


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
            return file.read(MAX_COMMAND)
    except OSError:
        return b""

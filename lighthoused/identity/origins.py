"""From which tree of processes a request came, so that whoever asked does not answer themselves.

The tree's root is the program that ran what asked: the nearest ancestor that is neither ours nor a shell. A shell that
leads a terminal is a person's and is the root itself, unless a program in another terminal made that terminal. Looks at
/proc only. It is no proof against a program of the same user that means to deceive: that one can leave its tree.
"""

from lighthoused.core.origin import NOWHERE, Origin
from lighthoused.identity.hosts import is_ours, is_shell
from lighthoused.identity.processes import Process, process, user_of

MAX_STEPS = 64


def origin_of(pid: int) -> Origin:
    """The root of the tree that a process asks from."""
    user = user_of(pid)
    found = process(pid)
    if found is None:
        return NOWHERE
    for _ in range(MAX_STEPS):
        parent = process(found.parent) if found.parent > 1 else None
        if parent is None or user_of(found.parent) != user or not _is_passed(pid, found, parent):
            break
        pid, found = found.parent, parent
    return Origin(pid, found.started)


def descends(pid: int, origin: Origin) -> bool:
    """Whether a process is the root of a tree or below it."""
    if origin == NOWHERE:
        return False
    for _ in range(MAX_STEPS):
        found = process(pid)
        if found is None:
            return False
        if (pid, found.started) == origin:
            return True
        pid = found.parent
    return True


def _is_passed(pid: int, found: Process, parent: Process) -> bool:
    """Whether the root is to be looked for above a process."""
    if is_ours(pid):
        return True
    leads_terminal = found.terminal != 0 and found.session == pid
    return is_shell(pid) and (not leads_terminal or parent.terminal not in (0, found.terminal))

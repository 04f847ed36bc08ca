"""Running a command so that all that comes of it stays below one process, the keeper.

The keeper is forked off before the command starts. A process whose parent has ended becomes the keeper's child, not
init's (PR_SET_CHILD_SUBREAPER, prctl(2)), and the keeper stays until the last one has ended: whom it is registered as,
they all act as. The process that was asked to run the command ends with the command. Must not know agents.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable

PR_SET_CHILD_SUBREAPER = 36
FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT)
"""The terminal sends these to the command too, which decides what they mean."""


def keep(start: Callable[[], subprocess.Popen[bytes]]) -> int:
    """Start a command in a keeper; the exit code a shell would give it. Returns in both processes."""
    early: list[int] = []
    _take(FORWARDED, early.append)
    _take(FROM_TERMINAL, lambda number: None)
    ended, ending = os.pipe()
    keeper = os.fork()
    if keeper:
        os.close(ending)
        _forward(keeper, early)
        code = os.read(ended, 1)
        return code[0] if code else _exit_code(os.waitpid(keeper, 0)[1])
    os.close(ended)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = start()
    _forward(child.pid, early)
    child.returncode = _reap(child.pid)
    if _has_children():
        os.write(ending, bytes([child.returncode]))
        _let_go()
        _reap(0)
    return child.returncode


def _take(numbers: tuple[signal.Signals, ...], act: Callable[[int], None]) -> None:
    """Act on signals, but for ignored ones: exec resets a handler, not an ignore."""
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, frame: act(number))


def _forward(pid: int, early: list[int]) -> None:
    def send(number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    _take(FORWARDED, send)
    for number in early:
        send(number)


def _reap(pid: int) -> int:
    """Reap children until this one ends, or until there are none; its exit code, or 0."""
    with contextlib.suppress(ChildProcessError):
        while True:
            ended, status = os.waitpid(-1, 0)
            if ended == pid:
                return _exit_code(status)
    return 0


def _has_children() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _let_go() -> None:
    """Hold nothing that others wait for: the streams, the directory, the terminal."""
    for number in (*FORWARDED, *FROM_TERMINAL):
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.chdir("/")


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code

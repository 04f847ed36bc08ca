"""Redirections: what they read and write, and where the output of a command goes. Must not know what commands do."""

import re
from collections.abc import Callable
from typing import NamedTuple

from lighthoused.gate.findings import Findings
from lighthoused.gate.shell import ast
from lighthoused.gate.shell.expand import Expander
from lighthoused.gate.shell.state import Input, State
from lighthoused.gate.shell.text import ENDLESS, FETCHED, SECRET, UNKNOWN, ended


class Started(NamedTuple):
    """What holds while the command runs. `stdin` None: unchanged. `files`: paths that take its output."""

    stdin: Input | None = None
    files: tuple[tuple[str, bool], ...] = ()
    taken: bool = False
    descriptors: tuple[tuple[str, Input], ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()


class Redirects:
    """Applies redirections, noting their effects."""

    def __init__(self, findings: Findings, expander: Expander, feed: Callable[[str, str], bool]) -> None:
        """`feed` gives text to the command behind a path; whether there is one."""
        self._feed = feed
        self._findings = findings
        self._expander = expander

    def start(self, redirects: tuple[ast.Redirect, ...], state: State) -> Started:
        """Open what the redirections name."""
        if not redirects:
            return _NOTHING
        stdin: Input | None = None
        files: list[tuple[str, bool]] = []
        taken = False
        descriptors: list[tuple[str, Input]] = []
        outputs: list[tuple[str, str]] = []
        for redirect in redirects:
            text = self._expander.text(redirect.target, state)
            given = self._input(redirect.op, text, state)
            if given is not None and redirect.fd not in ("", "0"):
                descriptors.append((redirect.fd.strip("{}"), given))
            elif given is not None:
                stdin = given
            elif redirect.op == ">&" and text in state.outputs and redirect.fd in ("", "1"):
                taken = True
                files.append((state.outputs[text], True))
            elif not _duplicates(redirect.op, text):
                append = ">>" in redirect.op
                self._findings.path("append" if append else "write", text, state.cwd, note="A redirection writes it.")
                if redirect.fd in ("", "1") or redirect.op.startswith("&"):
                    taken = True
                    files.append((self._findings.targets.absolute(text, state.cwd), append))
                else:
                    outputs.append((redirect.fd.strip("{}"), self._findings.targets.absolute(text, state.cwd)))
        return Started(stdin, tuple(files), taken, tuple(descriptors), tuple(outputs))

    def _input(self, op: str, text: str, state: State) -> Input | None:
        """What a redirection gives to read; None where it gives nothing."""
        if op == "<<":
            return Input(text)
        if op == "<<<":
            return Input(text + "\n")
        if op == "<" and text.isdecimal() and text in state.descriptors and state.files.get(text) is None:
            return state.descriptors[text]
        if op in ("<", "<>"):
            return Input(self.contents(text, state))
        if op == "<&":
            return state.descriptors.get(text.rstrip("-"))
        return None

    def keep(self, started: Started, state: State) -> None:
        """The input that was opened is the state's from now on."""
        if started.stdin is not None:
            state.stdin = started.stdin
        if started.descriptors:
            state.descriptors = {**state.descriptors, **dict(started.descriptors)}
        if started.outputs:
            state.outputs = {**state.outputs, **dict(started.outputs)}

    def finish(self, started: Started, output: str, state: State) -> str:
        """What of the output remains, after the files took theirs."""
        for path, append in started.files:
            if output == "" and not append and started.stdin is None and path not in state.files:
                self._emptied(path)
            self.keep_output(path, output, append, state)
        return "" if started.taken else output

    def _emptied(self, path: str) -> None:
        """A file takes nothing: what was in it is lost. Of one's own work and of the system other rules speak."""
        if self._findings.targets.resolve(path, "/").scope in ("home", "elsewhere"):
            note, instead = "The file is emptied.", "Copy the file first."
            self._findings.path("delete", path, "/", note=note, instead=instead)

    def keep_output(self, path: str, output: str, append: bool, state: State) -> None:
        """A file takes output."""
        if ENDLESS in output:
            self._fill(path)
        if self._feed(path, ended(output)):
            return
        if not path.startswith("/dev/"):
            state.write(path, ended(output), append)

    def _fill(self, path: str) -> None:
        """Output that never ends goes to a file."""
        if self._findings.place.bounded or path in ("/dev/stdout", "/dev/stderr", "/dev/tty"):
            return
        if path.startswith("/dev/"):
            note = "It keeps a processor busy until somebody ends it."
            self._findings.add("exhaust", path, "process", certainty="possible", note=note)
        else:
            note, instead = "It writes until the disk is full.", "head -c says when it ends."
            self._findings.add("exhaust", path, "system", note=note, instead=instead)

    def contents(self, path: str, state: State) -> str:
        """What a file holds, as far as it is known; reading it is an effect."""
        absolute = self._findings.targets.absolute(path, state.cwd)
        if absolute in state.files:
            return state.files[absolute]
        if absolute in _SOURCES:
            return ENDLESS
        if absolute == "/dev/null":
            return ""
        descriptor = descriptor_of(absolute)
        if descriptor == "0":
            return state.stdin.all()
        if descriptor in state.descriptors:
            return state.descriptors[descriptor].all()
        target = self._findings.targets.resolve(path, state.cwd)
        self._findings.path("read", path, state.cwd)
        if target.scope == "network":
            return FETCHED
        return SECRET if target.place in ("secret", "history", "account") else UNKNOWN


def descriptor_of(path: str) -> str:
    """The number of the open file that a path such as /dev/fd/3 stands for; "" for any other path."""
    found = _DESCRIPTOR.fullmatch(path)
    return "" if found is None else found[1] or "0"


_NOTHING = Started()
_SOURCES = frozenset({"/dev/zero", "/dev/urandom", "/dev/random", "/dev/full"})
_DESCRIPTOR = re.compile(r"/dev/stdin|(?:/dev/fd|/proc/(?:self|\d+|thread-self)/fd)/(\d+)")


def _duplicates(op: str, text: str) -> bool:
    """``2>&1``, ``>&-``: no file is opened."""
    return op in (">&-", "<&-", "<&") or (op == ">&" and (text == "-" or text.rstrip("-").isdigit() or text == ""))

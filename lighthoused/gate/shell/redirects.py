"""Redirections: what they read and write, and where the output of a command goes. Must not know what commands do."""

from typing import NamedTuple

from lighthoused.gate.findings import Findings
from lighthoused.gate.shell import ast
from lighthoused.gate.shell.expand import Expander
from lighthoused.gate.shell.state import Input, State
from lighthoused.gate.shell.text import FETCHED, SECRET, UNKNOWN


class Started(NamedTuple):
    """What holds while the command runs. `stdin` None: unchanged. `files`: paths that take its output."""

    stdin: Input | None
    files: tuple[tuple[str, bool], ...]
    taken: bool


class Redirects:
    """Applies redirections, noting their effects."""

    def __init__(self, findings: Findings, expander: Expander) -> None:
        self._findings = findings
        self._expander = expander

    def start(self, redirects: tuple[ast.Redirect, ...], state: State) -> Started:
        """Open what the redirections name."""
        if not redirects:
            return Started(None, (), False)
        stdin: Input | None = None
        files: list[tuple[str, bool]] = []
        taken = False
        for redirect in redirects:
            text = self._expander.text(redirect.target, state)
            if redirect.op == "<<":
                stdin = Input(text)
            elif redirect.op == "<<<":
                stdin = Input(text + "\n")
            elif redirect.op == "<":
                stdin = Input(self.contents(text, state))
            elif not _duplicates(redirect.op, text):
                append = ">>" in redirect.op
                self._findings.path("append" if append else "write", text, state.cwd, note="A redirection writes it.")
                if redirect.fd in ("", "1") or redirect.op.startswith("&"):
                    taken = True
                    files.append((self._findings.targets.absolute(text, state.cwd), append))
        return Started(stdin, tuple(files), taken)

    def finish(self, started: Started, output: str, state: State) -> str:
        """What of the output remains, after the files took theirs."""
        for path, append in started.files:
            if not path.startswith("/dev/"):
                state.write(path, output, append)
        return "" if started.taken else output

    def contents(self, path: str, state: State) -> str:
        """What a file holds, as far as it is known; reading it is an effect."""
        absolute = self._findings.targets.absolute(path, state.cwd)
        if absolute in state.files:
            return state.files[absolute]
        if absolute in ("/dev/null", "/dev/zero"):
            return ""
        if absolute in ("/dev/stdin", "/dev/fd/0"):
            return state.stdin.all()
        target = self._findings.targets.resolve(path, state.cwd)
        self._findings.path("read", path, state.cwd)
        if target.scope == "network":
            return FETCHED
        return SECRET if target.place in ("secret", "history") or absolute.endswith("/shadow") else UNKNOWN


def _duplicates(op: str, text: str) -> bool:
    """``2>&1``, ``>&-``: no file is opened."""
    return op in (">&-", "<&-", "<&") or (op == ">&" and (text == "-" or text.rstrip("-").isdigit() or text == ""))

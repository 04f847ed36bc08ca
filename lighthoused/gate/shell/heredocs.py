"""Takes here-documents out of shell source before it is parsed; the parser at hand misreads what may follow them.

Each becomes a here-string with a number between text.HEREDOC marks.
"""

import re
from typing import NamedTuple

from lighthoused.gate.shell.text import HEREDOC

_START = re.compile(r"<<(-?)[ \t]*((?:'[^'\n]*'|\"[^\"\n]*\"|\\.|[^\s|&;()<>'\"\\])+)")
_QUOTING = re.compile(r"['\"\\]")
_INTERESTING = re.compile(r"['\"\\\n#`()]|<<-?|\$'")
MAX_HEREDOCS = 256


class Document(NamedTuple):
    """`quoted`: taken as it is, nothing in it is expanded."""

    text: str
    quoted: bool


class _Pending(NamedTuple):
    delimiter: str
    quoted: bool
    strip: bool


def extract(source: str) -> tuple[str, list[Document]]:
    """The source without here-documents, and these. What follows one that does not end is read as commands."""
    scan = _Scan(source)
    scan.run()
    scan.documents.extend(Document("", True) for _ in scan.pending)
    return "".join(scan.out), scan.documents


class _Scan:
    """One pass over the source. `nesting` holds what is open: ``"``, ``(``, or ``((`` for arithmetic."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.out: list[str] = []
        self.documents: list[Document] = []
        self.nesting: list[str] = []
        self.pending: list[_Pending] = []
        self.at = 0

    def run(self) -> None:
        source = self.source
        while found := _INTERESTING.search(source, self.at):
            self._copy(found.start())
            self._token(found[0])
        self._copy(len(source))

    def _copy(self, end: int) -> None:
        self.out.append(self.source[self.at : end])
        self.at = end

    def _token(self, token: str) -> None:
        in_double = bool(self.nesting) and self.nesting[-1] == '"'
        if token == "\\":
            self._copy(self.at + 2)
        elif token == "\n":
            self._copy(self.at + 1)
            if self.pending:
                self._bodies()
        elif token == '"':
            self._toggle('"')
        elif token == "(":
            self._open_parenthesis(in_double)
        elif in_double or token == "`":
            self._copy(self.at + 1)
        else:
            self._unquoted(token)

    def _unquoted(self, token: str) -> None:
        if token == "'":
            self._skip_past("'", self.at + 1)
        elif token == "$'":
            found = re.compile(r"(?:\\.|[^'\\])*'", re.DOTALL).match(self.source, self.at + 2)
            self._copy(found.end() if found else len(self.source))
        elif token == "#":
            self._comment()
        elif token == ")":
            if self.nesting:
                self.nesting.pop()
            self._copy(self.at + 1)
        else:
            self._start()

    def _toggle(self, quote: str) -> None:
        if self.nesting and self.nesting[-1] == quote:
            self.nesting.pop()
        else:
            self.nesting.append(quote)
        self._copy(self.at + 1)

    def _open_parenthesis(self, in_double: bool) -> None:
        if not in_double or self.source[self.at - 1 : self.at] == "$":
            arithmetic = self.source.startswith("((", self.at)
            self.nesting.extend(("((", "((") if arithmetic else ("(",))
            self._copy(self.at + 1 + arithmetic)
        else:
            self._copy(self.at + 1)

    def _skip_past(self, text: str, start: int) -> None:
        end = self.source.find(text, start)
        self._copy(len(self.source) if end < 0 else end + len(text))

    def _comment(self) -> None:
        before = self.source[self.at - 1 : self.at]
        if before in ("", " ", "\t", "\n", ";", "&", "|", "("):
            end = self.source.find("\n", self.at)
            self._copy(len(self.source) if end < 0 else end)
        else:
            self._copy(self.at + 1)

    def _start(self) -> None:
        found = _START.match(self.source, self.at)
        here_string = self.source.startswith("<<<", self.at) or "((" in self.nesting[-1:]
        if (
            here_string
            or found is None
            or found[2].isdigit()
            or len(self.documents) + len(self.pending) >= MAX_HEREDOCS
        ):
            self._copy(self.at + (3 if here_string else 2))
            return
        pending = _Pending(_QUOTING.sub("", found[2]), bool(_QUOTING.search(found[2])), found[1] == "-")
        self.out.append(f"<<< {HEREDOC}{len(self.documents) + len(self.pending)}{HEREDOC}")
        self.pending.append(pending)
        self.at = found.end()

    def _find_end(self, pending: _Pending, newline: int) -> tuple[int, int] | None:
        """Where the line with the delimiter begins and ends, looking from the newline before the document."""
        if newline < 0:
            return None
        tabs = r"\t*" if pending.strip else ""
        line = re.compile(rf"^{tabs}{re.escape(pending.delimiter)}(?=\n|\)|$)", re.MULTILINE)
        found = line.search(self.source, newline + 1)
        return None if found is None else found.span()

    def _bodies(self) -> None:
        for pending in self.pending:
            start, stop = self._find_end(pending, self.at - 1) or (self.at, self.at)
            text = self.source[self.at : start]
            if pending.strip:
                text = re.sub(r"^\t+", "", text, flags=re.MULTILINE)
            self.documents.append(Document(text, pending.quoted))
            self.at = min(stop + 1, len(self.source)) if self.source[stop : stop + 1] == "\n" else stop
        self.pending.clear()

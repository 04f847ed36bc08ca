"""Reads shell source into the syntax tree of `ast`, by tree-sitter-bash: the only importer of tree_sitter in the gate.

Bounded in size, depth and number of nodes: over a bound, or where the parser gives up, it raises Unresolvable.
"""

import re

import tree_sitter
import tree_sitter_bash

from lighthoused.gate.shell import ast, heredocs, quoting
from lighthoused.gate.shell.bounds import Deadline, Unresolvable
from lighthoused.gate.shell.conversion import Conversion
from lighthoused.gate.shell.text import literal

MAX_SOURCE = 1 << 20
MAX_PARSED = 1 << 17
"""Bytes of one source without its here-documents."""
MAX_PARSED_IN_ALL = 1 << 18
SMALL = 1 << 9
"""Bytes that are parsed at one go. Rows of ``<``, ``>`` or ``|`` take the parser quadratic time: 1 ms for these."""
MAX_NODES = 60_000

_LANGUAGE = tree_sitter.Language(tree_sitter_bash.language())
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
"""The grammar's scanner calls isalpha() with any code point, which crashes the process; a dot is as little special."""


class Reader:
    """A parser with its bounds, for one analysis."""

    def __init__(self, deadline: Deadline) -> None:
        self._parser = tree_sitter.Parser(_LANGUAGE)
        self._parsed = 0
        self._deadline = deadline

    def read(self, source: str) -> ast.Command:
        """The command tree of a script. Raises Unresolvable."""
        if len(source) > MAX_SOURCE:
            raise Unresolvable(f"The command has more than {MAX_SOURCE} characters.")
        source = literal(source) if not source.isascii() or "\0" in source else source
        documents: list[heredocs.Document] = []
        if "<<" in source:
            source, documents = heredocs.extract(source)
        if "``" in source:
            source = quoting.parted(source)
        return Conversion(source + "\n", documents, self._tree).script()

    def _tree(self, source: bytes) -> tree_sitter.Node:
        self._parsed += len(source)
        if len(source) > MAX_PARSED or self._parsed > MAX_PARSED_IN_ALL:
            raise Unresolvable(f"The command has more than {MAX_PARSED} bytes to be understood.")
        tree = self._parse(source if source.isascii() else _NOT_ASCII.sub(b".", source))
        if tree.root_node.descendant_count > MAX_NODES:
            raise Unresolvable(f"The command has more than {MAX_NODES} parts.")
        return tree.root_node

    def _parse(self, source: bytes) -> tree_sitter.Tree:
        """The tree; the parser is stopped at the deadline."""
        if len(source) <= SMALL:
            return self._parser.parse(source)
        try:
            return self._parser.parse(
                lambda at, _point: source[at : at + 4096], progress_callback=lambda _at, _error: self._deadline.passed
            )
        except ValueError:
            self._parser.reset()
            self._deadline.check()
            raise Unresolvable("The command could not be parsed.") from None

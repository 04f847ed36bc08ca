"""Turns the parser's tree of one source into the syntax tree of `ast`, and what stands in that source likewise.

Each kind of command is for `simple_commands` or `compound_commands`, words are for `words`. Must not know how source is
parsed, or what commands do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from lighthoused.gate.shell import ast, compound_commands, heredocs, nodes, quoting, simple_commands
from lighthoused.gate.shell.bounds import Unresolvable
from lighthoused.gate.shell.words import Reading, Words

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_DEPTH = 120
_HARMLESS_ERROR = set("()<>;&|[]{}\n`'\" \t,.:")
_BACKTICKS = re.compile(r"(?<!\\)`((?:[^`\\]|\\.)*+)`", re.DOTALL)
"""The grammar takes them for text in here-documents."""


class Conversion:
    """One source that is converted. `tree` parses; `depth` is how deep this source stands in others."""

    def __init__(
        self, source: str, documents: list[heredocs.Document], tree: Callable[[bytes], Node], depth: int = 0
    ) -> None:
        self.source = source.encode("utf-8", "replace")
        self.documents = documents
        self._tree = tree
        self._depth = depth
        self.words = Words(self)

    def script(self) -> ast.Command:
        root = self._tree(self.source)
        made = self._with_trouble(root, self.sequence(root.children))
        if not (braces := nodes.brace_words(root, self.source)):
            return made
        for at in reversed(braces):
            self.source = self.source[:at] + b'""' + self.source[at:]
        root = self._tree(self.source)
        return ast.Branch((made, self._with_trouble(root, self.sequence(root.children))))

    def nested(self, source: str) -> ast.Command:
        """Source within this source, such as the inside of backticks."""
        if self._depth > 8:
            raise Unresolvable("Commands are nested too deeply.")
        return Conversion(source, self.documents, self._tree, self._depth + 1).script()

    def nested_word(self, source: str) -> ast.Word:
        """A word that stands in other source, such as the default in ``${name:-default}``."""
        reading = Conversion(source, self.documents, self._tree, self._depth + 1)
        if self._depth > 8:
            raise Unresolvable("Expansions are nested too deeply.")
        root = reading._tree(reading.source)
        return reading.words.of_text_node(root)

    def nested_document(self, number: int) -> ast.Word:
        """The text of a here-document that was taken out."""
        document = self.documents[number]
        if document.quoted or not any(mark in document.text for mark in "$`\\"):
            return ast.Word((ast.Lit(document.text),), True)
        text = _BACKTICKS.sub(lambda found: f"$({quoting.backtick(found[1])}\n)", document.text)
        reading = Conversion(f"cat <<LHEND\n{text}LHEND\n", self.documents, self._tree, self._depth + 1)
        found = nodes.first(reading._tree(reading.source), "heredoc_body")
        if found is None or self._depth > 8:
            raise Unresolvable("A here-document could not be read.")
        return reading.words.of_document(found, text)

    def text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def is_command(self, node: Node) -> bool:
        return node.type in _READ

    def command(self, node: Node) -> ast.Command:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unresolvable(f"The command is nested more than {MAX_DEPTH} levels deep.")
        read = _READ.get(node.type)
        made = ast.Trouble(self.text(node)) if read is None else read(self, node)
        self._depth -= 1
        return made

    def _with_trouble(self, node: Node, made: ast.Command) -> ast.Command:
        if not node.has_error:
            return made
        troubles = [text for text in map(self.text, nodes.errors(node)) if not set(text) <= _HARMLESS_ERROR]
        return ast.Sequence((made, *map(ast.Trouble, troubles)))

    def sequence(self, among: Iterable[Node]) -> ast.Command:
        """Statements among these nodes, in order; anything else is punctuation."""
        made = []
        for node in among:
            if node.type == "ERROR":
                made.append(self.sequence(node.children))
            elif nodes.is_part(node):
                made.append(self.command(node))
            elif node.type == "&" and made:
                made[-1] = ast.Sequence((made[-1],), background=True)
        return made[0] if len(made) == 1 else ast.Sequence(tuple(made))

    def printed(self, redirect: Node) -> ast.Command:
        """A lone redirection as ``cat`` with it."""
        made, words = simple_commands.redirect(self, redirect)
        return ast.Simple((), (ast.Word((ast.Lit("cat"),)), *words), (made,))


_READ: dict[str, Callable[[Reading, Node], ast.Command]] = {
    "command": simple_commands.simple,
    "declaration_command": simple_commands.declaration,
    "unset_command": simple_commands.declaration,
    "variable_assignment": simple_commands.assignments,
    "variable_assignments": simple_commands.assignments,
    "redirected_statement": simple_commands.redirected,
    "pipeline": compound_commands.pipeline,
    "list": compound_commands.and_or,
    "program": compound_commands.statements,
    "do_group": compound_commands.statements,
    "negated_command": compound_commands.statements,
    "compound_statement": compound_commands.group,
    "subshell": compound_commands.subshell,
    "if_statement": compound_commands.conditional,
    "case_statement": compound_commands.case,
    "while_statement": compound_commands.loop,
    "for_statement": compound_commands.for_each,
    "c_style_for_statement": compound_commands.counted,
    "function_definition": compound_commands.function,
    "test_command": compound_commands.test,
}

"""The kinds of the parser's nodes, and how to find them. Must not know the syntax tree of `ast`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

WORDS = frozenset(
    {"word", "number", "concatenation", "string", "raw_string", "ansi_c_string", "translated_string"}
    | {"brace_expression", "simple_expansion", "expansion", "command_substitution", "arithmetic_expansion"}
)
NO_WORD = frozenset({"ERROR", "comment", "subshell"})
REDIRECTIONS = frozenset({"file_redirect", "herestring_redirect", "heredoc_redirect"})
GROUPS = frozenset(
    {"compound_statement", "subshell", "if_statement", "for_statement", "while_statement", "case_statement"}
    | {"c_style_for_statement"}
)
"""What takes the redirections behind it as a whole."""
_NO_PART = frozenset({"comment", "heredoc_body", "heredoc_end", "file_descriptor"})
_TESTED = WORDS | {"regex", "extglob_pattern", "test_operator", "process_substitution"}
_BRACKETS = frozenset({"[[", "]]", "[", "]", "(", ")", "((", "))"})
_BRACE_WORD = re.compile(rb"\{(?!\\\n)[^\s;|&<>(]")


def is_part(node: Node) -> bool:
    """Whether a node is a part of the command it stands in; punctuation and comments are none."""
    return node.is_named and node.type not in _NO_PART


def operands(node: Node) -> Iterator[Node]:
    """The words and operators of a test, in order."""
    for child in node.children:
        if child.type in _TESTED or (child.child_count == 0 and child.type not in _BRACKETS):
            yield child
        else:
            yield from operands(child)


def first(root: Node, kind: str) -> Node | None:
    """A node of a kind: the root itself or one below it."""
    return next((node for node in _below([root]) if node.type == kind), None)


def brace_words(root: Node, source: bytes) -> list[int]:
    """Where a word begins with a brace (``{rm,x}`` as a command) which the grammar, like zsh, takes for a group's."""
    if not _BRACE_WORD.search(source):
        return []
    opened = (node.start_byte for node in _below(root.children) if node.type == "{")
    return sorted(at for at in opened if _BRACE_WORD.match(source, at))


def _below(roots: list[Node]) -> Iterator[Node]:
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children)


def errors(root: Node) -> Iterator[Node]:
    """The outermost nodes that the parser marked as errors."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type == "ERROR":
            yield node
        elif node.has_error:
            waiting.extend(node.children)

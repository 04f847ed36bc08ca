"""Reads words: tree-sitter nodes of quoted and unquoted text and expansions into `ast.Word`. Knows no commands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from lighthoused.gate.shell import ast, braces, quoting

if TYPE_CHECKING:
    from tree_sitter import Node

_BLANKS = re.compile(r"\s+")
"""Blanks between two expansions in quotes, which the grammar gives to the second."""
_PARAMETER = re.compile(
    r"\$\{(?P<length>#)?(?P<indirect>!)?(?P<name>[A-Za-z_]\w*|\d+|[@*#?$!\-])(?:\[(?P<index>[^\]]*)\])?"
    r"(?P<op>:[-=+?]|[-=+?]|##?|%%?|//?[#%]?|:|\^\^?|,,?|@)?(?P<rest>.*)\}\Z",
    re.DOTALL,
)

_PLAIN = re.compile(rb"[\w./:=@,%+-]+")
"""A word that stands for itself."""
_PARTED = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*|[0-9]")
_FUNCTION_SUBSTITUTION = re.compile(r"\$\{[\s|](.*)\}", re.DOTALL)


class Reading(Protocol):
    """One source that is read: its text, its words, and the commands inside it."""

    source: bytes
    words: Words

    def text(self, node: Node) -> str:
        """The source of a node."""

    def nested(self, source: str) -> ast.Command:
        """Other source within this one. Raises Unresolvable."""

    def nested_word(self, source: str) -> ast.Word:
        """A word that stands in other source. Raises Unresolvable."""

    def nested_document(self, number: int) -> ast.Word:
        """The text of a here-document that was taken out. Raises Unresolvable."""

    def is_command(self, node: Node) -> bool:
        """Whether a node is a command."""

    def command(self, node: Node) -> ast.Command:
        """A command. Raises Unresolvable."""

    def printed(self, node: Node) -> ast.Command:
        """A redirect that stands alone in a substitution, which prints the file."""

    def sequence(self, nodes: Iterable[Node]) -> ast.Command:
        """Statements among these nodes, in order."""


class Words:
    """The words of one source. `mentioned` collects the names of parameters, `tested` those asked for being set."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.mentioned: set[str] = set()
        self.tested: set[str] = set()

    def begin(self) -> None:
        """Another command begins: nothing is mentioned yet."""
        self.mentioned, self.tested = set(), set()

    def words(self, *nodes: Node, start: int = -1) -> list[ast.Word]:
        """The words that brace expansion makes of one; several nodes are its pieces."""
        first = nodes[0]
        if len(nodes) == 1 and start in (-1, first.start_byte) and first.type == "word":
            source = self._source(first)
            if _PLAIN.fullmatch(source):
                return [ast.Word((ast.Lit(self._bare_text(first), True),))]
        word = self.word(*nodes, start=start)
        if any(node.type in _MAY_EXPAND and b"{" in self._source(node) for node in nodes):
            return braces.expand(word)
        return [word]

    def word(self, *nodes: Node, start: int = -1) -> ast.Word:
        """The word of these nodes, which begins at `start` where escaped characters come before them."""
        begin, end = nodes[0].start_byte, nodes[-1].end_byte
        if self._reading.source[begin : begin + 1] == b"\n":
            parts = tuple(self._between(nodes[0].children, begin + 1, nodes[0].end_byte, quoting.bare))
            parts += tuple(self._between(list(nodes[1:]), nodes[0].end_byte, end, quoting.bare))
        elif len(nodes) == 1 and start in (-1, begin):
            parts = tuple(self._parts(nodes[0], False))
        else:
            parts = tuple(self._between(list(nodes), begin if start < 0 else start, end, quoting.bare))
        return ast.Word(parts, any(map(_quoted, nodes)))

    def of_document(self, node: Node, text: str) -> ast.Word:
        """The body of a here-document; it begins where the first line does, whatever the parser says."""
        source = self._reading.source
        start = source.index(b"\n") + 1
        parts = self._between(node.children, start, start + len(text.encode("utf-8", "replace")), quoting.heredoc)
        return ast.Word(tuple(parts), True)

    def of_text_node(self, root: Node) -> ast.Word:
        """Source that stands for one word: all of its literal text and expansions, blanks included."""
        parts = self._between(list(_leaves(root)), 0, len(self._reading.source), quoting.bare)
        return ast.Word(tuple(parts), True)

    def substitutions(self, node: Node) -> Iterator[ast.Part]:
        """Command substitutions anywhere below, not descending into loops and bodies."""
        waiting = list(node.children)
        while waiting:
            each = waiting.pop(0)
            if each.type in ("command_substitution", "process_substitution"):
                yield from self._parts(each, True)
            elif each.type not in ("do_group", "compound_statement"):
                waiting.extend(each.children)

    def _source(self, node: Node) -> bytes:
        return self._reading.source[node.start_byte : node.end_byte]

    def _parts(self, node: Node, quoted: bool) -> Iterator[ast.Part]:
        kind = node.type
        if kind in ("word", "number", "extglob_pattern", "regex", "special_variable_name", "variable_name"):
            yield from self._bare(node, quoted)
        elif kind == "string" or kind == "translated_string":
            inner = node if kind == "string" else node.children[-1]
            if inner.end_byte - inner.start_byte < 3:
                yield ast.Lit("")
            yield from self._between(
                inner.children[1:-1], inner.start_byte + 1, inner.end_byte - 1, quoting.double, True
            )
        elif kind == "raw_string":
            yield ast.Lit(self._reading.text(node)[1:-1])
        elif kind == "ansi_c_string":
            yield ast.Lit(quoting.ansi(self._reading.text(node)[2:-1]))
        elif kind in ("concatenation", "command_name", "arithmetic_expansion") or kind not in _EXPANSIONS:
            yield from self._compound(node, quoted)
        else:
            yield from _EXPANSIONS[kind](self, node, quoted)

    def _bare(self, node: Node, quoted: bool) -> Iterator[ast.Part]:
        """A plain word; some parsers' words hold expansions as children."""
        if node.child_count and any(child.is_named for child in node.children):
            yield from self._between(node.children, node.start_byte, node.end_byte, quoting.bare)
        else:
            yield ast.Lit(quoting.bare(self._bare_text(node)), not quoted)

    def _bare_text(self, node: Node) -> str:
        """The text of a node, without the name of a parameter that the grammar parts from its ``$`` after quotes."""
        source = self._reading.source
        parted = node.type in ("number", "word") and source[max(0, node.start_byte - 1) : node.start_byte] == b"$"
        found = _PARTED.match(source, node.start_byte) if parted else None
        return self._reading.text(node)[len(found[0]) if found else 0 :]

    def arithmetic(self, source: str) -> ast.Arith:
        """An arithmetic expression given by its source."""
        return ast.Arith((), self._expression(source))

    def _expression(self, inner: str) -> ast.Word:
        """Expansions in an expression are expanded before it is evaluated."""
        if "$" not in inner and "`" not in inner:
            return ast.Word((ast.Lit(inner),), True)
        found = self._reading.nested_word(f'"{inner}"' if '"' not in inner else inner)
        self.mentioned |= {part.name for part in found.parts if isinstance(part, ast.Param)}
        return found

    def _compound(self, node: Node, quoted: bool) -> Iterator[ast.Part]:
        parted = _PARTED.match(self._reading.source, node.end_byte) if node.type == "$" else None
        if parted:
            self.mentioned.add(parted[0].decode())
            yield ast.Param(parted[0].decode(), quoted)
        elif node.type == "arithmetic_expansion":
            source = self._reading.text(node)
            if source.startswith("$((") and source.endswith("))"):
                yield self.arithmetic(source[3:-2])
            else:
                yield ast.Arith(tuple(self.substitutions(node)), None)
        elif node.child_count == 0 or node.type in ("brace_expression", "array"):
            yield ast.Lit(quoting.bare(self._bare_text(node)), not quoted)
        else:
            yield from self._between(node.children, node.start_byte, node.end_byte, quoting.bare, quoted)

    def _between(
        self, nodes: list[Node], start: int, end: int, unquote: object, quoted: bool = False
    ) -> Iterator[ast.Part]:
        """The parts of these nodes, and the text between them, of which the parser tells nothing."""
        source = self._reading.source
        unquoted = unquote is quoting.bare and not quoted
        at = start
        for node in nodes:
            if node.start_byte > at:
                yield ast.Lit(unquote(source[at : node.start_byte].decode("utf-8", "replace")), unquoted)  # type: ignore[operator]
            if node.type in ("string_content", "heredoc_content") or (
                node.child_count == 0 and unquote is not quoting.bare
            ):
                yield ast.Lit(unquote(self._reading.text(node)))  # type: ignore[operator]
            else:
                if quoted and node.type in _EXPANSIONS and (blanks := _BLANKS.match(self._reading.text(node))):
                    yield ast.Lit(blanks[0])
                yield from self._parts(node, not unquoted)
            at = max(at, node.end_byte)
        if at < end:
            yield ast.Lit(unquote(source[at:end].decode("utf-8", "replace")), unquoted)  # type: ignore[operator]

    def _simple_expansion(self, node: Node, quoted: bool) -> Iterator[ast.Part]:
        name = self._reading.text(node).lstrip()[1:]
        rest = ""
        if name[:1].isdigit() and len(name) > 1:
            name, rest = name[0], name[1:]
        self.mentioned.add(name)
        yield ast.Param(name, quoted, simple=not quoted)
        if rest:
            yield ast.Lit(rest, not quoted)

    def _expansion(self, node: Node, quoted: bool) -> Iterator[ast.Part]:
        found = _PARAMETER.match(self._reading.text(node).lstrip())
        if found is None:
            yield self._unread(node, quoted)
            return
        self.mentioned.add(found["name"])
        if found["op"] in (":+", "+"):
            self.tested.add(found["name"])
        argument = self._reading.nested_word(found["rest"]) if found["op"] and found["rest"] else None
        yield ast.Param(
            found["name"],
            quoted,
            found["op"] or "",
            argument,
            found["index"] or "",
            bool(found["length"]),
            bool(found["indirect"]),
        )

    def _unread(self, node: Node, quoted: bool) -> ast.Part:
        """``${ command; }`` and ``${| command; }`` (bash 5.3, ksh); anything else is some text."""
        found = _FUNCTION_SUBSTITUTION.fullmatch(self._reading.text(node))
        return ast.Subst(self._reading.nested(found[1]), quoted) if found else ast.Param("", quoted)

    def _command_substitution(self, node: Node, quoted: bool) -> Iterator[ast.Part]:
        """``$(<file)`` is ``$(cat file)``."""
        source = self._reading.text(node)
        mentioned = self.mentioned
        if source.startswith("`"):
            body = self._reading.nested(quoting.backtick(source[1:-1], quoted))
        elif [child.type for child in node.children[1:-1]] == ["file_redirect"]:
            body = self._reading.printed(node.children[1])
        else:
            body = self._reading.sequence(node.children)
        self.mentioned = mentioned
        yield ast.Subst(body, quoted)

    def _process_substitution(self, node: Node, quoted: bool) -> Iterator[ast.Part]:
        mentioned = self.mentioned
        body = self._reading.sequence(node.children)
        self.mentioned = mentioned
        yield ast.Process(body, self._source(node).startswith(b"<"))


def _leaves(root: Node) -> Iterator[Node]:
    """The outermost expansions and strings below, in order."""
    for child in root.children:
        if child.type in _EXPANSIONS or child.type in ("string", "raw_string", "ansi_c_string"):
            yield child
        else:
            yield from _leaves(child)


def _quoted(node: Node) -> bool:
    if node.type == "concatenation":
        return any(_quoted(child) for child in node.children)
    return node.type in ("string", "raw_string", "ansi_c_string", "translated_string")


_MAY_EXPAND = frozenset({"concatenation", "brace_expression", "word"})
_EXPANSIONS = {
    "simple_expansion": Words._simple_expansion,
    "expansion": Words._expansion,
    "command_substitution": Words._command_substitution,
    "process_substitution": Words._process_substitution,
}

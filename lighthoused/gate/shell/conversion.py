"""Turns the parser's tree of commands into the syntax tree of `ast`, and mends what the grammar misreads.

Words are for `words`. Must not know how source is parsed, or what commands do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from lighthoused.gate.shell import ast, heredocs, quoting
from lighthoused.gate.shell.bounds import Unresolvable
from lighthoused.gate.shell.text import HEREDOC
from lighthoused.gate.shell.words import Words

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_DEPTH = 120
_HARMLESS_ERROR = set("()<>;&|[]{}\n`'\" \t,.:")


class Conversion:
    """One conversion."""

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
        if not _BRACE_WORD.search(self.source) or not (braces := _brace_words(root, self.source)):
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
        found = _first(reading._tree(reading.source), "heredoc_body")
        if found is None or self._depth > 8:
            raise Unresolvable("A here-document could not be read.")
        return reading.words.of_document(found, text)

    def text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    # --- commands -----------------------------------------------------------------------------------------------------

    def command(self, node: Node) -> ast.Command:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unresolvable(f"The command is nested more than {MAX_DEPTH} levels deep.")
        convert = _CONVERT.get(node.type)
        made = ast.Trouble(self.text(node)) if convert is None else convert(self, node)
        self._depth -= 1
        return made

    def _with_trouble(self, node: Node, made: ast.Command) -> ast.Command:
        if not node.has_error:
            return made
        troubles = [text for text in self._errors(node) if not set(text) <= _HARMLESS_ERROR]
        return ast.Sequence((made, *map(ast.Trouble, troubles)))

    def _errors(self, root: Node) -> Iterable[str]:
        """The source of the outermost nodes that the parser marked as errors."""
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if node.type == "ERROR":
                yield self.text(node)
            elif node.has_error:
                waiting.extend(node.children)

    def sequence(self, nodes: Iterable[Node]) -> ast.Command:
        """Statements among these nodes, in order; anything else is punctuation."""
        made = []
        for node in nodes:
            if node.type == "ERROR":
                made.append(self.sequence(node.children))
            elif node.is_named and node.type not in _NO_STATEMENT:
                made.append(self.command(node))
            elif node.type == "&" and made:
                made[-1] = ast.Sequence((made[-1],), background=True)
        return made[0] if len(made) == 1 else ast.Sequence(tuple(made))

    def _list(self, node: Node) -> ast.Command:
        """``&&`` and ``||``, from left to right."""
        operators = [child.type for child in node.children if not child.is_named]
        parts = [child for child in node.children if child.is_named and child.type not in _NO_STATEMENT]
        if operators == ["||"] and len(parts) == 2 and not node.has_error:
            return ast.Either(self.command(parts[0]), self.command(parts[1]))
        return self.sequence(node.children)

    def _compound(self, node: Node) -> ast.Command:
        if node.child_count and node.children[0].type == "((":
            return self._evaluation(node)
        return self.sequence(node.children)

    def _pipeline(self, node: Node) -> ast.Command:
        return ast.Pipeline(
            tuple(self.command(child) for child in node.children if child.is_named and child.type != "comment")
        )

    def _subshell(self, node: Node) -> ast.Command:
        return ast.Subshell(self.sequence(node.children))

    def _redirected(self, node: Node) -> ast.Command:
        """Redirections of a pipeline or list belong to its last command (a quirk of the grammar).

        ``> file <<< text`` arrives as ``>``, an error ``<<`` and ``<`` (another).
        """
        body: ast.Command = ast.EMPTY
        redirects = []
        words: list[ast.Word] = []
        split = grouped = False
        for child in node.children:
            if child.type in ("file_redirect", "herestring_redirect", "heredoc_redirect"):
                made, more = self._redirect(child, split)
                redirects.append(made)
                words.extend(more)
                split = False
            elif child.type == "ERROR" and self.text(child).strip() == "<<":
                split = True
            elif child.is_named and child.type not in _NO_STATEMENT:
                body = self.command(child)
                grouped = child.type in _GROUPS
        if grouped and not words:
            return ast.Redirected(body, tuple(redirects))
        return _redirect_last(body, tuple(redirects), tuple(words))

    def _redirect(self, node: Node, split: bool = False) -> tuple[ast.Redirect, list[ast.Word]]:
        """A redirection, and words after it that the grammar took in but which belong to the command."""
        fd, op = "", "<<<" if split else ""
        words = []
        for child in node.children:
            if child.type == "file_descriptor":
                fd = self.text(child)
            elif not child.is_named:
                op = op or self.text(child)
            elif child.type != "ERROR":
                words.append(self.words.word(child))
            elif self.text(child) == "<<":
                op = "<<<"
        target = words[0] if words else ast.Word(())
        marked = target.parts[0] if target.parts else None
        if op == "<<<" and isinstance(marked, ast.Lit) and marked.text[:1] == HEREDOC:
            target = self.nested_document(int(marked.text.split(HEREDOC)[1]))
            op = "<<"
        return ast.Redirect(op, target, fd), words[1:]

    def printed(self, redirect: Node) -> ast.Command:
        """A lone redirection as ``cat`` with it."""
        made, words = self._redirect(redirect)
        return ast.Simple((), (ast.Word((ast.Lit("cat"),)), *words), (made,))

    def _simple(self, node: Node) -> ast.Command:
        """A command; several where the grammar took a newline for a blank (before a backslash, after assignments)."""
        commands = [self._one(children) for children in self._lines(node.children)]
        commands.extend(self.command(child) for child in node.children if child.type == "subshell")
        return commands[0] if len(commands) == 1 else ast.Sequence(tuple(commands))

    def _one(self, children: list[Node]) -> ast.Command:
        self.words.mentioned, self.words.tested = set(), set()
        assigns: list[ast.Assign] = []
        words: list[ast.Word] = []
        redirects: list[ast.Redirect] = []
        for start, nodes in self._adjacent(children):
            kind = nodes[0].type
            if kind == "variable_assignment":
                assigns.append(self._assign(nodes[0]))
            elif kind in ("file_redirect", "herestring_redirect", "heredoc_redirect"):
                made, more = self._redirect(nodes[0])
                redirects.append(made)
                words.extend(more)
            else:
                words.extend(self.words.words(*nodes, start=start))
        return self._made(assigns, words, redirects)

    def _made(
        self, assigns: Iterable[ast.Assign], words: Iterable[ast.Word], redirects: Iterable[ast.Redirect] = ()
    ) -> ast.Simple:
        names, tested = frozenset(self.words.mentioned), frozenset(self.words.tested)
        return ast.Simple(tuple(assigns), tuple(words), tuple(redirects), names, (), tested)

    def _lines(self, children: list[Node]) -> list[list[Node]]:
        """The children on one line each."""
        if not children or b"\n" not in self.source[children[0].start_byte : children[-1].end_byte]:
            return [children]
        made: list[list[Node]] = [[]]
        end = children[0].start_byte
        for child in children:
            begins = self.source[child.start_byte : child.start_byte + 1] == b"\n"
            if made[-1] and (begins or b"\n" in self.source[end : child.start_byte].replace(b"\\\n", b"")):
                made.append([])
            made[-1].append(child)
            end = child.end_byte
        return made

    def _adjacent(self, children: list[Node]) -> list[tuple[int, list[Node]]]:
        """The words of a command with where they begin; their pieces together, which escaped blanks part."""
        made: list[tuple[int, list[Node]]] = []
        end = children[0].start_byte if children else 0
        before = ""
        for child in children:
            node = child.children[0] if child.type == "command_name" and child.child_count else child
            kind = node.type
            if kind in _NO_WORD or (kind == "$" and node.child_count == 0 and node.next_sibling):
                continue
            start = node.start_byte
            gap = self.source[end:start]
            if gap != b" " and kind in _WORDS:
                start -= len(_ESCAPED.search(gap)[0])  # type: ignore[index]
                if start == end and before in _WORDS:
                    made[-1][1].append(node)
                    end = node.end_byte
                    continue
            made.append((start, [node]))
            before, end = kind, node.end_byte
        return made

    def _declaration(self, node: Node) -> ast.Command:
        """``export a=1``, ``unset x``: a command whose assignments are arguments."""
        first, *others = self._lines(node.children)
        self.words.mentioned, self.words.tested = set(), set()
        words = [ast.Word((ast.Lit(first[0].type),))] if first else []
        assigns = []
        for child in first[1:]:
            if child.type == "variable_assignment":
                assigns.append(self._assign(child))
            elif child.type == "variable_name":
                words.append(ast.Word((ast.Lit(self.text(child)),)))
            elif child.type != "ERROR":
                words.extend(self.words.words(child))
        made = self._made(assigns, words)
        return ast.Sequence((made, *map(self._one, others))) if others else made

    def _assignments(self, node: Node) -> ast.Command:
        """``a=1 b=2`` without a command."""
        self.words.mentioned, self.words.tested = set(), set()
        children = node.children if node.type == "variable_assignments" else [node]
        return self._made([self._assign(child) for child in children if child.type == "variable_assignment"], ())

    def _assign(self, node: Node) -> ast.Assign:
        name, index, append = "", "", False
        value: ast.Word | tuple[ast.Word, ...] = ast.Word((), True)
        pieces: list[Node] = []
        for child in node.children:
            if child.type == "variable_name":
                name = self.text(child)
            elif child.type == "subscript":
                name, _, rest = self.text(child).partition("[")
                index = rest.rstrip("]")
            elif child.type in ("=", "+="):
                append = child.type == "+="
            elif child.type == "array":
                value = tuple(word for each in child.children if each.is_named for word in self.words.words(each))
            elif child.type != "ERROR":
                pieces.append(child)
        if pieces:
            value = self.words.word(*pieces)
        return ast.Assign(name, value, append, index)

    def _if(self, node: Node) -> ast.Command:
        """Conditions run; any of the bodies may."""
        condition: list[Node] = []
        then: list[Node] = []
        others: list[ast.Command] = []
        into = condition
        for child in node.children:
            if child.type == "then":
                into = then
            elif child.type == "elif_clause":
                others.append(self._if(child))
            elif child.type == "else_clause":
                others.append(self.sequence(child.children))
            else:
                into.append(child)
        bodies = (self.sequence(then), *(others or [ast.EMPTY]))
        return ast.Sequence((self.sequence(condition), ast.Branch(bodies)))

    def _case(self, node: Node) -> ast.Command:
        bodies = []
        extra: list[ast.Part] = []
        for child in node.children:
            if child.type == "case_item":
                extra.extend(self.words.substitutions(child) if b"$(" in self.source else ())
                bodies.append(self.sequence([each for each in child.children if each.type in _CONVERT]))
            elif child.is_named:
                extra.extend(self.words.word(child).parts)
        subject = ast.Simple((), (), (), frozenset(), tuple(extra))
        return ast.Sequence((subject, ast.Branch((*bodies, ast.EMPTY))))

    def _while(self, node: Node) -> ast.Command:
        body = next((child for child in node.children if child.type == "do_group"), None)
        condition = [child for child in node.children if child is not body and child.type not in ("while", "until")]
        return ast.While(self.sequence(condition), self.sequence(body.children) if body else ast.EMPTY)

    def _for(self, node: Node) -> ast.Command:
        """Without ``in`` the loop takes the positional parameters."""
        name = ""
        words: list[ast.Word] = []
        body: ast.Command = ast.EMPTY
        listed = False
        for child in node.children:
            if child.type == "variable_name" and not name:
                name = self.text(child)
            elif child.type in ("do_group", "compound_statement"):
                body = self.sequence(child.children)
            elif child.type == "in":
                listed = True
            elif child.is_named and child.type not in _NO_STATEMENT:
                words.extend(self.words.words(child))
        return ast.For(name, tuple(words) if listed else (ast.Word((ast.Param("@", True),), True),), body)

    def _for_arithmetic(self, node: Node) -> ast.Command:
        inner = [child for child in node.children if child.type in ("do_group", "compound_statement")]
        body = self.sequence(inner[0].children) if inner else ast.EMPTY
        source = self.source[node.start_byte : inner[0].start_byte if inner else node.end_byte].decode(
            "utf-8", "replace"
        )
        found = _COUNTED.search(source)
        if found is None:
            return ast.While(self._evaluation(node), body)
        first, condition, step = (self.words.arithmetic(each or "1") for each in found.groups())
        return ast.Counted(first, condition, step, tuple(re.findall(r"[A-Za-z_]\w*", found[0])), body)

    def _function(self, node: Node) -> ast.Command:
        name = next((self.text(child) for child in node.children if child.type == "word"), "")
        bodies = [child for child in node.children if child.type in _CONVERT]
        return ast.Function(name, self.command(bodies[-1]) if bodies else ast.EMPTY)

    def _evaluation(self, node: Node) -> ast.Command:
        """Arithmetic: its substitutions run, and it may set variables."""
        self.words.mentioned = set()
        source = self.text(node)
        if source.startswith("((") and source.endswith("))"):
            extra: tuple[ast.Part, ...] = (self.words.arithmetic(source[2:-2]),)
        else:
            extra = tuple(self.words.substitutions(node))
        return ast.Simple((), (), (), frozenset(self.words.mentioned), extra)

    def _test(self, node: Node) -> ast.Command:
        """``[[ ... ]]`` as a command whose arguments are the words of the test."""
        self.words.mentioned, self.words.tested = set(), set()
        words = [self.words.word(each) for each in _operands(node)]
        return self._made((), (ast.Word((ast.Lit(node.children[0].type if node.child_count else "[["),)), *words))


def _redirect_last(body: ast.Command, redirects: tuple[ast.Redirect, ...], words: tuple[ast.Word, ...]) -> ast.Command:
    if isinstance(body, ast.Simple):
        return replace(body, redirects=body.redirects + redirects, words=body.words + words)
    if isinstance(body, ast.Pipeline | ast.Sequence) and body.parts and not _is_group(body):
        return replace(body, parts=(*body.parts[:-1], _redirect_last(body.parts[-1], redirects, words)))
    if isinstance(body, ast.Either):
        return replace(body, second=_redirect_last(body.second, redirects, words))
    return ast.Redirected(body, redirects)


def _operands(node: Node) -> Iterable[Node]:
    """The words and operators of a test, in order."""
    for child in node.children:
        if child.type in _TESTED or (child.child_count == 0 and child.type not in _BRACKETS):
            yield child
        else:
            yield from _operands(child)


def _is_group(body: ast.Command) -> bool:
    return isinstance(body, ast.Sequence) and body.background


def _first(node: Node, kind: str) -> Node | None:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node.type == kind:
            return node
        waiting.extend(node.children)
    return None


def _brace_words(root: Node, source: bytes) -> list[int]:
    """Where a word begins with a brace (``{rm,x}`` as a command) which the grammar, like zsh, takes for a group's."""
    found = []
    waiting = list(root.children)
    while waiting:
        node = waiting.pop()
        if node.type == "{" and _BRACE_WORD.match(source, node.start_byte):
            found.append(node.start_byte)
        waiting.extend(node.children)
    return sorted(found)


_NO_WORD = frozenset({"ERROR", "comment", "subshell"})
_WORDS = frozenset(
    {
        "word",
        "number",
        "concatenation",
        "string",
        "raw_string",
        "ansi_c_string",
        "translated_string",
        "brace_expression",
    }
    | {"simple_expansion", "expansion", "command_substitution", "arithmetic_expansion"}
)
_ESCAPED = re.compile(rb"(?:\\\n|\\[^\n])*\Z", re.DOTALL)
_BACKTICKS = re.compile(r"(?<!\\)`((?:[^`\\]|\\.)*+)`", re.DOTALL)
"""The grammar takes them for text in here-documents."""
_GROUPS = frozenset(
    {"compound_statement", "subshell", "if_statement", "for_statement", "while_statement", "case_statement"}
    | {"c_style_for_statement"}
)
_TESTED = _WORDS | {"regex", "extglob_pattern", "test_operator", "process_substitution"}
_BRACKETS = frozenset({"[[", "]]", "[", "]", "(", ")", "((", "))"})
_COUNTED = re.compile(r"\(\((.*?);(.*?);(.*)\)\)", re.DOTALL)
_BRACE_WORD = re.compile(rb"\{(?!\\\n)[^\s;|&<>(]")
_NO_STATEMENT = frozenset({"comment", "heredoc_body", "heredoc_end", "file_descriptor"})
_CONVERT: dict[str, Callable[[Conversion, Node], ast.Command]] = {
    "command": Conversion._simple,
    "declaration_command": Conversion._declaration,
    "unset_command": Conversion._declaration,
    "variable_assignment": Conversion._assignments,
    "variable_assignments": Conversion._assignments,
    "pipeline": Conversion._pipeline,
    "list": Conversion._list,
    "program": lambda reading, node: reading.sequence(node.children),
    "do_group": lambda reading, node: reading.sequence(node.children),
    "negated_command": lambda reading, node: reading.sequence(node.children),
    "redirected_statement": Conversion._redirected,
    "compound_statement": Conversion._compound,
    "subshell": Conversion._subshell,
    "if_statement": Conversion._if,
    "case_statement": Conversion._case,
    "while_statement": Conversion._while,
    "for_statement": Conversion._for,
    "c_style_for_statement": Conversion._for_arithmetic,
    "function_definition": Conversion._function,
    "test_command": Conversion._test,
}

"""Reads simple commands with their assignments and redirections, and mends how the grammar parts them.

Must not know how source is parsed, or what commands do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from lighthoused.gate.shell import ast, nodes
from lighthoused.gate.shell.text import HEREDOC
from lighthoused.gate.shell.words import Reading

if TYPE_CHECKING:
    from tree_sitter import Node

_ESCAPED = re.compile(rb"(?:\\\n|\\[^\n])*\Z", re.DOTALL)


def simple(reading: Reading, node: Node) -> ast.Command:
    """A command; several where the grammar took a newline for a blank (before a backslash, after assignments)."""
    commands = [_one(reading, children) for children in _lines(reading, node.children)]
    commands.extend(reading.command(child) for child in node.children if child.type == "subshell")
    return commands[0] if len(commands) == 1 else ast.Sequence(tuple(commands))


def _one(reading: Reading, children: list[Node]) -> ast.Command:
    reading.words.begin()
    assigns: list[ast.Assign] = []
    words: list[ast.Word] = []
    redirects: list[ast.Redirect] = []
    for start, pieces in _adjacent(reading, children):
        kind = pieces[0].type
        if kind == "variable_assignment":
            assigns.append(_assign(reading, pieces[0]))
        elif kind in nodes.REDIRECTIONS:
            made, more = redirect(reading, pieces[0])
            redirects.append(made)
            words.extend(more)
        else:
            words.extend(reading.words.words(*pieces, start=start))
    return assembled(reading, assigns, words, redirects)


def assembled(
    reading: Reading,
    assigns: Iterable[ast.Assign],
    words: Iterable[ast.Word],
    redirects: Iterable[ast.Redirect] = (),
) -> ast.Simple:
    """The command of these words, which were read since `Words.begin`."""
    names, tested = frozenset(reading.words.mentioned), frozenset(reading.words.tested)
    return ast.Simple(tuple(assigns), tuple(words), tuple(redirects), names, (), tested)


def _lines(reading: Reading, children: list[Node]) -> list[list[Node]]:
    """The children on one line each."""
    if not children or b"\n" not in reading.source[children[0].start_byte : children[-1].end_byte]:
        return [children]
    made: list[list[Node]] = [[]]
    end = children[0].start_byte
    for child in children:
        begins = reading.source[child.start_byte : child.start_byte + 1] == b"\n"
        if made[-1] and (begins or b"\n" in reading.source[end : child.start_byte].replace(b"\\\n", b"")):
            made.append([])
        made[-1].append(child)
        end = child.end_byte
    return made


def _adjacent(reading: Reading, children: list[Node]) -> list[tuple[int, list[Node]]]:
    """The words of a command with where they begin; their pieces together, which escaped blanks part."""
    made: list[tuple[int, list[Node]]] = []
    end = children[0].start_byte if children else 0
    before = ""
    for child in children:
        node = child.children[0] if child.type == "command_name" and child.child_count else child
        kind = node.type
        if kind in nodes.NO_WORD or (kind == "$" and node.child_count == 0 and node.next_sibling):
            continue
        start = node.start_byte
        gap = reading.source[end:start]
        if gap != b" " and kind in nodes.WORDS:
            start -= len(_ESCAPED.search(gap)[0])  # type: ignore[index]
            if start == end and before in nodes.WORDS:
                made[-1][1].append(node)
                end = node.end_byte
                continue
        made.append((start, [node]))
        before, end = kind, node.end_byte
    return made


def declaration(reading: Reading, node: Node) -> ast.Command:
    """``export a=1``, ``unset x``: a command whose assignments are arguments."""
    first, *others = _lines(reading, node.children)
    reading.words.begin()
    words = [ast.Word((ast.Lit(first[0].type),))] if first else []
    assigns = []
    for child in first[1:]:
        if child.type == "variable_assignment":
            assigns.append(_assign(reading, child))
        elif child.type == "variable_name":
            words.append(ast.Word((ast.Lit(reading.text(child)),)))
        elif child.type != "ERROR":
            words.extend(reading.words.words(child))
    command = assembled(reading, assigns, words)
    return ast.Sequence((command, *(_one(reading, line) for line in others))) if others else command


def assignments(reading: Reading, node: Node) -> ast.Command:
    """``a=1 b=2`` without a command."""
    reading.words.begin()
    children = node.children if node.type == "variable_assignments" else [node]
    return assembled(
        reading, [_assign(reading, child) for child in children if child.type == "variable_assignment"], ()
    )


def _assign(reading: Reading, node: Node) -> ast.Assign:
    name, index, append = "", "", False
    value: ast.Word | tuple[ast.Word, ...] = ast.Word((), True)
    pieces: list[Node] = []
    for child in node.children:
        if child.type == "variable_name":
            name = reading.text(child)
        elif child.type == "subscript":
            name, _, rest = reading.text(child).partition("[")
            index = rest.rstrip("]")
        elif child.type in ("=", "+="):
            append = child.type == "+="
        elif child.type == "array":
            value = tuple(word for each in child.children if each.is_named for word in reading.words.words(each))
        elif child.type != "ERROR":
            pieces.append(child)
    if pieces:
        value = reading.words.word(*pieces)
    return ast.Assign(name, value, append, index)


def redirected(reading: Reading, node: Node) -> ast.Command:
    """Redirections of a pipeline or list belong to its last command (a quirk of the grammar).

    ``> file <<< text`` arrives as ``>``, an error ``<<`` and ``<`` (another).
    """
    body: ast.Command = ast.EMPTY
    redirects = []
    words: list[ast.Word] = []
    split = grouped = False
    for child in node.children:
        if child.type in nodes.REDIRECTIONS:
            made, more = redirect(reading, child, split)
            redirects.append(made)
            words.extend(more)
            split = False
        elif child.type == "ERROR" and reading.text(child).strip() == "<<":
            split = True
        elif nodes.is_part(child):
            body = reading.command(child)
            grouped = child.type in nodes.GROUPS
    if isinstance(body, ast.Function):
        return ast.Function(body.name, ast.Redirected(body.body, tuple(redirects)))
    if grouped and not words:
        return ast.Redirected(body, tuple(redirects))
    return _redirect_last(body, tuple(redirects), tuple(words))


def redirect(reading: Reading, node: Node, split: bool = False) -> tuple[ast.Redirect, list[ast.Word]]:
    """A redirection, and words after it that the grammar took in but which belong to the command."""
    fd, op = "", "<<<" if split else ""
    words = []
    for child in node.children:
        if child.type == "file_descriptor":
            fd = reading.text(child)
        elif not child.is_named:
            op = op or reading.text(child)
        elif child.type != "ERROR":
            words.append(reading.words.word(child))
        elif reading.text(child) == "<<":
            op = "<<<"
    target = words[0] if words else ast.Word(())
    marked = target.parts[0] if target.parts else None
    if op == "<<<" and isinstance(marked, ast.Lit) and marked.text[:1] == HEREDOC:
        target = reading.nested_document(int(marked.text.split(HEREDOC)[1]))
        op = "<<"
    return ast.Redirect(op, target, fd), words[1:]


def _redirect_last(body: ast.Command, redirects: tuple[ast.Redirect, ...], words: tuple[ast.Word, ...]) -> ast.Command:
    if isinstance(body, ast.Simple):
        return replace(body, redirects=body.redirects + redirects, words=body.words + words)
    if isinstance(body, ast.Pipeline | ast.Sequence) and body.parts and not _is_group(body):
        return replace(body, parts=(*body.parts[:-1], _redirect_last(body.parts[-1], redirects, words)))
    if isinstance(body, ast.Either):
        return replace(body, second=_redirect_last(body.second, redirects, words))
    return ast.Redirected(body, redirects)


def _is_group(body: ast.Command) -> bool:
    return isinstance(body, ast.Sequence) and body.background

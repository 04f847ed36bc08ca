"""Reads what joins commands: lists, pipelines, groups, conditions, loops, functions, arithmetic and tests.

Must not know how source is parsed, or what commands do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lighthoused.gate.shell import ast, nodes, simple_commands
from lighthoused.gate.shell.words import Reading

if TYPE_CHECKING:
    from tree_sitter import Node

_COUNTED = re.compile(r"\(\((.*?);(.*?);(.*)\)\)", re.DOTALL)


def statements(reading: Reading, node: Node) -> ast.Command:
    return reading.sequence(node.children)


def and_or(reading: Reading, node: Node) -> ast.Command:
    """``&&`` and ``||``, from left to right."""
    operators = [child.type for child in node.children if not child.is_named]
    parts = list(filter(nodes.is_part, node.children))
    if operators == ["||"] and len(parts) == 2 and not node.has_error:
        return ast.Either(reading.command(parts[0]), reading.command(parts[1]))
    return reading.sequence(node.children)


def pipeline(reading: Reading, node: Node) -> ast.Command:
    return ast.Pipeline(
        tuple(reading.command(child) for child in node.children if child.is_named and child.type != "comment")
    )


def group(reading: Reading, node: Node) -> ast.Command:
    """``{ ...; }``, or ``((...))``, which the grammar takes for the same."""
    if node.child_count and node.children[0].type == "((":
        return evaluation(reading, node)
    return reading.sequence(node.children)


def subshell(reading: Reading, node: Node) -> ast.Command:
    return ast.Subshell(reading.sequence(node.children))


def conditional(reading: Reading, node: Node) -> ast.Command:
    """Conditions run; any of the bodies may."""
    condition: list[Node] = []
    then: list[Node] = []
    others: list[ast.Command] = []
    into = condition
    for child in node.children:
        if child.type == "then":
            into = then
        elif child.type == "elif_clause":
            others.append(conditional(reading, child))
        elif child.type == "else_clause":
            others.append(reading.sequence(child.children))
        else:
            into.append(child)
    bodies = (reading.sequence(then), *(others or [ast.EMPTY]))
    return ast.Sequence((reading.sequence(condition), ast.Branch(bodies)))


def case(reading: Reading, node: Node) -> ast.Command:
    bodies = []
    extra: list[ast.Part] = []
    for child in node.children:
        if child.type == "case_item":
            extra.extend(reading.words.substitutions(child) if b"$(" in reading.source else ())
            bodies.append(reading.sequence([each for each in child.children if reading.is_command(each)]))
        elif child.is_named:
            extra.extend(reading.words.word(child).parts)
    subject = ast.Simple((), (), (), frozenset(), tuple(extra))
    return ast.Sequence((subject, ast.Branch((*bodies, ast.EMPTY))))


def loop(reading: Reading, node: Node) -> ast.Command:
    body = next((child for child in node.children if child.type == "do_group"), None)
    condition = [child for child in node.children if child is not body and child.type not in ("while", "until")]
    return ast.While(reading.sequence(condition), reading.sequence(body.children) if body else ast.EMPTY)


def for_each(reading: Reading, node: Node) -> ast.Command:
    """Without ``in`` the loop takes the positional parameters."""
    name = ""
    words: list[ast.Word] = []
    body: ast.Command = ast.EMPTY
    listed = False
    for child in node.children:
        if child.type == "variable_name" and not name:
            name = reading.text(child)
        elif child.type in ("do_group", "compound_statement"):
            body = reading.sequence(child.children)
        elif child.type == "in":
            listed = True
        elif nodes.is_part(child):
            words.extend(reading.words.words(child))
    return ast.For(name, tuple(words) if listed else (ast.Word((ast.Param("@", True),), True),), body)


def counted(reading: Reading, node: Node) -> ast.Command:
    inner = [child for child in node.children if child.type in ("do_group", "compound_statement")]
    body = reading.sequence(inner[0].children) if inner else ast.EMPTY
    source = reading.source[node.start_byte : inner[0].start_byte if inner else node.end_byte].decode(
        "utf-8", "replace"
    )
    found = _COUNTED.search(source)
    if found is None:
        return ast.While(evaluation(reading, node), body)
    first, condition, step = (reading.words.arithmetic(each or "1") for each in found.groups())
    return ast.Counted(first, condition, step, tuple(re.findall(r"[A-Za-z_]\w*", found[0])), body)


def function(reading: Reading, node: Node) -> ast.Command:
    name = next((reading.text(child) for child in node.children if child.type == "word"), "")
    bodies = [child for child in node.children if reading.is_command(child)]
    body = reading.command(bodies[-1]) if bodies else ast.EMPTY
    redirects = tuple(
        simple_commands.redirect(reading, child)[0] for child in node.children if child.type in nodes.REDIRECTIONS
    )
    return ast.Function(name, ast.Redirected(body, redirects) if redirects else body)


def evaluation(reading: Reading, node: Node) -> ast.Command:
    """Arithmetic: its substitutions run, and it may set variables."""
    reading.words.mentioned = set()
    source = reading.text(node)
    if source.startswith("((") and source.endswith("))"):
        extra: tuple[ast.Part, ...] = (reading.words.arithmetic(source[2:-2]),)
    else:
        extra = tuple(reading.words.substitutions(node))
    return ast.Simple((), (), (), frozenset(reading.words.mentioned), extra)


def test(reading: Reading, node: Node) -> ast.Command:
    """``[[ ... ]]`` as a command whose arguments are the words of the test."""
    reading.words.begin()
    words = [reading.words.word(each) for each in nodes.operands(node)]
    return simple_commands.assembled(
        reading, (), (ast.Word((ast.Lit(node.children[0].type if node.child_count else "[["),)), *words)
    )

"""Loops that never end: those that only use up a processor, and those that start processes without waiting for one.

Told from the syntax alone, where there is no doubt. Must not know what commands do.
"""

from collections.abc import Iterator
from typing import Literal

from lighthoused.gate.shell import ast

Kind = Literal["", "busy", "bomb"]
_TRUE = frozenset({("true",), (":",), ("/bin/true",), ("false",), ("[", "1"), ("test", "1"), ("[[", "1")})
"""Conditions that do not change; ``false`` is that of an until."""
_IDLE = frozenset(
    {"", "true", ":", "false", "[", "[[", "test", "let", "continue", "local", "declare", "export", "typeset", "shift"}
)
"""Commands that neither wait nor leave the loop."""
_PRINTS = frozenset({"echo", "printf"})


def endless(loop: ast.While | ast.Counted) -> Kind:
    """ "bomb" where it starts processes in the background for ever, "busy" where it does nothing for ever."""
    if not _always(loop.condition):
        return ""
    behind = {name for name, background in _names(loop.body, False) if background}
    before = {name for name, background in _names(loop.body, False) if not background}
    if behind:
        return "bomb" if before <= _IDLE | _PRINTS else ""
    return "busy" if before <= _IDLE else ""


def many(body: ast.Command) -> bool:
    """Whether a body that runs many times starts something in the background each time, and waits for none."""
    names = set(_names(body, False))
    waits = {("wait", False), ("sleep", False)} & names
    return any(background for _, background in names) and not waits


def _always(condition: "ast.Command | ast.Arith") -> bool:
    if isinstance(condition, ast.Arith):
        return condition.word is not None and _texts((condition.word,)) == ("1",)
    if isinstance(condition, ast.Sequence) and len(condition.parts) == 1:
        return _always(condition.parts[0])
    if not isinstance(condition, ast.Simple):
        return False
    if not condition.words and not condition.assigns and len(condition.extra) == 1:
        part = condition.extra[0]
        return isinstance(part, ast.Arith) and _always(part)
    return _texts(condition.words) in _TRUE


def _texts(words: tuple[ast.Word, ...]) -> tuple[str, ...]:
    return tuple(
        "".join(part.text if isinstance(part, ast.Lit) else "\0" for part in word.parts).strip() for word in words
    )


def _names(command: ast.Command, background: bool) -> Iterator[tuple[str, bool]]:
    """The names of all commands in it, "" for assignments, and whether each runs in the background."""
    if isinstance(command, ast.Simple):
        yield (_texts(command.words[:1]) or ("",))[0], background
        values = [(each.value,) if isinstance(each.value, ast.Word) else each.value for each in command.assigns]
        words = (*command.words, *(word for value in values for word in value))
        if any(isinstance(part, ast.Subst) for word in words for part in word.parts):
            yield "$()", background
    elif isinstance(command, ast.Pipeline | ast.Sequence):
        behind = background or (isinstance(command, ast.Sequence) and command.background)
        for part in command.parts:
            yield from _names(part, behind)
    elif isinstance(command, ast.Redirected | ast.Subshell):
        yield from _names(command.body, background)
    elif isinstance(command, ast.Either):
        yield from _names(command.first, background)
        yield from _names(command.second, background)
    elif isinstance(command, ast.Branch):
        for body in command.bodies:
            yield from _names(body, background)
    elif isinstance(command, ast.While | ast.Counted | ast.For):
        yield from _names(command.body, background)
    elif isinstance(command, ast.Trouble):
        yield "\0", background

"""Matches shell patterns (bash(1), Pattern Matching) in time linear in the text: no pattern can make it slow.

Pattern characters are those marked by text.GLOB. Bit `n` of a state says that the first `n` pieces match; a bracket
expression that does not just list letters counts as any character.
"""

import re
from collections.abc import Iterator

from lighthoused.gate.shell.text import GLOB

_PIECE = re.compile(f"{GLOB}[*?]|{GLOB}\\[[^\\]]*\\]?|.", re.DOTALL)


_SET = re.compile(f"{GLOB}\\[([\\w.+]{{1,32}})\\]")


def _members(piece: str) -> set[str]:
    """The characters of a bracket expression that lists some; empty for any other."""
    found = _SET.fullmatch(piece)
    return set(found[1]) if found else set()


class Pattern:
    """A compiled pattern. `path`: nothing but a slash matches a slash. `reverse`: for texts that are reversed too."""

    def __init__(self, source: str, path: bool = False, reverse: bool = False) -> None:
        pieces = _PIECE.findall(source)
        self._path = path
        self._loops = 0
        self._any = 0
        self._literal: dict[str, int] = {}
        at = 0
        for piece in reversed(pieces) if reverse else pieces:
            if piece == GLOB + "*":
                self._loops |= 1 << at
                continue
            if piece[0] == GLOB and (members := _members(piece)):
                for member in members:
                    self._literal[member] = self._literal.get(member, 0) | 1 << at
            elif piece[0] == GLOB:
                self._any |= 1 << at
            else:
                self._literal[piece] = self._literal.get(piece, 0) | 1 << at
            at += 1
        self._end = 1 << at

    def matches(self, text: str) -> bool:
        """Whether it matches the whole text."""
        state = 1
        for character in text:
            state = self._next(state, character)
        return bool(state & self._end)

    def prefixes(self, text: str, start: int = 0) -> Iterator[int]:
        """Where the matches that begin at `start` end, shortest first."""
        state = 1
        if state & self._end:
            yield start
        for at in range(start, len(text)):
            state = self._next(state, text[at])
            if not state:
                return
            if state & self._end:
                yield at + 1

    def longest(self, text: str, start: int = 0) -> int | None:
        """Where the longest match that begins at `start` ends."""
        end = None
        for found in self.prefixes(text, start):
            end = found
        return end

    def _next(self, state: int, character: str) -> int:
        literal = self._literal.get(character, 0)
        if self._path and character == "/":
            return (state & literal) << 1
        return (state & (literal | self._any)) << 1 | (state & self._loops)

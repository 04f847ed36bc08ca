"""Brace expansion of words (bash(1), Brace Expansion), before any other. Bounded; of a long range only its start."""

import re

from lighthoused.gate.shell import ast
from lighthoused.gate.shell.bounds import Unresolvable
from lighthoused.gate.shell.text import UNKNOWN

MAX_WORDS = 256
MAX_BRACES = 64
MAX_TOLD = 12
"""Words of a range that is longer than MAX_WORDS, where it is the only one."""
_NAME_PART = re.compile(r"[A-Za-z0-9_]+")
_TOKEN = re.compile(r"([{},])")
_RANGE = re.compile(r"^(-?[0-9]{1,18}|[A-Za-z])\.\.(-?[0-9]{1,18}|[A-Za-z])(?:\.\.(-?[0-9]{1,18}))?$")

Token = str | ast.Part
"""A brace or comma that may be active, or a part of the word."""


def expand(word: ast.Word) -> list[ast.Word]:
    """The words that it stands for; itself where nothing is to be expanded."""
    tokens = list(_tokens(word))
    if "{" not in tokens or "}" not in tokens:
        return [word]
    if sum(token == "{" for token in tokens) > MAX_BRACES:
        raise Unresolvable(f"A word has more than {MAX_BRACES} braces.")
    told = MAX_TOLD if tokens.count("{") == 1 else 1
    return [ast.Word(tuple(_join(each)), word.quoted) for each in _alternatives(tokens, told)]


def _tokens(word: ast.Word) -> list[Token]:
    made: list[Token] = []
    for part in word.parts:
        if isinstance(part, ast.Lit) and part.bare:
            made.extend(piece if piece in "{}," else ast.Lit(piece, True) for piece in _TOKEN.split(part.text) if piece)
        else:
            made.append(part)
    return made


def _alternatives(tokens: list[Token], told: int) -> list[list[Token]]:
    """All words of these tokens; expands the first brace that can be, then the rest. `told`: of a long range."""
    for start, token in enumerate(tokens):
        if token == "{" and (close := _close(tokens, start)) is not None:
            inner = _inner(tokens[start + 1 : close], told)
            if inner is None:
                continue
            rest = _alternatives(tokens[close + 1 :], told)
            made = [[*tokens[:start], *middle, *end] for middle in inner for end in rest]
            if len(made) > MAX_WORDS:
                raise Unresolvable(f"A word with braces stands for more than {MAX_WORDS} words.")
            return made
    return [tokens]


def _close(tokens: list[Token], start: int) -> int | None:
    depth = 0
    for at in range(start, len(tokens)):
        depth += (tokens[at] == "{") - (tokens[at] == "}")
        if depth == 0:
            return at
    return None


def _inner(tokens: list[Token], told: int) -> list[list[Token]] | None:
    """What stands between a pair of braces, or None where they are literal."""
    pieces: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token == "{") - (token == "}")
        if token == "," and depth == 0:
            pieces.append([])
        else:
            pieces[-1].append(token)
    if len(pieces) > 1:
        return [made for piece in pieces for made in _alternatives(piece, told)]
    only = tokens[0] if len(tokens) == 1 else None
    return _range(only.text, told) if isinstance(only, ast.Lit) else None


def _range(text: str, most: int) -> list[list[Token]] | None:
    found = _RANGE.match(text)
    if found is None or found[1].lstrip("-").isdigit() != found[2].lstrip("-").isdigit():
        return None
    digits = found[1].lstrip("-").isdigit()
    first, last = (int(found[1]), int(found[2])) if digits else (ord(found[1]), ord(found[2]))
    step = max(1, abs(int(found[3] or 1)))
    numbers = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
    told = numbers if len(numbers) <= MAX_WORDS else numbers[:most]
    words: list[list[Token]] = [[ast.Lit(str(number) if digits else chr(number), True)] for number in told]
    return words if told is numbers else [*words, [ast.Lit(UNKNOWN, True)]]


def _join(tokens: list[Token]) -> list[ast.Part]:
    made: list[ast.Part] = []
    for token in tokens:
        part = ast.Lit(token, True) if isinstance(token, str) else token
        before = made[-1] if made else None
        if isinstance(before, ast.Param) and before.simple and isinstance(part, ast.Lit) and part.bare:
            more = _NAME_PART.match(part.text)
            if more and before.name[:1] not in "0123456789@*#?$!-":
                made[-1] = before._replace(name=before.name + more[0])
                part = ast.Lit(part.text[more.end() :], True)
                if not part.text:
                    continue
                before = made[-1]
        if isinstance(part, ast.Lit) and part.bare and isinstance(before, ast.Lit) and before.bare:
            made[-1] = ast.Lit(before.text + part.text, True)
        else:
            made.append(part)
    return made

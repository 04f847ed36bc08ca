"""POSIX regular expressions (basic and extended) as Python's, where they surely are fast."""

import re

MAX_PATTERN = 300
MAX_TEXT = 1 << 14
_SPECIAL = frozenset("(){}+?|")
_CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s",
    "blank": r" \t", "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9a-fA-F", "word": r"\w",
}  # fmt: skip
_UNBOUNDED = re.compile(r"(?<!\\)(?:[*+]|\{\d*,\d*\})")
_NESTED = re.compile(r"[*+}]\??\)[*+{]")


def compiled(source: str, extended: bool, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str] | None:
    """The pattern; None where it cannot be told in Python's terms, or might take long."""
    if len(source) > MAX_PATTERN:
        return None
    try:
        pattern = _translated(source, extended)
        if len(_UNBOUNDED.findall(pattern)) > 6 or _NESTED.search(pattern):
            return None
        return re.compile(pattern, flags)
    except (re.error, RecursionError, OverflowError):
        return None


def _translated(source: str, extended: bool) -> str:
    made: list[str] = []
    at = 0
    while at < len(source):
        mark = source[at]
        if mark == "\\" and at + 1 < len(source):
            made.append(_escaped(source[at + 1], extended))
            at += 2
        elif mark == "[":
            end = _bracket_end(source, at)
            made.append(_bracket(source[at:end]))
            at = end
        elif mark in _SPECIAL:
            made.append(mark if extended else "\\" + mark)
            at += 1
        elif mark == "*" and not made:
            made.append("\\*")
            at += 1
        else:
            made.append(mark if mark in ".*^$" else re.escape(mark))
            at += 1
    return "".join(made)


def _escaped(mark: str, extended: bool) -> str:
    if mark in _SPECIAL:
        return "\\" + mark if extended else mark
    if mark in "<>":
        return r"\b"
    if mark in "wWsSbBdD" or mark.isdigit():
        return "\\" + mark
    return {"n": "\n", "t": "\t"}.get(mark, re.escape(mark))


def _bracket_end(source: str, start: int) -> int:
    at = start + 1
    at += source[at : at + 1] == "^"
    at += source[at : at + 1] == "]"
    while at < len(source) and source[at] != "]":
        if source.startswith("[:", at) and ":]" in source[at:]:
            at = source.index(":]", at) + 2
        else:
            at += 1
    return at + 1


def _bracket(source: str) -> str:
    inner = source[1:-1]
    negated = inner[:1] == "^"
    inner = inner[negated:]
    inner = inner.replace("\\", "\\\\").replace("[:", "\0")
    inner = inner.replace("[", r"\[")
    for name, members in _CLASSES.items():
        inner = inner.replace(f"\0{name}:]", members)
    inner = "\\" + inner if inner[:1] in ("]", "^") else inner
    return f"[{'^' if negated else ''}{inner}]"

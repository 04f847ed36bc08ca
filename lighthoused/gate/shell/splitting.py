"""Splits text at the separators of IFS (bash(1), Word Splitting; ``read``). Knows no expansions."""

import re

BLANK = " \t\n"


def split(value: str, separators: str) -> list[str]:
    """The fields of an unquoted value: blanks around and between fields do not count, other separators each do."""
    if separators == BLANK:
        return value.split()
    if not separators:
        return [value] if value else []
    blanks, others = _kinds(separators)
    if not others:
        return [piece for piece in re.split(f"[{re.escape(blanks)}]+", value) if piece]
    around = f"[{re.escape(blanks)}]*" if blanks else ""
    between = f"{around}[{re.escape(others)}]{around}" + (f"|[{re.escape(blanks)}]+" if blanks else "")
    pieces = re.split(between, value.strip(blanks) if blanks else value)
    return pieces[:-1] if pieces and pieces[-1] == "" else pieces


def fields(line: str, separators: str, most: int) -> list[str]:
    """The fields of a line as ``read`` takes them: at most so many, the last with the rest; 0 for all."""
    if most == 0:
        return split(line, separators)
    blanks, others = _kinds(separators)
    line = line.strip(blanks) if blanks else line
    made: list[str] = []
    while len(made) < most - 1 and line:
        end = next((at for at, mark in enumerate(line) if mark in separators), len(line))
        made.append(line[:end])
        rest = line[end:].lstrip(blanks) if blanks else line[end:]
        line = rest[1:] if rest[:1] and rest[0] in others else rest
        line = line.lstrip(blanks) if blanks else line
    if len(made) == most - 1:
        alone = others and line[-1:] and line[-1] in others and not any(mark in others for mark in line[:-1])
        made.append(line[:-1] if alone else line)
    return made


def _kinds(separators: str) -> tuple[str, str]:
    """Those that are blanks, and those that are not."""
    blanks = "".join(mark for mark in separators if mark in BLANK)
    return blanks, "".join(mark for mark in separators if mark not in BLANK)

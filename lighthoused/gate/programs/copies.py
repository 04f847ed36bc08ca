"""Files whose content is known, copied, moved, linked: the content is known under the new name too.

What copying does to the world is for the knowledge base.
"""

import posixpath
import re

from lighthoused.gate.shell.bounds import decimal
from lighthoused.gate.shell.redirects import descriptor_of
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import SECRET, opaque, unmarked

_PROGRAM = re.compile(r"/(?:usr/(?:local/)?)?s?bin/[\w.+-]+")
"""A copy of a program, or a link to it, is the program by another name."""
_VALUES = frozenset({"-t", "--target-directory", "-m", "--mode", "-o", "--owner", "-g", "--group", "-S", "--suffix"})


def copy(run: Run, argv: list[str], state: State) -> str | None:
    """cp, mv, ln, install."""
    words: list[str] = []
    folder = ""
    rest = iter(argv[1:])
    for word in rest:
        if word in ("-t", "--target-directory"):
            folder = next(rest, "")
        elif word in _VALUES:
            next(rest, "")
        elif not word.startswith("-"):
            words.append(unmarked(word))
    sources, target = (words, folder) if folder else (words[:-1], words[-1] if words else "")
    for source in sources:
        text = _content(run, source, state)
        for path in _targets(source, target, bool(folder) or len(sources) > 1):
            absolute = run.findings.targets.absolute(path, state.cwd)
            if text is None:
                state.files.pop(absolute, None)
            else:
                state.write(absolute, text, False)
    return None


def _content(run: Run, path: str, state: State) -> str | None:
    """What a file holds: its text, that it is secret, or the program that it is; None where nobody knows."""
    absolute = run.findings.targets.absolute(path, state.cwd)
    if descriptor_of(absolute) == "0":
        return state.stdin.text
    known: str | None = state.files.get(absolute)
    if known is not None:
        return known
    if _PROGRAM.fullmatch(absolute):
        return f'#!/bin/sh\n{absolute} "$@"\n'
    place = run.findings.targets.resolve(path, state.cwd).place
    return SECRET if place in ("secret", "history") else None


def _targets(source: str, target: str, into: bool) -> list[str]:
    """The target may be a directory: then the file keeps its name in it."""
    inside = posixpath.join(target, posixpath.basename(source))
    return [inside] if into or target.endswith("/") else [target, inside]


def dd(run: Run, argv: list[str], state: State) -> str | None:
    """dd of=file with standard input or a file."""
    operands = dict(word.partition("=")[::2] for word in argv[1:] if "=" in word)
    if state.stdin.text is None and not state.files:
        return None
    if "if" in operands:
        text = state.files.get(run.findings.targets.absolute(operands["if"], state.cwd))
    else:
        text = state.stdin.text
    if text is None or re.search(r"\b(?:seek|conv|cbs|iflag)=", " ".join(argv)):
        return None
    sizes = [decimal(operands.get(name, "")) for name in ("bs", "skip", "count")]
    if {"skip", "count"} & operands.keys():
        if opaque(text) or sizes[0] is None:
            return None
        start = sizes[0] * (sizes[1] or 0)
        text = text[start : start + sizes[0] * sizes[2]] if sizes[2] is not None else text[start:]
    if "of" in operands:
        state.write(run.findings.targets.absolute(operands["of"], state.cwd), text, False)
        return None
    return text


COPIES = {**dict.fromkeys(("cp", "mv", "ln", "install", "gcp", "gmv", "link"), copy), "dd": dd}

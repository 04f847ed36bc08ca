"""More programs that turn text into text: jq, yq, envsubst, bc, dc, expr, date, and those that only lay text out.

The output is computed exactly for what may hide a command, or said to be unknown. What they do to the world is told
by the knowledge base.
"""

import base64
import binascii
import html
import json
import re
import urllib.parse
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from lighthoused.gate.programs.lines import Options, blurred, given
from lighthoused.gate.shell.bounds import decimal
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import UNKNOWN, literal, opaque, unmarked

MAX_TEXT = 1 << 16
MAX_DIGITS = 1 << 12
MAX_STAGES = 16
_FLAG_VALUES = frozenset({"--arg", "--argjson", "--slurpfile", "--rawfile"})
_TEXTS = frozenset({"-r", "--raw-output", "-j", "--join-output", "-a", "-nr", "-rn", "-rc", "-cr", "-jr", "-rj", "-re"})
_STEP = re.compile(
    r"\.(?P<name>[A-Za-z_]\w*)|\.?\[\s*(?:(?P<index>-?\d{1,6})|\"(?P<key>[^\"]*)\"|(?P<all>))\s*\]|\.(?P<self>$)"
)
_FORMATS: dict[str, Callable[[str], str]] = {
    "@base64d": lambda text: base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "replace"),
    "@text": str,
    "tostring": str,
    "@html": html.escape,
    "@uri": urllib.parse.quote,
    "@urid": urllib.parse.unquote,
    "ascii_downcase": str.lower,
    "ascii_upcase": str.upper,
    "reverse": lambda text: text[::-1],
    "trim": str.strip,
    "@sh": str,
}


class _NotComputed(Exception):
    """What the filter does is not followed here."""


def jq(run: Run, argv: list[str], state: State) -> str | None:
    """jq, yq, gojq: paths, ``@base64d`` and a few functions on text that is known; None leaves it to others."""
    words = [word for word in argv[1:] if not word.startswith("-") or word == "-"]
    flags = {word for word in argv[1:] if word.startswith("-")}
    if any(word in _FLAG_VALUES for word in argv) or not words:
        return None
    words = words[1:] if words[0] in ("eval", "e") and len(words) > 1 else words
    nothing = "-n" in flags or "--null-input" in flags or flags & {"-nr", "-rn"}
    text = "null" if nothing else given(run, words[1:], state)
    if opaque(text) or len(text) > MAX_TEXT:
        return None
    raw = bool(flags & _TEXTS) or argv[0] in ("yq", "xq", "tomlq", "dasel")
    try:
        found = [_read(unmarked(text), flags)]
        for stage in unmarked(words[0]).split("|")[:MAX_STAGES]:
            found = [made for each in found for made in _stage(stage.strip(), each)]
    except (_NotComputed, ValueError, KeyError, IndexError, TypeError, RecursionError, binascii.Error):
        return UNKNOWN
    shown = (each if raw and isinstance(each, str) else json.dumps(each) for each in found[:256])
    return literal("".join(f"{each}\n" for each in shown))


def _read(text: str, flags: set[str]) -> Any:
    """The input: JSON, lines as they are, or YAML of the simplest kind."""
    if flags & {"-R", "--raw-input", "-Rr", "-rR"}:
        return text.rstrip("\n")
    try:
        return json.loads(text)
    except ValueError:
        pairs = (line.partition(":") for line in text.splitlines() if line.strip() and not line.startswith("#"))
        made = {name.strip(): value.strip().strip("'\"") for name, mark, value in pairs if mark}
        if not made or re.search(r"(?m)^\s+\S|^-", text):
            raise _NotComputed from None
        return made


def _stage(source: str, value: Any) -> Iterator[Any]:
    if source in ("", "."):
        yield value
    elif source in _FORMATS:
        yield _FORMATS[source](value if isinstance(value, str) else json.dumps(value))
    elif source.startswith('"') and "\\(" not in source:
        yield json.loads(source)
    elif found := re.fullmatch(r"join\(\s*(\"(?:[^\"\\]|\\.)*\")\s*\)", source):
        yield json.loads(found[1]).join(map(str, value))
    elif found := re.fullmatch(r"(implode|add|first|last|fromjson)", source):
        yield _FUNCTIONS[found[1]](value)
    elif source.startswith(("[", "{")) and not source.startswith("[."):
        yield json.loads(source)
    else:
        yield from _path(source, value)


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "implode": lambda value: "".join(map(chr, value)),
    "add": lambda value: "".join(map(str, value)) if all(isinstance(each, str) for each in value) else sum(value),
    "first": lambda value: value[0],
    "last": lambda value: value[-1],
    "fromjson": json.loads,
}


def _path(source: str, value: Any) -> Iterator[Any]:
    at, found = 0, [value]
    while at < len(source):
        step = _STEP.match(source, at)
        if step is None:
            raise _NotComputed
        at = step.end()
        if step["all"] is not None:
            found = [made for each in found for made in (each.values() if isinstance(each, dict) else each)]
        elif step["index"] is not None:
            found = [each[int(step["index"])] for each in found]
        elif step["self"] is None:
            found = [each[step["name"] or step["key"]] for each in found]
    yield from found


def substituted(run: Run, argv: list[str], state: State) -> str | None:
    """envsubst: variables of its input filled in."""
    text = given(run, [], state)
    if opaque(text):
        return text

    def value(found: re.Match[str]) -> str:
        return (state.value(found[1] or found[2]) or (UNKNOWN,))[0]

    return re.sub(r"\$\{(\w+)\}|\$(\w+)", value, unmarked(text))


def laid_out(run: Run, argv: list[str], state: State) -> str | None:
    """Programs that change blanks and the encoding of text at most. Where a line is broken or widened is not told."""
    values = {"iconv": "ftc", "column": "sctoNxlmRTHWEO", "fmt": "wpg", "pr": "NlowhD", "expand": "t", "unexpand": "t"}
    options = Options(argv[1:], values.get(argv[0], ""), dict.fromkeys(("from-code", "to-code", "width"), "f:"))
    text = given(run, [path for path in options.words if argv[0] != "uconv"], state)
    return None if options.words and opaque(text) else text


def date(run: Run, argv: list[str], state: State) -> str | None:
    """``date +text`` without anything of the time prints the text."""
    form = next((unmarked(word)[1:] for word in argv[1:] if word.startswith("+")), "")
    return None if not form or "%" in form else f"{form}\n"


def expr(run: Run, argv: list[str], state: State) -> str | None:
    """expr substr TEXT FROM LENGTH, and a text alone."""
    words = [unmarked(word) for word in argv[1:]]
    if len(words) == 4 and words[0] == "substr":
        start, length = decimal(words[2]), decimal(words[3])
        if start and length is not None and not opaque(words[1]):
            return words[1][start - 1 : start - 1 + length] + "\n"
    return f"{words[0]}\n" if len(words) == 1 else UNKNOWN


def ls(run: Run, argv: list[str], state: State) -> str | None:
    """``ls /bin/x`` prints the path of a program that is there."""
    words = [word for word in argv[1:] if not word.startswith("-")]
    flags = "".join(word for word in argv[1:] if word.startswith("-"))
    if len(words) == 1 and not flags.strip("-1d") and re.fullmatch(r"/(?:usr/)?s?bin/[\w.+-]+", unmarked(words[0])):
        return f"{unmarked(words[0])}\n"
    return None


_BASE = re.compile(r"\b(obase|ibase)\s*=\s*(\w{1,4})\s*;?")
_NUMBER = re.compile(r"[0-9A-F]{1,400}")


def bc(run: Run, argv: list[str], state: State) -> str | None:
    """Numbers in another base, which characters are made of."""
    text = given(run, [], state)
    if opaque(text) or len(text) > MAX_DIGITS:
        return blurred(text)
    bases = {name: decimal(value) for name, value in _BASE.findall(unmarked(text))}
    rest = [part.strip() for part in re.split(r"[;\n]", _BASE.sub("", unmarked(text))) if part.strip()]
    made = [_based(part, bases.get("ibase") or 10, bases.get("obase") or 10) for part in rest]
    return UNKNOWN if not made or None in made else "".join(f"{each}\n" for each in made)


def _based(digits: str, source: int, target: int) -> str | None:
    if not _NUMBER.fullmatch(digits) or not 2 <= source <= 36 or target not in _WRITTEN:
        return None
    try:
        return format(int(digits, source), _WRITTEN[target])
    except ValueError:
        return None


_WRITTEN = {2: "b", 8: "o", 10: "d", 16: "X"}


def dc(run: Run, argv: list[str], state: State) -> str | None:
    """``NUMBER P`` prints the bytes of a number."""
    given_text = [after for word, after in pairwise(argv) if word in ("-e", "--expression")]
    text = given_text[0] if given_text else given(run, [], state)
    if opaque(text):
        return blurred(text)
    found = re.fullmatch(r"\s*(?:16i\s*)?([0-9A-F]{1,1000})\s*P\s*", unmarked(text))
    if found is None:
        return UNKNOWN
    number = int(found[1], 16 if "16i" in text else 10) if re.fullmatch(r"[0-9]+|.*16i.*", text.strip(" P\n")) else -1
    if number < 0:
        return UNKNOWN
    return literal(number.to_bytes((number.bit_length() + 7) // 8, "big").decode("utf-8", "replace"))


TEXTS = {
    **dict.fromkeys(("jq", "yq", "gojq", "jaq"), jq),
    "envsubst": substituted,
    **dict.fromkeys(("column", "fmt", "iconv", "recode", "uconv", "expand", "unexpand", "dos2unix"), laid_out),
    **dict.fromkeys(("unix2dos", "ascii2uni", "mbuffer", "buffer", "unbuffer-stdin", "lolcat"), laid_out),
    "date": date,
    "expr": expr,
    "ls": ls,
    "bc": bc,
    "dc": dc,
}

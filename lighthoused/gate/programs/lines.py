"""Filters of lines: head, tail, cut, grep, sort, paste, ... Their output is computed exactly or said to be unknown."""

import re
from itertools import zip_longest

from lighthoused.gate.programs.regexes import MAX_TEXT, compiled
from lighthoused.gate.shell.bounds import decimal
from lighthoused.gate.shell.quoting import ansi
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import UNKNOWN, opaque, origin, unmarked


class Options:
    """Flags and words of a filter. `takes`: letters of short flags with a value."""

    def __init__(self, words: list[str], takes: str, long: dict[str, str] | None = None) -> None:
        self.flags: dict[str, str] = {}
        self.words: list[str] = []
        self.strange = False
        rest = iter(words)
        for word in rest:
            if word == "--":
                self.words.extend(rest)
            elif word.startswith("--"):
                self._long(word, long or {}, rest)
            elif word.startswith("-") and len(word) > 1:
                self._short(word, takes, rest)
            else:
                self.words.append(word)

    def _long(self, word: str, long: dict[str, str], rest: object) -> None:
        name, equals, value = word[2:].partition("=")
        letter = long.get(name)
        if letter is None:
            self.strange = True
        elif letter.endswith(":"):
            self.flags[letter[0]] = value if equals else next(rest, "")  # type: ignore[call-overload]
        else:
            self.flags[letter] = ""

    def _short(self, word: str, takes: str, rest: object) -> None:
        for at, letter in enumerate(word[1:], 2):
            if letter in takes:
                value = word[at:] or next(rest, "")  # type: ignore[call-overload]
                before = self.flags.get(letter)
                self.flags[letter] = f"{before}\n{value}" if before is not None and letter == "e" else value
                return
            self.flags[letter] = ""


def given(run: Run, paths: list[str], state: State) -> str:
    """What a filter reads: the files named, else standard input."""
    if not paths:
        return state.stdin.all()
    return "".join(state.stdin.all() if path == "-" else run.redirects.contents(path, state) for path in paths)


def blurred(text: str) -> str:
    """The output where it cannot be computed: only where it came from is known."""
    return origin(text) or UNKNOWN


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _joined(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)


def cat(run: Run, argv: list[str], state: State) -> str:
    """cat, less, more, pv, ...: as it is. tac: backwards."""
    options = Options(argv[1:], _TAKES.get(argv[0], ""))
    if argv[0] == "sponge":
        for path in options.words:
            run.findings.path("write", path, state.cwd, program="sponge", note="It replaces what has this name.")
            run.redirects.keep_output(
                run.findings.targets.absolute(path, state.cwd), state.stdin.all(), "a" in options.flags, state
            )
        return "" if options.words else state.stdin.all()
    text = given(run, options.words, state)
    if argv[0] == "tac":
        return _joined(_lines(text)[::-1])
    if argv[0] in ("nl", "strings") or (argv[0] == "cat" and set(options.flags) & set("nbEvTA")):
        return text if opaque(text) else _numbered(text)
    return text


def _numbered(text: str) -> str:
    return _joined([f"{number:6}\t{line}" for number, line in enumerate(_lines(text), 1)])


_TAKES = {"pv": "LsN", "bat": "lr", "less": "pPtoO", "nl": "bdfhilnsvw"}


def head(run: Run, argv: list[str], state: State) -> str:
    """head and tail, by lines or bytes."""
    words = [f"-n{word[1:]}" if re.fullmatch(r"-\d+", word) else word for word in argv[1:]]
    options = Options(words, "nc", {"lines": "n:", "bytes": "c:"})
    text = given(run, options.words, state)
    if opaque(text) or options.strange:
        return text if opaque(text) else blurred(text)
    unit = "c" if "c" in options.flags else "n"
    count = options.flags.get(unit, "10")
    number = decimal(count.lstrip("+"))
    if number is None:
        return blurred(text)
    part = _end(count, number) if argv[0] == "tail" else slice(number)
    return text[part] if unit == "c" else _joined(_lines(text)[part])


def _end(count: str, number: int) -> slice:
    if count.startswith("+"):
        return slice(max(0, number - 1), None)
    return slice(-abs(number), None) if number else slice(0)


def cut(run: Run, argv: list[str], state: State) -> str:
    """Characters or fields of each line."""
    options = Options(argv[1:], "dfcb", {"delimiter": "d:", "fields": "f:", "characters": "c:", "bytes": "b:"})
    text = given(run, options.words, state)
    flags = options.flags
    spans = _spans(flags.get("f") or flags.get("c") or flags.get("b") or "")
    if opaque(text) or options.strange or spans is None or "complement" in flags:
        return blurred(text)
    if "f" not in flags:
        return _joined(["".join(_chosen(list(line), spans)) for line in _lines(text)])
    mark = unmarked(flags.get("d", "\t"))[:1]
    made = []
    for line in _lines(text):
        if mark in line:
            made.append(mark.join(_chosen(line.split(mark), spans)))
        elif "s" not in flags:
            made.append(line)
    return _joined(made)


def _spans(source: str) -> list[tuple[int, int]] | None:
    spans = []
    for piece in source.split(","):
        found = re.fullmatch(r"(\d{0,6})(-?)(\d{0,6})", piece)
        if found is None or not piece or piece == "-":
            return None
        first = int(found[1] or 1)
        spans.append((first, int(found[3] or 1 << 20) if found[2] else first))
    return spans


def _chosen(items: list[str], spans: list[tuple[int, int]]) -> list[str]:
    return [item for at, item in enumerate(items, 1) if any(first <= at <= last for first, last in spans)]


def grep(run: Run, argv: list[str], state: State) -> str:
    """Lines that match, or with -o what matches in them."""
    options = Options(
        argv[1:], "ABCmefd", {"only-matching": "o", "invert-match": "v", "ignore-case": "i", "color": "Z"}
    )
    flags = options.flags
    if "e" not in flags and "f" not in flags and options.words:
        flags["e"] = options.words.pop(0)
    text = given(run, options.words, state)
    if opaque(text):
        return text
    source = unmarked(flags.get("e", ""))
    if {"q", "l", "L"} & flags.keys():
        return "" if "q" in flags else UNKNOWN
    extended = argv[0] == "egrep" or bool({"E", "P"} & flags.keys())
    literal = argv[0] == "fgrep" or "F" in flags
    pattern = compiled(re.escape(source) if literal else source, extended or literal, _case(flags))
    if (
        pattern is None
        or {"c", "f", "A", "B", "C", "z", "w", "x", "r", "R", "n", "b"} & flags.keys()
        or len(text) > MAX_TEXT
    ):
        return blurred(text)
    run.charge(len(text) >> 7)
    if "o" in flags:
        return _joined([found[0] for line in _lines(text) for found in pattern.finditer(line) if found[0]])
    return _joined([line for line in _lines(text) if (pattern.search(line) is None) == ("v" in flags)])


def _case(flags: dict[str, str]) -> re.RegexFlag:
    return re.IGNORECASE if "i" in flags else re.NOFLAG


def rev(run: Run, argv: list[str], state: State) -> str:
    text = given(run, Options(argv[1:], "").words, state)
    return "\n".join(line[::-1] for line in text.split("\n"))


def sort(run: Run, argv: list[str], state: State) -> str:
    """sort and uniq, without keys."""
    options = Options(argv[1:], "ktTSo", {"reverse": "r", "unique": "u", "numeric-sort": "n"})
    text = given(run, options.words[: 1 if argv[0] == "uniq" else None], state)
    if opaque(text):
        return text
    if options.strange or set(options.flags) - set("ru") or (argv[0] == "uniq" and options.flags):
        return blurred(text)
    lines = _lines(text)
    if argv[0] == "sort":
        lines = sorted(lines, reverse="r" in options.flags)
    if argv[0] == "uniq" or "u" in options.flags:
        lines = [line for at, line in enumerate(lines) if at == 0 or line != lines[at - 1]]
    return _joined(lines)


def paste(run: Run, argv: list[str], state: State) -> str:
    """paste -s joins the lines of its input."""
    options = Options(argv[1:], "d", {"serial": "s", "delimiters": "d:"})
    if "s" not in options.flags and len(options.words) > 1 and "-" not in options.words:
        return _side_by_side(run, options, state)
    text = given(run, options.words, state)
    if opaque(text) or "s" not in options.flags or len(options.words) > 1:
        return blurred(text)
    marks = ansi(unmarked(options.flags.get("d", "\t"))).replace("\\0", "")
    if len(marks) > 1:
        return blurred(text)
    return marks.join(_lines(text)) + "\n"


def _side_by_side(run: Run, options: Options, state: State) -> str:
    """The lines of several files beside each other."""
    texts = [given(run, [path], state) for path in options.words]
    mark = ansi(unmarked(options.flags.get("d", "\t")))[:1]
    if any(map(opaque, texts)):
        return next(blurred(text) for text in texts if opaque(text))
    return _joined([mark.join(parts) for parts in zip_longest(*map(_lines, texts), fillvalue="")])


def fold(run: Run, argv: list[str], state: State) -> str:
    """fold -w breaks lines at a width."""
    options = Options(argv[1:], "w", {"width": "w:"})
    text = given(run, options.words, state)
    width = decimal(options.flags.get("w", "80"))
    if opaque(text) or not width or width < 1 or "s" in options.flags:
        return blurred(text)
    return _joined([line[at : at + width] for line in _lines(text) for at in range(0, max(1, len(line)), width)])


LINES = {
    **dict.fromkeys(("cat", "tac", "pv", "nl", "less", "more", "bat", "batcat", "strings", "sponge"), cat),
    **dict.fromkeys(("head", "tail"), head),
    **dict.fromkeys(("grep", "egrep", "fgrep"), grep),
    **dict.fromkeys(("sort", "uniq"), sort),
    "cut": cut,
    "rev": rev,
    "paste": paste,
    "fold": fold,
}
